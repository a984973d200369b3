// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package netpoll lets goroutines wait for non-blocking descriptors on the Go
// runtime's own poller.
//
// What it is: Desc, the registration of one descriptor, made when it is first
// needed. The standard library reaches the same poller through os.File and
// syscall.RawConn, which forget a readiness that came before each call, lock
// around it, and cannot let a descriptor go without closing it. A gateway pays for
// each of these on every request: docs/adr/0010 has the figures.
//
// What it never does: no reading, no writing, no closing of descriptors.
//
// Invariants:
//
//	I1. A readiness that comes after a wait is kept until the next wait: nothing is
//	    lost however long the owner is busy in between.
//	I2. An interruption that comes before a wait ends that wait.
//
// Whoever uses it sees to it that at most one goroutine waits for a direction and
// none does when Close is called; the runtime ends the process otherwise.
//
// Start reading with Desc.
//
// Decisions: docs/adr/0003, 0010.
package netpoll

import (
	"sync"
	"sync/atomic"
	"syscall"
)

// Direction is what a goroutine waits for.
type Direction int

// The directions, in the runtime's words.
const (
	Read  Direction = 'r'
	Write Direction = 'w'
)

// Result is how a wait ended.
type Result int

// The results, as the runtime counts them (internal/poll, fd_poll_runtime.go).
const (
	// Ready: the descriptor may be readable or writable, at its end or broken. It
	// may also be nothing of this: the kernel's answer decides.
	Ready Result = iota
	// Closed: there is no registration any more.
	Closed
	// Interrupted: Interrupt was called, and Resume was not.
	Interrupted
	// Broken: the kernel reports an error that is no readiness.
	Broken
)

// Desc is the registration of one descriptor. The zero value is none.
type Desc struct {
	// ctx is the runtime's *pollDesc, 0 without a registration. It lies outside
	// of the garbage collector's reach, in memory that is never given back.
	ctx atomic.Uintptr
	// mu orders registering, interrupting and closing.
	mu sync.Mutex
}

// Open registers fd, which is non-blocking, unless that was done. What it is ready
// for already counts as a readiness that comes now. An interruption that came
// before found nothing to interrupt: whoever may be interrupted looks for a reason
// not to wait between Open and Wait.
func (d *Desc) Open(fd int) error {
	if d.ctx.Load() != 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Load() != 0 {
		return nil
	}
	initOnce.Do(pollServerInit)
	ctx, errno := pollOpen(uintptr(fd))
	if errno != 0 {
		return syscall.Errno(errno)
	}
	d.ctx.Store(ctx)
	return nil
}

// Wait waits until the descriptor is ready or the wait is interrupted (I1, I2).
// Without a registration the answer is Closed.
func (d *Desc) Wait(dir Direction) Result {
	ctx := d.ctx.Load()
	if ctx == 0 {
		return Closed
	}
	return Result(pollWait(ctx, int(dir)))
}

// Interrupt ends the wait in a direction, and those to come until Resume. It may
// be called from any goroutine. Without a registration it does nothing.
func (d *Desc) Interrupt(dir Direction) { d.setDeadline(dir, -1) }

// Resume takes an interruption back.
func (d *Desc) Resume(dir Direction) { d.setDeadline(dir, 0) }

// setDeadline uses the runtime's deadlines as what they are for us: one in the
// past interrupts, 0 is none.
func (d *Desc) setDeadline(dir Direction, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx := d.ctx.Load(); ctx != 0 {
		pollSetDeadline(ctx, at, int(dir))
	}
}

// Close ends the registration; the descriptor stays open. It may be called again.
func (d *Desc) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx := d.ctx.Swap(0); ctx != 0 {
		pollUnblock(ctx)
		pollClose(ctx)
	}
}

// Take moves the registration of other, if there is one, to d, which has none.
// Nobody waits on either.
func (d *Desc) Take(other *Desc) {
	other.mu.Lock()
	defer other.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx.Store(other.ctx.Swap(0))
}
