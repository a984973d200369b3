// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/lab/ws"
	"causey/test/harness"
)

// RFC 9110 section 7.8, RFC 6455: frames of every size pass both ways.
func TestWebSocket(t *testing.T) {
	o, g := pair(t, origin.Options{})
	w, err := client.DialWebSocket(t.Context(), g.Target(), "a.example", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		payload, _ := io.ReadAll(pattern.NewReader(n))
		errs := make(chan error, 1)
		go func() { errs <- w.Send(ws.Frame{Last: true, Opcode: ws.Binary, Payload: payload}) }()
		f, err := w.Receive()
		if err != nil || !bytes.Equal(f.Payload, payload) || <-errs != nil {
			t.Fatalf("frame of %d: %d bytes, %v", n, len(f.Payload), err)
		}
	}
	if err := w.Send(ws.Frame{Last: true, Opcode: ws.Goaway}); err != nil {
		t.Fatal(err)
	}
	if f, err := w.Receive(); err != nil || f.Opcode != ws.Goaway {
		t.Errorf("the closing frame came back as %d, %v", f.Opcode, err)
	}
	if r := w.Leave(client.FIN); r.End != client.PeerFIN {
		t.Errorf("the tunnel ended by %s", r.End)
	}
	l := g.Line(harness.Of("/ws"))
	if l.Status != 101 || l.Failure != "" || l.Outcome != "tunnelled" || l.BodyOut < 1<<20 || l.BodyIn < 1<<20 {
		t.Errorf("line: %s", l.Raw)
	}
	if req := o.Requests()[0]; req.Get("Upgrade") != "websocket" || req.Get("Connection") != "Upgrade" {
		t.Errorf("the server got Upgrade %q, Connection %q", req.Get("Upgrade"), req.Get("Connection"))
	}
}

// tunnelServer upgrades one connection and gives it to serve.
func tunnelServer(t *testing.T, serve func(c *net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(harness.Patience))
		head := make([]byte, 0, 4096)
		for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
			var b [1]byte
			if _, err := c.Read(b[:]); err != nil {
				return
			}
			head = append(head, b[0])
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nwelcome\n")
		serve(c.(*net.TCPConn))
	}()
	return ln.Addr().String()
}

const upgradeRaw = "GET /t HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n"

// An end of one side is a half-close: what the other side still says arrives.
func TestTunnelHalfClose(t *testing.T) {
	const much = 4 << 20
	t.Run("client first", func(t *testing.T) {
		got := make(chan int64, 1)
		addr := tunnelServer(t, func(c *net.TCPConn) {
			n, _ := io.Copy(io.Discard, c)
			got <- n
			io.Copy(c, pattern.NewReader(much))
		})
		g := harness.Start(t, harness.Config{Servers: []string{addr}})
		c := g.Dial()
		c.Send(upgradeRaw + "early")
		if a := c.Read("GET"); a.StatusCode != 101 || a.Header.Get("Upgrade") != "raw" {
			t.Fatalf("status %d, Upgrade %q", a.StatusCode, a.Header.Get("Upgrade"))
		}
		if _, err := io.Copy(c, pattern.NewReader(much)); err != nil {
			t.Fatal(err)
		}
		c.CloseWrite()
		if n := <-got; n != much+5 {
			t.Errorf("the server got %d bytes", n)
		}
		all, err := io.ReadAll(c.In)
		want, _ := io.ReadAll(pattern.NewReader(much))
		if err != nil || string(all) != "welcome\n"+string(want) {
			t.Errorf("%d bytes came back, %v", len(all), err)
		}
		if l := g.Line(harness.Of("/t")); l.Failure != "" || l.Outcome != "tunnelled" {
			t.Errorf("line: %s", l.Raw)
		}
	})
	t.Run("server first", func(t *testing.T) {
		got := make(chan int64, 1)
		addr := tunnelServer(t, func(c *net.TCPConn) {
			c.CloseWrite()
			n, _ := io.Copy(io.Discard, c)
			got <- n
		})
		g := harness.Start(t, harness.Config{Servers: []string{addr}})
		c := g.Dial()
		c.Send(upgradeRaw)
		c.Read("GET")
		if all, err := io.ReadAll(c.In); err != nil || string(all) != "welcome\n" {
			t.Fatalf("%q, %v", all, err)
		}
		if _, err := io.Copy(c, pattern.NewReader(much)); err != nil {
			t.Fatal(err)
		}
		c.CloseWrite()
		if n := <-got; n != much {
			t.Errorf("the server got %d bytes", n)
		}
		if l := g.Line(harness.Of("/t")); l.Failure != "" || l.Outcome != "tunnelled" {
			t.Errorf("line: %s", l.Raw)
		}
	})
}

// A tunnel in which nobody says anything ends after tunnel_idle, on both sides.
func TestTunnelIdle(t *testing.T) {
	ended := make(chan struct{})
	addr := tunnelServer(t, func(c *net.TCPConn) {
		io.Copy(io.Discard, c)
		close(ended)
	})
	g := harness.Start(t, harness.Config{Servers: []string{addr}, Top: "timeouts: {tunnel_idle: 1s}"})
	c := g.Dial()
	c.Send(upgradeRaw)
	c.Read("GET")
	io.ReadAll(c.In)
	<-ended
	if l := g.Line(harness.Of("/t")); l.Failure != "gateway.tunnel.idle" {
		t.Errorf("line: %s", l.Raw)
	}
}

// A server that does not upgrade answers as usual, and the connection is kept.
func TestUpgradeDeclined(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	for _, target := range []string{"/lab/upgrade-ignored", "/lab/upgrade-refused", "/lab/426"} {
		a := c.Ask("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
		if a.Err != nil || len(a.Text) != 2 {
			t.Fatalf("%s: %d %q %v", target, a.StatusCode, a.Text, a.Err)
		}
	}
}
