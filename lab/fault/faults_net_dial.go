// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func init() { lists = append(lists, netDial()) }

// netDial are the faults that keep connections from being opened. The ones of a firewall and of a machine leave
// blog.test as it is, which is on the same machine or beside it: the difference is what tells them apart.
func netDial() []*Fault {
	return []*Fault{
		firewall("tcp.filtered_drop", "", "tcp dport 80 ct state new drop"), // as they are set up: what is open stays open
		firewall("tcp.filtered_drop", "all", "tcp dport 80 drop"),
		firewall("tcp.filtered_reject", "icmp", "tcp dport 80 reject with icmpx type admin-prohibited"),
		refusing(),
		oneOfThree("tcp.filtered_drop",
			func(n *space) error { return n.filter("firewall", inputRule("tcp dport 80 drop")) },
			func(n *space) error { return n.unfilter("firewall") }),
		oneOfThree("tcp.host_down",
			func(n *space) error { return n.ip("link set eth0 down") },
			func(n *space) error { return n.ip("link set eth0 up") }),
		{Cause: "tcp.host_down", Name: "link", Means: Kernel, Scope: "upstream", Set: neighbours,
			Break: with(func(y *yard) error { return y.servers[0].ip("link set eth0 down") }),
			Mend:  with(func(y *yard) error { return y.servers[0].ip("link set eth0 up") })},
		{Cause: "tcp.host_down", Name: "address", Means: Kernel, Scope: "upstream", Set: neighbours,
			Break: with(func(y *yard) error { return y.servers[0].ip("addr del 10.0.0.11/24 dev eth0") }),
			Mend:  with(func(y *yard) error { return y.servers[0].ip("addr add 10.0.0.11/24 dev eth0") })},
		{Cause: "tcp.host_down", Name: "routed", Means: Kernel, Scope: "upstream", Set: farMachine,
			Break: with(func(y *yard) error { return y.servers[0].ip("link set eth0 down") }),
			Mend: with(func(y *yard) error {
				return y.servers[0].ip("link set eth0 up", "route add default via 10.0.1.1")
			}),
			Twins: []string{"tcp.filtered_drop"},
			Why: "a machine that is off behind a router that does not tell, and a firewall that drops all that is sent to " +
				"one, are the same silence"},
		{Cause: "tcp.no_route", Means: Kernel, Scope: "upstream", Set: fewRoutes,
			Break: with(func(y *yard) error { return y.gateway.ip("route del 10.0.1.0/24") }),
			Mend:  with(func(y *yard) error { return y.gateway.ip("route add 10.0.1.0/24 via 10.0.0.1") })},
		{Cause: "tcp.backlog_overflow", Means: Kernel, Scope: "upstream", Set: shortQueue,
			Break: with(func(l *lateListener) error { l.gap.Store(int64(80 * time.Millisecond)); return nil }),
			Mend:  with(func(l *lateListener) error { l.gap.Store(0); return nil })},
		{Cause: "gw.ports_exhausted", Means: Kernel, Scope: "gateway", Set: manyConnections,
			Break: with(func(y *yard) error { return y.gateway.set("net/ipv4/ip_local_port_range=40000 40009") }),
			Mend:  with(func(y *yard) error { return y.gateway.set("net/ipv4/ip_local_port_range=32768 60999") })},
		{Cause: "net.snat_exhausted", Means: Kernel, Scope: "upstream", Set: manyConnections,
			Break: with(func(y *yard) error {
				return y.middle.filter("provider", `chain out { type nat hook postrouting priority 100
					oifname "port0" meta l4proto tcp masquerade to :40000-40007
				}`)
			}),
			Twins: []string{"tcp.backlog_overflow"},
			Why: "first packets are lost while many connections are open, by a translator without ports or by a listener " +
				"without room"},
		{Cause: "gw.conntrack_full", Means: Kernel, Scope: "gateway", Set: crowdedMachine, Break: with(fillTable),
			Twins: []string{"sec.egress_denied"},
			Why: "the kernel has one limit for all namespaces, so a rule counts instead, and the kernel's own counters " +
				"do not tell it from a policy that drops what goes out"},
		{Cause: "sec.selinux", Means: Emulated, Scope: "upstream", Set: forbiddenPort},
		{Cause: "atk.syn_flood", Means: Kernel, Scope: "upstream", Set: besieged, Break: with(flood),
			Twins: []string{"tcp.backlog_overflow"},
			Why:   "both drop first packets of a listener whose queue is full; whose queue it is only the server knows"},
	}
}

// firewall is a rule on the server's machine, from a moment on. Another port of it goes on.
func firewall(cause, name, rule string) *Fault {
	return &Fault{Cause: cause, Name: name, Means: Kernel, Scope: "upstream",
		Set: func(s *Stage) error {
			y, err := s.lan(1)
			if err != nil {
				return err
			}
			s.Visitors = ordinaryOf("shop.test", "blog.test")
			s.Config = "timeouts: {connect: 2s}\n" + manySites(map[string][]string{
				"shop": {"10.0.0.11:80"}, "blog": {"10.0.0.11:8080"}}, "shop", "blog")
			return errors.Join(y.everywhere("80", goods{closes: 10}), y.everywhere("8080", goods{closes: 10}),
				y.servers[0].filter("open", `chain in { type filter hook input priority 0
					ct state established,related accept
				}`))
		},
		Break: with(func(y *yard) error {
			return y.servers[0].filter("firewall", inputRule(rule))
		}),
		Mend: with(func(y *yard) error { return y.servers[0].unfilter("firewall") }),
	}
}

func inputRule(rule string) string {
	return "chain in { type filter hook input priority 0\n" + rule + "\n}"
}

func refusing() *Fault {
	f := firewall("tcp.filtered_reject", "reset", "tcp dport 80 reject with tcp reset")
	f.Twins = []string{"tcp.refused.down"}
	f.Why = "the reset that a firewall makes looks like that of a machine on which nobody listens"
	return f
}

// oneOfThree is what befalls one of three machines that do the same.
func oneOfThree(cause string, breaks, mends func(*space) error) *Fault {
	return &Fault{Cause: cause, Name: "one", Means: Kernel, Scope: "server",
		Set: func(s *Stage) error {
			y, err := s.lan(3)
			if err != nil {
				return err
			}
			s.Config = oneSite("shop", "10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80")
			return errors.Join(y.everywhere("80", goods{closes: 10}), y.impatient())
		},
		Break: with(func(y *yard) error { return breaks(y.servers[1]) }),
		Mend:  with(func(y *yard) error { return mends(y.servers[1]) }),
	}
}

// neighbours are two machines on the gateway's own switch.
func neighbours(s *Stage) error {
	y, err := s.lan(2)
	if err != nil {
		return err
	}
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	s.Config = manySites(map[string][]string{"shop": {"10.0.0.11:80"}, "blog": {"10.0.0.12:80"}}, "shop", "blog")
	return errors.Join(y.everywhere("80", goods{}), y.impatient())
}

// impatient has the gateway's kernel believe for a second, not for half a minute, that a machine is where it was. Then it
// asks for 3 s, which is less than a connection may take.
func (y *yard) impatient() error {
	return y.gateway.set("net/ipv4/neigh/eth0/base_reachable_time_ms=1000",
		"net/ipv4/neigh/eth0/delay_first_probe_time=1", "net/ipv4/neigh/eth0/ucast_solicit=1")
}

// twoNetworks are two sites in networks of their own, behind a router.
func twoNetworks(s *Stage, shop, blog http.Handler) (*yard, error) {
	y, err := s.wan(2)
	if err != nil {
		return nil, err
	}
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	s.Config = "timeouts: {connect: 2s}\n" + manySites(map[string][]string{
		"shop": {"10.0.1.2:80"}, "blog": {"10.0.2.2:80"}}, "shop", "blog")
	return y, errors.Join(s.serve(y.servers[0], ":80", shop), s.serve(y.servers[1], ":80", blog))
}

// farMachine is behind a router that tells nobody when it does not find a machine, as those of clouds.
func farMachine(s *Stage) error {
	y, err := twoNetworks(s, goods{}, goods{})
	if err != nil {
		return err
	}
	return y.middle.filter("quiet", `chain out { type filter hook output priority 0
		icmp type destination-unreachable drop
	}`)
}

// fewRoutes is a gateway that knows the way to two networks and no other.
func fewRoutes(s *Stage) error {
	y, err := twoNetworks(s, goods{}, goods{})
	if err != nil {
		return err
	}
	return y.gateway.ip("route del default", "route add 10.0.1.0/24 via 10.0.0.1", "route add 10.0.2.0/24 via 10.0.0.1")
}

// lateListener takes at most one connection in each gap, as an application does that starts a process for each.
type lateListener struct {
	net.Listener
	gap atomic.Int64 // time.Duration
}

func (l *lateListener) Accept() (net.Conn, error) {
	time.Sleep(time.Duration(l.gap.Load()))
	return l.Listener.Accept()
}

// shortQueue is an application whose listen queue is short, and that keeps no connection.
func shortQueue(s *Stage) error {
	y, err := s.lan(1)
	if err != nil {
		return err
	}
	ln, err := y.servers[0].listenShort([4]byte{10, 0, 0, 11}, 80, 5)
	if err != nil {
		return err
	}
	late := &lateListener{Listener: ln}
	s.kept = late
	s.Config = "timeouts: {connect: 4s}\n" + oneSite("shop", "10.0.0.11:80")
	s.serveOn(late, goods{closes: 1})
	return nil
}

// listenShort listens inside with a queue of this length.
func (n *space) listenShort(ip [4]byte, port, length int) (ln net.Listener, err error) {
	err = n.in(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		f := os.NewFile(uintptr(fd), "listener")
		defer f.Close()
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: ip, Port: port}); err != nil {
			return os.NewSyscallError("bind", err)
		}
		if err := unix.Listen(fd, length); err != nil {
			return os.NewSyscallError("listen", err)
		}
		ln, err = net.FileListener(f)
		return err
	})
	return ln, err
}

// manyConnections is a shop that is not fast and keeps no connection, so that many are open at a time: more than there
// will be ports, of which real machines have thousands and visitors who use them up.
func manyConnections(s *Stage) error {
	_, err := twoNetworks(s, goods{closes: 1, work: 800 * time.Millisecond}, goods{})
	s.Visitors = ordinaryOf("shop.test", "shop.test", "blog.test")
	return err
}

// crowdedMachine is a gateway on a machine that shares its table of connections with others.
func crowdedMachine(s *Stage) error {
	y, err := twoNetworks(s, goods{closes: 1}, goods{closes: 1})
	if err != nil {
		return err
	}
	dns, err := s.nameServer(y.servers[0], "10.0.1.2:53")
	if err != nil {
		return err
	}
	dns.Set("app.shop.test", ttl, netip.MustParseAddr("10.0.1.2"))
	dns.Set("app.blog.test", ttl, netip.MustParseAddr("10.0.2.2"))
	s.Config = "resolver: [10.0.1.2]\ntimeouts: {connect: 2s, resolve: 2s}\n" + manySites(map[string][]string{
		"shop": {"app.shop.test:80"}, "blog": {"app.blog.test:80"}}, "shop", "blog")
	return s.serve(y.servers[1], ":9000", goods{})
}

// fillTable has somebody else on the gateway's machine use the table up.
func fillTable(y *yard) error {
	const most = 40
	if err := y.gateway.filter("table", `chain out { type filter hook output priority 0
		oifname "eth0" ct state new ct count over 40 drop
	}`); err != nil {
		return err
	}
	for range most {
		c, err := y.gateway.dial(net.Dialer{Timeout: 500 * time.Millisecond}, "10.0.2.2:9000")
		if err != nil {
			break // the gateway's own are in it too
		}
		y.stage.AtEnd(func() { c.Close() })
	}
	return nil
}

// forbiddenPort has the kernel answer the gateway as SELinux would: EACCES to a TCP connection to this port. A rule of
// routing says so; there is no line of it in an audit log.
func forbiddenPort(s *Stage) error {
	y, err := s.lan(1)
	if err != nil {
		return err
	}
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	s.Config = manySites(map[string][]string{"shop": {"10.0.0.11:3000"}, "blog": {"10.0.0.11:80"}}, "shop", "blog")
	return errors.Join(y.everywhere("3000", goods{}), y.everywhere("80", goods{}),
		y.gateway.ip("rule add pref 10 ipproto tcp dport 3000 prohibit"))
}

// besieged is a server without SYN cookies, and somewhere in the world somebody who does not like it.
func besieged(s *Stage) error {
	y, err := s.wan(2)
	if err != nil {
		return err
	}
	s.Config = "timeouts: {connect: 4s}\n" + oneSite("shop", "10.0.1.2:80")
	return errors.Join(
		y.servers[0].set("net/ipv4/tcp_syncookies=0", "net/ipv4/tcp_max_syn_backlog=64",
			"net/ipv4/tcp_no_metrics_save=1"), // or the gateway is somebody known, who is let in
		y.middle.ip("route add 198.18.0.0/15 via 10.0.2.2"),
		y.middle.filter("nowhere", `chain forward { type filter hook forward priority 0
			ip daddr 198.18.0.0/15 drop
		}`), // whoever is named as the sender does not exist
		s.serve(y.servers[0], ":80", goods{closes: 1}))
}

// flood sends first packets of connections, 400 in a second for half a minute at most.
func flood(y *yard) error {
	var fd int
	err := y.servers[1].in(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return err
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer unix.Close(fd)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; n < 12_000; n++ {
			if n%8 == 0 {
				select {
				case <-tick.C:
				case <-done:
					return
				}
			}
			to := [4]byte{10, 0, 1, 2}
			err := unix.Sendto(fd, syn(to, uint32(n)), 0, &unix.SockaddrInet4{Addr: to})
			if err != nil && err != syscall.ENOBUFS {
				return
			}
		}
	}()
	y.stage.AtEnd(func() { close(done); <-ended })
	return nil
}
