// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"
)

// socketMode lets the owner and the group in: whoever may open the socket may
// reload the gateway.
const socketMode = 0o660

// socketPathMax is the longest path of a unix socket on Linux (unix(7)).
const socketPathMax = 107

func limitListener(ln net.Listener, n int) net.Listener { return netutil.LimitListener(ln, n) }

// listenLoopback listens on a loopback address. Any other is refused: the API
// shows what visitors ask for, and has no log-in.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("admin: listen address %q: %w; write it like 127.0.0.1:8081", address, err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("admin: %q is not a loopback address; the admin side listens on 127.0.0.1, ::1 or localhost only, "+
			"reach it from elsewhere through ssh -L", address)
	}
	ln, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("admin: %s is in use by another process; stop that or choose another port for admin: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		_ = ln.Close()
		return nil, fmt.Errorf("admin: %q means %s here, which is not a loopback address", address, ln.Addr())
	}
	return ln, nil
}

// identity tells the file of one socket from a later one at the same path.
type identity struct{ dev, ino uint64 }

// listenUnix listens on a unix socket. The file that a dead process left is
// replaced; that of a living one is an error.
func listenUnix(path string) (net.Listener, error) {
	if len(path) > socketPathMax {
		return nil, fmt.Errorf("admin: the socket path %q is longer than the %d bytes that the system allows", path, socketPathMax)
	}
	// A missing parent is made if that is possible; if not, listening says why.
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	ln, err := bindUnix(path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err = removeStale(path); err == nil {
			ln, err = bindUnix(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("admin: socket %s: %w", path, err)
	}
	ln.SetUnlinkOnClose(false) // Shutdown removes it, if it is still ours
	// The mode was set before bind, when the umask could only lessen it.
	if err := os.Chmod(path, socketMode); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("admin: socket %s: %w", path, err)
	}
	return ln, nil
}

// bindUnix creates the socket with socketMode from its first moment on: Linux
// gives the file the mode of the descriptor, less the umask.
func bindUnix(path string) (*net.UnixListener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), socketMode) }); e != nil {
			return e
		}
		return err
	}}
	ln, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return ln.(*net.UnixListener), nil
}

// removeStale removes the socket at path if nobody listens on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is a file that is not a socket; it was left alone, remove it or choose another path")
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
		return errors.New("another process listens on it, perhaps a second causey; stop that or choose another path")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

func identify(path string) (identity, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return identity{}, err
	}
	return identity{uint64(st.Dev), st.Ino}, nil
}

// removeOwn removes the socket's file unless a successor has put its own there.
func removeOwn(path string, own identity) error {
	now, err := identify(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && now != own {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}
