// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package harness starts a whole gateway inside a test and reads what it wrote
// about the exchanges it carried.
//
// What it is: Start, from the text of a configuration as an owner would write it;
// the lines of its access log; answers as a strict client reads them; a count of
// goroutines.
//
// What it never does: it changes no default of the gateway other than addresses
// and paths, and never waits without a deadline.
//
// Invariants:
//
//	I1. Everything that Start opened is closed when the test ends, and a bug that
//	    the gateway reported about itself fails the test.
//	I2. Line is what stands in the file, not what the code thinks it wrote.
//
// Start reading with Config and Start.
package harness

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/config"
	"causey/internal/gateway"
	"causey/internal/testkit"
)

// Config is a configuration: one site that leads everything to one upstream.
type Config struct {
	// Servers are those of the upstream, each as config reads it.
	Servers []string
	// Listen is where to listen; empty is a free port of 127.0.0.1. An item is an
	// address, or the object in braces.
	Listen []string
	// Upstream holds more keys of the upstream, one per line:
	// "keep_alive: {max_idle: 0}".
	Upstream string
	// Top holds more keys of the top level, one per line, nested as YAML is.
	Top string
	// Text replaces all of the above but Listen: sites and upstreams are its own.
	Text string
	// AdminTCP asks for the admin side on TCP too.
	AdminTCP bool
	// After, if set, is what the care for certificates waits with.
	After func(time.Duration) <-chan time.Time
}

// yaml writes c down; dir holds the files of the gateway.
func (c Config) yaml(dir string) string {
	listen := c.Listen
	if len(listen) == 0 {
		listen = []string{"127.0.0.1:0"}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nlisten:\n")
	for _, l := range listen {
		if Clients == TLS && !strings.HasPrefix(l, "{") && c.Text == "" {
			l = fmt.Sprintf("{address: %q, tls: true}", l)
		}
		if !strings.HasPrefix(l, "{") {
			l = strconv.Quote(l)
		}
		fmt.Fprintf(&b, "  - %s\n", l)
	}
	fmt.Fprintf(&b, "admin:\n  socket: %s\n", filepath.Join(dir, "a.sock"))
	if c.AdminTCP {
		b.WriteString("  listen: 127.0.0.1:0\n")
	}
	fmt.Fprintf(&b, "access_log: {format: json, path: %s}\n", filepath.Join(dir, "access.log"))
	if c.Text != "" {
		return b.String() + c.Text
	}
	if Clients == TLS {
		fmt.Fprintf(&b, "tls: {certificates: [{certificate: %s, key: %s}]}\n", filepath.Join(dir, "own.pem"), filepath.Join(dir, "own.key"))
	}
	b.WriteString(c.Top)
	if c.Top != "" && !strings.HasSuffix(c.Top, "\n") {
		b.WriteByte('\n')
	}
	b.WriteString("sites:\n  - host: \"*\"\n    routes: [{path: /, upstream: u}]\nupstreams:\n  u:\n    servers:\n")
	https := false
	for _, s := range c.Servers {
		if overTLS(s) {
			https, s = true, "https://"+s
		}
		fmt.Fprintf(&b, "      - %q\n", s)
	}
	if https {
		fmt.Fprintf(&b, "    tls: {ca_file: %s}\n", filepath.Join(dir, "ca.pem"))
	}
	for line := range strings.Lines(c.Upstream) {
		fmt.Fprintf(&b, "    %s\n", strings.TrimRight(line, "\n"))
	}
	return b.String()
}

// Gateway is a running gateway of a test.
type Gateway struct {
	*gateway.Gateway
	// Addr is where it listens, Dir where its files are.
	Addr, Dir string

	t    testing.TB
	logs testkit.Log

	mu      sync.Mutex
	next    func() (*config.Config, error) // what the next reload loads
	stopped bool
	seen    []Line // lines read of the access log
	read    int64  // bytes read of it
}

// Start starts a gateway and stops it when the test ends.
func Start(t testing.TB, c Config) *Gateway {
	t.Helper()
	dir, err := os.MkdirTemp("", "cz") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	writePKI(dir)
	g := &Gateway{Dir: dir, t: t}
	cfg, err := g.parse(c)
	if err != nil {
		t.Fatalf("configuration: %v\n%s", err, c.yaml(dir))
	}
	gw, err := gateway.New(cfg, gateway.Options{
		Load: func() (*config.Config, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.next()
		},
		After:  c.After,
		Logger: slog.New(slog.NewTextHandler(&g.logs, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Gateway = gw
	g.Configure(c)
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.end)
	g.Addr = gw.Addrs()[0]
	if c.Text == "" {
		Gateways(t, g.Addr)
	}
	return g
}

func (g *Gateway) parse(c Config) (*config.Config, error) {
	return config.Parse(filepath.Join(g.Dir, "causey.yaml"), []byte(c.yaml(g.Dir)))
}

// Configure sets what the next Reload loads.
func (g *Gateway) Configure(c Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = func() (*config.Config, error) { return g.parse(c) }
}

// Stop drains the gateway as SIGTERM does. now, when closed, ends the drain.
func (g *Gateway) Stop(now <-chan struct{}) {
	g.mu.Lock()
	g.stopped = true
	g.mu.Unlock()
	g.Gateway.Stop(now)
}

func (g *Gateway) end() {
	g.mu.Lock()
	stopped := g.stopped
	g.mu.Unlock()
	if !stopped {
		now := make(chan struct{})
		close(now)
		g.Stop(now)
	}
	text := g.logs.String()
	if strings.Contains(text, "a bug in an exchange") {
		g.t.Errorf("the gateway reports a bug of its own")
	}
	if g.t.Failed() && text != "" {
		g.t.Logf("the gateway's own log:\n%s", text)
	}
}

// Log is what the gateway has said about itself so far.
func (g *Gateway) Log() string { return g.logs.String() }
