// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A socket bound to the port that it dials connects to itself: nobody listens, so
// this is a refusal.
func TestConnectionToItselfIsFound(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, own); err != nil {
		t.Fatal(err)
	}
	if !connectedToItself(fd) {
		t.Error("a connection to itself is taken for one to a server")
	}
}

// Where the kernel does not splice, a long body is copied and nothing is blamed on
// the server.
func TestBodiesAreCopiedWhereNothingSplices(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOSYS, syscall.EPERM} {
		if !cannotSplice(errno) {
			t.Errorf("%v is blamed on the server", errno)
		}
	}
	if cannotSplice(syscall.ECONNRESET) {
		t.Error("a reset is the server's")
	}
	var p pipes
	p.useless.Store(true)
	if p.get() != nil {
		t.Error("a pipe is given out where it is of no use")
	}
}
