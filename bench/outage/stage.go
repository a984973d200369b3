// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"causey/bench/peers"
	"causey/lab/names"
	"causey/lab/real"
)

// stage is the servers of a scenario and what happens to them. The scripts call its
// methods; after an error they do nothing, so that a script needs no checks.
type stage struct {
	scenario *scenario
	kind     kind
	dir      string
	servers  []server
	addrs    []string
	// names is who knows the servers' name, nil if they have none.
	names *names.Server
	// want is the page as a server itself serves it.
	want   []byte
	length time.Duration

	ctx   context.Context
	start time.Time
	marks []mark
	err   error
}

// mark is a moment at which something began or ended for a server.
type mark struct {
	at     time.Time
	server int
	// well: from now on it serves. It does not before the next one that says so.
	well bool
	// writes is what its journal says while it is unwell, or until now if it is well.
	writes writes
}

// writes is when a server writes down who asks it.
type writes int

const (
	nothing writes = iota // nobody reaches it
	inTime
	late // once it can again
)

// openStage starts the servers. What was started is in the stage even with an error.
func (c *course) openStage(ctx context.Context, s *scenario, dir string) (*stage, error) {
	st := &stage{scenario: s, kind: kinds[s.origin], dir: dir, length: s.length(c.o.seconds)}
	if s.named {
		var err error
		if st.names, err = names.Start("127.0.0.1:0"); err != nil {
			return st, err
		}
	}
	port := "0"
	for i := range s.servers {
		addr, err := real.FreeAddr(port)
		if err != nil {
			return st, err
		}
		one, err := st.kind.start(ctx, lot{course: c, dir: dir, addr: addr, number: i, idleClose: s.idleClose})
		if err != nil {
			return st, err
		}
		st.servers, st.addrs = append(st.servers, one), append(st.addrs, addr)
		if s.named { // a name has one port, wherever it is
			port = peers.Port(addr)
		}
	}
	st.name(0)
	status, page, err := fetch(ctx, "http://"+st.addrs[0]+st.kind.page)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s%s is answered %d", st.addrs[0], st.kind.page, status)
	}
	st.want = page
	return st, err
}

// serverName is what servers are called that have a name, nameKept how long an answer
// about it may be kept.
const (
	serverName = "app.outage.test"
	nameKept   = time.Second
)

func (st *stage) setting() setting {
	v := setting{Servers: st.addrs, Health: st.kind.health, direct: st.addrs[0]}
	if st.names != nil {
		v.Servers = []string{net.JoinHostPort(serverName, peers.Port(st.addrs[0]))}
		v.NameServer = st.names.Addr()
	}
	return v
}

// name gives the name to one of the servers.
func (st *stage) name(i int) {
	if st.names != nil {
		st.names.Set(serverName, nameKept, netip.MustParseAddrPort(st.addrs[i]).Addr())
	}
}

func (st *stage) close() {
	for _, s := range st.servers {
		s.close()
	}
	if st.names != nil {
		_ = st.names.Close()
	}
}

// begin starts the clock.
func (st *stage) begin() { st.start = time.Now() }

// play runs the script.
func (st *stage) play(ctx context.Context) error {
	st.ctx = ctx
	switch s := st.scenario; {
	case s.script != nil:
		s.script(st)
	case s.ill != "":
		illness(st)
	}
	if errors.Is(st.err, errOver) {
		return nil
	}
	return st.err
}

// errOver ends a script that goes on for as long as visitors come.
var errOver = errors.New("no more visitors come")

// until waits for a moment, given as a share of the length.
func (st *stage) until(share float64) {
	st.rest(time.Until(st.start.Add(time.Duration(share * float64(st.length)))))
}

func (st *stage) rest(d time.Duration) {
	st.do(func() error {
		left := time.Until(st.start.Add(st.length))
		select {
		case <-time.After(min(d, left)):
			if left < d {
				return errOver
			}
			return nil
		case <-st.ctx.Done():
			return st.ctx.Err()
		}
	})
}

// over reports whether the script is to end.
func (st *stage) over() bool { return st.err != nil }

// do is a step.
func (st *stage) do(f func() error) {
	if st.err == nil {
		st.err = f()
	}
}

// mark notes a moment, of a script that goes on.
func (st *stage) mark(m mark) {
	if st.err != nil {
		return
	}
	m.at = time.Now()
	st.marks = append(st.marks, m)
}

// kill is a crash: kill -9.
func (st *stage) kill(i int) { st.end(i, syscall.SIGKILL) }

// stop is what a deployment does: SIGTERM, and kill -9 if that does not help.
func (st *stage) stop(i int) { st.end(i, syscall.SIGTERM) }

// stopLimit is how long a server may take to leave.
const stopLimit = 3 * time.Second

func (st *stage) end(i int, sig syscall.Signal) {
	st.mark(mark{server: i})
	st.do(func() error {
		if err := st.servers[i].signal(sig); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(st.ctx, stopLimit)
		defer cancel()
		if st.servers[i].wait(ctx) == nil {
			return nil
		}
		if err := st.servers[i].signal(syscall.SIGKILL); err != nil {
			return err
		}
		return st.servers[i].wait(st.ctx)
	})
}

// again starts a server that has ended.
func (st *stage) again(i int) {
	st.do(func() error { return st.servers[i].again(st.ctx) })
	st.mark(mark{server: i, well: true})
}

// freeze stops a server's processes in their tracks; the kernel still accepts for
// them. thaw lets them go on.
func (st *stage) freeze(i int) {
	st.mark(mark{server: i, writes: late})
	st.do(func() error { return st.servers[i].signal(syscall.SIGSTOP) })
}

func (st *stage) thaw(i int) {
	st.do(func() error { return st.servers[i].signal(syscall.SIGCONT) })
	st.mark(mark{server: i, well: true, writes: late})
}

// tell makes a shop ill, or well.
func (st *stage) tell(i int, order string) {
	m := mark{server: i, well: order == "well", writes: inTime}
	switch {
	case order == "shut": // who is not accepted cannot be written down
		m.writes = nothing
	case m.well && st.scenario.ill == "shut": // but those in the queue are, afterwards
		m.writes = late
	}
	// Where both are ill, and where one is only slow, somebody has to be asked.
	if st.scenario.ill != "" && !st.scenario.both {
		st.mark(m)
	}
	st.do(func() error { return st.servers[i].(*shopServer).tell(order) })
}
