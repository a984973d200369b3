// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
)

// A stop that cannot wait ends exchanges whatever they wait for, each with its
// record.
func TestKillEndsEveryWait(t *testing.T) {
	const big = 8 << 20
	for name, c := range map[string]struct {
		serve, client func(*peer)
	}{
		"head of the request": {hello, func(p *peer) { p.send("GET / HTTP/1.1\r\n") }},
		"body of the request": {
			func(p *peer) { p.head(); p.ended() },
			func(p *peer) { p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1") }},
		"head of the answer": {
			func(p *peer) { p.head(); p.ended() },
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }},
		"small body of the answer": {
			func(p *peer) { p.head(); p.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"); p.ended() },
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head() }},
		"large body of the answer, server silent": {
			func(p *peer) {
				p.head()
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n1", big))
				p.ended()
			},
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head(); p.in.ReadByte() }},
		"large body of the answer, client stuck": {
			func(p *peer) {
				p.head()
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", big))
				p.send(strings.Repeat("x", big))
			},
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head() }},
		"large body of the request, server stuck": {
			func(p *peer) { p.head(); <-p.t.Context().Done() },
			func(p *peer) {
				p.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 8*big))
				go p.send(strings.Repeat("x", 8*big))
			}},
		"tunnel": {upgraded, func(p *peer) { p.send(upgrade); p.head() }},
		"tunnel, client stuck": {
			func(p *peer) { p.head(); p.send(switching); p.send(strings.Repeat("x", 8*big)) },
			func(p *peer) { p.send(upgrade); p.head() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, c.serve), nil)
			p := r.dial()
			c.client(p)
			eventually(t, "an exchange", func() bool { return r.eng.Counts().Active == 1 })
			settled(t, r, 3)
			r.listener.Close()
			r.eng.Kill()
			if !r.eng.Wait(after(patience / 2)) {
				t.Fatalf("connections are left: %+v", r.eng.Counts())
			}
			if rec := r.one(); rec.Failure.Party != failure.Gateway || rec.Failure.Kind != failure.Shutdown {
				t.Errorf("the record says %v, outcome %v", rec.Failure, rec.Outcome)
			}
		})
	}
}

const (
	upgrade   = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// upgraded switches protocols and is silent.
func upgraded(p *peer) {
	p.head()
	p.send(switching)
	p.ended()
}

// settled waits until no byte has moved on any socket for so many ticks.
func settled(t testing.TB, r *rig, ticks int) {
	t.Helper()
	last, since := int64(-1), time.Now()
	eventually(t, "quiet sockets", func() bool {
		var sum int64
		r.eng.sweep.each(func(s *sock) { sum += s.r.total.Load() + s.w.total.Load() })
		if sum != last {
			last, since = sum, time.Now()
		}
		return time.Since(since) > time.Duration(ticks)*tick
	})
}
