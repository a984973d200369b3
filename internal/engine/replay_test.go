// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// A server that goes away in the middle of an upload: the next one gets the body from
// its beginning, whole, while the client sends on. More than may be kept still goes
// through, by whatever way is the quickest.
func TestUploadGoesOnAtAnotherServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size, keep, dieAt int
		ok                bool
	}{
		"kept":               {50_000, 64 << 10, 10_000, true},
		"in the first bytes": {60_000, 64 << 10, 1, true},
		"exactly as much":    {64 << 10, 64 << 10, 60_000, true},
		"too much":           {500_000, 64 << 10, 200_000, false},
		"never dies":         {5_000_000, 64 << 10, 0, true},
		"nothing kept":       {50_000, 0, 10_000, false},
	} {
		for _, framing := range []string{fmt.Sprintf("Content-Length: %d", c.size), "Transfer-Encoding: chunked"} {
			t.Run(name+" "+framing[:7], func(t *testing.T) {
				t.Parallel()
				body := strings.Repeat("0123456789abcdef", c.size/16+1)[:c.size]
				var died atomic.Bool
				got := make(chan string, 1)
				serve := func(p *peer) {
					head, err := p.head()
					if err != nil {
						return
					}
					if c.dieAt > 0 && died.CompareAndSwap(false, true) {
						io.CopyN(io.Discard, p.in, int64(c.dieAt))
						p.reset()
						return
					}
					got <- p.body(head)
					p.send(smallAnswer)
					p.ended()
				}
				r := pairRig(t, serve, serve, func(s *setup) { s.route.Retry.Body = c.keep })
				p := r.dial()
				p.send("GET / HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n")
				settled(t, r, 1) // the body does not come with the head
				go func() {
					for rest := body; len(rest) > 0; {
						n := min(len(rest), 7_000)
						piece := rest[:n]
						if rest = rest[n:]; framing[0] == 'T' {
							piece = fmt.Sprintf("%x\r\n%s\r\n", n, piece)
						}
						if p.send(piece) != nil {
							return
						}
					}
					if framing[0] == 'T' {
						p.send("0\r\n\r\n")
					}
				}()
				head, _ := p.answer()
				if !c.ok {
					if status(head) != 502 {
						t.Errorf("%q", head)
					}
					return
				}
				if status(head) != 200 {
					t.Fatalf("%q", head)
				}
				if b := <-got; b != body {
					t.Errorf("%d bytes of %d arrived, or others", len(b), len(body))
				}
				if rec := r.one(); rec.BodyIn != int64(len(body)) || rec.AttemptLen != 2 && c.dieAt > 0 {
					t.Errorf("%d bytes in, %d attempts", rec.BodyIn, rec.AttemptLen)
				}
				r.atRest()
			})
		}
	}
}

// body reads the body that head announces.
func (p *peer) body(head string) string {
	var b strings.Builder
	if !strings.Contains(head, "chunked") {
		io.CopyN(&b, p.in, int64(lengthOf(head)))
		return b.String()
	}
	for {
		line, err := p.in.ReadString('\n')
		var n int64
		fmt.Sscanf(line, "%x", &n)
		if err != nil || n == 0 {
			p.in.Discard(2)
			return b.String()
		}
		io.CopyN(&b, p.in, n)
		p.in.Discard(2)
	}
}
