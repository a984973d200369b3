// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/phase"
	"causey/internal/proxyproto"
	"causey/internal/record"
	"causey/internal/upstream"
)

var (
	shown  = netip.MustParseAddrPort("192.0.2.7:51234")
	asked  = netip.MustParseAddrPort("198.51.100.1:443")
	alpnH2 = proxyproto.TLVs("\x01\x00\x02h2")
	nearby = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	remote = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
)

const getRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// proxied is a rig whose listener expects headers from networks.
func proxied(t *testing.T, networks []netip.Prefix, with func(*setup)) *rig {
	t.Helper()
	r := newRig(t, origin(t, hello), func(s *setup) {
		s.opts.ProxyHeader = never
		s.plan = func(p *exchange.Plan, _ *exchange.Route) { p.EmitXForwarded = true }
		if with != nil {
			with(s)
		}
	})
	r.listener.SetProxies(networks)
	return r
}

// headers of both versions that name the same client.
var headers = map[string][]byte{
	"v1": proxyproto.AppendV1(nil, shown, asked),
	"v2": proxyproto.AppendV2(nil, shown, asked, alpnH2),
}

// TestProxyHeaderNamesTheClient, whole with the request behind it and byte by byte,
// for every exchange of the connection.
func TestProxyHeaderNamesTheClient(t *testing.T) {
	for name, header := range headers {
		t.Run(name, func(t *testing.T) {
			heads := make(chan string, 8)
			r := newRig(t, origin(t, func(p *peer) {
				for {
					head, err := p.head()
					if err != nil || p.send(smallAnswer) != nil {
						return
					}
					heads <- head
				}
			}), func(s *setup) {
				s.opts.ProxyHeader = never
				s.plan = func(p *exchange.Plan, _ *exchange.Route) { p.EmitXForwarded = true }
			})
			r.listener.SetProxies(nearby)
			whole := r.dial()
			whole.send(string(header) + getRequest)
			whole.answer()
			whole.get()
			pieces := r.dial()
			for _, b := range header {
				pieces.send(string([]byte{b}))
				time.Sleep(time.Millisecond)
			}
			pieces.get()
			for range 3 {
				if head := <-heads; !strings.Contains(head, "X-Forwarded-For: 192.0.2.7\r\n") {
					t.Errorf("%q", head)
				}
			}
			for _, want := range []struct {
				p *peer
				n uint32
			}{{whole, 1}, {whole, 2}, {pieces, 1}} {
				at := netip.MustParseAddrPort(want.p.LocalAddr().String())
				rec := r.record(func(rec *record.Record) bool { return rec.Proxy == at && rec.Exchanges == want.n })
				if rec.Peer != shown || rec.Client != shown.Addr() || !rec.Failure.IsNone() {
					t.Errorf("peer %v, client %v, %v", rec.Peer, rec.Client, rec.Failure)
				}
			}
		})
	}
}

// TestProxyHeaderOfItself: a proxy that speaks for itself stays the peer.
func TestProxyHeaderOfItself(t *testing.T) {
	r := proxied(t, nearby, nil)
	for _, header := range []string{"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"} {
		p := r.dial()
		p.send(header + getRequest)
		p.answer()
		at := netip.MustParseAddrPort(p.LocalAddr().String())
		if rec := r.record(func(rec *record.Record) bool { return rec.Peer == at }); rec.Proxy.IsValid() {
			t.Errorf("proxy %v", rec.Proxy)
		}
	}
}

// TestParkingKeepsTheClient: a connection that comes back from the lot is still the
// client's, and no second header is expected; an ordinary one costs nothing more.
func TestParkingKeepsTheClient(t *testing.T) {
	r := proxied(t, nearby, nil)
	p := r.dial()
	p.send(string(headers["v2"]))
	for range 2 {
		eventually(t, "the connection to park", func() bool { return r.eng.Counts().Parked == 1 })
		p.get()
	}
	rec := r.record(func(rec *record.Record) bool { return rec.Exchanges == 2 })
	if rec.Peer != shown || rec.Proxy.String() != p.LocalAddr().String() {
		t.Errorf("peer %v, proxy %v", rec.Peer, rec.Proxy)
	}
	p.Close()
	eventually(t, "its place to be free", func() bool {
		r.eng.lot.mu.Lock()
		defer r.eng.lot.mu.Unlock()
		return len(r.eng.lot.intros) == 0
	})
	if n := unsafe.Sizeof(parkedConn{}); n != 56 {
		t.Errorf("a parked connection takes %d bytes", n)
	}
}

// TestNotIntroduced: whoever does not send a good header is turned away with a
// record, and an answer where somebody may read it.
func TestNotIntroduced(t *testing.T) {
	long := "PROXY TCP4 192.0.2.7 "
	for _, c := range []struct {
		name   string
		send   string
		leave  func(*peer)
		kind   failure.Kind
		status int
		end    failure.End
	}{
		{"no header", getRequest, nil, failure.NoProxyHeader, 400, failure.EndOpen},
		{"tls", "\x16\x03\x01\x02\x00\x01\x00", nil, failure.NoProxyHeader, 400, failure.EndOpen},
		{"malformed", "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n", nil, failure.BadProxyHeader, 400, failure.EndOpen},
		{"endless", long + strings.Repeat("x", 3000), nil, failure.BadProxyHeader, 400, failure.EndOpen},
		{"too long", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + strings.Repeat("x", 6000), nil, failure.BadProxyHeader, 400, failure.EndOpen},
		{"silent", "", nil, failure.Timeout, 408, failure.EndOpen},
		{"slow", long, nil, failure.Timeout, 408, failure.EndOpen},
		{"closed", long, (*peer).closeWrite, failure.Closed, 0, failure.EndFIN},
		{"reset", long, (*peer).reset, failure.Reset, 0, failure.EndRST},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := proxied(t, nearby, func(s *setup) {
				if c.kind == failure.Timeout {
					s.opts.ProxyHeader = 50 * time.Millisecond
				}
			})
			p := r.dial()
			p.send(c.send)
			if c.leave != nil {
				eventually(t, "the gateway to wait", func() bool { return r.eng.Counts().Idle == 1 })
				time.Sleep(20 * time.Millisecond)
				c.leave(p)
			}
			rec := r.one()
			if want := (failure.Code{Party: failure.Client, Phase: phase.Accept, Kind: c.kind}); rec.Failure != want {
				t.Errorf("%v, want %v", rec.Failure, want)
			}
			ev := &rec.Error.Evidence
			if ev.End != c.end || string(ev.FirstBytes()) != c.send[:min(len(c.send), failure.FirstBytesMax)] {
				t.Errorf("end %v, first %q", ev.End, ev.FirstBytes())
			}
			if c.status == 0 {
				if rec.Outcome != record.ClientLeft {
					t.Errorf("outcome %v", rec.Outcome)
				}
				return
			}
			if head, _ := p.answer(); status(head) != c.status || rec.Outcome != record.Answered || strings.Contains(head, "Retry-After") {
				t.Errorf("%q, outcome %v", head, rec.Outcome)
			}
			eventually(t, "the connection to be over", func() bool { return r.eng.clients.Load() == 0 })
		})
	}
}

// TestProxyThatSaysNothing: a check that the port is open is no failure.
func TestProxyThatSaysNothing(t *testing.T) {
	r := proxied(t, nearby, nil)
	for _, leave := range []func(*peer){func(p *peer) { p.Close() }, (*peer).reset} {
		leave(r.dial())
	}
	p := r.dial()
	p.send(string(headers["v1"]) + getRequest)
	p.answer()
	eventually(t, "the others to be over", func() bool { return r.eng.clients.Load() == 1 })
	for _, rec := range r.drained() {
		if !rec.Failure.IsNone() {
			t.Errorf("%v", rec.Failure)
		}
	}
}

// TestProxyUntrusted: a header from elsewhere is refused by name, whether it is there
// when the connection is or comes later; an ordinary client there is none the worse.
func TestProxyUntrusted(t *testing.T) {
	for name, header := range headers {
		for _, networks := range [][]netip.Prefix{remote, nil} {
			r := proxied(t, networks, nil)
			r.dial().get()
			p := r.dial()
			p.send(string(header) + getRequest)
			head, _ := p.answer()
			rec := r.record(func(rec *record.Record) bool { return !rec.Failure.IsNone() })
			if rec.Failure.String() != "client.accept.proxy-untrusted" || status(head) != 400 || rec.Proxy.IsValid() {
				t.Errorf("%s: %v, %q", name, rec.Failure, head)
			}
		}
	}
}

// TestStopDoesNotWaitForHeaders: nothing was asked, so nothing is recorded.
func TestStopDoesNotWaitForHeaders(t *testing.T) {
	r := proxied(t, nearby, nil)
	p := r.dial()
	p.send("PROXY ")
	eventually(t, "the gateway to wait", func() bool { return r.eng.Counts().Idle == 1 })
	r.listener.Close()
	r.eng.Drain(0)
	if !r.eng.Wait(after(patience)) {
		t.Fatal("it waits")
	}
	if all := r.drained(); len(all) > 0 {
		t.Errorf("%v", all[0].Failure)
	}
}

// TestProxyHeaderOut: each connection to a server begins with a header of its own
// client, and none is used for another.
func TestProxyHeaderOut(t *testing.T) {
	for _, version := range []upstream.ProxyVersion{upstream.ProxyV1, upstream.ProxyV2} {
		got := make(chan []byte, 8)
		r := newRig(t, origin(t, func(p *peer) {
			all := make([]byte, 0, 512)
			for !bytes.HasSuffix(all, []byte("\r\n\r\n")) || !bytes.Contains(all, []byte("GET")) {
				b := make([]byte, 512)
				n, err := p.Read(b)
				if all = append(all, b[:n]...); err != nil {
					return
				}
			}
			got <- all
			p.send(smallAnswer)
			io.Copy(io.Discard, p)
		}), func(s *setup) {
			s.opts.ProxyHeader, s.opts.KeepTLVs = never, true
			s.group.Proxy = version
		})
		want := func(source, destination string, tlvs proxyproto.TLVs) {
			t.Helper()
			var h proxyproto.Header
			all := <-got
			n, rej := proxyproto.Parse(&h, all)
			if n == 0 || h.Version != uint8(version) || h.Source.String() != source || h.Destination.String() != destination || !bytes.Equal(h.TLVs, tlvs) {
				t.Errorf("%+v (%v) of %q", h, rej, all)
			}
			if !bytes.HasPrefix(all[n:], []byte("GET / HTTP/1.1\r\n")) {
				t.Errorf("then %q", all[n:])
			}
		}
		p := r.dial()
		for range 2 {
			p.get()
			want(p.LocalAddr().String(), r.addr, nil)
		}
		r.listener.SetProxies(nearby)
		q := r.dial()
		q.send(string(headers["v2"]) + getRequest)
		q.answer()
		tlvs := alpnH2
		if version == upstream.ProxyV1 {
			tlvs = nil
		}
		want(shown.String(), asked.String(), tlvs)
		if n := r.idleConns(); n != 0 {
			t.Errorf("%d connections are kept", n)
		}
	}
}

// refuser refuses one address, and keeps those it was asked about.
type refuser struct {
	guard.Open
	who   netip.Addr
	mu    sync.Mutex
	asked []netip.Addr
}

// Accept implements Acceptor.
func (r *refuser) Accept(peer netip.AddrPort) exchange.Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, peer.Addr())
	if peer.Addr() == r.who {
		return exchange.Verdict{Refusal: newError(failure.Gateway, phase.Accept, failure.Limit)}
	}
	return exchange.Verdict{}
}

// TestClientIsJudged: of a proxy's connection the guard judges whom it names, once,
// and not the proxy. What it refuses leaves a record, with a proxy and without.
func TestClientIsJudged(t *testing.T) {
	g := &refuser{who: shown.Addr()}
	r := proxied(t, nearby, func(s *setup) { s.accept = g })
	p := r.dial()
	p.send(string(headers["v1"]))
	refused(t, r, p, shown)
	rec := r.record(func(rec *record.Record) bool { return rec.Peer == shown })
	if at := netip.MustParseAddrPort(p.LocalAddr().String()); rec.Proxy != at || !rec.Proxied {
		t.Errorf("proxy %v, want %v", rec.Proxy, at)
	}
	q := r.dial()
	q.send("PROXY UNKNOWN\r\n" + getRequest)
	q.answer()
	g.mu.Lock()
	defer g.mu.Unlock()
	if want := []netip.Addr{shown.Addr(), netip.MustParseAddr("127.0.0.1")}; !slices.Equal(g.asked, want) {
		t.Errorf("asked about %v, want %v", g.asked, want)
	}
	plain := newRig(t, origin(t, hello), func(s *setup) { s.accept = &refuser{who: netip.MustParseAddr("127.0.0.1")} })
	d := plain.dial()
	d.send("GET") // a connection is accepted when something comes
	refused(t, plain, d, netip.MustParseAddrPort(d.LocalAddr().String()))
}

// refused expects an answer, the end, and a record of a connection that the guard did
// not want.
func refused(t *testing.T, r *rig, p *peer, from netip.AddrPort) {
	t.Helper()
	if head, _ := p.answer(); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("%q", head)
	}
	if err := p.ended(); err != nil {
		t.Error(err)
	}
	rec := r.record(func(rec *record.Record) bool { return rec.Peer == from })
	if rec.Failure.String() != "gateway.accept.limit" || rec.Status != 503 || rec.Outcome != record.Answered {
		t.Errorf("%v, %d, %v", rec.Failure, rec.Status, rec.Outcome)
	}
}
