// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// listenFDsStart is the first descriptor that systemd hands over
// (sd_listen_fds(3)).
const listenFDsStart = 3

// inherited are the listening sockets of socket activation, by name and index.
type inherited struct {
	names []string
	files []*os.File
}

// inherit takes over the sockets that systemd passed to this process, if any.
func inherit() *inherited {
	in := &inherited{}
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		return in
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > 1024 {
		return in
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		fd := listenFDsStart + i
		syscall.CloseOnExec(fd)
		name := ""
		if i < len(names) {
			name = names[i]
		}
		in.names = append(in.names, name)
		in.files = append(in.files, os.NewFile(uintptr(fd), "systemd:"+name))
	}
	for _, v := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(v)
	}
	return in
}

// take returns the socket with the given name or index.
func (in *inherited) take(name string) (net.Listener, error) {
	i := -1
	for k, n := range in.names {
		if n == name {
			i = k
			break
		}
	}
	if n, err := strconv.Atoi(name); i < 0 && err == nil && n >= 0 && n < len(in.files) {
		i = n
	}
	if i < 0 {
		return nil, fmt.Errorf("systemd handed over no socket called %q (it handed over %d: %s); see FileDescriptorName= in the .socket unit",
			name, len(in.names), strings.Join(in.names, ", "))
	}
	// FileListener duplicates: the original stays for a reload that takes it anew.
	ln, err := net.FileListener(in.files[i])
	if err != nil {
		return nil, fmt.Errorf("the socket %q from systemd is not a listening stream socket: %w", name, err)
	}
	return ln, nil
}
