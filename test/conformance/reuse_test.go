// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/lab/origin"
	"causey/test/harness"
)

const post = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

// A server that closes its connections between requests costs no request, not even
// one that must not be repeated: the close is found before the connection is used.
func TestServerClosesBetweenRequests(t *testing.T) {
	for name, options := range map[string]origin.Options{
		"after each answer":          {CloseAfter: 1},
		"after each answer, by RST":  {CloseAfter: 1, CloseHow: origin.RST},
		"after some":                 {CloseAfter: 3},
		"after some idle time":       {IdleClose: 30 * time.Millisecond},
		"idle, with bytes before it": {IdleClose: 40 * time.Millisecond, IdleBytes: []byte("HTTP/1.1 408 Request Timeout\r\n\r\n"), IdleBytesAfter: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, g := pair(t, options)
			c := g.Dial()
			const rounds = 100
			failed := 0
			for i := range rounds {
				if a := c.Ask(post); a.StatusCode != 200 {
					failed++
				}
				// A close that is still on its way is a race that nobody can win; the
				// next request comes after it.
				if options.CloseAfter == 0 || (i+1)%options.CloseAfter == 0 {
					g.Eventually("close", func() bool { return noneOpen(o) })
				}
			}
			if failed > 0 {
				t.Errorf("%d of %d requests failed", failed, rounds)
			}
			for _, l := range g.Lines() {
				if l.Failure != "" {
					t.Errorf("line: %s", l.Raw)
				}
			}
		})
	}
}

func noneOpen(o *origin.Server) bool {
	return !slices.ContainsFunc(o.Connections(), func(c origin.Connection) bool { return c.Open })
}

// A reused connection that dies with the request: what may be repeated is, once,
// on a fresh connection; what may not is answered 502 and never sent twice.
func TestReusedConnectionDies(t *testing.T) {
	for _, how := range []origin.End{origin.Close, origin.FIN, origin.RST} {
		t.Run(string(how), func(t *testing.T) {
			o, g := pair(t, origin.Options{ReuseHow: how})
			c := g.Dial()
			for range 20 {
				isPattern(t, c.Ask(get("/size/1000")), 1000)
			}
			g.Eventually("record of each retry", func() bool {
				retried := 0
				for _, l := range g.Lines() {
					if l.Status == 200 && l.Attempts == 2 && l.Failure == "" {
						retried++
					}
				}
				return retried == 19
			})
			if conns, _ := o.Counts(); conns != 20 {
				t.Errorf("%d connections", conns)
			}

			before := len(o.Requests())
			a := c.Ask(post)
			if a.StatusCode != 502 || a.Header.Get("Proxy-Status") == "" {
				t.Errorf("POST: %d", a.StatusCode)
			}
			if n := len(o.Requests()) - before; n != 1 {
				t.Errorf("the POST was sent %d times", n)
			}
			want := map[origin.End]string{origin.Close: "closed", origin.FIN: "closed", origin.RST: "reset"}[how]
			l := g.Line(func(l harness.Line) bool { return l.Method == "POST" })
			if l.Failure != "upstream.await-head."+want+"-reused" || !l.Reused || l.Attempts != 1 {
				t.Errorf("line: %s", l.Raw)
			}
			// The client's own word makes it repeatable.
			isPattern(t, c.Ask(get("/size/10")), 10)
			a = c.Ask("POST /upload HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k\r\nContent-Length: 5\r\n\r\nhello")
			if a.StatusCode != 200 || !strings.Contains(a.Text, `"bytes":5`) {
				t.Errorf("POST with Idempotency-Key: %d %q", a.StatusCode, a.Text)
			}
		})
	}
}

// A fresh connection that dies is no race: what may have had an effect is not
// repeated, what is safe goes to the only server there is once more.
func TestFreshConnectionDies(t *testing.T) {
	for request, times := range map[string]int{get("/lab/rst"): 2, "POST /lab/rst HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n": 1} {
		o, g := pair(t, origin.Options{})
		a := g.Dial().Ask(request)
		if a.StatusCode != 502 {
			t.Errorf("status %d", a.StatusCode)
		}
		if n := len(o.Requests()); n != times {
			t.Errorf("sent %d times, want %d: %q", n, times, request)
		}
		if l := g.Line(harness.Of("/lab/rst")); l.Failure != "upstream.await-head.reset" || l.Attempts != times {
			t.Errorf("line: %s", l.Raw)
		}
	}
}

// One of two servers refuses: no request fails, whatever its method.
func TestOneOfTwoRefuses(t *testing.T) {
	refused, release, err := origin.RefusedAddr()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{refused, o.Addr()}})
	c := g.Dial()
	big := strings.Repeat("x", 200000)
	for i := range 60 {
		request := []string{get("/size/10"), post,
			fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(big), big)}[i%3]
		go c.Send(request)
		if a := c.Read("GET"); a.StatusCode != 200 || a.Err != nil {
			t.Fatalf("request %d: %d, %v", i, a.StatusCode, a.Err)
		}
	}
	for _, l := range g.Lines() {
		if l.Failure != "" {
			t.Errorf("line: %s", l.Raw)
		}
	}
}

// All servers refuse: 502 with the failure, every one tried once.
func TestAllRefuse(t *testing.T) {
	var addrs []string
	for range 2 {
		addr, release, err := origin.RefusedAddr()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		addrs = append(addrs, addr)
	}
	g := harness.Start(t, harness.Config{Servers: addrs})
	a := g.Dial().Ask(get("/x"))
	if a.StatusCode != 502 || !strings.Contains(a.Header.Get("Proxy-Status"), "upstream.connect.refused") {
		t.Errorf("%d, Proxy-Status %q", a.StatusCode, a.Header.Get("Proxy-Status"))
	}
	if l := g.Line(harness.Of("/x")); l.Failure != "upstream.connect.refused" || l.Attempts != 2 {
		t.Errorf("line: %s", l.Raw)
	}
}

// A server that says Connection: close is believed.
func TestServerSaysClose(t *testing.T) {
	o, g := pair(t, origin.Options{})
	c := g.Dial()
	for range 5 {
		if a := c.Ask(get("/close")); a.StatusCode != 200 || a.Close {
			t.Errorf("%d, closes the client's connection too: %v", a.StatusCode, a.Close)
		}
	}
	if conns, _ := o.Counts(); conns != 5 {
		t.Errorf("%d connections", conns)
	}
}

// What a server sends behind its answer never becomes the next client's answer.
func TestLeftoverBytes(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	for _, target := range []string{"/lab/leftover?ms=0", "/lab/second-response?ms=0", "/lab/second-response-glued"} {
		for range 5 {
			c.Ask(get(target))
			// What comes while the next request is already under way cannot be told
			// from its answer; that race is left out.
			time.Sleep(5 * time.Millisecond)
			isPattern(t, c.Ask(get("/size/777")), 777)
		}
	}
}
