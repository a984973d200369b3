// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"causey/lab/client"
	"causey/lab/origin"
)

func gatewayCases() []Case {
	// A first server that answers, so that the client's connection is open, and a second that is still to be dialled.
	const two = "sites: [{host: '*', routes: [{path: /, upstream: u}, {path: /second, upstream: v}]}]\n" +
		"upstreams: {u: {servers: [%[1]s], hold: 0}, v: {servers: [%[1]s], hold: 0}}\n"
	return []Case{
		{code: "gateway.accept.limit", limits: "connections: 1", evidence: evidence{"limit": 1}, play: func(s *stage) client.Result {
			s.dial()
			s.eventually("connection", func() bool {
				return strings.Contains(string(s.ask("/metrics")), "causey_connections{state=\"idle\"} 1\n")
			})
			return ask(get("/"))(s)
		}},
		{code: "gateway.accept.no-fds", place: alone, play: withoutAccept, evidence: evidence{"reused": absent}},
		{code: "gateway.route.loop", network: "none", prepare: sendingBack, play: ask(get("/"))},
		{code: "gateway.queue.no-server", play: func(s *stage) client.Result {
			s.tell(http.MethodPost, "/api/v1/upstreams/u/servers/"+url.PathEscape(s.origin.Addr())+"/state", `{"state":"maintenance","why":"a new disk"}`)
			return ask(get("/"))(s)
		}, evidence: evidence{"reused": absent}},
		{code: "gateway.queue.limit", upstream: "concurrency: 1", play: func(s *stage) client.Result {
			s.dial().Send([]byte(get("/lab/stall")))
			s.arrived(1)
			return ask(get("/"))(s)
		}, evidence: evidence{"limit": 1, "size": 2}},
		{code: "gateway.connect.no-ports", place: network, text: two, prepare: toOrigin, play: withoutPorts,
			evidence: evidence{"errno": "EADDRNOTAVAIL", "end": "open", "dialled": begins("127.0.0.1:")}},
		{code: "gateway.connect.no-fds", place: alone, text: two, prepare: toOrigin, play: withoutFiles,
			evidence: evidence{"errno": "EMFILE", "end": "open"}},
		// Memory cannot be taken from a kernel without taking it from everybody; a seccomp filter has the kernel say so.
		{code: "gateway.connect.no-memory", place: alone, text: two, prepare: toOrigin, play: withoutMemory,
			evidence: evidence{"errno": "ENOBUFS", "end": "open"}},
		{code: "gateway.connect.limit", text: "sites: [{host: '*', routes: [{path: /, upstream: u}]}]\n" +
			"upstreams: {u: {servers: [{address: '%s', max_connections: 1}], hold: 0}}\n", prepare: toOrigin, play: func(s *stage) client.Result {
			s.dial().Send([]byte(get("/lab/stall")))
			s.arrived(1)
			return ask(get("/"))(s)
		}, evidence: evidence{"limit": 1, "size": 2}},
		{code: "gateway.tunnel.idle", timeouts: "tunnel_idle: 1s", seen: quiet, play: func(s *stage) client.Result {
			r := s.tunnel("/ws").Leave(client.Wait)
			if r.End != client.PeerFIN {
				s.t.Errorf("the tunnel ended with %s, want a FIN", r.End)
			}
			return r
		}},
		{code: "gateway.finish.bug", joined: true, network: "none", play: ask(get("/"))},
	}
}

// sendingBack sets a server that hands everything to the gateway again.
func sendingBack(s *stage, c *Case) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			<-s.up
			out, err := net.Dial("tcp", s.addr)
			if err != nil {
				in.Close()
				return
			}
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				all.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					way[0].Close()
				})
			}
		}
	})
	s.t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
	c.servers = []string{ln.Addr().String()}
}

// opened is a connection on which an exchange went well.
func (s *stage) opened() *client.Conn {
	s.t.Helper()
	c := s.dial()
	if _, err := c.Ask([]byte(get("/"))); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// again asks once more on a connection.
func again(c *client.Conn, request string) client.Result {
	received, err := c.Ask([]byte(request))
	return client.Result{Received: received, ReceivedBytes: int64(len(received)), Err: err}
}

// withoutPorts leaves the namespace as many ports as are in use already.
func withoutPorts(s *stage) client.Result {
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	c := s.opened() // holds a port of the gateway towards the origin
	_, port, _ := strings.Cut(s.origin.Connections()[0].Remote, ":")
	if err := os.WriteFile(file, []byte(port+" "+port), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return again(c, get("/second"))
}

// fewFiles takes every descriptor that is free, but for spare ones, and returns a function that gives them back.
func fewFiles(s *stage) (restore func()) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		s.t.Fatal(err)
	}
	top, err := unix.Dup(0)
	if err != nil {
		s.t.Fatal(err)
	}
	taken := []int{top}
	low := syscall.Rlimit{Cur: uint64(top) + 64, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		s.t.Fatal(err)
	}
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		for _, fd := range taken {
			unix.Close(fd)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			s.t.Error(err)
		}
	}
}

// withoutFiles asks for a new connection to a server when there is no descriptor left.
func withoutFiles(s *stage) client.Result {
	c := s.opened()
	restore := fewFiles(s)
	defer restore()
	return again(c, get("/second"))
}

// withoutAccept connects, with sockets made before, when there is no descriptor left. Something that was closing may
// still give one back, which then lets one connection in; that one is kept, and the next is refused.
func withoutAccept(s *stage) client.Result {
	var port int
	if _, err := fmt.Sscanf(s.addr, "127.0.0.1:%d", &port); err != nil {
		s.t.Fatal(err)
	}
	s.opened() // the gateway accepts by now
	var sockets [8]int
	for i := range sockets {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
			s.t.Fatal(err)
		}
		sockets[i] = fd
	}
	restore := fewFiles(s)
	defer restore()
	for _, fd := range sockets {
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			s.t.Fatal(err)
		}
		if _, err := unix.Write(fd, []byte("GET / HTTP/1.1\r\n")); err != nil { // a silent one is accepted late
			s.t.Fatal(err)
		}
		if received := readAll(fd); len(received) > 0 {
			return client.Result{Received: received, ReceivedBytes: int64(len(received)), End: client.PeerFIN}
		}
	}
	s.t.Fatal("no connection was refused")
	return client.Result{}
}

// readAll reads until the peer ends, or until nothing comes.
func readAll(fd int) (received []byte) {
	for buf := make([]byte, 4096); ; {
		n, err := unix.Read(fd, buf)
		if n <= 0 || err != nil {
			return received
		}
		received = append(received, buf[:n]...)
	}
}

// withoutMemory has the kernel answer ENOBUFS to whoever wants an IPv4 socket from now on. That cannot be undone.
func withoutMemory(s *stage) client.Result {
	c := s.opened()
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K

		number, firstArgument = 0, 16 // of struct seccomp_data; the lower half of the argument on little-endian machines
		retAllow, retErrno    = 0x7fff0000, 0x00050000
	)
	filter := []unix.SockFilter{
		{Code: load, K: number},
		{Code: equal, K: unix.SYS_SOCKET, Jf: 3},
		{Code: load, K: firstArgument},
		{Code: equal, K: unix.AF_INET, Jf: 1},
		{Code: ret, K: retErrno | uint32(unix.ENOBUFS)},
		{Code: ret, K: retAllow},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		s.t.Fatal(err)
	}
	const setFilter, everyThread = 1, 1 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, setFilter, everyThread, uintptr(unsafe.Pointer(&program))); errno != 0 {
		s.t.Skipf("this machine allows no seccomp filter: %v", errno)
	}
	return again(c, get("/second"))
}

// stopCases end with the time to drain. The gateway's own Stop does the same, see TestStop.
func stopCases() []Case {
	stopped := func(phase string, seen seen, request string, ready func(*stage, *client.Conn), o origin.Options) Case {
		return Case{code: "gateway." + phase + ".shutdown", joined: true, origin: o, seen: seen, play: func(s *stage) client.Result {
			c := s.dial()
			c.Send([]byte(request))
			ready(s, c)
			s.stop()
			return c.Leave(client.Wait)
		}, evidence: evidence{"errno": absent}}
	}
	return []Case{
		stopped("connect", answered, get("/"), dialling, origin.Options{Accept: "full-backlog"}),
		stopped("send-body", answered, post("/upload", 1000, "0123456789"), received, origin.Options{}),
		stopped("await-head", answered, get("/lab/stall"), received, origin.Options{}),
		stopped("read-head-up", answered, get(exactly(origin.Stall, halfAnswer)), hinted, origin.Options{}),
		stopped("relay-body", cut, get(events), answering, origin.Options{}),
		{code: "gateway.handshake.shutdown", joined: true, prepare: overTLS, seen: shut, play: func(s *stage) client.Result {
			c := s.dial()
			c.Send(client.Hello(hello(nil))[:100])
			time.Sleep(100 * time.Millisecond)
			s.stop()
			return c.Leave(client.Wait)
		}},
		{code: "gateway.tunnel.shutdown", joined: true, seen: broken, play: func(s *stage) client.Result {
			w := s.tunnel("/ws")
			s.stop()
			return w.Leave(client.Wait)
		}},
	}
}
