// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"crypto/rand"
	"crypto/tls"
	"sync/atomic"

	"causey/lab/origin"
	"causey/lab/pki"
	"causey/lab/real"
)

// shopInternal is the name that gateways ask servers with TLS for.
const shopInternal = "shop.internal"

// issuers are who signs for servers: gateways trust root, and inner is what servers have to send along.
type issuers struct{ root, inner *pki.Authority }

func (s *Stage) issuers() issuers {
	root := pki.Root("Lab Root")
	pki.Write(s.Dir, "root.pem", root.PEM())
	return issuers{root, root.Intermediate("Lab Intermediate")}
}

// leaf is a good certificate of the server.
func (i issuers) leaf() *pki.Certificate { return i.inner.Issue(leafFor(shopInternal)) }

// leafFor is what public authorities issue: with the place where the issuer's own certificate is to be had.
func leafFor(names ...string) pki.Leaf {
	return pki.Leaf{Names: names, IssuerURL: "http://ca.internal/intermediate.crt"}
}

// trusting are lines of an upstream whose servers are asked for their name and verified.
func (s *Stage) trusting(more ...string) []string {
	return append(more, "tls: {server_name: "+shopInternal+", ca_file: "+s.Dir+"/root.pem}", renewing)
}

// renewing has connections to the servers end now and then, so that there are handshakes.
const renewing = "keep_alive: {max_requests: 10}"

// secured is a fault of what a raw server does in the TLS handshake.
type secured struct {
	cause, name string
	// ill is what the server does, from the start or from Break on.
	ill   func(issuers) *tls.Config
	start bool
	lines []string
}

func (f secured) fault() *Fault {
	made := &Fault{Cause: f.cause, Name: f.name, Means: Raw, Scope: "upstream", Set: func(s *Stage) error {
		i := s.issuers()
		server, err := s.secure(i.leaf().Server(nil))
		if err != nil {
			return err
		}
		s.Config = behind("https://"+server.addr, s.trusting(f.lines...)...)
		s.breaks = func() error {
			server.show(f.ill(i))
			return nil
		}
		s.mends = func() error {
			server.show(i.leaf().Server(nil))
			return nil
		}
		if f.start {
			return s.breaks()
		}
		return nil
	}}
	if !f.start {
		made.Break, made.Mend = later, back
	}
	return made
}

// tlsServer is a raw server whose side of the handshake can be changed, as by a reload.
type tlsServer struct {
	addr  string
	shown atomic.Pointer[tls.Config]
}

// show is a reload: what was agreed on with clients before, for shorter handshakes, is forgotten.
func (t *tlsServer) show(cfg *tls.Config) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	cfg.SetSessionTicketKeys([][32]byte{key})
	t.shown.Store(cfg)
}

func (s *Stage) secure(well *tls.Config) (*tlsServer, error) {
	t := &tlsServer{}
	t.show(well)
	r, err := s.raw(origin.Options{TLS: &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return t.shown.Load(), nil
	}}})
	if err != nil {
		return nil, err
	}
	t.addr = r.Addr()
	return t, nil
}

// shows is a server that shows one certificate.
func shows(cert func(issuers) *pki.Certificate) func(issuers) *tls.Config {
	return func(i issuers) *tls.Config { return cert(i).Server(nil) }
}

// wantsClients is a server that asks for a client's certificate, in one version of TLS.
func wantsClients(version uint16) func(issuers) *tls.Config {
	return func(i issuers) *tls.Config {
		return i.leaf().Server(func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pki.Pool(i.root)
			c.MinVersion, c.MaxVersion = version, version
		})
	}
}

// nginxTLS sets up nginx with TLS, and a gateway that comes to it by the given scheme.
func (s *Stage) nginxTLS(cert *pki.Certificate, directives, scheme string, lines []string) error {
	p, err := s.proxied("listen ADDR ssl; ssl_certificate tls.pem; ssl_certificate_key tls.key; "+directives, s.files(cert))
	if err != nil {
		return err
	}
	s.Config = behind(scheme+"://"+p.Addr(), lines...)
	return nil
}

// files are a certificate with its chain and its key, as nginx is given them.
func (s *Stage) files(cert *pki.Certificate) real.NginxOptions {
	return real.NginxOptions{TLS: &real.TLS{Certificate: pki.ChainPEM(cert.Whole()), Key: cert.KeyPEM()}}
}
