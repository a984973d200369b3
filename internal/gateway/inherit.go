// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/admin"
	"causey/internal/handover"
)

// listenFDsStart is the first descriptor that systemd hands over
// (sd_listen_fds(3)).
const listenFDsStart = 3

// Inherited is what this process was given at its start: sockets of socket
// activation, and the gateway that started it to take over. The zero value is nothing.
type Inherited struct {
	names []string // of the activated sockets, in their order
	fds   []int    // kept open, for reloads and for who takes over
	from  *handover.Predecessor
}

// offerWait bounds the wait for the first word of a gateway that started this one.
const offerWait = 10 * time.Second

// Inherit takes what was given to this process. It is called once, before anything
// else is opened or started.
func Inherit() (*Inherited, error) {
	in := &Inherited{}
	value := os.Getenv(handover.Variable)
	os.Unsetenv(handover.Variable)
	ctx, cancel := context.WithTimeoutCause(context.Background(), offerWait, errors.New("hand-over: the gateway that started this process says nothing"))
	defer cancel()
	var err error
	if in.from, err = handover.Inherit(ctx, value); err != nil {
		return nil, err
	}
	if in.from != nil {
		for _, s := range in.from.TakeAll(handover.Activated) {
			in.add(s.Name, s.FD)
		}
		return in, nil
	}
	in.activated()
	return in, nil
}

// Successor reports whether this process was started to take over.
func (in *Inherited) Successor() bool { return in.from != nil }

// Fail tells the gateway that started this process why it does not take over.
func (in *Inherited) Fail(err error) {
	var e *admin.ReloadError
	if !errors.As(reloadError(err), &e) {
		return
	}
	var problems []handover.Problem
	for _, p := range e.Problems {
		problems = append(problems, handover.Problem(p))
	}
	in.from.Fail(problems)
}

// activated takes over the sockets that systemd passed to this process, if any.
func (in *Inherited) activated() {
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		return
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > 1024 {
		return
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		in.add(name, listenFDsStart+i)
	}
	for _, v := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(v)
	}
}

func (in *Inherited) add(name string, fd int) {
	unix.CloseOnExec(fd)
	in.names = append(in.names, name)
	in.fds = append(in.fds, fd)
}

// take returns the activated socket with the given name or index.
func (in *Inherited) take(name string) (net.Listener, error) {
	i := slices.Index(in.names, name)
	if n, err := strconv.Atoi(name); i < 0 && err == nil && n >= 0 && n < len(in.fds) {
		i = n
	}
	if i < 0 {
		return nil, fmt.Errorf("systemd handed over no socket called %q (it handed over %d: %s); see FileDescriptorName= in the .socket unit",
			name, len(in.names), strings.Join(in.names, ", "))
	}
	// The original stays, for a reload that takes it anew.
	fd, err := in.dup(i)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "systemd:"+name)
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the socket %q from systemd is not a listening stream socket: %w", name, err)
	}
	return ln, nil
}

// dup duplicates an activated socket.
func (in *Inherited) dup(i int) (fd int, err error) {
	fd, err = unix.FcntlInt(uintptr(in.fds[i]), unix.F_DUPFD_CLOEXEC, listenFDsStart)
	if err != nil {
		return -1, fmt.Errorf("the socket %q from systemd: %w", in.names[i], err)
	}
	return fd, nil
}

// adminSocket returns a socket of the admin side of the gateway before this one, nil
// if there is none.
func (in *Inherited) adminSocket(network, address string) (net.Listener, error) {
	return in.from.Take(adminKind(network), address)
}
