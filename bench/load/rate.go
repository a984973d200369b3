// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package load makes the loads that wrk cannot make: requests at a constant rate,
// connections that are asked once and then held, and TLS connections that are
// opened for one request each, resumed or not.
//
// What it is: an open-loop generator on one thread with its own epoll set, a
// histogram with logarithmic buckets, a crowd of idle connections, and visitors
// who come again as soon as they were served.
//
// What it never does: it lets nobody off. At a constant rate a request is due at a
// time fixed in advance; if the gateway is slow, the time counts from then and not
// from when the request could at last be sent (no coordinated omission).
//
// Invariants:
//
//	I1. Every request that was due is in the outcome: answered, or failed.
//	I2. Latency runs from the intended time to the last byte of the answer. What
//	    is unanswered at the end counts with the time that it has waited.
//	I3. No answer but a whole 200 counts as one.
//	I4. A handshake counts as resumed if TLS says so, not because a ticket was
//	    there. Visitors who do not resume are issued tickets all the same.
//
// Start reading with Run; for visits, with Prepare.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Plan is a load at a constant rate.
type Plan struct {
	// Addr is an IPv4 address.
	Addr netip.AddrPort
	// Request is sent as it is, each time.
	Request []byte
	// Conns are open from the beginning; each has one request under way at most.
	Conns int
	// PerSecond is how many requests are due in a second.
	PerSecond float64
	// Length is how long requests fall due; Grace is how long answers are awaited
	// after that.
	Length, Grace time.Duration
}

// Outcome is what came of a Plan.
type Outcome struct {
	// Due = Answered + Failed (I1).
	Due, Answered, Failed int
	// Latency is that of every request but those whose connection failed. Lag is how
	// much later than intended requests were sent, a part of their latency: while
	// connections are free, it is the generator's own share.
	Latency, Lag Histogram
	// Failure is the first one, nil if there was none.
	Failure error
}

// Run makes the load. An error means that the load could not be made; failures of
// single requests are in the outcome.
func Run(ctx context.Context, p Plan) (*Outcome, error) {
	if p.Conns < 1 || p.PerSecond <= 0 || !p.Addr.Addr().Is4() {
		return nil, fmt.Errorf("no load of %v requests/s on %d connections to %v", p.PerSecond, p.Conns, p.Addr)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel may let a thread's timers expire 50 µs late unless told otherwise.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }()
	}
	r := &rate{plan: p, out: &Outcome{Due: max(1, int(p.PerSecond*p.Length.Seconds()))}}
	defer r.close()
	if err := r.open(); err != nil {
		return nil, err
	}
	return r.out, r.run(ctx)
}

// rate is a load under way.
type rate struct {
	plan  Plan
	out   *Outcome
	epoll int
	conns []*conn
	// free are the connections without a request, the longest idle first.
	free []*conn
	// sent is how many requests were sent, which makes it the number of the next.
	sent   int
	busy   int
	events [64]unix.EpollEvent
	buf    [16 << 10]byte
}

// conn is one connection.
type conn struct {
	fd       int
	busy     bool
	intended time.Duration
	answer   answer
}

func (r *rate) open() (err error) {
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	for i := range r.plan.Conns {
		c := &conn{fd: -1}
		r.conns = append(r.conns, c)
		if err := r.connect(i); err != nil {
			return err
		}
		r.free = append(r.free, c)
	}
	return nil
}

// connect gives connection i a fresh socket.
func (r *rate) connect(i int) error {
	c := r.conns[i]
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
		c.fd = -1
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.fd = fd
	c.answer.next()
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(r.plan.Addr.Port()), Addr: r.plan.Addr.Addr().As4()}); err != nil {
		return fmt.Errorf("connecting to %s: %w", r.plan.Addr, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	return unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(i)})
}

func (r *rate) close() {
	for _, c := range r.conns {
		if c.fd >= 0 {
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(r.epoll)
}

// due is when request k is to be sent, from the start.
func (r *rate) due(k int) time.Duration {
	return time.Duration(float64(k) / r.plan.PerSecond * float64(time.Second))
}

// patience bounds one wait, so that a cancelled run ends soon.
const patience = 100 * time.Millisecond

func (r *rate) run(ctx context.Context) error {
	start := time.Now()
	end := r.plan.Length + r.plan.Grace
	for {
		r.sendDue(start)
		now := time.Since(start)
		if r.sent == r.out.Due && r.busy == 0 {
			return nil
		}
		if now >= end {
			r.giveUp(now)
			return nil
		}
		wait := min(patience, end-now)
		if r.sent < r.out.Due && len(r.free) > 0 {
			wait = min(wait, max(0, r.due(r.sent)-now))
		}
		n, err := epollWait(r.epoll, r.events[:], wait)
		if err != nil {
			return err
		}
		for _, e := range r.events[:n] {
			if err := r.receive(int(e.Fd), start); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sendDue sends every request that is due while connections are free.
func (r *rate) sendDue(start time.Time) {
	for r.sent < r.out.Due && len(r.free) > 0 {
		now, intended := time.Since(start), r.due(r.sent)
		if intended > now {
			return
		}
		c := r.free[0]
		r.free = r.free[1:]
		c.busy, c.intended = true, intended
		r.sent++
		r.busy++
		r.out.Lag.Record(now - intended)
		// A socket that takes no request, or a part of one, will not answer either:
		// its event or the end of the run makes it a failure.
		_, _ = unix.Write(c.fd, r.plan.Request)
	}
}

// receive reads what connection i has.
func (r *rate) receive(i int, start time.Time) error {
	c := r.conns[i]
	for {
		n, err := unix.Read(c.fd, r.buf[:])
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return nil
		case !c.busy && n > 0:
			return errTrailing
		case !c.busy:
			return r.connect(i) // closed while idle, as a gateway may
		case err == nil && n == 0:
			err = errCut
		}
		done := false
		if err == nil {
			done, err = c.answer.feed(r.buf[:n])
		}
		switch {
		case err != nil:
			return r.fail(i, err)
		case done:
			return r.finish(i, time.Since(start))
		case n < len(r.buf):
			return nil
		}
	}
}

var (
	errCut        = errors.New("the connection ended before its answer did")
	errUnanswered = errors.New("requests were still unanswered when the time was up")
)

func (r *rate) finish(i int, now time.Duration) error {
	c := r.conns[i]
	r.out.Latency.Record(now - c.intended)
	r.out.Answered++
	closes := c.answer.closes
	r.release(c)
	if closes {
		return r.connect(i)
	}
	return nil
}

// fail counts a failure and replaces the connection.
func (r *rate) fail(i int, err error) error {
	r.out.Failed++
	if r.out.Failure == nil {
		r.out.Failure = err
	}
	r.release(r.conns[i])
	return r.connect(i)
}

func (r *rate) release(c *conn) {
	c.busy = false
	c.answer.next()
	r.busy--
	r.free = append(r.free, c)
}

// giveUp counts what is unanswered, sent or not, with the time it has waited (I2).
func (r *rate) giveUp(now time.Duration) {
	for _, c := range r.conns {
		if c.busy {
			r.out.Latency.Record(now - c.intended)
		}
	}
	for k := r.sent; k < r.out.Due; k++ {
		r.out.Latency.Record(now - r.due(k))
	}
	r.out.Failed += r.busy + r.out.Due - r.sent
	if r.out.Failure == nil {
		r.out.Failure = errUnanswered
	}
}

// epollWait is epoll_pwait2(2), Linux 5.11: epoll_wait takes milliseconds, which
// is longer than most answers take.
func epollWait(epoll int, events []unix.EpollEvent, wait time.Duration) (int, error) {
	ts := unix.NsecToTimespec(int64(wait))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("epoll_pwait2: %w", errno)
}
