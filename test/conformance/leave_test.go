// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/test/harness"
)

// RFC 9112 section 9.6: a client that closed its side gets an answer that comes
// within half_close.
func TestHalfClosedClientIsAnswered(t *testing.T) {
	_, g := pair(t, origin.Options{})
	for _, target := range []string{"/size/100000", "/slow?ms=300", "/slow-body?ms=300"} {
		c := g.Dial()
		c.Send(get(target))
		c.CloseWrite()
		if a := c.Read("GET"); a.StatusCode != 200 || a.Err != nil {
			t.Errorf("%s: %d, %v", target, a.StatusCode, a.Err)
		}
		c.Closed()
		if l := g.Line(harness.Of(target)); l.Failure != "" {
			t.Errorf("%s: %s", target, l.Raw)
		}
	}
}

// A client that leaves while the server is slow frees the server at once, and is
// recorded as 499.
func TestClientLeaves(t *testing.T) {
	for _, c := range []struct {
		name, target, failure string
		leave                 func(*harness.Conn)
		read                  int // bytes of the answer to read before leaving
	}{
		{"RST, waiting for the head", "/slow?ms=600000", "client.await-head.reset", (*harness.Conn).Reset, 0},
		{"FIN, waiting for the head", "/slow?ms=600000", "client.await-head.closed", (*harness.Conn).CloseWrite, 0},
		{"close, waiting for the head", "/slow?ms=600000", "client.await-head.closed", func(c *harness.Conn) { c.Close() }, 0},
		{"RST, in the body", "/slow-body?ms=600000", "client.relay-body.reset", (*harness.Conn).Reset, 1000},
		{"FIN, in the body", "/slow-body?ms=600000", "client.relay-body.closed", (*harness.Conn).CloseWrite, 1000},
		{"RST, in an event stream", "/sse?n=0&every=10m", "client.relay-body.reset", (*harness.Conn).Reset, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, g := pair(t, origin.Options{})
			conn := g.Dial()
			conn.Send(get(c.target))
			if _, err := io.ReadFull(conn.In, make([]byte, c.read)); err != nil {
				t.Fatal(err)
			}
			g.Eventually("request at the server", func() bool { return len(o.Requests()) == 1 })
			c.leave(conn)
			l := g.Line(harness.Of(c.target))
			if l.Status != 499 || l.Failure != c.failure || l.Outcome != "client-left" {
				t.Errorf("line: %s", l.Raw)
			}
			g.Eventually("end of the server's connection", func() bool {
				k := o.Connections()[0]
				return !k.Open || k.PeerEnd != ""
			})
		})
	}
}

// A client that leaves in the middle of its upload takes the request with it.
func TestClientLeavesUpload(t *testing.T) {
	for _, how := range []client.How{client.FIN, client.RST} {
		o, g := pair(t, origin.Options{})
		request := "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + string(make([]byte, 100000))
		client.HalfRequest(t.Context(), g.Target(), []byte(request), len(request), how)
		l := g.Line(harness.Of("/upload"))
		want := map[client.How]string{client.FIN: "client.send-body.closed", client.RST: "client.send-body.reset"}[how]
		if l.Status != 499 || l.Failure != want {
			t.Errorf("%s: %s", how, l.Raw)
		}
		g.Eventually("end of the server's connection", func() bool {
			return len(o.Connections()) == 1 && (!o.Connections()[0].Open || o.Connections()[0].PeerEnd != "")
		})
		if o.Requests()[0].Complete {
			t.Errorf("%s: the server got the request whole", how)
		}
	}
}

// rates makes slowness fast enough to test: 2000 bytes a second, judged each second.
const rates = "rates: {upload: 2000B/s, download: 2000B/s, grace: 1s}"

// A slow but honest upload lives, however long it takes; one below the least rate
// is ended with 408, whether its pieces are many or few.
func TestSlowUpload(t *testing.T) {
	for _, c := range []struct {
		name  string
		pace  client.Pace
		bytes int
		ok    bool
	}{
		{"honest", client.Pace{Bytes: 400, Every: 100 * time.Millisecond}, 12000, true},
		{"a byte now and then", client.Pace{Bytes: 20, Every: 100 * time.Millisecond}, 4000, false},
		{"nothing", client.Pace{Bytes: 100, Every: time.Hour}, 200, false},
	} {
		for _, length := range []int{c.bytes, 10 << 20} { // copied, and spliced
			if c.ok && length != c.bytes {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d", c.name, length), func(t *testing.T) {
				t.Parallel()
				o := harness.Origin(t, origin.Options{})
				g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: rates})
				ctx, stop := context.WithCancel(t.Context())
				conn, err := client.Dial(ctx, g.Target())
				if err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer conn.Close()
					conn.Send(fmt.Appendf(nil, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", length))
					conn.Trickle(ctx, make([]byte, c.bytes), c.pace.Bytes, c.pace.Every)
					<-ctx.Done() // an honest client waits for its answer
				}()
				l := g.Line(harness.Of("/upload"))
				stop()
				<-done
				if c.ok && (l.Status != 200 || l.Failure != "") {
					t.Errorf("line: %s", l.Raw)
				}
				if !c.ok && (l.Failure != "client.send-body.too-slow" || l.Status != 408) {
					t.Errorf("line: %s", l.Raw)
				}
			})
		}
	}
}

// A slow but honest reader gets everything; one that takes too little is cut.
func TestSlowReader(t *testing.T) {
	const much = 16 << 20
	t.Run("honest", func(t *testing.T) {
		t.Parallel()
		o := harness.Origin(t, origin.Options{})
		g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "rates: {download: 2000B/s, grace: 500ms}"})
		target := g.Target()
		target.KeepBytes = 1
		r := client.SlowReader(t.Context(), target, []byte(get("/chunked/1000000")), client.Pace{Bytes: 20000, Every: 50 * time.Millisecond}, 1000000)
		if r.End != client.Satisfied {
			t.Errorf("ended by %s after %d bytes", r.End, r.ReceivedBytes)
		}
	})
	for _, target := range []string{fmt.Sprintf("/size/%d", much), fmt.Sprintf("/chunked/%d", much)} {
		t.Run("honest, behind large buffers "+target, func(t *testing.T) {
			t.Parallel()
			// Our kernel holds much for this reader, and takes more only when a large
			// piece of that has gone: what counts is what the reader takes.
			o := harness.Origin(t, origin.Options{})
			g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "rates: {download: 500B/s, grace: 1500ms}"})
			reader := g.Target()
			reader.KeepBytes = 1
			r := client.SlowReader(t.Context(), reader, []byte(get(target)), client.Pace{Bytes: 500, Every: 100 * time.Millisecond}, 40000)
			if r.End != client.Satisfied {
				t.Errorf("ended by %s after %d bytes", r.End, r.ReceivedBytes)
			}
			if lines := g.Lines(); len(lines) > 0 {
				t.Errorf("line: %s", lines[0].Raw)
			}
		})
		t.Run("never reads "+target, func(t *testing.T) {
			t.Parallel()
			o := harness.Origin(t, origin.Options{})
			g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: rates})
			go client.NeverRead(t.Context(), g.Target(), []byte(get(target)))
			if l := g.Line(harness.Of(target)); l.Failure != "client.relay-body.too-slow" {
				t.Errorf("line: %s", l.Raw)
			}
			g.Eventually("end of the server's connection", func() bool {
				k := o.Connections()[0]
				return !k.Open || k.PeerEnd != ""
			})
		})
	}
}

// A server that is slow to take an upload holds back the client: the gateway keeps
// little of what is under way.
func TestBackpressure(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	const much = 64 << 20
	c.Send(fmt.Sprintf("POST /lab/never-read HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", much))
	c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	if n, err := io.Copy(c.Conn, pattern.NewReader(much)); err == nil || n > much/2 {
		t.Errorf("the gateway took %d bytes, %v", n, err)
	}
}
