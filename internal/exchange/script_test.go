// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

// The words of scripts: what a client and an origin do and expect.

// body sends a piece of the request body as far as there is room, and returns how
// many bytes that was.
func (c *clientTwin) body(s string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up.put([]byte(s))
}

// endBody ends the request body, with trailer lines if there are any.
func (c *clientTwin) endBody(trailers ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up.end(lines(trailers))
}

func lines(l []string) string {
	if len(l) == 0 {
		return ""
	}
	return strings.Join(l, "\r\n") + "\r\n"
}

// read takes up to n bytes of the answer's body.
func (c *clientTwin) read(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.down.take(n)
	c.got = append(c.got, p...)
	return string(p)
}

// readAll takes what there is of the answer's body, as often as more comes.
func (g *testGateway) readAll(c *clientTwin) string {
	for {
		g.settle()
		if c.read(1<<20) == "" {
			return string(c.got)
		}
	}
}

// wantAnswer says that c got a final head with this status and fields, and a body
// that was ended.
func (g *testGateway) wantAnswer(why string, c *clientTwin, status int, body string, fields ...string) {
	g.t.Helper()
	g.wantHead(why, c, status, fields...)
	if got := g.readAll(c); got != body {
		g.t.Errorf("%s: the body is %q, want %q", why, short(got), short(body))
	}
	if !c.down.ended || c.aborted {
		g.t.Errorf("%s: the answer does not look complete", why)
	}
}

// wantHead says that c got a final head with this status and fields.
func (g *testGateway) wantHead(why string, c *clientTwin, status int, fields ...string) {
	g.t.Helper()
	g.settle()
	if len(c.heads) == 0 {
		g.t.Fatalf("%s: no answer", why)
	}
	h := &c.heads[0]
	if h.status != status {
		g.t.Errorf("%s: the status is %d, want %d", why, h.status, status)
	}
	wantFields(g.t, why, h.fields, fields)
}

// wantFields says that got holds each field of want, in order; "-Name" says that
// it has no field of that name.
func wantFields(t *testing.T, why string, got, want []string) {
	t.Helper()
	from := 0
	for _, w := range want {
		if name, not := strings.CutPrefix(w, "-"); not {
			if v := fieldOf(got, name); v != "" {
				t.Errorf("%s: field %s is there: %q", why, name, v)
			}
			continue
		}
		i := slices.Index(got[from:], w)
		if i < 0 {
			t.Errorf("%s: no field %q (in its place) in %q", why, w, got)
			continue
		}
		from += i + 1
	}
}

// fieldOf returns the value of the first field called name, "" if there is none.
func fieldOf(fields []string, name string) string {
	for _, f := range fields {
		if n, v, _ := strings.Cut(f, ": "); strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// wantAborted says that an answer that was begun was broken off visibly. I3.
func (g *testGateway) wantAborted(why string, c *clientTwin) {
	g.t.Helper()
	g.settle()
	if !c.aborted || c.down.ended {
		g.t.Errorf("%s: aborted %v, ended %v", why, c.aborted, c.down.ended)
	}
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// wantRequest says what arrived: the request line, and fields as for wantFields.
func (l *leaseTwin) wantRequest(why, line string, fields ...string) {
	l.group.t.Helper()
	if l.head.line != line {
		l.group.t.Errorf("%s: the request is %q, want %q", why, l.head.line, line)
	}
	wantFields(l.group.t.(*testing.T), why, l.head.fields, fields)
}

// read takes up to n bytes of the request body.
func (l *leaseTwin) read(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.up.take(n))
}

// answer sends a head.
func (l *leaseTwin) answer(head ...string) *leaseTwin {
	return l.bytes(string(headBytes(head)))
}

// bytes sends bytes of a head.
func (l *leaseTwin) bytes(s string) *leaseTwin {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.firstAt.IsZero() {
		l.firstAt = time.Now()
	}
	l.raw = append(l.raw, s...)
	l.cond.Broadcast()
	return l
}

// body sends a piece of the answer's body as far as there is room.
func (l *leaseTwin) body(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down.put([]byte(s))
}

// end ends the answer's body where no length does, or a tunnel's half.
func (l *leaseTwin) end(trailers ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down.end(lines(trailers))
}

// leave breaks off: the connection on the single twin, the stream on the other.
func (l *leaseTwin) leave(how cut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down.breakOff(how)
}

// refuse breaks off with the proof that nothing of the request was processed, as
// REFUSED_STREAM does.
func (l *leaseTwin) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = 0
	l.down.breakOff(byRST)
}

// ok answers 200 with a short body of known length.
func (l *leaseTwin) ok(body string) {
	l.answer("HTTP/1.1 200 OK", "Content-Length: "+strconv.Itoa(len(body)))
	l.body(body)
}

// warm makes the group have one idle connection to its first server.
func (g *testGateway) warm() {
	g.t.Helper()
	c := g.send("GET /warm")
	g.arrives("the first request opens a connection").ok("warm")
	g.wantAnswer("the first request is answered", c, 200, "warm")
	g.wantEnd("and ends well", record.Relayed, "")
}

// goDeaf makes idle connections of s refuse the next byte.
func (s *serverTwin) goDeaf(how cut) {
	for _, c := range s.conns {
		c.deaf = how
	}
}
