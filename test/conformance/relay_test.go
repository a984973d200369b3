// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/test/harness"
)

// pair starts an origin and a gateway in front of it.
func pair(t *testing.T, o origin.Options) (*origin.Server, *harness.Gateway) {
	t.Helper()
	s := harness.Origin(t, o)
	return s, harness.Start(t, harness.Config{Servers: []string{s.Addr()}})
}

func get(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n\r\n" }

// isPattern fails the test unless a is status 200 with n bytes of the pattern.
func isPattern(t *testing.T, a harness.Answer, n int64) {
	t.Helper()
	want, _ := io.ReadAll(pattern.NewReader(n))
	if a.StatusCode != 200 || a.Err != nil || a.Text != string(want) {
		t.Fatalf("status %d, %d bytes of %d, %v", a.StatusCode, len(a.Text), n, a.Err)
	}
}

// RFC 9112 section 9.3: a connection persists, on both sides of the gateway.
func TestKeepAlive(t *testing.T) { // I1
	o, g := pair(t, origin.Options{})
	c := g.Dial()
	for i := range 50 {
		switch i % 3 {
		case 0:
			isPattern(t, c.Ask(get("/size/1000")), 1000)
		case 1:
			isPattern(t, c.Ask(get("/chunked/70000?chunk=999")), 70000)
		case 2:
			a := c.Ask("POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")
			if a.StatusCode != 200 || !strings.Contains(a.Text, `"bytes":5`) {
				t.Fatalf("upload: %d %s", a.StatusCode, a.Text)
			}
		}
	}
	if conns, requests := o.Counts(); conns != 1 || requests != 50 {
		t.Errorf("%d connections for %d requests", conns, requests)
	}
	g.Line(func(l harness.Line) bool { return l.Exchange == 50 && l.Reused })
}

// RFC 9112 section 9.3.2: pipelined requests are answered in order.
func TestPipelining(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	var all strings.Builder
	for i := range 40 {
		if i%4 == 3 {
			fmt.Fprintf(&all, "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", i+1, strings.Repeat("x", i+1))
		} else {
			fmt.Fprintf(&all, "GET /size/%d HTTP/1.1\r\nHost: a\r\n\r\n", i*1500)
		}
	}
	go io.WriteString(c, all.String())
	for i := range 40 {
		a := c.Read("GET")
		if i%4 != 3 {
			isPattern(t, a, int64(i*1500))
		} else if want := fmt.Sprintf(`"bytes":%d,`, i+1); !strings.Contains(a.Text, want) {
			t.Fatalf("answer %d is %q", i, a.Text)
		}
	}
}

// RFC 9112 section 9.3 and RFC 9110 section 2.5: clients of HTTP/1.0.
func TestOldClient(t *testing.T) {
	o, g := pair(t, origin.Options{})
	t.Run("closes", func(t *testing.T) {
		c := g.Dial()
		a := c.Ask("GET /size/10 HTTP/1.0\r\n\r\n")
		isPattern(t, a, 10)
		if !a.Close {
			t.Errorf("Connection: %q", a.Header.Get("Connection"))
		}
		c.Closed()
	})
	t.Run("keeps", func(t *testing.T) {
		c := g.Dial()
		for range 3 {
			a := c.Ask("GET /size/10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
			isPattern(t, a, 10)
			if !strings.EqualFold(a.Header.Get("Connection"), "keep-alive") {
				t.Errorf("Connection: %q", a.Header.Get("Connection"))
			}
		}
	})
	t.Run("never gets chunks", func(t *testing.T) {
		c := g.Dial()
		a := c.Ask("GET /chunked/70000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		isPattern(t, a, 70000)
		if len(a.TransferEncoding) > 0 || !a.Close {
			t.Errorf("Transfer-Encoding %q, close %v", a.TransferEncoding, a.Close)
		}
		c.Closed()
	})
	for _, r := range o.Requests() {
		if r.Proto != "HTTP/1.1" || r.Get("Host") == "" {
			t.Errorf("the server got %s with Host %q", r.Proto, r.Get("Host"))
		}
	}
}

// Servers of HTTP/1.0 end bodies by closing; the client's connection lives on.
func TestOldServer(t *testing.T) {
	o, g := pair(t, origin.Options{HTTP10: true})
	c := g.Dial()
	for range 5 {
		isPattern(t, c.Ask(get("/size/3000")), 3000)
		isPattern(t, c.Ask(get("/chunked/30000")), 30000)
	}
	if conns, requests := o.Counts(); conns != requests {
		t.Errorf("%d connections for %d requests", conns, requests)
	}
}

// RFC 9110 section 6.4.1: answers that never have a body.
func TestNoBody(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	for range 3 {
		a := c.Ask("HEAD /size/4000 HTTP/1.1\r\nHost: a\r\n\r\n")
		if a.StatusCode != 200 || a.ContentLength != 4000 || a.Text != "" {
			t.Fatalf("HEAD: %d, length %d", a.StatusCode, a.ContentLength)
		}
		a = c.Ask("HEAD /chunked/4000 HTTP/1.1\r\nHost: a\r\n\r\n")
		if a.StatusCode != 200 || a.Text != "" {
			t.Fatalf("HEAD chunked: %d", a.StatusCode)
		}
		for _, status := range []int{204, 304} {
			a = c.Ask(get(fmt.Sprintf("/status/%d", status)))
			if a.StatusCode != status || a.Text != "" || len(a.TransferEncoding) > 0 {
				t.Fatalf("%d: %d %q %q", status, a.StatusCode, a.Text, a.TransferEncoding)
			}
			if status == 204 && a.Header.Get("Content-Length") != "" {
				t.Errorf("204 with Content-Length %q", a.Header.Get("Content-Length"))
			}
		}
	}
	// The gateway's own answer to HEAD has no body either.
	a := c.Ask("HEAD /lab/close HTTP/1.1\r\nHost: a\r\n\r\n")
	if a.StatusCode != 502 || a.ContentLength <= 0 {
		t.Errorf("HEAD of an own answer: %d, %d", a.StatusCode, a.ContentLength)
	}
	isPattern(t, c.Ask(get("/size/1")), 1)
}

// RFC 9112 section 7.1.2: trailers pass both ways.
func TestTrailers(t *testing.T) {
	o, g := pair(t, origin.Options{})
	c := g.Dial()
	a := c.Ask(get("/trailers"))
	if a.Err != nil || a.Trailer.Get("X-Lab-Sum") != "0123456789abcdef" || a.Trailer.Get("X-Lab-Bytes") != "25" {
		t.Errorf("trailers: %v, %v", a.Trailer, a.Err)
	}
	c.Ask("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
	all := o.Requests()
	if got := string(all[len(all)-1].Trailer); !strings.Contains(got, "X-Sum: 1\r\n") {
		t.Errorf("the server got trailers %q", got)
	}
	// An HTTP/1.0 client has no place for them.
	old := g.Dial().Ask("GET /trailers HTTP/1.0\r\n\r\n")
	if old.Err != nil || old.Text != "body before the trailers\n" {
		t.Errorf("to HTTP/1.0: %q, %v", old.Text, old.Err)
	}
}

// Bodies arrive as they were sent, whatever the framing and the pieces.
func TestBodies(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	for _, n := range []int64{0, 1, 2047, 2048, 2049, 32<<10 - 1, 32 << 10, 32<<10 + 1, 64<<10 + 1, 1 << 20} {
		isPattern(t, c.Ask(get(fmt.Sprintf("/size/%d", n))), n)
		isPattern(t, c.Ask(get(fmt.Sprintf("/chunked/%d?chunk=%d", n, n/3+1))), n)

		body, _ := io.ReadAll(pattern.NewReader(n))
		want := fmt.Sprintf(`{"bytes":%d,"sha256":"%s"}`, n, pattern.Sum(n))
		go fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", n, body)
		if a := c.Read("POST"); strings.TrimSpace(a.Text) != want {
			t.Fatalf("length %d: %q", n, a.Text)
		}
		go func() {
			fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
			for at := int64(0); at < n; at += n/5 + 1 {
				piece := body[at:min(n, at+n/5+1)]
				fmt.Fprintf(c, "%x\r\n%s\r\n", len(piece), piece)
			}
			fmt.Fprintf(c, "0\r\n\r\n")
		}()
		if a := c.Read("POST"); strings.TrimSpace(a.Text) != want {
			t.Fatalf("chunked %d: %q", n, a.Text)
		}
	}
}
