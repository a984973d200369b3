// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"causey/internal/config"
	"causey/internal/gateway"
	"causey/lab/origin"
)

// stage is a gateway with the servers of a demo.
type stage struct {
	notes io.Writer
	g     *gateway.Gateway
	// ends closes what was opened, last first.
	ends []func()

	// The servers: shop is good; api misbehaves as its path says; orders closes a
	// connection when a second request comes on it; nobody listens at blog, and
	// the socket of app does not exist.
	shop, api, orders, blog, app string
}

// newStage starts the servers.
func newStage(notes io.Writer) (*stage, error) {
	s := &stage{notes: notes}
	err := s.startServers()
	if err != nil {
		s.close()
	}
	return s, err
}

func (s *stage) startServers() error {
	for _, one := range []struct {
		addr *string
		opts origin.Options
	}{
		{&s.shop, origin.Options{LogLimit: -1}},
		{&s.api, origin.Options{LogLimit: -1}},
		{&s.orders, origin.Options{LogLimit: -1, ReuseHow: origin.Close, ReuseMethod: "POST"}},
	} {
		server, err := origin.Start("tcp", "127.0.0.1:0", one.opts)
		if err != nil {
			return err
		}
		s.ends = append(s.ends, func() { _ = server.Close() })
		*one.addr = server.Addr()
	}
	refused, release, err := origin.RefusedAddr()
	if err != nil {
		return err
	}
	s.blog = refused
	s.ends = append(s.ends, func() { _ = release() })
	dir, err := os.MkdirTemp("", "causey-demo-")
	if err != nil {
		return err
	}
	s.ends = append(s.ends, func() { _ = os.RemoveAll(dir) })
	s.app = filepath.Join(dir, "app.sock")
	return nil
}

func (s *stage) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

// portTries is how many ports after the wanted one are tried.
const portTries = 50

// open starts the gateway at the given addresses, or at the next free ports.
func (s *stage) open(listen, admin string) error {
	site, err := loopback("--listen", listen)
	if err != nil {
		return err
	}
	page, err := loopback("--admin", admin)
	if err != nil {
		return err
	}
	// Between looking and listening somebody may take a port; then look again.
	for range portTries {
		at, err := nextFree(site, netip.AddrPort{})
		if err != nil {
			return err
		}
		pageAt, err := nextFree(page, at)
		if err != nil {
			return err
		}
		err = s.start(at, pageAt)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err == nil {
			s.noteMoved(site, at)
			s.noteMoved(page, pageAt)
		}
		return err
	}
	return &exitError{exitTemporary, fmt.Errorf("no free ports near %s and %s; name others with --listen and --admin", listen, admin)}
}

// loopback reads an address of a flag. The demo lets anybody who can connect make
// its servers misbehave, so it stays on this machine.
func loopback(flag, text string) (netip.AddrPort, error) {
	a, err := config.ParseListenAddr(text)
	if err != nil {
		return netip.AddrPort{}, &exitError{exitUsage, fmt.Errorf("%s: %w", flag, err)}
	}
	if a.Network != config.TCP || !a.IP.IsLoopback() {
		return netip.AddrPort{}, &exitError{exitUsage, fmt.Errorf("%s: %s is no loopback address; the demo listens on this machine only, such as on 127.0.0.1:8080", flag, text)}
	}
	return netip.AddrPortFrom(a.IP, a.Port), nil
}

// nextFree returns wanted, or the same address with the next port that is free and
// is not taken's.
func nextFree(wanted, taken netip.AddrPort) (netip.AddrPort, error) {
	if wanted.Port() == 0 {
		return wanted, nil
	}
	var last error
	for i := range min(portTries, 1<<16-int(wanted.Port())) {
		at := netip.AddrPortFrom(wanted.Addr(), wanted.Port()+uint16(i))
		if at == taken {
			continue
		}
		ln, err := net.Listen("tcp", at.String())
		if err == nil {
			return at, ln.Close()
		}
		last = err
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	code := exitProblem
	if errors.Is(last, syscall.EADDRINUSE) {
		code = exitTemporary
	}
	return wanted, &exitError{code, fmt.Errorf("no port to listen on from %s upwards: %w", wanted, last)}
}

func (s *stage) noteMoved(wanted, at netip.AddrPort) {
	if wanted != at {
		fmt.Fprintf(s.notes, "%s is in use; taking %s\n", wanted, at)
	}
}

// start starts the gateway.
func (s *stage) start(site, page netip.AddrPort) error {
	cfg, err := config.Parse("demo", []byte(s.yaml(site, page)))
	if err != nil {
		return err
	}
	// That servers are out of service is a warning, and here the play itself.
	grave := slog.New(slog.NewTextHandler(s.notes, &slog.HandlerOptions{Level: slog.LevelError}))
	g, err := gateway.New(cfg, gateway.Options{Build: build(), Logger: grave})
	if err != nil {
		return err
	}
	if err := g.Start(); err != nil {
		atOnce := make(chan struct{})
		close(atOnce)
		g.Stop(atOnce)
		return err
	}
	s.g = g
	return nil
}

// stop ends the gateway without waiting for anybody.
func (s *stage) stop() {
	atOnce := make(chan struct{})
	close(atOnce)
	s.g.Stop(atOnce)
}

// yaml is the demo's configuration, as anybody could have written it. Names below
// .localhost lead to this machine in every browser (RFC 6761 section 6.3).
func (s *stage) yaml(site, page netip.AddrPort) string {
	return fmt.Sprintf(`version: 1
listen: [%q]
admin: {listen: %q, socket: off}
access_log: off
timeouts: {await_head: 700ms}
sites:
  - {hosts: [shop.localhost, "*"], routes: [{path: /, upstream: shop}]}
  - {host: api.localhost, routes: [{path: /, upstream: api}]}
  - {host: orders.localhost, routes: [{path: /, upstream: orders}]}
  - {host: blog.localhost, routes: [{path: /, upstream: blog}]}
  - {host: app.localhost, routes: [{path: /, upstream: app}]}
upstreams:
  shop: {servers: [%q]}
  api: {servers: [%q]}
  orders: {servers: [%q]}
  blog: {servers: [%q]}
  app: {servers: [%q]}
`, site, page, s.shop, s.api, s.orders, s.blog, "unix:"+s.app)
}

// adminFlag is what other commands need to find this gateway.
func (s *stage) adminFlag() string {
	if addr := s.g.AdminAddr(); addr != adminDefault {
		return " --admin " + addr
	}
	return ""
}

// portOf is the port of a host:port.
func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
