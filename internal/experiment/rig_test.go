// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/engine"
	"causey/internal/engine/peercert"
	"causey/internal/engine/resolve"
	"causey/internal/incident"
	"causey/internal/sensor"
	"causey/internal/upstream"
)

// rig is one upstream whose first server fails, with real servers on loopback.
type rig struct {
	t     *testing.T
	o     Options
	up    Upstream
	names fakeResolver
	d     incident.Doubt
	may   Allowed

	mu sync.Mutex
	// heads is what was sent to plain servers, by request.
	heads []string
}

var catalogue = sync.OnceValues(cause.Load)

func newRig(t *testing.T) *rig {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, may: Allowed{Experiments: true}}
	r.up = Upstream{Name: "shop", TLS: &engine.ServerTLS{}}
	r.o = Options{
		Catalogue: c,
		May:       func() Allowed { r.mu.Lock(); defer r.mu.Unlock(); return r.may },
		Upstreams: func() []Upstream { return []Upstream{r.up} },
		LastGood:  func(string, string) time.Time { return time.Time{} },
		Resolver:  func() Resolver { return &r.names },
		Routes:    func() (Routes, error) { return nil, nil },
		Dial:      new(net.Dialer).DialContext,
		Now:       time.Now,
	}
	r.d = incident.Doubt{Key: sensor.Key{Upstream: "shop", Mode: sensor.ModeSilent}, FailsOn: true, Facts: cause.Facts{},
		Wanted: sensor.Wanted{Host: "shop.example", Path: "/cart"}}
	return r
}

// allow says whether experiments are allowed.
func (r *rig) allow(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.may.Experiments = is
}

type group struct{ *upstream.Group }

func (g group) Describe() upstream.Description { return g.Group.Describe(0) }

// servers makes the upstream of these; the first fails.
func (r *rig) servers(places ...upstream.Place) {
	var specs []upstream.Spec
	for _, p := range places {
		specs = append(specs, upstream.Spec{Place: p})
	}
	r.up.Group = group{upstream.NewGroup("shop", upstream.Options{}, specs)}
	r.d.Servers, r.d.Dialled = []string{places[0].Name}, places[0].Addr
	if places[0].Path != "" || places[0].Host != "" && !places[0].Addr.Addr().IsValid() {
		r.d.Dialled = netip.AddrPort{}
	}
}

func at(a netip.AddrPort) upstream.Place {
	return upstream.Place{Name: a.String(), Authority: a.String(), Addr: a}
}

func overTLS(a netip.AddrPort) upstream.Place {
	p := at(a)
	p.TLS = true
	return p
}

// listen starts a little server, nil for none: a port that refuses.
func (r *rig) listen(serve func(net.Conn)) netip.AddrPort {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	a := netip.MustParseAddrPort(ln.Addr().String())
	if serve == nil {
		ln.Close()
		return a
	}
	r.serve(ln, serve)
	return a
}

func (r *rig) listenUnix(serve func(net.Conn)) upstream.Place {
	path := filepath.Join(r.t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.serve(ln, serve)
	return upstream.Place{Name: "unix:" + path, Path: path, Authority: "localhost"}
}

func (r *rig) serve(ln net.Listener, serve func(net.Conn)) {
	var open sync.Map
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			all.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	r.t.Cleanup(func() {
		ln.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		all.Wait()
	})
}

// says answers each request with text.
func (r *rig) says(text string) func(net.Conn) {
	return func(c net.Conn) {
		r.read(c)
		c.Write([]byte(text))
	}
}

const (
	fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	ill  = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
)

// read takes the head of a request.
func (r *rig) read(c net.Conn) string {
	var text strings.Builder
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		text.WriteString(line)
		if err != nil || line == "\r\n" {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.heads = append(r.heads, text.String())
			return text.String()
		}
	}
}

// silent takes everything and says nothing.
func silent(c net.Conn) {
	for buf := make([]byte, 1024); ; {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// closes ends the connection once something came.
func closes(c net.Conn) { c.Read(make([]byte, 8<<10)) }

// blurts says text to whatever comes.
func blurts(text string) func(net.Conn) {
	return func(c net.Conn) {
		closes(c)
		c.Write([]byte(text))
	}
}

// secure speaks TLS with the certificate of shop.example, and refuses any other name.
func (r *rig) secure(serve func(net.Conn)) func(net.Conn) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"shop.example"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	parsed, _ := x509.ParseCertificate(der)
	r.up.TLS.Policy = &peercert.Policy{Roots: x509.NewCertPool()}
	r.up.TLS.Policy.Roots.AddCert(parsed)
	config := &tls.Config{NextProtos: []string{"http/1.1", "h2"}, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return func(c net.Conn) {
		t := tls.Server(c, config)
		if t.Handshake() == nil {
			serve(t)
			t.Close()
		}
	}
}

// fakeResolver knows some names; those with no address time out.
type fakeResolver struct {
	names   map[string][]netip.Addr
	servers []netip.AddrPort
	answers map[netip.AddrPort]bool
}

func (f *fakeResolver) Lookup(ctx context.Context, name string) (resolve.Answer, error) {
	addrs, known := f.names[name]
	switch {
	case !known:
		return resolve.Answer{}, &resolve.Error{Name: name, Kind: resolve.NXDomain}
	case len(addrs) == 0:
		return resolve.Answer{}, &resolve.Error{Name: name, Kind: resolve.Timeout}
	}
	return resolve.Answer{Addrs: addrs}, nil
}

func (f *fakeResolver) Known(name string) (resolve.Answer, bool) {
	return resolve.Answer{Addrs: f.names[name]}, len(f.names[name]) > 0
}
func (f *fakeResolver) Forget(string)                 {}
func (f *fakeResolver) Nameservers() []netip.AddrPort { return f.servers }
func (f *fakeResolver) Answers(_ context.Context, server netip.AddrPort) bool {
	return f.answers[server]
}

// try makes one experiment and compares: "yes", "no" or "unseen", and the words.
func (r *rig) try(fact, want string) {
	r.t.Helper()
	s := newSubject(&r.o, &r.d)
	if s == nil {
		r.t.Fatalf("%s: there is nothing to ask", fact)
	}
	for i := range experiments {
		if x := &experiments[i]; x.fact == fact {
			if x.fits != nil && !x.fits(s) {
				r.want(fact, "unfit", want)
				return
			}
			ctx, cancel := context.WithTimeout(r.t.Context(), Longest)
			defer cancel()
			v, seen := x.try(ctx, s)
			got := "no: " + v.Say
			if v.True || len(v.Words) > 0 {
				got = "yes: " + v.Say
			}
			if !seen {
				got = "unseen"
			}
			r.want(fact, got, want)
			return
		}
	}
	r.t.Fatalf("there is no experiment %s", fact)
}

// want compares; "…" in want stands for anything.
func (r *rig) want(fact, got, want string) {
	r.t.Helper()
	rest := got
	for i, part := range strings.Split(want, "…") {
		at := strings.Index(rest, part)
		if at < 0 || i == 0 && at > 0 {
			r.t.Errorf("%s:\n%s\nwant\n%s", fact, got, want)
			return
		}
		rest = rest[at+len(part):]
	}
	if rest != "" && !strings.HasSuffix(want, "…") {
		r.t.Errorf("%s:\n%s\nwant\n%s", fact, got, want)
	}
}
