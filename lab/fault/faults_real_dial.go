// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"causey/lab/names"
	"causey/lab/real"
)

// realDial are servers that cannot be connected to by TCP.
var realDial = []*Fault{
	{Cause: "dns.stale", Means: Real, Scope: "server",
		Twins: []string{"tcp.refused.down"},
		Why:   "a gateway that asks again before it answers has the new address, and then nothing fails any more",
		Set: func(s *Stage) error {
			dns, err := names.Start("127.0.0.1:0")
			if err != nil {
				return err
			}
			s.AtEnd(func() { _ = dns.Close() })
			if err := s.shop("", nodeShop()); err != nil {
				return err
			}
			host, port, _ := strings.Cut(s.processes[0].Addr(), ":")
			dns.Set("app.shop.internal", 5*time.Minute, netip.MustParseAddr(host))
			s.moved = func(to string) {
				host, _, _ := strings.Cut(to, ":")
				dns.Set("app.shop.internal", 5*time.Minute, netip.MustParseAddr(host))
			}
			s.Config = fmt.Sprintf("resolver: [%q]\n", dns.Addr()) + shopConfig("", "app.shop.internal:"+port)
			return nil
		},
		Break: func(s *Stage) error { // the container is made anew, and gets another address
			old := s.processes[0].Addr()
			_, port, _ := strings.Cut(old, ":")
			fresh, err := real.FreeAddr(port)
			if err != nil {
				return err
			}
			if err := s.processes[0].Stop(); err != nil {
				return err
			}
			p := nodeShop()
			p.Addr = fresh
			if _, err := s.launch(p); err != nil {
				return err
			}
			s.moved(fresh)
			return nil
		}},
	{Cause: "dns.localhost_v6", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { // Node listens on the first address of localhost, which is ::1 on many machines
			ln, err := net.Listen("tcp", "[::1]:0")
			if err != nil {
				return ErrNeeds{"IPv6 on loopback"}
			}
			addr := ln.Addr().String()
			if err := ln.Close(); err != nil {
				return err
			}
			p := nodeShop()
			p.Addr = addr
			if _, err := s.launch(p); err != nil {
				return err
			}
			_, port, err := net.SplitHostPort(addr)
			s.Config = shopConfig("", "127.0.0.1:"+port)
			return err
		}},
	{Cause: "tcp.refused.down", Means: Real, Scope: "server",
		Set:   beside(func(s *Stage) error { return s.shop("", nodeShop()) }),
		Break: func(s *Stage) error { return s.processes[0].Kill(syscall.SIGKILL) },
		Mend:  func(s *Stage) error { return s.processes[0].Restart(s.ctx) }},
	{Cause: "tcp.refused.wrong_port", Means: Real, Scope: "upstream",
		Twins: []string{"tcp.refused.down"},
		Why:   "a port that never answered may belong to a server that was never started; only a look at other ports tells",
		Set: func(s *Stage) error {
			if err := s.shop("", nodeShop()); err != nil {
				return err
			}
			host, _, _ := strings.Cut(s.processes[0].Addr(), ":")
			s.Config = shopConfig("", host+":8000")
			return nil
		}},
	{Cause: "tcp.refused.bind_loopback", Means: Real, Scope: "upstream",
		Twins: []string{"tcp.refused.wrong_port", "tcp.refused.down"},
		Why:   "the refusal is the same; only a look from inside the application's machine tells them apart",
		Set: func(s *Stage) error {
			own, err := outward()
			if err != nil {
				return err
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			p := nodeShop()
			p.Addr = ln.Addr().String()
			if err := ln.Close(); err != nil {
				return err
			}
			if _, err := s.launch(p); err != nil {
				return err
			}
			_, port, _ := strings.Cut(p.Addr, ":")
			s.Config = shopConfig("", own+":"+port)
			return nil
		}},
	{Cause: "tcp.refused.starting", Means: Real, Scope: "server",
		Twins: []string{"ops.restart", "tcp.refused.down"},
		Why:   "until it answers again, a slow start looks like a restart and like the end",
		Set:   func(s *Stage) error { return s.shop("", nodeShop()) },
		Break: func(s *Stage) error { return s.deploy(0, "slow-start", "12000") }},
	{Cause: "tcp.backlog_overflow", Name: "gunicorn", Means: Real, Scope: "server",
		Twins: []string{"cap.workers_saturated"},
		Why:   "the queue is full because the workers are: both are true",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 18
			return s.shop("timeouts: {connect: 3s, await_head: 8s}", gunicornShop("--workers 4 --backlog 1", "PAGE_SECONDS=0.15"))
		},
		Break: func(s *Stage) error { return s.fewerWorkers(3) }},
}

// outward is an address of this machine that is not loopback. Nothing is sent to
// anybody else.
func outward() (string, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String(), nil
		}
	}
	return "", ErrNeeds{"a network interface beside loopback"}
}

// fewerWorkers takes workers away from the first process, a gunicorn, which is not
// restarted for that.
func (s *Stage) fewerWorkers(n int) error {
	for range n {
		if err := s.processes[0].Signal(syscall.SIGTTOU); err != nil {
			return err
		}
		if !pause(s.ctx, 200*time.Millisecond) { // it counts signals that it has seen
			return s.ctx.Err()
		}
	}
	return nil
}

// realUnix are servers that cannot be connected to by a unix socket.
var realUnix = []*Fault{
	{Cause: "unix.missing", Means: Real, Scope: "upstream",
		Set: beside(func(s *Stage) error { return s.shopOnSocket("--workers 2", "") }),
		Break: func(s *Stage) error { // as after an upgrade of PHP: the socket has another name now
			if err := s.processes[0].Stop(); err != nil {
				return err
			}
			_, err := s.launch(onSocket(gunicornShop("--workers 2"), filepath.Join(s.Dir, "run", "shop-2.sock")))
			return err
		}},
	{Cause: "unix.permission", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			if os.Geteuid() != 0 {
				return ErrNeeds{"root, to run gateway and server as different users"}
			}
			// Root passes by the bits of files only with this capability.
			s.Before = []string{"setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"}
			return s.shopOnSocket("--workers 2", "")
		},
		Break: func(s *Stage) error { return os.Chmod(s.processes[0].Addr(), 0o600) },
		Mend:  func(s *Stage) error { return os.Chmod(s.processes[0].Addr(), 0o777) }},
	{Cause: "unix.backlog", Means: Real, Scope: "server",
		Twins: []string{"cap.workers_saturated"},
		Why:   "the queue is full because the workers are: both are true",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 18
			return s.shopOnSocket("--workers 4 --backlog 1", "timeouts: {await_head: 8s}", "PAGE_SECONDS=0.15")
		},
		Break: func(s *Stage) error { return s.fewerWorkers(3) }},
	{Cause: "unix.stale", Means: Real, Scope: "server",
		Set:   func(s *Stage) error { return s.shopOnSocket("--workers 2", "") },
		Break: func(s *Stage) error { return s.processes[0].Kill(syscall.SIGKILL) }},
}

// shopOnSocket is a shop that listens on a unix socket.
func (s *Stage) shopOnSocket(args, upstream string, env ...string) error {
	dir := filepath.Join(s.Dir, "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := real.Give(dir); err != nil {
		return err
	}
	p := onSocket(gunicornShop(args, env...), filepath.Join(dir, "shop.sock"))
	if _, err := s.launch(p); err != nil {
		return err
	}
	s.Config = shopConfig(upstream, "unix:"+p.Addr)
	return nil
}
