// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// space is a network namespace. It has no name: it is there as long as its descriptor is open, or something runs or
// listens in it, so that nothing of it is left of a process that was killed. A nil *space is the machine's own namespace.
type space struct{ file *os.File }

// space makes one, with loopback up. It lives until the stage ends.
func (s *Stage) space() (*space, error) {
	if os.Geteuid() != 0 {
		return nil, ErrNeeds{"root, to make network namespaces"}
	}
	for program, pkg := range map[string]string{"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, ErrNeeds{program + ", of the package " + pkg}
		}
	}
	n := &space{}
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return ErrNeeds{"the right to make network namespaces: " + err.Error()}
		}
		n.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		return nil, err
	}
	s.AtEnd(func() { n.file.Close() })
	return n, n.ip("link set lo up")
}

// onThread runs f on a thread of its own, which ends with it: what f does to the thread, nobody else sees.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		done <- f()
	}()
	return <-done
}

// path is the namespace's name for other processes, while this one lives.
func (n *space) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// before is what runs a command in the namespace.
func (n *space) before() []string { return []string{"nsenter", "--net=" + n.path()} }

// in runs f inside. Sockets that f makes, and processes that it starts, stay there.
func (n *space) in(f func() error) error {
	if n == nil {
		return f()
	}
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// ip runs commands of ip, one a line.
func (n *space) ip(lines ...string) error {
	return n.feed("ip", strings.Join(lines, "\n"), "-batch", "-")
}

// filter adds rules for nft. Each call has a table of its own, so that unfilter ends just these.
func (n *space) filter(table, chains string) error {
	return n.feed("nft", "table inet lab_"+table+" {\n"+chains+"\n}\n", "-f", "-")
}

// unfilter takes the rules of a table away.
func (n *space) unfilter(table string) error {
	return n.feed("nft", "delete table inet lab_"+table+"\n", "-f", "-")
}

func (n *space) feed(program, input string, args ...string) error {
	return n.in(func() error {
		cmd := exec.Command(program, args...)
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s: %s", program, err, input, out)
		}
		return nil
	})
}

// set writes settings of the kernel, each "net/ipv4/ip_forward=1".
func (n *space) set(settings ...string) error {
	return n.in(func() error {
		for _, setting := range settings {
			name, value, _ := strings.Cut(setting, "=")
			if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
				return ErrNeeds{"a kernel that lets a network namespace have " + setting + ": " + err.Error()}
			}
		}
		return nil
	})
}

// link joins two namespaces by a cable whose ends are called here and there, and are up.
func (n *space) link(here string, other *space, there string) error {
	err := n.ip("link add "+here+" type veth peer name "+there+" netns "+other.path(), "link set "+here+" up")
	if err != nil {
		return err
	}
	return other.ip("link set " + there + " up")
}

// listen listens inside. An address that was just left may be taken for a moment: a process that is being started has
// all descriptors of this one until it becomes another program.
func (n *space) listen(addr string) (ln net.Listener, err error) {
	err = n.in(func() error {
		for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
			ln, err = net.Listen("tcp", addr)
			if !errors.Is(err, unix.EADDRINUSE) || time.Now().After(end) {
				return err
			}
		}
	})
	return ln, err
}

// dial connects from inside, at most until the dialer's time is over.
func (n *space) dial(d net.Dialer, addr string) (c net.Conn, err error) {
	err = n.in(func() error {
		c, err = d.Dial("tcp", addr)
		return err
	})
	return c, err
}
