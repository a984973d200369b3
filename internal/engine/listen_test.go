// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// childServer, in the environment, makes TestAcceptChild a gateway to the server
// it names.
const childServer = "CAUSEY_TEST_SERVER"

// childFDs is the child's limit of descriptors: what Go and the engine need, and a
// little.
const childFDs = 32

// TestAcceptChild is the other process of TestAcceptWithoutDescriptors. It runs
// until its standard input ends.
func TestAcceptChild(t *testing.T) {
	to := os.Getenv(childServer)
	if to == "" {
		t.Skip("a part of TestAcceptWithoutDescriptors")
	}
	addr, err := net.ResolveTCPAddr("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, addr, nil)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: childFDs, Max: childFDs}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", r.addr)
	io.Copy(io.Discard, os.Stdin)
	refused := 0
	for _, rec := range r.drained() {
		if rec.Failure.Kind == failure.NoFDs {
			refused++
		}
	}
	fmt.Println("refused", refused)
}

// Without descriptors connections are refused in order, nobody is left hanging,
// and when there are some again all is as before.
func TestAcceptWithoutDescriptors(t *testing.T) {
	server := origin(t, hello)
	child := exec.Command(os.Args[0], "-test.run=^TestAcceptChild$")
	child.Env = append(os.Environ(), childServer+"="+server.String())
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		child.Process.Kill()
		child.Wait()
	})
	out := bufio.NewReader(stdout)
	var addr string
	if _, err := fmt.Fscanf(out, "listening %s\n", &addr); err != nil {
		t.Fatal(err)
	}
	dial := func() *peer {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return newPeer(t, c)
	}
	// The first fill it up; those behind them are told so, or at least told
	// something.
	good := 0
	var peers []*peer
	for range 3 * childFDs {
		p := dial()
		peers = append(peers, p)
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		head, err := p.head()
		switch {
		case err == nil && status(head) == 200:
			good++
			p.in.Discard(5)
		case err == nil && status(head) >= 500, errors.Is(err, syscall.ECONNRESET):
		default:
			t.Fatalf("connection %d: %q, %v", len(peers), head, err)
		}
	}
	if good == 0 || good >= childFDs {
		t.Errorf("%d of %d connections were served", good, len(peers))
	}
	for _, p := range peers {
		p.Close()
	}
	eventually(t, "an answer, now that there is room", func() bool {
		p := dial()
		defer p.Close()
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		head, err := p.head()
		return err == nil && status(head) == 200
	})
	in.Close()
	var refused int
	if _, err := fmt.Fscanf(out, "refused %d\n", &refused); err != nil || refused == 0 {
		t.Errorf("%d records of refusals, %v", refused, err)
	}
}

// Above a limit of connections the next one is told, with a record, and the
// others are not disturbed.
func TestConnectionsAboveTheLimitAreRefused(t *testing.T) {
	for name, limit := range map[string]func(*setup, *rig){
		"of all":          func(s *setup, _ *rig) { s.opts.MaxConnections = 2 },
		"of the listener": func(_ *setup, r *rig) { r.listener.MaxConnections.Store(2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, hello), func(s *setup) {
				if name == "of all" {
					limit(s, nil)
				}
			})
			if name != "of all" {
				limit(nil, r)
			}
			one, two := r.dial(), r.dial()
			one.get()
			two.get()
			over := r.dial()
			head, body := over.answer()
			if status(head) != 503 || !strings.Contains(head, "Connection: close") || body == "" {
				t.Errorf("%q %q", head, body)
			}
			if err := over.ended(); err != nil {
				t.Error(err)
			}
			rec := r.record(func(rec *record.Record) bool { return !rec.Failure.IsNone() })
			want := failure.Code{Party: failure.Gateway, Phase: phase.Accept, Kind: failure.Limit}
			if rec.Failure != want || rec.Outcome != record.Answered || rec.Error.Evidence.Limit != 2 || rec.Status != 503 {
				t.Errorf("%v, %v, limit %d", rec.Failure, rec.Outcome, rec.Error.Evidence.Limit)
			}
			r.parkedIs(2) // parked connections count as well
			if head, _ := r.dial().answer(); status(head) != 503 {
				t.Error(head)
			}
			one.Close()
			r.parkedIs(1)
			for _, p := range []*peer{two, r.dial()} {
				if head, _ := p.get(); status(head) != 200 {
					t.Error(head)
				}
			}
		})
	}
}

// Also where the request came before the connection was accepted, as it does under
// load, the refusal can be read to its end.
func TestRefusalSurvivesTheRequest(t *testing.T) {
	r := newRig(t, origin(t, hello), func(s *setup) { s.opts.MaxConnections = 1 })
	r.dial().get()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := newPeer(t, c)
	p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("x", 9000))
	go r.eng.Serve(l)
	if head, _ := p.answer(); status(head) != 503 {
		t.Errorf("%q", head)
	}
	if err := p.ended(); err != nil {
		t.Errorf("behind the refusal: %v", err)
	}
	// A reset that came behind the FIN shows in the socket only.
	eventually(t, "the refusal's record", func() bool { return len(r.drained()) == 2 })
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if errno, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); errno != 0 {
			t.Errorf("the connection was reset: %v", syscall.Errno(errno))
		}
	})
}

// A second gateway on the same address is an error; what a dead one left behind is
// not; what is no socket is not touched.
func TestListenOnAUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	r := newRig(t, origin(t, hello), nil)
	l := r.listen("unix:" + path)
	if _, err := Listen("unix:" + path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if head, body := newPeer(t, c).get(); status(head) != 200 || body != "hello" {
		t.Errorf("%q %q", head, body)
	}
	if rec := r.one(); rec.Peer.IsValid() || rec.Listener != "unix:"+path {
		t.Errorf("peer %v, listener %s", rec.Peer, rec.Listener)
	}
	l.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close left the path behind: %v", err)
	}
	// Somebody else's socket of that name is not ours to remove any more.
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("a second Close removed it: %v", err)
	}
	left.Close()
	again, err := Listen("unix:" + path)
	if err != nil {
		t.Fatalf("what was left behind is in the way: %v", err)
	}
	again.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + file); err == nil {
		t.Error("an ordinary file was taken for a socket")
	}
	if text, err := os.ReadFile(file); string(text) != "text" || err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	if _, err := Listen("unix:" + filepath.Join(dir, "none", "s")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// One socket per address: a second bind fails instead of sharing, also for a
// listener that closes and opens again under load.
func TestListenOnce(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	if _, err := Listen(r.addr); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second listener: %v", err)
	}
	p := r.dial()
	p.get()
	r.listener.Close()
	if head, _ := p.get(); status(head) != 200 {
		t.Errorf("a connection that was accepted: %q", head)
	}
	if c, err := net.Dial("tcp", r.addr); err == nil {
		c.Close()
		t.Error("somebody listens")
	}
	l := r.listen(r.addr)
	if l.Addr().String() != r.addr {
		t.Errorf("%v, want %s", l.Addr(), r.addr)
	}
	if head, _ := r.dial().get(); status(head) != 200 {
		t.Error(head)
	}
	r.eng.Serve(r.listener) // a closed one returns at once
}

// Whoever is in the queue of a listener that closes is still accepted, unless the
// socket is shared with a gateway that goes on.
func TestCloseEmptiesTheQueue(t *testing.T) {
	for name, own := range map[string]bool{"own": true, "shared": false} {
		t.Run(name, func(t *testing.T) {
			l, err := Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			l.own = own
			const crowd = 5
			for range crowd {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.Write([]byte("x")) // so that the kernel holds it ready
			}
			l.closed.Store(true)
			accepted := 0
			for ; ; accepted++ {
				fd, _, errno := l.accept()
				if errno == syscall.EBADF {
					break
				}
				if errno != 0 {
					t.Fatal(errno)
				}
				closeFD(fd)
			}
			l.closed.Store(false)
			if want := map[bool]int{true: crowd}[own]; accepted != want {
				t.Errorf("%d accepted, want %d", accepted, want)
			}
		})
	}
}
