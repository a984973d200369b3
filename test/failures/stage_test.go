// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/lab/client"
	"causey/lab/origin"
	"causey/test/harness"
)

// stage is where a case plays: a gateway, an origin, a client.
type stage struct {
	t      *testing.T
	ctx    context.Context
	cancel context.CancelFunc
	dir    string // of files, with a short name
	origin *origin.Server

	up     chan struct{} // closed when the gateway listens
	addr   string        // of the gateway, known when it does
	socket string        // of its admin side
	log    string        // its access log
	// stop stops the gateway while its admin side goes on; cases that are joined have it.
	stop func()
	// held are connections that stay open until the case is over.
	held []*client.Conn
}

// run plays a case and proves what it has to prove.
func run(t *testing.T, c *Case) {
	s := &stage{t: t, up: make(chan struct{})}
	s.ctx, s.cancel = context.WithTimeout(context.Background(), 2*harness.Patience)
	defer s.cancel()
	// Cleanups run last first, so this is the last of all: I4.
	label := pprof.Labels("case", t.Name())
	t.Cleanup(func() { noGoroutines(t, t.Name()) })
	var err error
	if s.dir, err = os.MkdirTemp("", "cf"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	s.startOrigin(c)
	if c.dns != nil {
		c.top += "\nresolver: [" + startDNS(t, c.dns) + "]"
	}
	if c.prepare != nil {
		c.prepare(s, c)
	}
	// Goroutines inherit labels, so whatever the gateway starts is known as this case's.
	pprof.Do(s.ctx, label, func(context.Context) {
		if c.joined {
			s.startJoined(c)
		} else {
			s.startGateway(c)
		}
	})
	close(s.up)
	result := c.play(s)
	s.prove(c, result)
	for _, h := range s.held {
		h.Close()
	}
}

func (s *stage) startOrigin(c *Case) {
	if c.network == "none" {
		return
	}
	network, addr := c.network, "127.0.0.1:0"
	if network == "" {
		network = "tcp"
	} else if network == "unix" {
		addr = filepath.Join(s.dir, "o.sock")
	}
	o, err := origin.Start(network, addr, c.origin)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { o.Close() })
	s.origin = o
	if len(c.servers) == 0 {
		c.servers = []string{addr}
		if network == "tcp" {
			c.servers[0] = o.Addr()
		} else {
			c.servers[0] = "unix:" + addr
		}
	}
}

// once are keys of an upstream: a failure shows itself only where nothing is done about it.
const once = "retry: {tries: 1, on: []}\nhold: 0\n"

// config is the case's part of the configuration.
func (c *Case) config() harness.Config {
	top := c.top
	if c.untrusted {
		top += "\ntrusted_proxies: [192.0.2.0/24]"
	}
	top += "\ntimeouts: {" + strings.TrimPrefix("drain: 0, "+c.timeouts, ", ") + "}\n"
	if c.limits != "" {
		top += "limits: {" + c.limits + "}\n"
	}
	h := harness.Config{Servers: c.servers, Listen: c.listen, Upstream: once + c.upstream, Top: top}
	if c.text != "" {
		h.Text = top + c.text
	}
	return h
}

func (s *stage) startGateway(c *Case) {
	g := harness.Start(s.t, c.config())
	s.addr, s.socket, s.log = g.Addr, filepath.Join(g.Dir, "a.sock"), filepath.Join(g.Dir, "access.log")
}

// target is the gateway as clients see it.
func (s *stage) target() client.Target {
	return client.Target{Addr: s.addr, Deadline: harness.Patience}
}

// dial opens a connection that is closed when the case is over.
func (s *stage) dial() *client.Conn {
	s.t.Helper()
	c, err := client.Dial(s.ctx, s.target())
	if err != nil {
		s.t.Fatal(err)
	}
	s.held = append(s.held, c)
	return c
}

// eventually waits until ok holds.
func (s *stage) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(harness.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			text, _ := os.ReadFile(s.log)
			s.t.Fatalf("no %s within %v; the access log:\n%s", what, harness.Patience, text)
		}
	}
}

// arrived waits until the origin has seen so many requests.
func (s *stage) arrived(n int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("request %d at the origin", n), func() bool {
		_, requests := s.origin.Counts()
		return requests >= n
	})
}

// active waits until so many exchanges are under way.
func (s *stage) active(n int) {
	s.t.Helper()
	want := fmt.Appendf(nil, "\ncausey_connections{state=\"active\"} %d\n", n)
	s.eventually(fmt.Sprintf("%d active exchanges", n), func() bool { return bytes.Contains(s.ask("/metrics"), want) })
}

// lines are the lines of the access log so far.
func (s *stage) lines() []harness.Line {
	s.t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []harness.Line
	for {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended {
			return lines
		}
		l := harness.Line{Raw: string(line)}
		if err := json.Unmarshal(line, &l); err != nil {
			s.t.Fatalf("access log: %v: %s", err, line)
		}
		lines, text = append(lines, l), rest
	}
}

// failures are the lines of exchanges that failed.
func (s *stage) failures() []harness.Line {
	var failed []harness.Line
	for _, l := range s.lines() {
		if l.Failure != "" {
			failed = append(failed, l)
		}
	}
	return failed
}

// noGoroutines waits until no goroutine is left that was started under the label of a case.
func noGoroutines(t *testing.T, name string) {
	mark := fmt.Sprintf("%q:%q", "case", name)
	var left string
	for end := time.Now().Add(harness.Patience); ; time.Sleep(20 * time.Millisecond) {
		var all bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
			t.Fatal(err)
		}
		left = ""
		for group := range strings.SplitSeq(all.String(), "\n\n") {
			if strings.Contains(group, mark) {
				left += group + "\n\n"
			}
		}
		switch {
		case left == "":
			return
		case time.Now().After(end):
			t.Errorf("goroutines are left:\n%s", left)
			return
		}
	}
}

// entry is the registry's entry of a code.
func entry(t *testing.T, code string) *failure.Entry {
	t.Helper()
	c, ok := failure.ParseCode(code)
	if !ok {
		t.Fatalf("%s is no code of the registry", code)
	}
	return failure.Lookup(c)
}
