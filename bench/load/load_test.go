// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	request = []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
	reply   = []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
)

// serve answers the n-th request of a server, counted from 1, with what answer
// returns; nil closes the connection.
func serve(t *testing.T, answer func(n int64) []byte) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	var running sync.WaitGroup
	t.Cleanup(func() { ln.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				for buf := make([]byte, 0, 4096); ; {
					n, err := conn.Read(buf[len(buf):cap(buf)])
					if err != nil {
						return
					}
					for buf = buf[:len(buf)+n]; bytes.HasPrefix(buf, request); buf = buf[:copy(buf, buf[len(request):])] {
						b := answer(count.Add(1))
						if b == nil {
							return
						}
						if _, err := conn.Write(b); err != nil {
							return
						}
					}
				}
			})
		}
	})
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func runPlan(t *testing.T, p Plan) *Outcome {
	t.Helper()
	p.Request = request
	o, err := Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if o.Due != o.Answered+o.Failed {
		t.Errorf("I1: %d due, %d answered, %d failed", o.Due, o.Answered, o.Failed)
	}
	return o
}

func TestEveryRequestThatIsDueIsSent(t *testing.T) {
	var asked atomic.Int64
	addr := serve(t, func(n int64) []byte { asked.Store(n); return reply })
	o := runPlan(t, Plan{Addr: addr, Conns: 8, PerSecond: 1000, Length: 300 * time.Millisecond, Grace: 20 * time.Second})
	if o.Due != 300 || o.Answered != 300 || asked.Load() != 300 || o.Latency.Count() != 300 || o.Failure != nil {
		t.Errorf("%d due, %d answered, %d asked, %d measured, %v", o.Due, o.Answered, asked.Load(), o.Latency.Count(), o.Failure)
	}
}

// I2: a stall of 60 ms on the only connection is felt by every request that fell
// due meanwhile, and not by the one alone that was under way.
func TestAStallIsChargedToAllThatWaited(t *testing.T) {
	const stall = 60 * time.Millisecond
	addr := serve(t, func(n int64) []byte {
		if n == 1 {
			time.Sleep(stall)
		}
		return reply
	})
	o := runPlan(t, Plan{Addr: addr, Conns: 1, PerSecond: 1000, Length: 60 * time.Millisecond, Grace: 20 * time.Second})
	if o.Answered != 60 {
		t.Fatalf("%d answered, %v", o.Answered, o.Failure)
	}
	// Request 30 was due after 30 ms and sent after 60 ms at the earliest.
	if got := o.Latency.Quantile(0.5); got < stall/2-time.Millisecond {
		t.Errorf("the median is %v", got)
	}
}

// I1, I2: what is never answered is counted, sent or not, and so is its waiting.
func TestSilenceIsCounted(t *testing.T) {
	done := make(chan struct{})
	addr := serve(t, func(int64) []byte { <-done; return nil })
	defer close(done)
	const grace = 20 * time.Millisecond
	o := runPlan(t, Plan{Addr: addr, Conns: 2, PerSecond: 1000, Length: 10 * time.Millisecond, Grace: grace})
	if o.Failed != 10 || o.Latency.Count() != 10 || !errors.Is(o.Failure, errUnanswered) {
		t.Errorf("%d failed, %d measured, %v", o.Failed, o.Latency.Count(), o.Failure)
	}
	if got := o.Latency.Quantile(0); got < grace {
		t.Errorf("the shortest wait is %v", got)
	}
}

// I3: bad answers and cut connections fail one request each; the load goes on.
func TestFailuresAreCountedAndTheLoadGoesOn(t *testing.T) {
	addr := serve(t, func(n int64) []byte {
		switch n {
		case 10:
			return nil
		case 20:
			return []byte("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		case 30:
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") // legal
		}
		return reply
	})
	o := runPlan(t, Plan{Addr: addr, Conns: 4, PerSecond: 1000, Length: 100 * time.Millisecond, Grace: 20 * time.Second})
	if o.Failed != 2 || o.Answered != 98 || o.Failure == nil {
		t.Errorf("%d failed, %d answered, %v", o.Failed, o.Answered, o.Failure)
	}
}

func TestRunEndsWhenCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	addr := serve(t, func(n int64) []byte { cancel(); return reply })
	if _, err := Run(ctx, Plan{Addr: addr, Request: request, Conns: 1, PerSecond: 10, Length: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRunRefusesWhatIsNoLoad(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:1")
	for _, p := range []Plan{{Addr: addr, Conns: 0, PerSecond: 1}, {Addr: addr, Conns: 1}, {Conns: 1, PerSecond: 1}} {
		if _, err := Run(context.Background(), p); err == nil {
			t.Errorf("%+v is run", p)
		}
	}
}

var sources = []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}

func TestIdleConnectionsAreHeldAndCounted(t *testing.T) {
	// The fortieth request is the last: its connection and those asked after it are closed.
	addr := serve(t, func(n int64) []byte {
		if n > 40 {
			return nil
		}
		return reply
	})
	ctx := context.Background()
	crowd, err := OpenIdle(ctx, Crowd{Addr: addr, Request: request, Conns: 20, Sources: sources, AtOnce: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	if n := crowd.Open(); n != 20 {
		t.Errorf("%d of 20 are open", n)
	}
	if err := crowd.AskAgain(ctx); err != nil {
		t.Errorf("asking again: %v", err)
	}
	if err := crowd.AskAgain(ctx); err == nil {
		t.Error("connections that were closed have answered")
	}
	if n := crowd.Open(); n == 20 {
		t.Error("connections that were closed count as open")
	}
}

func TestOpenIdleFails(t *testing.T) {
	addr := serve(t, func(n int64) []byte { return nil })
	if _, err := OpenIdle(context.Background(), Crowd{Addr: addr, Request: request, Conns: 4, Sources: sources, AtOnce: 2}); err == nil {
		t.Error("connections without an answer are taken for a crowd")
	}
}
