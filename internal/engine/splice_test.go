// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// pattern is a body of size bytes that no other seed has a piece of.
func pattern(seed, size int) []byte {
	line := fmt.Appendf(nil, "this is a piece of body number %d\n", seed)
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

// echo sends a body back as it came, after all of it is here.
func echo(p *peer) {
	for {
		head, err := p.head()
		if err != nil {
			return
		}
		b := make([]byte, lengthOf(head))
		if _, err := io.ReadFull(p.in, b); err != nil {
			return
		}
		p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(b)))
		p.Write(b)
	}
}

// post sends a body and reads the answer's.
func (p *peer) post(body []byte) (head string, got []byte) {
	p.t.Helper()
	go func() {
		p.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(body)))
		p.Write(body)
	}()
	h, b := p.answer()
	return h, []byte(b)
}

// idlePipes returns the pipes nobody uses, and fails the test if one of them still
// has bytes.
func (r *rig) idlePipes() int {
	r.t.Helper()
	r.eng.pipes.mu.Lock()
	defer r.eng.pipes.mu.Unlock()
	for _, p := range r.eng.pipes.idle {
		n, err := unix.IoctlGetInt(p.r, unix.TIOCINQ)
		if n != 0 || p.held != 0 || err != nil {
			r.t.Errorf("an idle pipe has %d bytes (%d by the books), %v", n, p.held, err)
		}
	}
	return len(r.eng.pipes.idle)
}

// Bodies cross whole in both directions, whatever their size, on connections that
// are used again; with and without pipes.
func TestSpliceBothWays(t *testing.T) {
	for name, pipes := range map[string]bool{"with pipes": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, origin(t, echo), nil)
			if !pipes {
				r.eng.pipes.open.Store(pipesMax)
				defer r.eng.pipes.open.Store(0)
			}
			p := r.dial()
			for i, size := range []int{1, 5000, 64 << 10, 64<<10 + 1, 200 << 10, pipeBytes, 1 << 20, 5<<20 + 17, 3} {
				body := pattern(i, size)
				if head, got := p.post(body); status(head) != 200 || !bytes.Equal(got, body) {
					t.Fatalf("%d bytes: %d came back (%q)", size, len(got), head)
				}
				rec := r.record(func(rec *record.Record) bool { return rec.BodyIn == int64(size) })
				if rec.Outcome != record.Relayed || rec.BodyOut != int64(size) || rec.Exchanges != uint32(i+1) {
					t.Errorf("%d bytes: %v, %d out, exchange %d", size, rec.Outcome, rec.BodyOut, rec.Exchanges)
				}
			}
			if n := r.idlePipes(); n > 0 != pipes {
				t.Errorf("%d idle pipes", n)
			}
			if got := r.drained(); got[len(got)-1].Attempts[0].RequestNumber != uint32(len(got)) {
				t.Error("the server's connection was not kept")
			}
		})
	}
}

// A transfer that is cut in the middle leaves bytes in its pipe. They must not
// come out in anybody else's body.
func TestSpliceNeverMixesBodies(t *testing.T) {
	const size, visitors, rounds = 2 << 20, 12, 6
	r := newRig(t, origin(t, func(p *peer) {
		for {
			head, err := p.head()
			if err != nil {
				return
			}
			_, rest, _ := strings.Cut(head, "/")
			seed, _ := strconv.Atoi(rest[:strings.IndexByte(rest, ' ')])
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
			p.Write(pattern(seed, size))
		}
	}), nil)
	var wg sync.WaitGroup
	for v := range visitors {
		wg.Go(func() {
			for n := range rounds {
				seed := v*rounds + n
				p := r.dial()
				p.send(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", seed))
				if _, err := p.head(); err != nil {
					t.Error(err)
				}
				want, got := pattern(seed, size), make([]byte, size)
				if n%2 == 0 {
					got = got[:size/3]
				}
				if _, err := io.ReadFull(p.in, got); err != nil || !bytes.Equal(got, want[:len(got)]) {
					t.Errorf("body %d is not what it should be, %v", seed, err)
				}
				p.reset()
			}
		})
	}
	wg.Wait()
	eventually(t, "no exchange", func() bool { return r.eng.Counts().Active == 0 })
	if n := r.idlePipes(); int64(n) != r.eng.pipes.open.Load() {
		t.Errorf("%d pipes are idle, %d open", n, r.eng.pipes.open.Load())
	}
}

// The counts of a splice that is cut are those of the side that was cut.
func TestSpliceCutInTheMiddle(t *testing.T) {
	const size, part = 64 << 20, 1 << 20
	get := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	post := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
	half := bytes.Repeat([]byte{'x'}, part)
	takePart := func(p *peer) { p.head(); io.ReadFull(p.in, make([]byte, part)) }
	for name, c := range map[string]struct {
		server, client func(*peer)
		want           failure.Code
	}{
		"server closes": {
			func(p *peer) { p.head(); p.send(bigHead); p.Write(half) },
			func(p *peer) { p.send(get); p.head(); io.Copy(io.Discard, p.in) },
			failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: failure.Short}},
		"server resets": {
			func(p *peer) { p.head(); p.send(bigHead); p.Write(half); p.reset() },
			func(p *peer) { p.send(get); p.head(); io.Copy(io.Discard, p.in) },
			failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: failure.Reset}},
		"server stalls": {
			func(p *peer) { p.head(); p.send(bigHead); p.Write(half); p.ended() },
			func(p *peer) { p.send(get); p.head(); io.Copy(io.Discard, p.in) },
			failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: failure.Timeout}},
		"client takes no more": {
			func(p *peer) { p.head(); p.send(bigHead); p.Write(bytes.Repeat([]byte{'x'}, 8<<20)) },
			func(p *peer) { p.send(get); p.head() },
			failure.Code{Party: failure.Client, Phase: phase.RelayBody, Kind: failure.TooSlow}},
		"client sends no more": {
			func(p *peer) { takePart(p); p.ended() },
			func(p *peer) { p.send(post); p.Write(half) },
			failure.Code{Party: failure.Client, Phase: phase.SendBody, Kind: failure.TooSlow}},
		"client closes": {
			func(p *peer) { takePart(p); p.ended() },
			func(p *peer) { p.send(post); p.Write(half); p.closeWrite() },
			failure.Code{Party: failure.Client, Phase: phase.SendBody, Kind: failure.Closed}},
		"server takes no more": {
			func(p *peer) { takePart(p); <-p.t.Context().Done() },
			func(p *peer) { p.send(post); p.Write(bytes.Repeat(half, size/part)) },
			failure.Code{Party: failure.Upstream, Phase: phase.SendBody, Kind: failure.Timeout}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, c.server), func(s *setup) {
				s.route.Timeouts.BodyStall, s.route.Timeouts.SendStall = 8*tick, 8*tick
				s.opts.Upload = Rate{BytesPerSecond: 1000, Grace: 8 * tick}
				s.opts.Download = Rate{BytesPerSecond: 1000, Grace: 8 * tick}
				if c.want.Party == failure.Upstream {
					s.opts.Upload, s.opts.Download = Rate{}, Rate{}
				} else {
					s.route.Timeouts.BodyStall, s.route.Timeouts.SendStall = never, never
				}
			})
			p := r.dial()
			go c.client(p)
			rec := r.one()
			if rec.Failure != c.want {
				t.Errorf("%v, want %v", rec.Failure, c.want)
			}
			if rec.BodyOut > 8<<20 || rec.BodyIn > size {
				t.Errorf("%d bytes in, %d out", rec.BodyIn, rec.BodyOut)
			}
			if name == "server closes" || name == "server stalls" {
				if rec.BodyOut != part || name == "server closes" && rec.Error.Evidence.Missing != 8<<20-part {
					t.Errorf("%d bytes out, %d missing", rec.BodyOut, rec.Error.Evidence.Missing)
				}
			}
		})
	}
}
