// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the hot path, on descriptors that do not block: the scheduler
// need not be told, and is not (RawSyscall). A call that was interrupted is made
// again. Slices are not empty.

// readFD and writeFD use the calls for sockets: read and write take a detour through
// what only files need, some 2 % of an exchange.
func readFD(fd int, b []byte) (int, syscall.Errno) {
	return retry(syscall.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), 0)
}

func writeFD(fd int, b []byte) (int, syscall.Errno) {
	return retry(syscall.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), syscall.MSG_NOSIGNAL)
}

// writevFD writes p and then q.
func writevFD(fd int, p, q []byte) (int, syscall.Errno) {
	var iov [2]unix.Iovec
	iov[0].Base, iov[1].Base = &p[0], &q[0]
	iov[0].SetLen(len(p))
	iov[1].SetLen(len(q))
	return retry(syscall.SYS_WRITEV, fd, unsafe.Pointer(&iov[0]), len(iov), 0)
}

// retry makes a call whose fourth argument is flags, if it has one.
func retry(number uintptr, fd int, p unsafe.Pointer, n, flags int) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(number, uintptr(fd), uintptr(p), uintptr(n), uintptr(flags), 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}

// peekFD looks for a byte without taking it.
func peekFD(fd int) (int, syscall.Errno) {
	var b byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1,
		syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// peekInto copies the front of the receive queue without taking it.
func peekInto(fd int, b []byte) (int, syscall.Errno) {
	return retry(syscall.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
}

// closeFD closes a descriptor. Linux frees it whatever the answer is.
func closeFD(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

// acceptFD takes one connection of a listening socket. peer is invalid for a unix
// socket.
func acceptFD(fd int) (conn int, peer netip.AddrPort, errno syscall.Errno) {
	var sa unix.RawSockaddrInet6 // the largest of the two that we read
	size := uint32(unsafe.Sizeof(sa))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa)),
		uintptr(unsafe.Pointer(&size)), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, peer, errno
	}
	port := func(p *uint16) uint16 { b := (*[2]byte)(unsafe.Pointer(p)); return uint16(b[0])<<8 | uint16(b[1]) }
	switch sa.Family {
	case unix.AF_INET:
		in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa))
		peer = netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), port(&in4.Port))
	case unix.AF_INET6:
		peer = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), port(&sa.Port))
	}
	return int(n), peer, 0
}
