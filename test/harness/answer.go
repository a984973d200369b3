// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"context"
	"crypto/tls"
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
	if Servers == TLS && o.TLS == nil {
		o.TLS = credentials().leaf.Server(nil)
	}
	s, err := origin.Start("tcp", "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	if Servers == TLS {
		keepSecure(t, s.Addr())
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Target is the gateway as the raw clients of the lab see it.
func (g *Gateway) Target() client.Target {
	return client.Target{Addr: g.Addr, Deadline: Patience, TLS: ClientTLS()}
}

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
	return g.DialTo("tcp", g.Addr)
}

// DialTo connects to another of its addresses.
func (g *Gateway) DialTo(network, addr string) *Conn {
	g.t.Helper()
	var d net.Dialer
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(Patience))
	if c, err = shake(c); err != nil {
		g.t.Fatal(err)
	}
	return Over(g.t, c)
}

// Over reads answers from a connection that somebody else opened and closes.
func Over(t testing.TB, c net.Conn) *Conn {
	c.SetDeadline(time.Now().Add(Patience))
	return &Conn{c, bufio.NewReader(c), t}
}

// CloseWrite sends a FIN, over TLS behind close_notify.
func (c *Conn) CloseWrite() { closeWrite(c.Conn) }

// Reset closes the connection by an RST.
func (c *Conn) Reset() {
	raw := c.Conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	raw.(*net.TCPConn).SetLinger(0)
	raw.Close()
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
// byte, over TLS with close_notify.
func (c *Conn) Closed() {
	c.t.Helper()
	if b, err := c.In.ReadByte(); err == nil {
		rest, _ := io.ReadAll(c.In)
		c.t.Fatalf("more came: %q", append([]byte{b}, rest...))
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Fatal("the connection stays open")
	} else if _, ok := c.Conn.(*tls.Conn); ok && err != io.EOF {
		c.t.Errorf("the connection ends without close_notify: %v", err)
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
