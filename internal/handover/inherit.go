// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Predecessor is the running process that started this one to take over. A nil one
// stands for none: its methods have nothing to do.
type Predecessor struct {
	link    *link
	sockets []Socket // FD is -1 of one that was taken
	took    []int
}

// Inherit finds out whether this process was started to take over: value is what the
// environment has of Variable, "" for nothing. It must be called before anything
// else is started, and waits for the offer until ctx is done.
func Inherit(ctx context.Context, value string) (*Predecessor, error) {
	if value == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < controlFD {
		return nil, fmt.Errorf("%s=%q is no descriptor; unset it: only a gateway that upgrades itself sets it", Variable, value)
	}
	if family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || family != unix.AF_UNIX {
		return nil, fmt.Errorf("%s=%q: descriptor %d is no unix socket; unset it: only a gateway that upgrades itself sets it", Variable, value, fd)
	}
	unix.CloseOnExec(fd)
	conn, err := connOf(fd)
	if err != nil {
		return nil, fmt.Errorf("%s=%q: %w", Variable, value, err)
	}
	p := &Predecessor{link: newLink(conn)}
	m, err := p.link.receive(ctx)
	if err == nil {
		err = m.check()
	}
	if err == nil {
		err = p.hold(m.Sockets, fd+1)
	}
	if err != nil {
		p.Fail([]Problem{{Message: err.Error()}})
		return nil, err
	}
	return p, nil
}

// hold takes the descriptors from start on: one that is not on offer, or no
// listening socket, would otherwise be found out when nobody can connect.
func (p *Predecessor) hold(sockets []Socket, start int) error {
	for i := range sockets {
		s := sockets[i]
		s.FD = start + i
		listens, err := unix.GetsockoptInt(s.FD, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err != nil || listens != 1 {
			return fmt.Errorf("hand-over: descriptor %d, which should be the listening socket %s %q, is none", s.FD, s.Kind, s.Name)
		}
		unix.CloseOnExec(s.FD)
		p.sockets = append(p.sockets, s)
	}
	return nil
}

// Take returns the listener of a socket on offer, nil if there is none.
func (p *Predecessor) Take(kind Kind, name string) (net.Listener, error) {
	if p == nil {
		return nil, nil
	}
	for i := range p.sockets {
		if s := &p.sockets[i]; s.Kind == kind && s.Name == name && s.FD >= 0 {
			p.took = append(p.took, i)
			return listenerOf(s)
		}
	}
	return nil, nil
}

// listenerOf takes over the descriptor of s. The socket is in non-blocking mode
// already, and stays so all the time: the running process accepts from it.
func listenerOf(s *Socket) (net.Listener, error) {
	f := os.NewFile(uintptr(s.FD), s.Name)
	s.FD = -1
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("hand-over: the socket %s %q: %w", s.Kind, s.Name, err)
	}
	return ln, nil
}

// TakeAll returns all sockets of a kind, in their order; their descriptors are the
// caller's.
func (p *Predecessor) TakeAll(kind Kind) []Socket {
	if p == nil {
		return nil
	}
	var all []Socket
	for i := range p.sockets {
		if s := &p.sockets[i]; s.Kind == kind && s.FD >= 0 {
			p.took = append(p.took, i)
			all = append(all, *s)
			s.FD = -1
		}
	}
	return all
}

// Prepared says that this process has all it needs, and waits for the word to serve.
// What was not taken is closed first: a connection that waits there is the running
// process's. If that is gone, this one goes on (I4).
func (p *Predecessor) Prepared(version string) error {
	if p == nil {
		return nil
	}
	p.closeRest()
	err := p.link.send(message{Step: prepared, Version: version, Took: p.took})
	if err == nil {
		var m message
		if m, err = p.link.receive(context.Background()); err == nil && m.Step != goAhead {
			err = fmt.Errorf("hand-over: the running gateway says %q instead of go", m.Step)
		}
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// Serving says that this process accepts, and waits until it is the only one, or ctx
// is done. It reports whether the sockets are this process's now; if not, the running
// process keeps them and wants this one to end.
func (p *Predecessor) Serving(ctx context.Context) (ours bool) {
	if p == nil {
		return true
	}
	ours = true
	if p.link.send(message{Step: serving}) == nil {
		m, err := p.link.receive(ctx)
		ours = err != nil || m.Step != failed
	}
	_ = p.link.conn.Close()
	return ours
}

// Fail says why this process cannot take over.
func (p *Predecessor) Fail(problems []Problem) {
	if p == nil {
		return
	}
	p.closeRest()
	_ = p.link.send(message{Step: failed, Problems: problems}) // if nobody hears it, nobody asked
	_ = p.link.conn.Close()
}

func (p *Predecessor) closeRest() {
	for i := range p.sockets {
		if s := &p.sockets[i]; s.FD >= 0 {
			_ = unix.Close(s.FD)
			s.FD = -1
		}
	}
}
