// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"causey/lab/origin"
	"causey/test/harness"
)

// RFC 9110 section 15.2: interim answers pass, but never to HTTP/1.0.
func TestInterim(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	c.Send(get("/interim?n=3"))
	for range 3 {
		if a := c.Read("GET"); a.StatusCode != 103 || !strings.HasPrefix(a.Header.Get("Link"), "</style-") {
			t.Fatalf("interim: %d, Link %q", a.StatusCode, a.Header.Get("Link"))
		}
	}
	if a := c.Read("GET"); a.StatusCode != 200 || a.Err != nil {
		t.Fatalf("final: %d, %v", a.StatusCode, a.Err)
	}
	// A 100 that the client did not ask for is not for the client.
	if a := c.Ask(get("/lab/100-unasked")); a.StatusCode != 200 || a.Text != "ok" {
		t.Errorf("after an unasked 100: %d %q", a.StatusCode, a.Text)
	}
	if a := g.Dial().Ask("GET /interim?n=3 HTTP/1.0\r\n\r\n"); a.StatusCode != 200 {
		t.Errorf("HTTP/1.0 got %d", a.StatusCode)
	}
}

const expecting = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

// RFC 9110 section 10.1.1: the expectation is the server's to answer, and no byte of
// the body moves before it has.
func TestExpectPasses(t *testing.T) {
	o, g := pair(t, origin.Options{})
	c := g.Dial()
	for range 3 {
		c.Send("POST /expect" + expecting)
		if a := c.Read("POST"); a.StatusCode != 100 {
			t.Fatalf("status %d instead of 100", a.StatusCode)
		}
		c.Send("hello")
		if a := c.Read("POST"); a.StatusCode != 200 || !strings.Contains(a.Text, `"bytes":5`) {
			t.Fatalf("final: %d %q", a.StatusCode, a.Text)
		}
	}
	if got := o.Requests()[0].Get("Expect"); got != "100-continue" {
		t.Errorf("the server got Expect %q", got)
	}
}

// A final answer instead of 100: it arrives, and what the client does next never
// becomes a request of its own.
func TestExpectRefused(t *testing.T) {
	for _, status := range []string{"417", "413"} {
		o, g := pair(t, origin.Options{})
		c := g.Dial()
		c.Send("POST /expect?answer=" + status + expecting)
		a := c.Read("POST")
		if a.Status[:3] != status || a.Err != nil {
			t.Fatalf("status %s: %v", a.Status, a.Err)
		}
		if !a.Close {
			t.Errorf("%s: the connection is kept, and the body may be on its way", status)
		}
		io.WriteString(c, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
		c.Closed()
		for _, r := range o.Requests() {
			if r.Target == "/smuggled" {
				t.Errorf("%s: the body was read as a request", status)
			}
		}
		l := g.Line(func(l harness.Line) bool { return l.Method == "POST" })
		if l.Failure != "" || l.Outcome != "relayed" {
			t.Errorf("%s: %s", status, l.Raw)
		}
	}
}

// A server that does not know expectations waits for the body; a client that was
// not answered sends it after a while.
func TestExpectIgnored(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	c.Send("POST /lab/continue-never" + expecting)
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if b, err := c.In.Peek(1); err == nil {
		t.Fatalf("an answer came before the body: %q", b)
	} else if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(harness.Patience))
	c.Send("hello")
	if a := c.Read("POST"); a.StatusCode != 200 || !strings.Contains(a.Text, `"bytes":5`) {
		t.Fatalf("final: %d %q", a.StatusCode, a.Text)
	}
}

// The body is sent along with the expectation: 100 may come or not, the answer does.
func TestExpectWithBody(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	for range 3 {
		c.Send("POST /expect" + expecting + "hello")
		a := c.Read("POST")
		if a.StatusCode == 100 {
			a = c.Read("POST")
		}
		if a.StatusCode != 200 || !strings.Contains(a.Text, `"bytes":5`) {
			t.Fatalf("final: %d %q", a.StatusCode, a.Text)
		}
	}
}
