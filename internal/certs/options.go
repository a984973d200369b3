// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/certmagic"
)

// ErrNotYet says that a name is one of ours and its certificate is not there
// yet. The client may come back; the Status says what it waits for.
var ErrNotYet = errors.New("certs: the certificate for this name is not obtained yet")

// Options says what is served. Functions must not be nil.
type Options struct {
	Sites []Site
	// Default is shown to clients that name no host; zero: a file of the site "*",
	// else the first file of all sites.
	Default Pair
	// Automatic says how certificates are obtained; nil: they are not. A Reload with
	// the same pointer goes on with what is under way, one with another begins anew
	// with what the storage has.
	Automatic *Automatic
	Logger    *slog.Logger
	// Now and After are the clock: time.Now and time.After.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// Site is a set of host names with their certificates.
type Site struct {
	// Hosts are lower case: "example.com", "*.example.com" (one label), an IP
	// address, or "*" for whatever no other site names.
	Hosts []string
	// Files are this site's certificates, of different key types if several. None:
	// they are obtained, if Automatic is set, for hosts that are names, and for
	// wildcards by DNS. A host that the CA will not certify must not be here without.
	Files []Pair
}

// Pair names the two PEM files of a certificate: the chain with the leaf first,
// and the key. Both may be the same file.
type Pair struct {
	Certificate, Key string
}

// Automatic says how certificates are obtained.
type Automatic struct {
	// Directory is the URL of the CA's ACME directory.
	Directory string
	// Roots verify the CA's own API; nil: the system's.
	Roots *x509.CertPool
	// Email is told to the CA; empty: none.
	Email string
	// Storage is a directory, made with mode 0700 if it is not there. Gateways that
	// share it share account and certificates, and answer each other's challenges.
	Storage string
	// HTTP and TLSALPN allow the challenges HTTP-01 (port 80 must lead here) and
	// TLS-ALPN-01 (port 443 must).
	HTTP, TLSALPN bool
	// DNS, if set, is used for every name, and is the only way to a wildcard. nil:
	// none. DNSWait is how long a record takes until all servers of the zone have
	// it; 0: no wait.
	DNS     DNSProvider
	DNSWait time.Duration
	// OnDemand allows names that no site lists; nil: none.
	OnDemand *OnDemand
	// CheckEvery is how often each certificate is looked at for renewal; 0: 10
	// minutes. A certificate is renewed when a third of its life is left, when the
	// CA says so (RFC 9773), or when 5 CheckEvery are left.
	CheckEvery time.Duration
	// StapleEvery is how often the OCSP staples of obtained certificates are looked
	// at; 0: an hour.
	StapleEvery time.Duration
}

// OnDemand says which names get a certificate when a client first asks for them.
type OnDemand struct {
	// Ask is a URL; GET with ?domain=NAME added answers 200 for a name that may have
	// a certificate, and 403, 404 or 410 for one that may not. Required: without it a
	// stranger could use up the CA's rate limit.
	Ask string
	// Token is sent to it as Authorization: Bearer; empty: none is.
	Token string
	// Certifiable reports whether the CA may certify a name, which is not asked about
	// otherwise; nil: any name.
	Certifiable func(name string) bool
}

const (
	onDemandNamesMax = 10_000 // names on demand that have a certificate
	hostLimitBytes   = 253    // RFC 1035, section 2.3.4, as text without the final dot
	labelLimitBytes  = 63
)

func (a *Automatic) check() error {
	u, err := url.Parse(a.Directory)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("certs: %q is no URL of an ACME directory", a.Directory)
	case u.Scheme != "https" && !certmagic.SubjectIsInternal(u.Hostname()):
		return fmt.Errorf("certs: the ACME directory %q must be https", a.Directory)
	case a.Storage == "":
		return errors.New("certs: certificates are to be obtained, but there is no directory to store them in")
	case !a.HTTP && !a.TLSALPN && a.DNS == nil:
		return errors.New("certs: certificates are to be obtained, but no challenge is allowed")
	}
	if a.OnDemand == nil {
		return nil
	}
	if u, err = url.Parse(a.OnDemand.Ask); err != nil || u.Host == "" {
		return fmt.Errorf("certs: %q is no URL to ask about names", a.OnDemand.Ask)
	}
	return nil
}

// prepareStorage makes the directory, for its owner only. The keys in it are
// written with mode 0600; the directory may have been made by somebody with less
// care.
func (a *Automatic) prepareStorage() error {
	if err := os.MkdirAll(a.Storage, 0o700); err != nil {
		return fmt.Errorf("certs: storage: %w", err)
	}
	err := os.Chmod(a.Storage, 0o700)
	if errors.Is(err, syscall.EPERM) { // it is somebody else's
		if info, statErr := os.Stat(a.Storage); statErr == nil && info.Mode().Perm()&0o077 == 0 {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("certs: storage: %w", err)
	}
	return nil
}

// obtainable reports whether host is of a kind that is obtained, by the challenges
// allowed. Whether the CA knows such a name is the configuration's to say.
func (a *Automatic) obtainable(host string) bool {
	name, wildcard := strings.CutPrefix(host, "*.")
	return isDNSName(name) && (!wildcard || a.DNS != nil)
}

// isDNSName reports whether name, already in lower case, is a host name in the
// form of RFC 1123, with the underscore that people use. Its last label has a
// letter, which tells it from an IPv4 address.
func isDNSName(name string) bool {
	if len(name) > hostLimitBytes {
		return false
	}
	label, letter := 0, false
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if label == 0 || name[i-1] == '-' {
				return false
			}
			label, letter = 0, false
			continue
		case c >= 'a' && c <= 'z', c == '_':
			letter = true
		case c >= '0' && c <= '9':
		case c == '-' && label > 0:
		default:
			return false
		}
		if label++; label > labelLimitBytes {
			return false
		}
	}
	return letter && name[len(name)-1] != '-'
}

// CheckHost returns why host is none that a site can have, nil if it can.
func CheckHost(host string) error {
	name := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil || host == "*" || isDNSName(name) {
		return nil
	}
	return fmt.Errorf("certs: %q is no host: want a name in lower case, a name that begins with *., an IP address or *", host)
}
