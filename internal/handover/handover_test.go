// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childMode, in the environment, makes the test binary a successor that behaves so.
const childMode = "CAUSEY_TEST_SUCCESSOR"

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

// child is a successor. Its exit code is what the tests look at.
func child(mode string) int {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch mode {
	case "exit":
		return 3
	case "hang":
		<-ctx.Done()
		return 4
	case "babble":
		syscall.Write(controlFD, []byte("HTTP/1.1 200 OK\r\n\r\n"))
		return 0
	case "flood":
		for b := []byte(strings.Repeat("x", 1<<16)); ; {
			if _, err := syscall.Write(controlFD, b); err != nil && err != syscall.EAGAIN {
				return 0
			}
		}
	}
	p, err := Inherit(ctx, os.Getenv(Variable))
	if err != nil || p == nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 5
	}
	switch mode {
	case "refuse":
		p.Fail([]Problem{{File: "causey.yaml", Line: 7, Column: 3, Message: "no servers"}, {Message: "second"}})
		return 78
	case "descriptors":
		p.Fail([]Problem{{Message: descriptors()}})
		return 0
	case "takes too much":
		p.took = append(p.took, 99)
	case "silent after go":
		p.Prepared("2")
		<-ctx.Done()
		return 6
	case "late after go":
		p.Prepared("2")
		time.Sleep(300 * time.Millisecond)
		if p.Serving(ctx) {
			return 11
		}
		<-ctx.Done() // until it is asked to end
		return 12
	case "ends after go":
		p.Prepared("2")
		return 7
	}
	ln, err := p.Take(Listen, "a")
	if err != nil || ln == nil {
		return 8
	}
	if err := p.Prepared("2"); err != nil {
		return 9
	}
	p.Serving(ctx)
	c, err := ln.Accept()
	if err != nil {
		return 10
	}
	fmt.Fprintf(c, "served by %d, parent %d", os.Getpid(), os.Getppid())
	c.Close()
	return 0
}

// descriptors lists what is open, and which of it would survive an exec.
func descriptors() string {
	var list []string
	names, _ := os.ReadDir("/proc/self/fd")
	for _, n := range names {
		var fd int
		fmt.Sscan(n.Name(), &fd)
		to, err := os.Readlink("/proc/self/fd/" + n.Name())
		if err != nil || strings.HasPrefix(to, "/proc/") || strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "/sys/") {
			continue // the listing itself, and the runtime's own
		}
		flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		kind, _, _ := strings.Cut(to, ":")
		if fd >= controlFD {
			list = append(list, fmt.Sprintf("%s%d", kind, flags&unix.FD_CLOEXEC))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// begin starts the test binary as a successor of the given mode, with a listener "a"
// and one that nobody takes.
func begin(t *testing.T, mode string) (*Successor, net.Listener) {
	t.Helper()
	var sockets []Socket
	var first net.Listener
	for i, name := range []string{"a", "unused"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		if i == 0 {
			first = ln
		}
		raw, err := ln.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				t.Fatal(err)
			}
			sockets = append(sockets, Socket{Listen, name, n})
		})
	}
	s, err := Begin(Program{os.Args[0], []string{os.Args[0]}, append(os.Environ(), childMode+"="+mode)}, sockets)
	for _, k := range sockets {
		unix.Close(k.FD)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s, first
}

func bounded(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, errors.New("too late"))
	t.Cleanup(cancel)
	return ctx
}

// TestHandOver: the successor serves what waits in the queue of the socket, and it
// outlives nobody but itself.
func TestHandOver(t *testing.T) { // I1
	s, ln := begin(t, "good")
	ready, err := s.Prepared(bounded(t, patience))
	if err != nil || ready.Version != "2" || !ready.Took(0) || ready.Took(1) {
		t.Fatalf("%+v, %v", ready, err)
	}
	c, err := net.Dial("tcp", ln.Addr().String()) // waits: nobody accepts before the word
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("served before the word: %v", err)
	}
	if err := s.Go(bounded(t, patience)); err != nil {
		t.Fatal(err)
	}
	ln.Close()
	s.Release()
	c.SetReadDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(c)
	if want := fmt.Sprintf("served by %d, parent %d", s.PID, os.Getpid()); err != nil || string(text) != want {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
	<-s.ended
	if !s.state.Success() {
		t.Error(s.state)
	}
}

// TestDescriptors: what crosses is what was offered, and it goes no further (I2).
func TestDescriptors(t *testing.T) {
	f, err := os.Open(filepath.Join(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() // close-on-exec, as all that Go opens
	s, _ := begin(t, "descriptors")
	_, err = s.Prepared(bounded(t, patience))
	var no *Refusal
	if !errors.As(err, &no) || len(no.Problems) != 1 {
		t.Fatal(err)
	}
	// Two listeners and our end of the pair.
	if got := no.Problems[0].Message; got != "socket1 socket1 socket1" {
		t.Errorf("the successor has %q", got)
	}
}

// TestSuccessorFails: whatever the new process does instead of getting ready, the
// running one is told, in time.
func TestSuccessorFails(t *testing.T) { // I1, I3
	for mode, want := range map[string]string{
		"exit":           "exit status 3",
		"refuse":         "no servers\nsecond",
		"babble":         "no message",
		"flood":          "a message of more than",
		"takes too much": "takes socket 99 of 2",
		"hang":           "too late",
	} {
		t.Run(mode, func(t *testing.T) {
			s, _ := begin(t, mode)
			wait := patience
			if mode == "hang" {
				wait = 100 * time.Millisecond
			}
			_, err := s.Prepared(bounded(t, wait))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			s.Kill()
		})
	}
	for mode, want := range map[string]string{"silent after go": "too late", "late after go": "too late", "ends after go": "exit status 7"} {
		t.Run(mode, func(t *testing.T) {
			s, _ := begin(t, mode)
			if _, err := s.Prepared(bounded(t, patience)); err != nil {
				t.Fatal(err)
			}
			wait := patience
			if mode != "ends after go" {
				wait = 100 * time.Millisecond
			}
			if err := s.Go(bounded(t, wait)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			<-s.ended // it was asked to stop
			if code := s.state.ExitCode(); code > 7 {
				t.Errorf("the successor ends with %d", code)
			}
		})
	}
	if _, err := Begin(Program{Path: "/no/such/causey", Args: []string{"causey"}}, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/no/such/causey") {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := Begin(Program{}, make([]Socket, socketsMax+1)); err == nil {
		t.Error("more sockets than an offer has")
	}
}

// TestPredecessorDies: a prepared successor serves when the running process is gone.
func TestPredecessorDies(t *testing.T) { // I4
	s, ln := begin(t, "good")
	if _, err := s.Prepared(bounded(t, patience)); err != nil {
		t.Fatal(err)
	}
	s.link.conn.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ln.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	if text, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(text), "served by") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"PATH=/bin", "LISTEN_PID=1", "LISTEN_FDS=2", "WATCHDOG_PID=7", "WATCHDOG_USEC=5", "LISTEN_PIDX=3", Variable + "=9", "NOTIFY_SOCKET=@x"})
	want := []string{"PATH=/bin", "WATCHDOG_USEC=5", "LISTEN_PIDX=3", "NOTIFY_SOCKET=@x", Variable + "=3"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
