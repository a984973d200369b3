// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strconv"
	"time"

	"causey/internal/config"
	"causey/internal/engine"
	"causey/internal/engine/peercert"
)

// intermediateSuites are the cipher suites of TLS 1.2 with forward secrecy and
// authenticated encryption, as Mozilla's profile of that name lists them. Those of
// TLS 1.3 are not a matter of choice.
var intermediateSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// buildPolicy makes what holds for connections to a site, nil where that is what
// holds for all.
func buildPolicy(c *config.Config, s *config.Site) *engine.TLSPolicy {
	if len(s.TLS.ClientAuth.CA) == 0 {
		return nil
	}
	p := defaultPolicy(c)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.TLS.ClientAuth.CA)
	p.ClientAuth = &engine.ClientAuth{ID: clientAuthID(s), Roots: roots, Optional: s.TLS.ClientAuth.Mode == config.ClientAuthRequest}
	return p
}

func defaultPolicy(c *config.Config) *engine.TLSPolicy {
	if c.TLS.Profile == config.ProfileModern {
		return &engine.TLSPolicy{MinVersion: tls.VersionTLS13}
	}
	return &engine.TLSPolicy{MinVersion: tls.VersionTLS12, CipherSuites: intermediateSuites}
}

// clientAuthID names a site's rule for clients' certificates by what it says, so that
// a reload which changes nothing of it leaves connections as they are. "" is no rule.
func clientAuthID(s *config.Site) string {
	a := &s.TLS.ClientAuth
	if len(a.CA) == 0 {
		return ""
	}
	sum := sha256.Sum256(append([]byte(a.Mode+"\x00"), a.CA...))
	return s.Hosts[0] + "#" + hex.EncodeToString(sum[:8])
}

// hsts is the value of Strict-Transport-Security.
func hsts(h config.HSTS) []byte {
	if h.MaxAge == 0 {
		return nil
	}
	b := strconv.AppendInt([]byte("max-age="), int64(h.MaxAge.Std()/time.Second), 10)
	if h.Subdomains {
		b = append(b, "; includeSubDomains"...)
	}
	if h.Preload {
		b = append(b, "; preload"...)
	}
	return b
}

// buildServerTLS makes what the servers of an upstream are spoken to by. Its files
// were read, and found good, when the configuration was loaded.
func buildServerTLS(u *config.Upstream) *engine.ServerTLS {
	t := &engine.ServerTLS{ServerName: u.TLS.ServerName, MinVersion: tls.VersionTLS12}
	if u.TLS.MinVersion == config.TLS13 {
		t.MinVersion = tls.VersionTLS13
	}
	if u.TLS.ClientCert.Certificate != "" {
		t.Certificate = u.TLS.ClientCert.Pair()
	}
	if !u.TLS.Verify {
		return t
	}
	t.Policy = &peercert.Policy{Signers: new(peercert.Signers)}
	if len(u.TLS.CA) > 0 {
		t.Policy.Roots = x509.NewCertPool()
		t.Policy.Roots.AppendCertsFromPEM(u.TLS.CA)
	}
	for _, der := range config.RevocationLists(u.TLS.CRL) {
		if l, err := peercert.ParseCRL(der); err == nil {
			t.Policy.CRLs = append(t.Policy.CRLs, l)
		}
	}
	return t
}
