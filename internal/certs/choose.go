// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/ecdsa"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
)

// ChallengeProtocol is the protocol by which a CA asks for the TLS-ALPN-01
// challenge (RFC 8737, section 6.2); the TLS configuration must offer it.
const ChallengeProtocol = "acme-tls/1"

// Certificate chooses the certificate for a client. nil without an error: there
// is none for the name. An error is ErrNotYet or the end of the client's patience.
//
// A client that names no host gets the certificate of the address it came to, if
// a site has that as a host; else the one of Options.Default; else that of the site
// "*"; else the first file of all sites. A client that names one gets that name's
// certificate, or a wildcard's if the name has none of its own, or that of the site
// "*", which may not fit: the owner said so.
func (k *Keeper) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, ok := normal(hello.ServerName)
	if !ok {
		return nil, nil
	}
	// "The client prepares for validation by constructing a self-signed certificate"
	// and must not serve it to anybody but the CA (RFC 8737, section 3).
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ChallengeProtocol {
		return k.alpnCertificate(name), nil
	}
	live := k.live.Load()
	e := live.table.bare
	switch {
	case name != "":
		e = live.table.find(name)
	case live.table.addresses:
		if own := live.table.exact[localAddress(hello.Conn)]; own != nil {
			e = own
		}
	}
	if name != "" && (e == nil || e == live.table.any) && live.automatic != nil && live.automatic.demand != nil {
		if cert, err := live.automatic.demand.certificate(hello.Context(), name); cert != nil || err != nil {
			return cert, err
		}
	}
	if e == nil {
		return nil, nil
	}
	return e.choose(hello)
}

// choose picks an ECDSA certificate if the client can use one, since that costs
// the least, else the first that it can use. If it can use none the first is given,
// and TLS tells the client why not.
func (e *entry) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(e.slots) == 1 {
		if cert := e.slots[0].cert.Load(); cert != nil {
			return cert, nil
		}
		return nil, ErrNotYet
	}
	// What certificates name was looked at when the table was made, and need not fit:
	// only the client's algorithms count here.
	nameless := *hello
	nameless.ServerName = ""
	var first, usable *tls.Certificate
	for _, s := range e.slots {
		cert := s.cert.Load()
		if cert == nil {
			continue
		}
		if first == nil {
			first = cert
		}
		_, cheap := cert.Leaf.PublicKey.(*ecdsa.PublicKey)
		if (cheap || usable == nil) && nameless.SupportsCertificate(cert) == nil {
			usable = cert
			if cheap {
				break
			}
		}
	}
	switch {
	case usable != nil:
		return usable, nil
	case first != nil:
		return first, nil
	}
	return nil, ErrNotYet
}

// normal returns the name of a ClientHello in lower case and without a final dot,
// and false if it is no host name. It allocates only for what is not normal.
func normal(name string) (string, bool) {
	if len(name) > hostLimitBytes+1 {
		return "", false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" || isDNSName(name) {
		return name, true
	}
	// "Literal IPv4 and IPv6 addresses are not permitted" (RFC 6066, section 3).
	// Clients that send one mean that they know no name.
	_, err := netip.ParseAddr(name)
	return "", err == nil
}

// localAddress returns the IP address that a client came to, "" if it is not
// known.
func localAddress(conn net.Conn) string {
	if conn == nil {
		return ""
	}
	tcp, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("").String()
}
