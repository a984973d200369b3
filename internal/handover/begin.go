// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is what to start: a path as it leads on disk now, the arguments with the
// name first, and the environment.
type Program struct {
	Path string
	Args []string
	Env  []string
}

// Variable tells a successor which descriptor is its end of the pair.
const Variable = "CAUSEY_HANDOVER"

// controlFD is the descriptor of the pair in the successor, behind its standard
// streams. Those of the sockets follow.
const controlFD = 3

// ownVariables are about one process and not about its successor: who was started by
// socket activation, and whose signs of life the service manager waits for.
var ownVariables = []string{Variable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID"}

// Successor is a process that was started to take over.
type Successor struct {
	PID int

	link  *link
	proc  *os.Process
	ended chan struct{} // closed when the process has ended; state is valid then
	state *os.ProcessState
	count int // sockets on offer
}

// Refusal is why a successor did not take over, in its own words.
type Refusal struct{ Problems []Problem }

// Error gives the problems, one per line.
func (r *Refusal) Error() string {
	var lines []string
	for _, p := range r.Problems {
		lines = append(lines, p.Message)
	}
	return strings.Join(lines, "\n")
}

// Begin starts the successor and offers it the sockets.
func Begin(p Program, sockets []Socket) (*Successor, error) {
	if len(sockets) > socketsMax {
		return nil, fmt.Errorf("hand-over: %d sockets are more than the %d that can be handed over", len(sockets), socketsMax)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hand-over: a pair of sockets: %w", err)
	}
	defer unix.Close(pair[1])
	conn, err := connOf(pair[0])
	if err != nil {
		return nil, fmt.Errorf("hand-over: %w", err)
	}
	// Not os.StartProcess: it takes files, and os.File.Fd may turn a descriptor to
	// blocking mode, which the sockets share with the listeners that go on accepting.
	fds := []uintptr{0, 1, 2, uintptr(pair[1])}
	for _, s := range sockets {
		fds = append(fds, uintptr(s.FD))
	}
	// Whoever started this process may have left it descriptors that it never knew.
	// (All of its own are close-on-exec; a kernel before 5.11 cannot do this.)
	_ = unix.CloseRange(controlFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	pid, err := syscall.ForkExec(p.Path, p.Args, &syscall.ProcAttr{Env: environment(p.Env), Files: fds})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the program %s cannot be started: %w; put an executable there and try again", p.Path, err)
	}
	s := &Successor{PID: pid, link: newLink(conn), ended: make(chan struct{}), count: len(sockets)}
	s.proc, err = os.FindProcess(pid)
	if err != nil {
		return nil, errors.Join(err, unix.Kill(pid, unix.SIGKILL), conn.Close())
	}
	go func() {
		defer close(s.ended)
		s.state, _ = s.proc.Wait()
	}()
	// In the background: an offer may be larger than what the kernel holds, and the
	// successor may not read. The end of the link ends it.
	go func() { _ = s.link.send(message{Step: offer, Protocol: protocol, Sockets: sockets}) }()
	return s, nil
}

// environment is the environment of a successor.
func environment(env []string) []string {
	out := slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(ownVariables, name)
	})
	return append(out, Variable+"="+strconv.Itoa(controlFD))
}

// connOf makes a connection of one end of a pair, which it takes over.
func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "hand-over")
	defer f.Close()
	return net.FileConn(f)
}

// Ready is what a successor says when it is prepared.
type Ready struct {
	Version string
	took    map[int]bool
}

// Took reports whether the successor uses the socket with this index of the offer.
func (r Ready) Took(i int) bool { return r.took[i] }

// Prepared waits until the successor has everything it needs, or ctx is done. An
// error means that it will not take over; a *Refusal says why in its own words.
func (s *Successor) Prepared(ctx context.Context) (Ready, error) {
	m, err := s.link.receive(ctx)
	if err != nil {
		return Ready{}, s.explain(ctx, err)
	}
	switch m.Step {
	case failed:
		select { // it has more to say on its way out
		case <-s.ended:
		case <-ctx.Done():
		}
		return Ready{}, &Refusal{m.Problems}
	case prepared:
		r := Ready{m.Version, map[int]bool{}}
		for _, i := range m.Took {
			if i < 0 || i >= s.count {
				return Ready{}, fmt.Errorf("hand-over: the new process takes socket %d of %d", i, s.count)
			}
			r.took[i] = true
		}
		return r, nil
	}
	return Ready{}, fmt.Errorf("hand-over: the new process says %q before it is prepared", m.Step)
}

// Go lets the successor serve and waits until it does. It must not be killed any
// more, since it may accept connections (I1); on an error it is asked to stop, which
// finishes what it accepted.
func (s *Successor) Go(ctx context.Context) error {
	if err := s.link.send(message{Step: goAhead}); err != nil {
		return s.explain(ctx, err)
	}
	m, err := s.link.receive(ctx)
	if err == nil && m.Step != serving {
		err = fmt.Errorf("hand-over: the new process says %q instead of serving", m.Step)
	}
	if err != nil {
		err = s.explain(ctx, err)
		_ = s.link.send(message{Step: failed}) // so that it takes nothing along when it ends
		s.Stop()
		_ = s.link.conn.Close()
	}
	return err
}

// Stop asks the successor to stop, as anybody may.
func (s *Successor) Stop() { _ = s.proc.Signal(syscall.SIGTERM) }

// Release says that this process accepts nothing more.
func (s *Successor) Release() {
	_ = s.link.send(message{Step: released}) // it finds out by the end, too
	_ = s.link.conn.Close()
}

// Kill ends a successor that is not prepared, or may not go.
func (s *Successor) Kill() {
	_ = s.proc.Kill()
	<-s.ended
	_ = s.link.conn.Close()
}

// explain says how the successor ended, if it did.
func (s *Successor) explain(ctx context.Context, err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
		return err
	}
	if s.state == nil {
		return err
	}
	return fmt.Errorf("the new process ended (%s) before it was ready; it said why on the standard error output, "+
		"or it is no causey that can take over", s.state)
}
