// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"causey/lab/origin"
	"causey/lab/pki"
	"causey/test/harness"
)

// visitor is a client with a memory for sessions, and a certificate if it has one.
func visitor(ca *pki.Authority, cert *pki.Certificate) *tls.Config {
	cfg := pki.Client("shop.example", ca)
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	if cert != nil {
		shown := cert.TLS()
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
	}
	return cfg
}

// connect makes a connection and asks once, which has the session ticket arrive;
// status is 0 if the gateway refuses.
func connect(t *testing.T, addr string, cfg *tls.Config) (c *harness.Conn, resumed bool, status int) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	tc := tls.Client(nc, cfg)
	c = harness.Over(t, tc)
	if err := tc.Handshake(); err != nil {
		return c, false, 0
	}
	c.Send("GET /size/10 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	if _, err := c.In.Peek(1); err != nil {
		return c, false, 0
	}
	return c, tc.ConnectionState().DidResume, c.Read("GET").StatusCode
}

// Sessions outlive a reload, and so do connections; but neither opens a site whose rule
// about clients' certificates has become another.
func TestSessionsAndReload(t *testing.T) {
	ca, others := pki.Root("Clients"), pki.Root("Others")
	leaf := pki.Leaf{Names: []string{"visitor"}}.ForClients()
	ours, theirs := ca.Issue(leaf), others.Issue(leaf)
	o := harness.Origin(t, origin.Options{})
	dir := t.TempDir()
	cert, key := ca.Issue(pki.Leaf{Names: []string{"shop.example", "open.example"}}).Files(dir, "both")
	pki.Write(dir, "ours.pem", ca.PEM())
	pki.Write(dir, "theirs.pem", others.PEM())
	config := func(rule string) harness.Config {
		if rule != "" {
			rule = fmt.Sprintf(", tls: {client_auth: {ca_file: %s/%s.pem}}", dir, rule)
		}
		return harness.Config{Listen: []string{"{address: '127.0.0.1:0', tls: true}"}, Text: fmt.Sprintf(
			"tls: {certificates: [{certificate: %s, key: %s}]}\nsites: [{host: shop.example, routes: [{path: /, upstream: u}]%s},"+
				" {host: open.example, routes: [{path: /, upstream: u}]}]\nupstreams: {u: {servers: ['%s']}}\n", cert, key, rule, o.Addr())}
	}
	g := harness.Start(t, config(""))
	const open = "GET /size/10 HTTP/1.1\r\nHost: open.example\r\n\r\n"
	const shop = "GET /size/10 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
	want := func(what string, c *harness.Conn, request string, status int) {
		t.Helper()
		if a := c.Ask(request); a.StatusCode != status {
			t.Errorf("%s: status %d, want %d", what, a.StatusCode, status)
		}
	}
	step := func(what string, cfg *tls.Config, resumes bool, status int) *harness.Conn {
		t.Helper()
		c, resumed, got := connect(t, g.Addr, cfg)
		if resumed != resumes || got != status {
			t.Errorf("%s: resumed %v, status %d, want %v, %d", what, resumed, got, resumes, status)
		}
		return c
	}

	nobody := visitor(ca, nil)
	before := step("first", nobody, false, 200)
	reload(t, g, config(""))
	want("a connection from before the reload", before, shop, 200)
	step("after a reload", nobody, true, 200)

	reload(t, g, config("ours")) // the site asks for certificates now
	want("a connection that was not asked", before, open, 200)
	want("a connection that was not asked", before, shop, 421) // which ends it
	step("a session that was not asked", nobody, false, 0)
	us, them := visitor(ca, ours), visitor(ca, theirs)
	asked := step("with a certificate", us, false, 200)
	step("with a strange one", them, false, 0)
	want("a connection that was asked", asked, open, 421)
	asked = step("again", us, true, 200)

	reload(t, g, config("ours"))
	want("a connection of the same rule", asked, shop, 200)
	step("a session of the same rule", us, true, 200)

	reload(t, g, config("theirs")) // another rule
	want("a connection of the rule before", asked, shop, 421)
	step("a session of the rule before", us, false, 0)
	step("whom the new rule wants", them, false, 200)

	reload(t, g, config(""))
	step("a session of a rule that is gone", them, false, 200)
	step("one of before all", visitor(ca, nil), false, 200)
}
