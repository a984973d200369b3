// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"crypto/tls"
	"time"

	"causey/lab/origin"
	"causey/lab/pki"
	"causey/lab/real"
)

func init() { lists = append(lists, rawTLS) }

var rawTLS = []*Fault{
	secured{cause: "tls.cert_expired", start: true, ill: shows(func(i issuers) *pki.Certificate {
		return i.inner.Issue(leafFor(shopInternal).Expired())
	})}.fault(),
	{Cause: "tls.cert_expired", Name: "meanwhile", Means: Raw, Scope: "upstream", Set: setExpiring, Break: later, Mend: back},
	{Cause: "tls.cert_expired", Name: "one", Means: Raw, Scope: "server", Set: setOneExpired, Break: later, Mend: back},
	{Cause: "tls.clock_skew", Means: Raw, Scope: "everything", Set: setSkewed, Break: later, Mend: back},
	secured{cause: "tls.unknown_ca", name: "self-signed", start: true, ill: shows(func(issuers) *pki.Certificate {
		return pki.SelfSigned(pki.Leaf{Names: []string{shopInternal}})
	})}.fault(),
	secured{cause: "tls.unknown_ca", name: "private", ill: shows(func(issuers) *pki.Certificate {
		return pki.Root("Shop Ltd Private CA").Issue(pki.Leaf{Names: []string{shopInternal}})
	})}.fault(),
	secured{cause: "tls.chain_incomplete", ill: func(i issuers) *tls.Config {
		leaf := i.leaf()
		return leaf.Server(func(c *tls.Config) { c.Certificates = []tls.Certificate{leaf.TLS(leaf.Alone()...)} })
	}}.fault(),
	secured{cause: "tls.name_mismatch", name: "renewed", ill: shows(func(i issuers) *pki.Certificate {
		return i.inner.Issue(leafFor("www.shop.example", "shop.example"))
	})}.fault(),
	secured{cause: "tls.version", name: "raw", ill: func(i issuers) *tls.Config {
		return i.leaf().Server(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	}}.fault(),
	secured{cause: "tls.client_cert_required", name: "tls12", ill: wantsClients(tls.VersionTLS12)}.fault(),
	secured{cause: "tls.client_cert_required", name: "tls13", ill: wantsClients(tls.VersionTLS13)}.fault(),
	secured{cause: "tls.alpn", ill: func(i issuers) *tls.Config {
		return i.leaf().Server(func(c *tls.Config) { c.NextProtos = []string{"grpc-exp"} })
	}}.fault(),
	{Cause: "tls.stall", Means: Raw, Scope: "upstream", Set: setHandshakeStall, Break: later, Mend: back},
	secured{cause: "tls.revoked_or_ocsp", name: "staple", ill: func(i issuers) *tls.Config {
		leaf := i.leaf()
		return leaf.Server(func(c *tls.Config) { c.Certificates[0].OCSPStaple = leaf.OCSP(true) })
	}}.fault(),
	{Cause: "tls.revoked_or_ocsp", Name: "crl", Means: Raw, Scope: "upstream", Set: setRevoked},
	{Cause: "tls.plain_to_tls_port", Name: "alert", Means: Raw, Scope: "upstream", Set: setForeign("tls-alert")},
	{Cause: "tls.unknown_ca", Name: "nginx", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		s.issuers()
		return s.nginxTLS(pki.SelfSigned(pki.Leaf{Names: []string{shopInternal}}), "", "https", s.trusting())
	}},
	{Cause: "tls.name_mismatch", Name: "address", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxTLS(s.issuers().leaf(), "", "https", []string{"tls: {ca_file: " + s.Dir + "/root.pem}"})
	}},
	{Cause: "tls.sni", Means: Real, Scope: "upstream", Set: setNameless},
	{Cause: "tls.version", Name: "nginx", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxTLS(s.issuers().leaf(), "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;", "https", s.trusting())
	}},
	{Cause: "tls.cipher", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		odd := "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-CAMELLIA256-SHA384;"
		return s.nginxTLS(s.issuers().leaf(), odd, "https", s.trusting())
	}},
	{Cause: "tls.client_cert_required", Name: "nginx", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxTLS(s.issuers().leaf(), "ssl_verify_client on; ssl_client_certificate tls.pem;", "https", s.trusting())
	}},
	{Cause: "tls.to_plaintext_port", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		s.issuers()
		p, err := s.proxied("listen ADDR;", real.NginxOptions{})
		if err != nil {
			return err
		}
		s.Config = behind("https://"+p.Addr(), s.trusting()...)
		return nil
	}},
	{Cause: "tls.plain_to_tls_port", Name: "nginx", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxTLS(s.issuers().leaf(), "", "http", nil)
	}},
}

// setNameless has nginx serve one name and reject handshakes for any other, to which a gateway comes by an address.
func setNameless(s *Stage) error {
	cert := s.issuers().inner.Issue(leafFor(shopInternal))
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	p, err := s.nginx(`server { listen ADDR ssl default_server; ssl_reject_handshake on; }
server {
	listen ADDR ssl; server_name `+shopInternal+`; ssl_certificate tls.pem; ssl_certificate_key tls.key;
	location / { `+proxyTo(r.Addr())+` }
}`, s.files(cert))
	if err != nil {
		return err
	}
	s.Config = behind("https://"+p.Addr(), "tls: {ca_file: "+s.Dir+"/root.pem}")
	return nil
}

// setExpiring has the last seconds of a certificate pass while visitors come: Break returns when they have.
func setExpiring(s *Stage) error {
	i := s.issuers()
	server, err := s.secure(i.leaf().Server(nil))
	if err != nil {
		return err
	}
	s.Config = behind("https://"+server.addr, s.trusting()...)
	s.breaks = func() error {
		leaf := leafFor(shopInternal)
		leaf.NotBefore, leaf.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(2*time.Second)
		server.show(i.inner.Issue(leaf).Server(nil))
		select {
		case <-time.After(time.Until(leaf.NotAfter) + time.Second/10):
			return nil
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	s.mends = func() error {
		server.show(i.leaf().Server(nil))
		return nil
	}
	return nil
}

// securePair starts two servers that are well.
func (s *Stage) securePair(i issuers) (pair [2]*tlsServer, err error) {
	for n := range pair {
		if pair[n], err = s.secure(i.leaf().Server(nil)); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// setOneExpired has the certificate of one of two servers run out: the one that nobody renewed.
func setOneExpired(s *Stage) error {
	i := s.issuers()
	pair, err := s.securePair(i)
	if err != nil {
		return err
	}
	s.Config = behind("[https://"+pair[0].addr+", https://"+pair[1].addr+"]", s.trusting()...)
	s.breaks = func() error {
		pair[1].show(i.inner.Issue(leafFor(shopInternal).Expired()).Server(nil))
		return nil
	}
	s.mends = func() error {
		pair[1].show(i.leaf().Server(nil))
		return nil
	}
	return nil
}

// setSkewed has two servers whose certificates an authority of the owner's renews often, until its clock is an hour
// ahead of everybody's.
func setSkewed(s *Stage) error {
	i := s.issuers()
	servers, err := s.securePair(i)
	if err != nil {
		return err
	}
	s.Config = "sites:\n  - host: shop.example\n    routes: [{path: /, upstream: shop}, {path: /search, upstream: search}]\n" +
		"upstreams:\n" +
		"  shop:\n    servers: [\"https://" + servers[0].addr + "\"]\n" + indented(s.trusting()) +
		"  search:\n    servers: [\"https://" + servers[1].addr + "\"]\n" + indented(s.trusting())
	renew := func(leaf pki.Leaf) error {
		for _, server := range servers {
			server.show(i.inner.Issue(leaf).Server(nil))
		}
		return nil
	}
	s.breaks = func() error { return renew(leafFor(shopInternal).NotYetValid(time.Hour)) }
	s.mends = func() error { return renew(leafFor(shopInternal)) }
	return nil
}

// setHandshakeStall has a server take ClientHellos and answer none, from Break to Mend.
func setHandshakeStall(s *Stage) error {
	i := s.issuers()
	good := i.leaf().Server(nil)
	server, err := s.secure(good)
	if err != nil {
		return err
	}
	s.Config = behind("https://"+server.addr, s.trusting("timeouts: {up_handshake: 2s}")...)
	ctx, cancel := context.WithCancel(s.ctx)
	s.AtEnd(cancel) // before the server's own end, which waits for its handshakes
	s.breaks = func() error {
		stuck := good.Clone()
		stuck.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		stuck.Certificates = nil
		server.show(stuck)
		return nil
	}
	s.mends = func() error {
		server.show(good)
		return nil
	}
	return nil
}

// setRevoked has the gateway know a list of revoked certificates, on which the server's is.
func setRevoked(s *Stage) error {
	i := s.issuers()
	leaf := i.leaf()
	pki.Write(s.Dir, "revoked.pem", i.inner.CRL(leaf))
	server, err := s.secure(leaf.Server(nil))
	if err != nil {
		return err
	}
	s.Config = behind("https://"+server.addr, "tls: {server_name: "+shopInternal+", ca_file: "+s.Dir+"/root.pem, crl_file: "+
		s.Dir+"/revoked.pem}")
	return nil
}
