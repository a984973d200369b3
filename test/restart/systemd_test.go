// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"causey/lab/origin"
	"causey/test/harness"
)

// manager stands for a service manager: it keeps who told it what, and listens to
// nobody but the main process (NotifyAccess=main).
type manager struct {
	path string

	mu   sync.Mutex
	main int
	told []string // "PID ASSIGNMENT"
	from []int    // whom it did not listen to
}

func newManager(t *testing.T, dir string) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(dir, "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: m.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		text, control := make([]byte, 4096), make([]byte, 256)
		for {
			n, c, _, _, err := conn.ReadMsgUnix(text, control)
			if err != nil {
				return
			}
			m.hear(sender(control[:c]), string(text[:n]))
		}
	}()
	return m
}

// sender is the process that sent a message.
func sender(control []byte) int {
	list, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(list) == 0 {
		return 0
	}
	cred, err := unix.ParseUnixCredentials(&list[0])
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}

func (m *manager) hear(pid int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.main == 0 {
		m.main = pid
	}
	if pid != m.main {
		m.from = append(m.from, pid)
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		m.told = append(m.told, fmt.Sprintf("%d %s", pid, line))
		if next, ok := strings.CutPrefix(line, "MAINPID="); ok {
			fmt.Sscan(next, &m.main)
		}
	}
}

// heard reports whether a process said something.
func (m *manager) heard(pid int, what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.told, func(s string) bool { return strings.HasPrefix(s, fmt.Sprintf("%d %s", pid, what)) })
}

// Under a service manager that listens to the main process only, holds the sockets and
// wants signs of life: each upgrade makes the new process the main one, the sockets
// stay the manager's, and the old process is silent from then on.
func TestUpgradeOfAService(t *testing.T) {
	o := harness.Origin(t, origin.Options{LogLimit: -1})
	r := prepare(t, harness.Config{Servers: []string{o.Addr()}, Listen: []string{"systemd:http"}})
	m := newManager(t, r.Dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r.start([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=40000"}, []*os.File{f},
		"/bin/sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http WATCHDOG_PID=$$ exec "$0" "$@"`)
	r.Eventually("word that it runs", func() bool { return m.heard(r.pid, "READY=1") })
	l := startLoad(r.Addr, 6)
	unwatch := r.watch(t)
	for i := range 4 {
		old := r.pid
		if i%2 == 0 {
			r.upgrade(versions[0])
		} else {
			r.signal()
		}
		r.Eventually("a new main process that is ready", func() bool {
			return m.heard(old, fmt.Sprintf("MAINPID=%d", r.pid)) && m.heard(r.pid, fmt.Sprintf("MAINPID=%d", r.pid)) && m.heard(r.pid, "READY=1")
		})
		r.Eventually("signs of life", func() bool { return m.heard(r.pid, "WATCHDOG=1") })
		if m.heard(old, "STOPPING") {
			t.Errorf("process %d says that the service stops", old)
		}
	}
	text, err := r.causey("reload")
	if err != nil {
		t.Errorf("%v, %s", err, text)
	}
	unwatch()
	l.stop()
	last := r.pid
	r.stop()
	r.Eventually("word of the end", func() bool { return m.heard(last, "STOPPING=1") })
	l.check(t, r.Gateway)
	if n := l.refused.Load() + l.unread.Load(); n > 0 {
		t.Errorf("%d connections were refused", n)
	}
	if len(m.from) > 0 {
		t.Errorf("processes %v speak and are not the main one", m.from)
	}
	// The manager's socket is still open, and who comes now waits in its queue.
	if c, err := net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}
