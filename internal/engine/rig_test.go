// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/record"
	"causey/internal/upstream"
	"causey/internal/wire"
)

// patience bounds every wait of a test. Nothing is expected to take that long.
const patience = 20 * time.Second

// never is a timeout that no test lives to see.
const never = time.Hour

// rig is an engine with one listener, one route and one group of servers.
type rig struct {
	t        testing.TB
	eng      *Engine
	env      *exchange.Env
	group    *Group
	listener *Listener
	addr     string
	tls      bool // of listeners to come

	mu      sync.Mutex
	records []record.Record
}

// setup is what a test wants different from an ordinary engine.
type setup struct {
	opts    Options
	route   exchange.Route
	group   upstream.Options
	servers []upstream.Spec
	accept  Acceptor
	guard   exchange.Guard
	// bug, if set, takes what is a failure of the test otherwise.
	bug func(v any)
	// plan, if set, changes the plan; x is the route.
	plan func(p *exchange.Plan, x *exchange.Route)
	// resolver looks up the servers that have names.
	resolver resolve.Config
	// now, if set, is the clock.
	now func() time.Time
	// clientTLS, if set, makes the listener one with TLS.
	clientTLS *ClientTLS
	serverTLS *ServerTLS
	// notOpened, if set, is told of servers that could not be connected to.
	notOpened func(*upstream.Server, *failure.Error)
	// addressLost, if set, is told of addresses that were left for others.
	addressLost func(*upstream.Server, *failure.Error)
}

// newRig starts an engine whose only server is at to; with, if not nil, changes
// what it is made of.
func newRig(t testing.TB, to net.Addr, with func(*setup)) *rig {
	t.Helper()
	s := &setup{
		accept: guard.Open{}, guard: guard.Open{},
		opts: Options{
			Limits:   wire.Limits{}.WithDefaults(),
			ReadHead: never, Idle: never, HalfClose: never,
		},
		group: upstream.Options{MaxIdle: 64, IdleTimeout: never},
	}
	s.route.Timeouts = exchange.Timeouts{
		Resolve: never, Connect: never, AwaitHead: never, BodyStall: never, SendStall: never, TunnelIdle: never,
	}
	if to != nil {
		s.servers = []upstream.Spec{serverAt(to)}
	}
	if with != nil {
		with(s)
	}
	r := &rig{t: t}
	plan := &exchange.Plan{Guard: s.guard, Interims: 8, Pages: &exchange.Pages{}, Details: exchange.DetailsAlways}
	r.env = &exchange.Env{
		Plan: func() *exchange.Plan { return plan },
		IDs:  record.NewIDs(1),
		Ring: record.NewRing(2),
		Now:  time.Now,
		Bug:  s.bug,
	}
	if s.now != nil {
		r.env.Now = s.now
	}
	if r.env.Bug == nil {
		r.env.Bug = func(v any) { t.Errorf("bug: %v\n%s", v, debug.Stack()) }
	}
	var err error
	if r.eng, err = New(&s.opts, r.env, s.accept, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	resolver := resolve.New(s.resolver)
	r.group = r.eng.NewGroup("group", s.group, s.servers, Contacts{Resolver: resolver, TLS: s.serverTLS, NotOpened: s.notOpened, AddressLost: s.addressLost})
	s.route.Site, s.route.Name, s.route.Upstream = "site", "route", r.group
	plan.Router = oneRoute{&s.route}
	if s.plan != nil {
		s.plan(plan, &s.route)
	}
	if s.clientTLS != nil {
		r.tls = true
		r.eng.SetClientTLS(s.clientTLS)
	}
	r.listen("127.0.0.1:0")
	t.Cleanup(func() {
		r.stop()
		resolver.Close()
	})
	return r
}

// server is the only one there is, or the first; member is what the engine keeps of
// it.
func (r *rig) server() *upstream.Server { return r.group.Servers()[0] }
func (r *rig) member() *member          { return memberOf(r.server()) }

// listen serves on address, beside what is served already.
func (r *rig) listen(address string) *Listener {
	r.t.Helper()
	l, err := Listen(address)
	if err != nil {
		r.t.Fatal(err)
	}
	l.TLS.Store(r.tls)
	go r.eng.Serve(l)
	r.t.Cleanup(l.Close)
	if r.listener == nil {
		r.listener, r.addr = l, l.Addr().String()
	}
	return l
}

// stop ends the engine the hard way.
func (r *rig) stop() {
	r.listener.Close()
	r.eng.Kill()
	if !r.eng.Wait(after(patience)) {
		r.t.Errorf("connections are left after Kill: %+v", r.eng.Counts())
		return
	}
	r.group.Close()
	r.eng.Close()
}

// oneRoute sends everything the same way.
type oneRoute struct{ route *exchange.Route }

// Find implements exchange.Router.
func (o oneRoute) Find(_, _, _ []byte) (*exchange.Route, failure.Kind) {
	return o.route, failure.NoKind
}

func serverAt(a net.Addr) upstream.Spec {
	s := upstream.Spec{Place: upstream.Place{Name: a.String(), Authority: "origin"}}
	if u, ok := a.(*net.UnixAddr); ok {
		s.Path = u.Name
	} else {
		s.Addr = netip.MustParseAddrPort(a.String())
	}
	return s
}

// after is readable when d is over.
func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// drained returns the records so far.
func (r *rig) drained() []record.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.env.Ring.Drain([]record.Sink{sinkFunc(func(b []record.Record) { r.records = append(r.records, b...) })})
	return slices.Clone(r.records)
}

type sinkFunc func([]record.Record)

// Consume implements record.Sink.
func (f sinkFunc) Consume(b []record.Record) { f(b) }

// record waits for the first record that fits.
func (r *rig) record(fits func(*record.Record) bool) *record.Record {
	r.t.Helper()
	var got *record.Record
	eventually(r.t, "a record that fits", func() bool {
		for _, rec := range r.drained() {
			if fits(&rec) {
				got = &rec
				return true
			}
		}
		return false
	})
	return got
}

// one waits for the only record there is to be.
func (r *rig) one() *record.Record {
	r.t.Helper()
	return r.record(func(*record.Record) bool { return true })
}

// eventually waits until is reports true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// origin serves each connection with serve and closes it when that returns.
func origin(t testing.TB, serve func(*peer)) net.Addr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return originOn(t, ln, serve)
}

func originOn(t testing.TB, ln net.Listener, serve func(*peer)) net.Addr {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				serve(newPeer(t, c))
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr()
}

// peer is the other end of one of the engine's connections.
type peer struct {
	net.Conn
	in *bufio.Reader
	t  testing.TB
}

func newPeer(t testing.TB, c net.Conn) *peer {
	c.SetDeadline(time.Now().Add(patience))
	return &peer{c, bufio.NewReader(c), t}
}

// dial connects a client to the rig.
func (r *rig) dial() *peer {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return newPeer(r.t, c)
}

// send writes text whole, or what of it the other side takes.
func (p *peer) send(text string) error {
	_, err := io.WriteString(p, text)
	return err
}

// head reads a head, to its empty line.
func (p *peer) head() (string, error) {
	var b strings.Builder
	for {
		line, err := p.in.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

// answer reads an answer whose length is told, and fails the test if it is not
// whole.
func (p *peer) answer() (head, body string) {
	p.t.Helper()
	head, err := p.head()
	if err != nil {
		p.t.Fatalf("answer's head %q: %v", head, err)
	}
	b := make([]byte, lengthOf(head))
	if n, err := io.ReadFull(p.in, b); err != nil {
		p.t.Fatalf("%d bytes of a body of %d: %v", n, len(b), err)
	}
	return head, string(b)
}

// get asks and reads the answer.
func (p *peer) get() (head, body string) {
	p.t.Helper()
	if err := p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		p.t.Fatal(err)
	}
	return p.answer()
}

// status of an answer's head.
func status(head string) int {
	_, rest, _ := strings.Cut(head, " ")
	n, _ := strconv.Atoi(rest[:min(3, len(rest))])
	return n
}

func lengthOf(head string) int {
	_, rest, _ := strings.Cut(strings.ToLower(head), "\r\ncontent-length: ")
	digits, _, _ := strings.Cut(rest, "\r\n")
	n, _ := strconv.Atoi(digits)
	return n
}

// ended waits for the end of what the other side sends.
func (p *peer) ended() error {
	n, err := io.Copy(io.Discard, p.in)
	if err == nil && n > 0 {
		return fmt.Errorf("%d more bytes", n)
	}
	return err
}

// reset closes by an RST.
func (p *peer) reset() {
	p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
}

// closeWrite sends a FIN.
func (p *peer) closeWrite() { p.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// hello answers each request of a connection with a small body.
func hello(p *peer) {
	for {
		if _, err := p.head(); err != nil {
			return
		}
		if p.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") != nil {
			return
		}
	}
}
