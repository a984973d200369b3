// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/lab/origin"
	"causey/test/harness"
)

// town is a whole gateway with its CA: what front and Keeper are in the other tests.
type town struct {
	t       *testing.T
	front   *front // its addresses only
	names   *names
	ca      *authority
	dir     string
	origin  *origin.Server
	gateway *harness.Gateway
	plain   string
	started time.Time
}

func newTown(t *testing.T, set setup) *town {
	t.Helper()
	w := &town{t: t, names: startNames(t), dir: t.TempDir(), plain: freeAddress(t)}
	w.front = &front{tlsAddr: freeAddress(t)}
	for addr, port := range map[string]*int{w.plain: &w.front.httpPort, w.front.tlsAddr: &w.front.tlsPort} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		must(t, err)
		*port = tcp.Port
	}
	w.ca = startAuthority(t, w.front, w.names.addr, set)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.ca.proxy.Certificate().Raw})
	must(t, os.WriteFile(filepath.Join(w.dir, "ca.pem"), text, 0o600))
	w.origin = harness.Origin(t, origin.Options{})
	return w
}

// config is a gateway with these sites, and these keys of tls.automatic.
func (w *town) config(automatic, timeouts string, sites ...string) harness.Config {
	text := fmt.Sprintf("tls: {automatic: {ca: '%s/dir', ca_file: %s, storage: %s, email: owner@example.com, %s}}\n"+
		"timeouts: {drain: 5s, %s}\nsites:\n", w.ca.proxy.URL, filepath.Join(w.dir, "ca.pem"), filepath.Join(w.dir, "storage"), automatic, timeouts)
	for _, site := range sites {
		host, more, _ := strings.Cut(site, " ")
		text += fmt.Sprintf("  - {host: '%s', routes: [{path: /, upstream: u}]%s}\n", host, more)
	}
	text += fmt.Sprintf("upstreams: {u: {servers: ['%s']}}\n", w.origin.Addr())
	return harness.Config{Listen: []string{w.plain, fmt.Sprintf("{address: '%s', tls: true}", w.front.tlsAddr)}, Text: text}
}

func (w *town) start(c harness.Config) {
	w.started = time.Now()
	w.gateway = harness.Start(w.t, c)
}

func (w *town) stop() {
	now := make(chan struct{})
	close(now)
	w.gateway.Stop(now)
}

// roots are those of the certificates.
func (w *town) roots() *x509.CertPool {
	text, err := w.ca.manage("/roots/0")
	must(w.t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// get asks for a small page; every name is at the gateway. Certificates are verified.
func (w *town) get(url string) (*http.Response, error) {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.roots()}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := w.plain
			if strings.HasSuffix(addr, ":443") {
				to = w.front.tlsAddr
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
	}
	request, err := http.NewRequestWithContext(w.t.Context(), "GET", url, nil)
	must(w.t, err)
	response, err := transport.RoundTrip(request)
	if err == nil {
		response.Body.Close()
	}
	return response, err
}

// wantHTTPS waits until names are served over TLS with good certificates.
func (w *town) wantHTTPS(names ...string) {
	w.t.Helper()
	for _, name := range names {
		eventually(w.t, name+" is served over TLS", func() bool {
			response, err := w.get("https://" + name + "/size/10")
			return err == nil && response.StatusCode == 200
		})
	}
	w.t.Logf("%v served over TLS after %v", names, time.Since(w.started).Round(time.Millisecond))
}

// failed waits for a record of a failed handshake for a name.
func (w *town) failed(name, code string) {
	w.t.Helper()
	w.gateway.Line(func(l harness.Line) bool { return l.Failure == code && l.Host == name })
}

// Host names and nothing else: certificates come by either challenge. Until they are
// there plain HTTP is served, and the failure of a handshake says what it waits for.
// A restart needs no CA, a reload serves a new site.
func TestGatewayWithHostNamesOnly(t *testing.T) {
	for _, challenge := range []string{"http", "tls-alpn"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, setup{})
			one, two, three := "one."+challenge+".test", "two."+challenge+".test", "three."+challenge+".test"
			automatic := "challenges: [" + challenge + "]"
			w.ca.become(held)
			w.start(w.config(automatic, "", one, two+" , tls: {redirect: false}"))
			for url, want := range map[string]int{
				"http://" + one + "/size/10":                       308,
				"http://" + one + "/.well-known/acme-challenge/xy": 308, // none of ours
				"http://" + two + "/size/10":                       200,
			} {
				if response, err := w.get(url); err != nil || response.StatusCode != want {
					t.Errorf("%s while a certificate is pending: %v, %v, want %d", url, response, err, want)
				}
			}
			if _, err := w.get("https://" + one + "/"); err == nil {
				t.Error("served without a certificate")
			}
			w.failed(one, "gateway.handshake.no-certificate")
			w.ca.become(well)
			w.wantHTTPS(one, two)
			if n := w.ca.requests("order"); n != 2 {
				t.Errorf("%d orders, want 2", n)
			}
			if log := w.gateway.Log(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
				t.Errorf("the log warns")
			}
			eventually(t, "the orders are finished", func() bool { return strings.Count(w.gateway.Log(), "obtained a certificate") == 2 })

			w.stop()
			before := w.ca.all()
			w.ca.become(gone)
			w.start(w.config(automatic, "", one, two))
			for _, name := range []string{one, two} {
				if response, err := w.get("https://" + name + "/size/10"); err != nil || response.StatusCode != 200 {
					t.Errorf("%s after a restart: %v", name, err)
				}
			}
			if n := w.ca.all() - before; n != 0 {
				t.Errorf("the CA was asked %d times after a restart", n)
			}

			w.ca.become(well)
			w.gateway.Configure(w.config(automatic, "", one, three))
			must(t, w.gateway.Reload(t.Context()))
			w.started = time.Now()
			w.wantHTTPS(three, one)
			if _, err := w.get("https://" + two + "/"); err == nil {
				t.Error("a site that is gone is served")
			}
			if n := w.ca.requests("order"); n != 3 {
				t.Errorf("%d orders, want 3", n)
			}
		})
	}
}

// A wildcard takes the challenge by DNS, here with a program.
func TestGatewayWildcard(t *testing.T) {
	t.Parallel()
	w := newTown(t, setup{})
	self, err := os.Executable()
	must(t, err)
	program := filepath.Join(w.dir, "publish")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' %s '%s' \"$@\"\n", self, publishFlag, w.names.publisher(t).URL)
	must(t, os.WriteFile(program, []byte(script), 0o700))
	w.start(w.config("dns: {provider: exec, command: "+program+"}", "", "*.wild.test", "wild.test"))
	w.wantHTTPS("any.wild.test", "wild.test")
	eventually(t, "the records are gone", func() bool { return w.names.records() == 0 })
}

// A CA that is gone when a certificate is due leaves the old one in use, and the
// owner is warned once. Pebble's certificates last so short here that each is due.
func TestGatewayWithoutCAAtRenewal(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("due%d.test", time.Now().UnixNano())
	w := newTown(t, setup{validity: 40 * time.Minute})
	w.start(w.config("challenges: [http]", "", name))
	w.wantHTTPS(name)
	eventually(t, "the order is finished", func() bool { return strings.Contains(w.gateway.Log(), "obtained a certificate") })
	first := w.front.shows(name)
	w.stop()
	before := w.ca.all()
	w.ca.become(gone)
	w.start(w.config("challenges: [http]", "", name))
	eventually(t, "the owner is warned", func() bool { return strings.Contains(w.gateway.Log(), "cannot obtain a certificate") })
	time.Sleep(threeChecks)
	if shown := w.front.shows(name); shown == nil || !shown.Equal(first) {
		t.Error("the old certificate is not in use")
	}
	w.wantHTTPS(name)
	if log := w.gateway.Log(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "one that expires at") {
		t.Errorf("want one warning that says what is in use")
	}
	if w.ca.all() == before {
		t.Error("the CA was not asked")
	}
}

// Names of no site: the first handshake waits for its certificate, no longer than a
// handshake may take, and what it waited for is there for the next one.
func TestGatewayOnDemand(t *testing.T) {
	t.Parallel()
	w := newTown(t, setup{})
	ask := startAsker(t, "yes.demand.test")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asking := func(a *asker) string { return fmt.Sprintf("ask: '%s/', ask_token_file: %s", a.URL, token) }
	automatic := asking(ask)
	w.start(w.config(automatic, "", "*", "site.demand.test"))
	w.wantHTTPS("site.demand.test")
	if response, err := w.get("https://yes.demand.test/size/10"); err != nil || response.StatusCode != 200 {
		t.Errorf("an allowed name: %v", err)
	}
	_, err := w.get("https://no.demand.test/")
	var alert tls.AlertError
	if !errors.As(err, &alert) && !strings.Contains(fmt.Sprint(err), "unrecognized name") {
		t.Errorf("a refused name: %v", err)
	}
	w.failed("no.demand.test", "client.handshake.sni-unknown")
	if n := ask.count("no.demand.test"); n != 1 || ask.count("site.demand.test") != 0 {
		t.Errorf("asked %d times about a name, %d times about a site's", n, ask.count("site.demand.test"))
	}
	w.stop()

	// The CA takes its time; a handshake does not.
	slow := startAsker(t, "slow.demand.test")
	automatic = asking(slow)
	w.ca.become(held)
	w.start(w.config(automatic, "handshake: 300ms", "*"))
	began := time.Now()
	if _, err := w.get("https://slow.demand.test/"); err == nil {
		t.Error("served without a certificate")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the handshake took %v", took)
	}
	w.failed("slow.demand.test", "gateway.handshake.no-certificate")
	w.ca.become(well)
	w.wantHTTPS("slow.demand.test")
	if n := slow.count("slow.demand.test"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.stop()

	// A gateway that stops does not wait for the CA.
	late := startAsker(t, "late.demand.test")
	w.ca.become(held)
	w.start(w.config(asking(late), "", "*"))
	done := make(chan struct{})
	before := w.ca.requests("order")
	go func() {
		defer close(done)
		w.front.shows("late.demand.test")
	}()
	eventually(t, "an order", func() bool { return w.ca.requests("order") > before })
	began = time.Now()
	w.stop()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the stop took %v", took)
	}
	<-done
	w.failed("late.demand.test", "gateway.handshake.shutdown")
}
