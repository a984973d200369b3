// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpfGroup is a group that programs of eBPF can be attached to: of version 2.
func (s *Stage) bpfGroup() (*group, error) {
	var second []string
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err == nil {
			second = append(second, mount)
		}
	}
	return s.group("control groups of version 2", second...)
}

// denyConnect has connect(2) to an IPv4 address answered EPERM in the group, by a program like those of systemd's and
// Kubernetes' policies. It ends with the stage, or with this process.
func (g *group) denyConnect(to netip.Addr) error {
	ip := to.As4()
	program := []instruction{
		// r2 = the word at r1+4: user_ip4 of bpf_sock_addr
		{code: 0x61, regs: 1<<4 | 2, off: 4},
		// r0 = 1: allow
		{code: 0xb7, regs: 0, imm: 1},
		// skip one unless r2 is this address
		{code: 0x56, regs: 2, off: 1, imm: int32(binary.NativeEndian.Uint32(ip[:]))},
		// r0 = 0: deny
		{code: 0xb7, regs: 0, imm: 0},
		// exit
		{code: 0x95},
	}
	license := []byte("GPL\x00")
	var pin runtime.Pinner // the kernel is given these as numbers
	defer pin.Unpin()
	pin.Pin(&program[0])
	pin.Pin(&license[0])
	load := programLoad{kind: unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attachType: unix.BPF_CGROUP_INET4_CONNECT,
		count: uint32(len(program)), instructions: uint64(uintptr(unsafe.Pointer(&program[0]))),
		license: uint64(uintptr(unsafe.Pointer(&license[0])))}
	prog, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&load), unsafe.Sizeof(load))
	if err != nil {
		return fmt.Errorf("load a program of eBPF: %w", err)
	}
	defer unix.Close(prog)
	dir, err := os.Open(g.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	create := linkCreate{program: uint32(prog), target: uint32(dir.Fd()), attachType: unix.BPF_CGROUP_INET4_CONNECT}
	link, err := bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&create), unsafe.Sizeof(create))
	if err != nil {
		return fmt.Errorf("attach a program of eBPF: %w", err)
	}
	g.stage.AtEnd(func() { unix.Close(link) })
	return nil
}

// instruction, programLoad and linkCreate are laid out as in linux/bpf.h.
type instruction struct {
	code, regs uint8
	off        int16
	imm        int32
}

type programLoad struct {
	kind, count           uint32
	instructions, license uint64
	logLevel, logSize     uint32
	log                   uint64
	kernel, flags         uint32
	name                  [16]byte
	interfaceIndex        uint32
	attachType            uint32
}

type linkCreate struct{ program, target, attachType, flags uint32 }

// bpf is bpf(2).
func bpf(command uintptr, attributes unsafe.Pointer, size uintptr) (fd int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attributes), size)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
