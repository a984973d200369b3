// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"io"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// A tunnel in which nothing moves any more ends, whichever side is to blame and
// whether we wait to read or to write.
func TestTunnelThatWentQuietEnds(t *testing.T) {
	flood := bytes.Repeat([]byte{'x'}, 32<<20)
	for name, c := range map[string]struct{ server, client func(*peer) }{
		"both silent":        {func(p *peer) { p.ended() }, func(*peer) {}},
		"client takes none":  {func(p *peer) { p.Write(flood) }, func(*peer) {}},
		"server takes none":  {func(p *peer) { <-p.t.Context().Done() }, func(p *peer) { go p.Write(flood) }},
		"neither takes any":  {func(p *peer) { p.Write(flood) }, func(p *peer) { go p.Write(flood) }},
		"client sent a FIN":  {func(p *peer) { p.ended() }, func(p *peer) { p.closeWrite() }},
		"FIN of a stuck one": {func(p *peer) { p.Write(flood) }, func(p *peer) { p.closeWrite() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(switching)
				c.server(p)
				<-t.Context().Done()
			}), func(s *setup) { s.route.Timeouts.TunnelIdle = 4 * tick })
			p := r.dial()
			p.send(upgrade)
			p.head()
			c.client(p)
			want := failure.Code{Party: failure.Gateway, Phase: phase.Tunnel, Kind: failure.Idle}
			if rec := r.one(); rec.Failure != want {
				t.Errorf("%v (%v), want %v", rec.Failure, rec.Outcome, want)
			}
			eventually(t, "no connection", func() bool { return r.eng.Counts().Active == 0 })
		})
	}
}

// One busy direction is enough to keep a tunnel, in each direction.
func TestTunnelThatIsBusyOneWayStays(t *testing.T) {
	const idle, pieces = 4 * tick, 40
	drip := func(p *peer) {
		every := time.NewTicker(idle / 8)
		defer every.Stop()
		for range pieces {
			<-every.C
			p.send("x")
		}
	}
	for name, down := range map[string]bool{"down": true, "up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(switching)
				if down {
					drip(p)
				} else {
					io.Copy(io.Discard, p.in)
				}
			}), func(s *setup) { s.route.Timeouts.TunnelIdle = idle })
			p := r.dial()
			p.send(upgrade)
			p.head()
			got := 0
			if down {
				b, _ := io.ReadAll(p.in)
				got = len(b)
			} else {
				drip(p)
			}
			p.closeWrite()
			rec := r.one()
			if rec.Outcome != record.Tunnelled || int(rec.BodyIn+rec.BodyOut) != pieces {
				t.Errorf("%v, %v; %d bytes up, %d down", rec.Outcome, rec.Failure, rec.BodyIn, rec.BodyOut)
			}
			if down && got != pieces {
				t.Errorf("%d of %d bytes came", got, pieces)
			}
		})
	}
}

// Bytes that came with the upgrade's head belong to the tunnel, both ways.
func TestTunnelKeepsWhatCameWithTheHead(t *testing.T) {
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		p.send(switching + "early down")
		b := make([]byte, len("early up, late up"))
		io.ReadFull(p.in, b)
		p.send("; got " + string(b))
	}), nil)
	p := r.dial()
	p.send(upgrade + "early up")
	p.head()
	p.send(", late up")
	p.closeWrite()
	if b, err := io.ReadAll(p.in); string(b) != "early down; got early up, late up" {
		t.Errorf("%q, %v", b, err)
	}
	if rec := r.one(); rec.Outcome != record.Tunnelled {
		t.Errorf("%v, %v", rec.Outcome, rec.Failure)
	}
}
