// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"testing"

	"causey/internal/exchange"
	"causey/internal/route"
)

// allocsPerGET is the budget of a GET on a kept connection, from the first byte of
// the request to its record: nothing. What is left for the second's Date field and
// for pools is less than one in a hundred requests.
const allocsPerGET = 0.01

const smallAnswer = "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

// answerAll answers whatever comes without leaving anything to the garbage
// collector: one packet is one request here.
func answerAll(p *peer) {
	b, answer := make([]byte, 4<<10), []byte(smallAnswer)
	for {
		if _, err := p.Conn.Read(b); err != nil {
			return
		}
		if _, err := p.Conn.Write(answer); err != nil {
			return
		}
	}
}

// keepAliveClient is a visitor whose requests look like a browser's, and who
// leaves nothing to the garbage collector either.
type keepAliveClient struct {
	conn    net.Conn
	request []byte
	answer  [4 << 10]byte
}

func (c *keepAliveClient) get() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	for n := 0; ; {
		k, err := c.conn.Read(c.answer[n:])
		if err != nil {
			return err
		}
		if n += k; bytes.HasSuffix(c.answer[:n], []byte("\r\n\r\nhello")) {
			return nil
		}
	}
}

// keepAlive returns a client of an engine with everything on that an owner has on
// by default: routes, forwarded fields, Via, limits, rates, records.
func keepAlive(t testing.TB, tracing exchange.Tracing, overTLS bool) (*rig, *keepAliveClient) {
	r := newRig(t, origin(t, answerAll), func(s *setup) {
		if overTLS {
			withTLS(s)
		}
		s.opts.Upload = Rate{BytesPerSecond: 240, Grace: never}
		s.opts.Download = s.opts.Upload
		s.plan = func(p *exchange.Plan, x *exchange.Route) {
			p.Router = route.New([]route.Rule{
				{Host: "*", Path: "/", Route: x},
				{Host: "www.example.org", Path: "/static", Route: x},
				{Host: "www.example.org", Path: "/", Route: x},
			})
			p.Via, p.EmitXForwarded, p.Details = "causey-12345678", true, exchange.DetailsTrusted
			p.Tracing = tracing
			p.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}
	})
	conn := r.dial().Conn
	if overTLS {
		conn = tls.Client(conn, clientConfig())
	}
	return r, &keepAliveClient{conn: conn, request: []byte(browserRequest)}
}

const browserRequest = "GET /a/page?with=query HTTP/1.1\r\nHost: www.example.org\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\n" +
	"Accept-Encoding: gzip, br\r\nReferer: http://www.example.org/\r\nCookie: session=0123456789abcdef\r\n\r\n"

func TestAllocs(t *testing.T) {
	if underRace {
		t.Skip("pools keep nothing for sure under the race detector")
	}
	t.Run("untraced", func(t *testing.T) { testAllocs(t, exchange.Tracing{}, false, 0) })
	t.Run("traced", func(t *testing.T) { testAllocs(t, exchange.NewTracing(0.5), false, 0) })
	// Over TLS nothing is added to what crypto/tls leaves at its two ends.
	t.Run("TLS", func(t *testing.T) { testAllocs(t, exchange.Tracing{}, true, allocsOfTLS(t)) })
}

// allocsOfTLS is what a request and its answer cost between two ends of crypto/tls.
func allocsOfTLS(t *testing.T) float64 {
	addr := tlsOrigin(t, &tls.Config{Certificates: []tls.Certificate{*siteCert()}}, answerAll)
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c := &keepAliveClient{conn: tls.Client(conn, clientConfig()), request: []byte(browserRequest)}
	defer c.conn.Close()
	return allocsPerRequest(t, c, func() {})
}

// allocsPerRequest counts, in both ends.
func allocsPerRequest(t *testing.T, c *keepAliveClient, now func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	ask := func(n int) {
		for i := range n {
			if err := c.get(); err != nil {
				t.Fatal(err)
			}
			if i%256 == 0 {
				now()
			}
		}
	}
	ask(3000) // until each buffer has its size
	const requests = 10_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ask(requests)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / requests
}

func testAllocs(t *testing.T, tracing exchange.Tracing, overTLS bool, others float64) {
	r, c := keepAlive(t, tracing, overTLS)
	n := allocsPerRequest(t, c, func() { r.env.Ring.Drain(nil) })
	if n > others+allocsPerGET {
		t.Errorf("%.3f allocations per request, the budget is %v beside %.3f of others", n, allocsPerGET, others)
	}
	if ordinary, failed := r.env.Ring.Dropped(); ordinary+failed > 0 {
		t.Errorf("%d records dropped, %d of failures", ordinary, failed)
	}
	if s := r.server(); s.Open.Load() != 1 || s.Failures.Load() != 0 {
		t.Errorf("%d connections to the server, %d failures", s.Open.Load(), s.Failures.Load())
	}
}

func BenchmarkKeepAliveGET(b *testing.B) {
	r, c := keepAlive(b, exchange.Tracing{}, false)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := c.get(); err != nil {
			b.Fatal(err)
		}
		if i%256 == 0 {
			r.env.Ring.Drain(nil)
		}
	}
	if n := r.server().Open.Load(); n != 1 {
		b.Errorf("%d connections to the server", n)
	}
}
