// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inherit makes a listener of a descriptor, as the process does that takes over.
func inherit(t *testing.T, name string, fd int) *Listener {
	t.Helper()
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewListener(name, ln)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// A listener that is left to another process accepts nothing more and closes nobody:
// who waits in the queue is accepted by the other, and the file of a unix socket
// stays until that one closes.
func TestLeave(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	for _, name := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")} {
		l, err := Listen(name)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := l.Dup()
		if err != nil {
			t.Fatal(err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("the duplicate would pass an exec: %d, %v", flags, err)
		}
		next := inherit(t, name, fd)
		if flags, err := unix.FcntlInt(uintptr(l.fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("the socket blocks now: %d, %v", flags, err)
		}
		addr := l.Addr()
		// It waits in the queue: nobody serves yet, and when l closes nobody has.
		c, err := net.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		p := newPeer(t, c)
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(50 * time.Millisecond) // for the kernel to have it in the queue
		l.Leave()
		l.Close()
		served := make(chan struct{})
		go func() { defer close(served); r.eng.Serve(l) }() // says at once that it is over
		<-served
		next.Own()
		go r.eng.Serve(next)
		if head, err := p.head(); err != nil || status(head) != 200 {
			t.Errorf("%s: who waited got %q, %v", name, head, err)
		}
		next.Close()
		if path := socketPath(name); path != "" {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the last one leaves its file: %v", err)
			}
		}
	}
}

// A listener that a process inherited and does not keep leaves the other's file.
func TestInheritedIsNotOwned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := l.Dup()
	if err != nil {
		t.Fatal(err)
	}
	inherit(t, l.Name, fd).Close()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	l.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its file is left: %v", err)
	}
}
