// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
)

// Origin starts a lab origin and closes it when the test ends.
func Origin(t testing.TB, o origin.Options) *origin.Server {
	t.Helper()
	s, err := origin.Start("tcp", "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Target is the gateway as the raw clients of the lab see it.
func (g *Gateway) Target() client.Target { return client.Target{Addr: g.Addr, Deadline: Patience} }

// Conn is a client's connection on which answers are read strictly.
type Conn struct {
	net.Conn
	In *bufio.Reader
	t  testing.TB
}

// Dial connects to the gateway. Everything on the connection has to happen within
// Patience.
func (g *Gateway) Dial() *Conn {
	g.t.Helper()
	var d net.Dialer
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", g.Addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	return Over(g.t, c)
}

// Over reads answers from a connection that somebody else opened and closes.
func Over(t testing.TB, c net.Conn) *Conn {
	c.SetDeadline(time.Now().Add(Patience))
	return &Conn{c, bufio.NewReader(c), t}
}

// CloseWrite sends a FIN.
func (c *Conn) CloseWrite() { c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// Reset closes the connection by an RST.
func (c *Conn) Reset() {
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// Send writes text whole.
func (c *Conn) Send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// Answer is an answer that arrived whole, or as far as Err says.
type Answer struct {
	*http.Response
	Text string
	Err  error
}

// Read reads the next answer, which must have a whole head. An interim answer is
// an answer.
func (c *Conn) Read(method string) Answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.In, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer to %s: %v", method, err)
	}
	if resp.StatusCode < 200 {
		return Answer{Response: resp}
	}
	text, err := io.ReadAll(resp.Body)
	return Answer{resp, string(text), err}
}

// Ask sends a whole request and reads the answer.
func (c *Conn) Ask(request string) Answer {
	c.t.Helper()
	c.Send(request)
	method, _, _ := strings.Cut(request, " ")
	return c.Read(method)
}

// Closed fails the test unless the gateway ends the connection without another
// byte.
func (c *Conn) Closed() {
	c.t.Helper()
	if b, err := c.In.ReadByte(); err == nil {
		rest, _ := io.ReadAll(c.In)
		c.t.Fatalf("more came: %q", append([]byte{b}, rest...))
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Fatal("the connection stays open")
	}
}

// CheckGoroutines fails the test at its end if it left goroutines behind. Call it
// first in a test, so that it looks last.
func CheckGoroutines(t testing.TB) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for end := time.Now().Add(Patience); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Errorf("%d goroutines before, %d now:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
				return
			}
		}
	})
}
