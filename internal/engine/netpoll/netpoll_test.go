// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package netpoll

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair returns two connected sockets.
func pair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// open returns a registration of ours.
func open(t *testing.T, fd int) *Desc {
	t.Helper()
	d := &Desc{}
	if err := d.Open(fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// waits runs a wait and returns its result when it comes.
func waits(d *Desc, dir Direction) <-chan Result {
	c := make(chan Result, 1)
	go func() { c <- d.Wait(dir) }()
	return c
}

func want(t *testing.T, c <-chan Result, r Result, why string) {
	t.Helper()
	select {
	case got := <-c:
		if got != r {
			t.Fatalf("%s: the wait ended with %d, want %d", why, got, r)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: the wait did not end", why)
	}
}

// unready waits away the readiness that a new registration reports.
func unready(t *testing.T, d *Desc) {
	t.Helper()
	c := waits(d, Read)
	select {
	case <-c:
	case <-time.After(20 * time.Millisecond):
		d.Interrupt(Read)
		want(t, c, Interrupted, "clearing")
		d.Resume(Read)
	}
}

// I1: the reason for this package. With os.File and syscall.RawConn this readiness
// is forgotten when the next call begins.
func TestReadinessIsKeptUntilTheNextWait(t *testing.T) {
	ours, theirs := pair(t)
	d := open(t, ours)
	unready(t, d)
	for range 100 {
		if _, err := unix.Write(theirs, []byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // the poller has seen it
		want(t, waits(d, Read), Ready, "bytes that came before the wait")
		var b [8]byte
		if n, err := unix.Read(ours, b[:]); n != 1 {
			t.Fatal(n, err)
		}
	}
}

func TestWhatIsThereWhenOpenedIsReady(t *testing.T) {
	ours, theirs := pair(t)
	if _, err := unix.Write(theirs, []byte("x")); err != nil {
		t.Fatal(err)
	}
	d := open(t, ours)
	want(t, waits(d, Read), Ready, "bytes that came before the registration")
	want(t, waits(d, Write), Ready, "an empty send buffer")
}

func TestTheEndOfThePeerIsReady(t *testing.T) {
	ours, theirs := pair(t)
	d := open(t, ours)
	unready(t, d)
	c := waits(d, Read)
	unix.Shutdown(theirs, unix.SHUT_WR)
	want(t, c, Ready, "a FIN")
}

// I2: before the wait, during it, and until Resume; one direction only.
func TestInterruptionIsNeverLost(t *testing.T) {
	ours, theirs := pair(t)
	d := open(t, ours)
	unready(t, d)
	for range 300 {
		c := waits(d, Read)
		d.Interrupt(Read)
		want(t, c, Interrupted, "about to wait")
		want(t, waits(d, Read), Interrupted, "the wait after")
		d.Resume(Read)
	}
	d.Interrupt(Read)
	want(t, waits(d, Write), Ready, "the other direction")
	unix.Write(theirs, []byte("x"))
	d.Resume(Read)
	want(t, waits(d, Read), Ready, "after Resume")
}

func TestCloseLeavesTheDescriptorOpen(t *testing.T) {
	ours, theirs := pair(t)
	d := open(t, ours)
	d.Close()
	d.Close()
	d.Interrupt(Read)
	if got := d.Wait(Read); got != Closed {
		t.Errorf("a wait without registration: %d", got)
	}
	if _, err := unix.Write(theirs, []byte("x")); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if n, err := unix.Read(ours, b[:]); n != 1 {
		t.Fatal(n, err)
	}
	if err := d.Open(ours); err != nil {
		t.Fatalf("a second registration: %v", err)
	}
	unix.Write(theirs, []byte("x"))
	want(t, waits(d, Read), Ready, "the second registration")
}

func TestTakeMovesTheRegistration(t *testing.T) {
	ours, theirs := pair(t)
	old, d := open(t, ours), &Desc{}
	unready(t, old)
	d.Take(old)
	defer d.Close()
	c := waits(d, Read)
	unix.Write(theirs, []byte("x"))
	want(t, c, Ready, "the new owner")
	if got := old.Wait(Read); got != Closed {
		t.Errorf("the old owner: %d", got)
	}
}

func TestOpenSaysWhatTheKernelSays(t *testing.T) {
	fd, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := new(Desc).Open(fd); err != unix.EPERM {
		t.Errorf("a folder cannot be polled: %v", err)
	}
}

// Interrupt, Open and Close come from different goroutines.
func TestConcurrentUse(t *testing.T) {
	ours, _ := pair(t)
	d := &Desc{}
	var crew sync.WaitGroup
	for range 4 {
		crew.Go(func() {
			for range 200 {
				d.Interrupt(Read)
				d.Resume(Read)
				d.Open(ours)
			}
		})
	}
	crew.Go(func() {
		for range 200 {
			d.Close()
		}
	})
	crew.Wait()
	d.Close()
}
