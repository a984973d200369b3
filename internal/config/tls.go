// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"reflect"
)

// TLSProfile is a set of protocol versions and cipher suites.
type TLSProfile string

// The profiles, by the names of Mozilla's recommendations.
const (
	ProfileModern       TLSProfile = "modern"       // TLS 1.3 only
	ProfileIntermediate TLSProfile = "intermediate" // TLS 1.2 with forward secrecy, and 1.3
)

// TLS says how clients are served over TLS.
type TLS struct {
	Profile TLSProfile `json:"profile"`
	// Certificates are for every host that they name.
	Certificates []CertificatePair `json:"certificates,omitempty"`
	Automatic    Automatic         `json:"automatic"`
	// Port is the port of https addresses as visitors know them.
	Port int `json:"port"` // 0: that of the first listener with TLS
}

// CertificatePair is a certificate with its chain, and its key, in PEM files; one
// file may hold both.
type CertificatePair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`

	// pair is what the files held.
	pair tls.Certificate
}

// Pair is what the files held when the configuration was read.
func (p *CertificatePair) Pair() *tls.Certificate { return &p.pair }

// Challenge is a way to prove to a CA that a host is ours.
type Challenge string

// The challenges that need no DNS.
const (
	ChallengeHTTP    Challenge = "http"     // HTTP-01 (RFC 8555 section 8.3)
	ChallengeTLSALPN Challenge = "tls-alpn" // TLS-ALPN-01 (RFC 8737)
)

// Automatic is about certificates that the gateway obtains and renews itself.
type Automatic struct {
	Enabled bool `json:"enabled"`
	// CA is the URL of an ACME directory.
	CA         string      `json:"ca"`
	CAFile     string      `json:"ca_file,omitempty"`
	Email      string      `json:"email,omitempty"`
	Challenges []Challenge `json:"challenges"`
	DNS        DNS         `json:"dns,omitzero"`
	Storage    string      `json:"storage,omitempty"` // "" where no listener has TLS
	// Ask is the URL that allows names of no site; "": none is.
	Ask          string `json:"ask,omitempty"`
	AskTokenFile string `json:"ask_token_file,omitempty"`
	// AskToken is what AskTokenFile held.
	AskToken string `json:"-"`
	// CAPEM is what CAFile held.
	CAPEM []byte `json:"-"`
}

// DNSProvider is a way to set a record of the zone.
type DNSProvider string

// The providers.
const (
	DNSExec       DNSProvider = "exec"
	DNSRFC2136    DNSProvider = "rfc2136"
	DNSCloudflare DNSProvider = "cloudflare"
)

// The algorithms of a TSIG key (RFC 8945).
const (
	HMACSHA256 = "hmac-sha256"
	HMACSHA512 = "hmac-sha512"
)

// DNS is the DNS-01 challenge (RFC 8555 section 8.4).
type DNS struct {
	Provider DNSProvider `json:"provider"`
	// Command is the program of DNSExec.
	Command string `json:"command,omitempty"`
	// Server (host:port), Zone, KeyName, KeyAlgorithm and KeyFile are for DNSRFC2136.
	Server       string `json:"server,omitempty"`
	Zone         string `json:"zone,omitempty"`
	KeyName      string `json:"key_name,omitempty"`
	KeyAlgorithm string `json:"key_algorithm,omitempty"`
	KeyFile      string `json:"key_file,omitempty"`
	// TokenFile is for DNSCloudflare.
	TokenFile string `json:"token_file,omitempty"`
	// Wait is how long a record takes to reach all servers of its zone.
	Wait Duration `json:"wait"`
	// Secret is what KeyFile (in base64) or TokenFile held.
	Secret string `json:"-"`
}

// SiteTLS is how one site is served over TLS.
type SiteTLS struct {
	Certificates []CertificatePair `json:"certificates,omitempty"`
	ClientAuth   ClientAuth        `json:"client_auth,omitzero"`
	Redirect     bool              `json:"redirect"`
	HSTS         HSTS              `json:"hsts"`
}

// ClientAuthMode says what becomes of clients without a certificate.
type ClientAuthMode string

// The modes.
const (
	ClientAuthRequire ClientAuthMode = "require"
	ClientAuthRequest ClientAuthMode = "request"
)

// ClientAuth asks clients for a certificate.
type ClientAuth struct {
	CAFile string         `json:"ca_file"`
	Mode   ClientAuthMode `json:"mode"`
	// CA is what CAFile held.
	CA []byte `json:"-"`
}

// HSTS is Strict-Transport-Security (RFC 6797); no MaxAge is no such field.
type HSTS struct {
	MaxAge     Duration `json:"max_age"`
	Subdomains bool     `json:"subdomains"`
	Preload    bool     `json:"preload"`
}

// TLSVersion is a version of the protocol.
type TLSVersion string

// The versions that are spoken at all.
const (
	TLS12 TLSVersion = "1.2"
	TLS13 TLSVersion = "1.3"
)

// UpstreamTLS is how the https servers of an upstream are spoken to.
type UpstreamTLS struct {
	ServerName string          `json:"server_name,omitempty"`       // "": the server's own host
	CAFile     string          `json:"ca_file,omitempty"`           // "": the system's
	ClientCert CertificatePair `json:"client_certificate,omitzero"` // zero: none
	MinVersion TLSVersion      `json:"min_version"`
	Verify     bool            `json:"verify"`
	CRLFile    string          `json:"crl_file,omitempty"`
	// CA and CRL are what CAFile and CRLFile held.
	CA  []byte `json:"-"`
	CRL []byte `json:"-"`
}

// IsZero reports that t says nothing beside the defaults, so that JSON need not have it.
func (t TLS) IsZero() bool { return reflect.DeepEqual(t, tlsKind.preset()) }

// IsZero reports that t says nothing beside the defaults.
func (t SiteTLS) IsZero() bool { return reflect.DeepEqual(t, siteTLSKind.preset()) }

// IsZero reports that t says nothing beside the defaults.
func (t UpstreamTLS) IsZero() bool { return reflect.DeepEqual(t, upstreamTLSKind.preset()) }

// IsZero reports that there is no such challenge.
func (x DNS) IsZero() bool { return x.Provider == "" }

// IsZero reports that clients are not asked.
func (a ClientAuth) IsZero() bool { return a.CAFile == "" }

// IsZero reports that there is no pair.
func (p CertificatePair) IsZero() bool { return p.Certificate == "" }

// HasTLS reports whether any listener serves TLS.
func (c *Config) HasTLS() bool {
	for _, l := range c.Listen {
		if l.TLS {
			return true
		}
	}
	return false
}

// HTTPSPort is the port of https addresses, 0 where there are none.
func (c *Config) HTTPSPort() int {
	if c.TLS.Port != 0 {
		return c.TLS.Port
	}
	for _, l := range c.Listen {
		if l.TLS && l.Address.Network == TCP {
			return int(l.Address.Port)
		}
	}
	return 0
}
