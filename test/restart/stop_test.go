// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/lab/ws"
	"causey/test/harness"
)

// stop begins to stop g and returns when the listener is closed; ended is closed
// when Stop has returned.
func stop(g *harness.Gateway, now chan struct{}) (ended chan struct{}) {
	ended = make(chan struct{})
	go func() {
		g.Stop(now)
		close(ended)
	}()
	g.Eventually("closed listener", func() bool {
		c, err := net.Dial("tcp", g.Addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	return ended
}

// A stop under load loses nothing that the gateway had received.
func TestStopUnderLoad(t *testing.T) {
	for range 4 {
		t.Run("", func(t *testing.T) {
			harness.CheckGoroutines(t)
			o := harness.Origin(t, origin.Options{LogLimit: -1})
			g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
			l := startLoad(g.Addr, 12)
			g.Eventually("load", func() bool { return l.whole.Load() > 200 })
			ended := stop(g, make(chan struct{}))
			<-ended
			l.stop()
			l.check(t, g)
		})
	}
}

// Connections that are idle when the gateway stops, with a goroutine or parked,
// still get a late request answered within the grace, and then close.
func TestLateRequest(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
	const request = "GET /size/100 HTTP/1.1\r\nHost: a\r\n\r\n"
	var conns []*harness.Conn
	open := func(n int) {
		for range n {
			c := g.Dial()
			c.Ask(request)
			conns = append(conns, c)
		}
	}
	open(20)
	silent := g.Dial()
	fresh := g.Dial() // never asked anything yet
	unasked := g.Dial()
	time.Sleep(1500 * time.Millisecond) // the 20 park, and the kernel hands over the others
	open(20)
	ended := stop(g, make(chan struct{}))
	for i, c := range append(conns, fresh) {
		a := c.Ask(request)
		for a.StatusCode == 200 && a.Err == nil && !a.Close {
			a = c.Ask(request) // the stop had not begun yet
		}
		if a.StatusCode != 200 || a.Err != nil || !a.Close {
			t.Errorf("connection %d: %d, %v, close %v", i, a.StatusCode, a.Err, a.Close)
		}
		c.Closed()
	}
	silent.Closed()
	unasked.Closed()
	<-ended
}

// What is under way when the gateway stops goes on to its end: downloads, uploads,
// slow answers, tunnels.
func TestStopDrains(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
	const much = 64 << 20

	download := g.Dial()
	download.Send(fmt.Sprintf("GET /size/%d HTTP/1.1\r\nHost: a\r\n\r\n", much))
	resp, err := http.ReadResponse(download.In, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	upload := g.Dial()
	upload.Send(fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", much))
	slow := g.Dial()
	slow.Send("GET /slow?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n")
	tunnel, err := client.DialWebSocket(t.Context(), g.Target(), "a", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	g.Eventually("requests at the server", func() bool { return len(o.Requests()) == 4 })

	ended := stop(g, make(chan struct{}))
	time.Sleep(700 * time.Millisecond) // past the grace for idle connections
	var check pattern.Checker
	if _, err := io.Copy(&check, resp.Body); err != nil || check.Bytes() != much {
		t.Errorf("download: %d bytes, %v", check.Bytes(), err)
	}
	if _, err := io.Copy(upload.Conn, pattern.NewReader(much)); err != nil {
		t.Errorf("upload: %v", err)
	}
	if a := upload.Read("POST"); a.StatusCode != 200 || !strings.Contains(a.Text, pattern.Sum(much)) {
		t.Errorf("upload: %d %q", a.StatusCode, a.Text)
	}
	if a := slow.Read("GET"); a.StatusCode != 200 || a.Err != nil {
		t.Errorf("slow answer: %d, %v", a.StatusCode, a.Err)
	}
	for range 3 {
		if err := tunnel.Send(ws.Frame{Last: true, Opcode: ws.Binary, Payload: []byte("still here")}); err != nil {
			t.Error(err)
		}
		if f, err := tunnel.Receive(); err != nil || string(f.Payload) != "still here" {
			t.Errorf("tunnel: %q, %v", f.Payload, err)
		}
	}
	select {
	case <-ended:
		t.Error("the gateway ended before its tunnel")
	default:
	}
	tunnel.Leave(client.FIN)
	<-ended
	for _, l := range g.Lines() {
		if l.Failure != "" {
			t.Errorf("line: %s", l.Raw)
		}
	}
}

// A second stop ends everything at once, and each exchange with a record that says
// so.
func TestStopNow(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
	waiting := g.Dial()
	waiting.Send("GET /slow?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n")
	inBody := g.Dial()
	inBody.Send("GET /slow-body?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n")
	uploading := g.Dial()
	uploading.Send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nxxxx")
	stuck := g.Dial() // reads nothing of its download
	stuck.Send("GET /size/100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := client.DialWebSocket(t.Context(), g.Target(), "a", "/ws"); err != nil {
		t.Fatal(err)
	}
	g.Eventually("requests at the server", func() bool { return len(o.Requests()) == 5 })
	if _, err := inBody.In.Peek(1); err != nil {
		t.Fatal(err)
	}
	if _, err := stuck.In.Peek(1); err != nil {
		t.Fatal(err)
	}

	now := make(chan struct{})
	ended := stop(g, now)
	close(now)
	<-ended
	var got []string
	for _, l := range g.Lines() {
		got = append(got, l.Failure)
	}
	slices.Sort(got)
	want := []string{"gateway.await-head.shutdown", "gateway.relay-body.shutdown", "gateway.relay-body.shutdown", "gateway.send-body.shutdown", "gateway.tunnel.shutdown"}
	if !slices.Equal(got, want) {
		t.Errorf("records: %q, want %q", got, want)
	}
	// What was cut does not look whole.
	if a := inBody.Read("GET"); a.Err == nil {
		t.Errorf("the cut answer looks whole: %d bytes", len(a.Text))
	}
}

// The drain time is a bound: what is left then is cut, with a record.
func TestDrainTime(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "timeouts: {drain: 500ms}"})
	c := g.Dial()
	c.Send("GET /slow?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n")
	g.Eventually("request at the server", func() bool { return len(o.Requests()) == 1 })
	<-stop(g, make(chan struct{}))
	if l := g.Line(harness.Of("/slow?ms=600000")); l.Failure != "gateway.await-head.shutdown" {
		t.Errorf("line: %s", l.Raw)
	}
}

// With a drain delay a gateway that stops says first that it is not ready. Meanwhile
// nobody is refused, and answers say that they are the last on their connection.
func TestDrainDelay(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{LogLimit: -1})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, AdminTCP: true, Top: "timeouts: {drain_delay: 1500ms}"})
	ready := func() int {
		c := &http.Client{Timeout: harness.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := c.Get("http://" + g.AdminAddr() + "/readyz")
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	const request = "GET /size/10 HTTP/1.1\r\nHost: a\r\n\r\n"
	before := g.Dial()
	if a := before.Ask(request); a.Close || ready() != 200 {
		t.Error("it stops before it is told to")
	}
	l := startLoad(g.Addr, 6)
	ended := make(chan struct{})
	go func() { defer close(ended); g.Stop(make(chan struct{})) }()
	g.Eventually("word that it is not ready", func() bool { return ready() == 503 })
	fresh := g.Dial()
	for what, c := range map[string]*harness.Conn{"a connection from before": before, "a new connection": fresh} {
		if a := c.Ask(request); a.StatusCode != 200 || !a.Close {
			t.Errorf("%s: %d, close %v, %v", what, a.StatusCode, a.Close, a.Err)
		}
		c.Closed()
	}
	if n := l.refused.Load() + l.unread.Load(); n > 0 {
		t.Errorf("%d connections were refused within the delay", n)
	}
	<-ended
	l.stop()
	if len(l.lost) > 0 {
		t.Errorf("lost: %v", l.lost)
	}
}
