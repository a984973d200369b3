// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestTTLIsObeyedAndClamped(t *testing.T) { // I7
	for _, c := range []struct{ said, want time.Duration }{
		{0, time.Second},
		{time.Second, time.Second},
		{30 * time.Second, 30 * time.Second},
		{100 * time.Hour, time.Hour},
	} {
		onFakeNet(t, func(t *testing.T, n *fakeNet) {
			s := n.add("192.0.2.1:53", zone(fmt.Sprintf("app.test. %d 192.0.2.7", int(c.said.Seconds()))))
			r := n.resolver(t, nil, s)
			a := wantAddrs(t, r, "app.test", "192.0.2.7")
			want(t, "ttl", a.TTL, c.want)
			s.setHandler(zone("app.test. 60 192.0.2.8"))
			time.Sleep(c.want - 1)
			a = wantAddrs(t, r, "app.test", "192.0.2.7")
			want(t, "source", a.Source, SourceCache)
			want(t, "stale", a.Stale, false)
			time.Sleep(time.Nanosecond)
			a = wantAddrs(t, r, "app.test", "192.0.2.8")
			want(t, "source after the TTL", a.Source, SourceDNS)
			want(t, "lookups", s.countA(), 2)
		})
	}
}

func TestConfiguredClamp(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("a.test. 1 192.0.2.7", "b.test. 900 192.0.2.7"))
		r := n.resolver(t, func(c *Config) { c.MinTTL, c.MaxTTL = 10*time.Second, 20*time.Second }, s)
		want(t, "short", wantAddrs(t, r, "a.test", "192.0.2.7").TTL, 10*time.Second)
		want(t, "long", wantAddrs(t, r, "b.test", "192.0.2.7").TTL, 20*time.Second)
	})
}

func TestDenialsAndFailuresAreRemembered(t *testing.T) {
	for _, c := range []struct {
		name string
		h    handler
		kind Kind
		ttl  time.Duration
	}{
		{"NXDOMAIN with SOA", denies(dnsmessage.RCodeNameError, 9), NXDomain, 9 * time.Second},
		{"NODATA with SOA", denies(dnsmessage.RCodeSuccess, 9), NoData, 9 * time.Second},
		{"SOA minimum of a day", denies(dnsmessage.RCodeNameError, 86400), NXDomain, 30 * time.Second}, // I7
		{"no SOA", rcode(dnsmessage.RCodeNameError), NXDomain, time.Second},
		{"SERVFAIL", rcode(dnsmessage.RCodeServerFailure), ServFail, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			onFakeNet(t, func(t *testing.T, n *fakeNet) {
				s := n.add("192.0.2.1:53", c.h)
				r := n.resolver(t, func(c *Config) { c.Attempts = 1 }, s)
				first := wantError(t, r, "app.test", c.kind)
				time.Sleep(c.ttl - 1)
				again := wantError(t, r, "app.test", c.kind)
				want(t, "time of the failure", again.At, first.At)
				want(t, "lookups", s.countA(), 1)
				s.setHandler(zone("app.test. 60 192.0.2.7"))
				time.Sleep(time.Nanosecond)
				wantAddrs(t, r, "app.test", "192.0.2.7")
			})
		})
	}
}

// I5: a failed refresh leaves the last good answer, with the failure beside it.
func TestLastGoodAnswer(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 10 192.0.2.7"))
		r := n.resolver(t, func(c *Config) { c.Attempts = 1 }, s)
		good := wantAddrs(t, r, "app.test", "192.0.2.7")
		s.setHandler(rcode(dnsmessage.RCodeServerFailure))
		time.Sleep(10 * time.Second)
		a := wantAddrs(t, r, "app.test", "192.0.2.7")
		want(t, "stale", a.Stale, true)
		want(t, "source", a.Source, SourceCache)
		want(t, "resolved when it was good", a.ResolvedAt, good.ResolvedAt)
		want(t, "expired", a.Expires, good.Expires)
		want(t, "reason", a.StaleReason.Kind, ServFail)
		want(t, "reason: server", a.StaleReason.Server, s.addr)
		a = wantAddrs(t, r, "app.test", "192.0.2.7")
		want(t, "lookups while the failure is remembered", s.countA(), 2)
		want(t, "the remembered reason", a.StaleReason.Kind, ServFail)

		s.setHandler(zone("app.test. 10 192.0.2.8"))
		time.Sleep(time.Second)
		a = wantAddrs(t, r, "app.test", "192.0.2.8")
		want(t, "fresh again", a.Stale, false)
		want(t, "no reason", a.StaleReason, nil)
	})
}

// I5: an answer replaces the last good one even if it is a denial.
func TestDenialReplacesLastGoodAnswer(t *testing.T) {
	for kind, code := range map[Kind]dnsmessage.RCode{NXDomain: dnsmessage.RCodeNameError, NoData: dnsmessage.RCodeSuccess} {
		onFakeNet(t, func(t *testing.T, n *fakeNet) {
			s := n.add("192.0.2.1:53", zone("app.test. 10 192.0.2.7"))
			r := n.resolver(t, nil, s)
			wantAddrs(t, r, "app.test", "192.0.2.7")
			s.setHandler(denies(code, 5))
			time.Sleep(10 * time.Second)
			wantError(t, r, "app.test", kind)
			s.setHandler(rcode(dnsmessage.RCodeServerFailure))
			time.Sleep(5 * time.Second)
			wantError(t, r, "app.test", ServFail)
		})
	}
}

func TestLastGoodAnswerIsNotServedForEver(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 10 192.0.2.7"))
		r := n.resolver(t, func(c *Config) { c.MaxStale = time.Minute }, s)
		wantAddrs(t, r, "app.test", "192.0.2.7")
		s.setHandler(rcode(dnsmessage.RCodeServerFailure))
		time.Sleep(70 * time.Second)
		wantAddrs(t, r, "app.test", "192.0.2.7")
		time.Sleep(2 * time.Second)
		wantError(t, r, "app.test", ServFail)
	})
}

// With a last good answer at hand nobody waits long for silent servers, and
// after they were silent once, nobody waits at all.
func TestSilentServersDoNotHoldUpTheLastGoodAnswer(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 10 192.0.2.7"))
		r := n.resolver(t, nil, s)
		wantAddrs(t, r, "app.test", "192.0.2.7")
		s.setHandler(silent)
		time.Sleep(10 * time.Second)

		took := func() time.Duration {
			begin := time.Now()
			a := wantAddrs(t, r, "app.test", "192.0.2.7")
			want(t, "stale", a.Stale, true)
			want(t, "reason", a.StaleReason.Kind, Timeout)
			return time.Since(begin)
		}
		want(t, "first caller waits StaleWait", took(), 500*time.Millisecond)
		want(t, "the next does not wait anew", took(), 0)
		time.Sleep(time.Minute) // the lookup has failed and is forgotten
		want(t, "and once that is known nobody waits", took(), 0)

		s.setHandler(zone("app.test. 10 192.0.2.8"))
		time.Sleep(time.Minute)
		a, err := r.Lookup(t.Context(), "app.test") // stale or fresh, and starts a refresh
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a = wantAddrs(t, r, "app.test", "192.0.2.8")
		want(t, "fresh again", a.Stale, false)
	})
}

func TestForget(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 600 192.0.2.7"))
		r := n.resolver(t, nil, s)
		r.Forget("app.test") // not known yet: nothing to forget
		r.Forget("not a name")
		wantAddrs(t, r, "app.test", "192.0.2.7")
		s.setHandler(zone("app.test. 600 192.0.2.8"))

		r.Forget("App.Test")
		wantAddrs(t, r, "app.test", "192.0.2.7") // asked a moment ago
		time.Sleep(time.Second)
		wantAddrs(t, r, "app.test", "192.0.2.8")
		for range 100 {
			r.Forget("app.test")
			wantAddrs(t, r, "app.test", "192.0.2.8")
		}
		want(t, "lookups", s.countA(), 2)

		// A failure is forgotten too, and the last good answer is not.
		s.setHandler(rcode(dnsmessage.RCodeServerFailure))
		time.Sleep(time.Second)
		a := wantAddrs(t, r, "app.test", "192.0.2.8")
		want(t, "stale", a.Stale, true)
		time.Sleep(time.Second)
		a = wantAddrs(t, r, "app.test", "192.0.2.8")
		want(t, "the answer itself has not expired", a.Stale, false)
	})
}

// I4: one lookup serves all who wait.
func TestOneLookupForManyCallers(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", func(a asked, send func([]byte)) {
			time.Sleep(time.Second)
			zone("app.test. 60 192.0.2.7")(a, send)
		})
		r := n.resolver(t, nil, s)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { wantAddrs(t, r, "app.test", "192.0.2.7") })
		}
		wg.Wait()
		want(t, "lookups", s.countA(), 1)
	})
}

// I4: a caller who leaves gets his own failure and does not end the lookup.
func TestCallerLeaves(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		one := n.add("192.0.2.1:53", silent)
		two := n.add("192.0.2.2:53", zone("app.test. 60 192.0.2.7"))
		r := n.resolver(t, nil, one, two)

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := r.Lookup(ctx, "app.test")
		var e *Error
		if !errors.As(err, &e) || e.Kind != Timeout || e.Site != "caller" || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("deadline of the caller: %v", err)
		}
		want(t, "elapsed", e.Elapsed, 3*time.Second)

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = r.Lookup(ctx, "app.test")
		if !errors.As(err, &e) || e.Kind != Canceled || !errors.Is(err, context.Canceled) {
			t.Fatalf("canceled by the caller: %v", err)
		}
		time.Sleep(3 * time.Second)
		a, err := r.Lookup(ctx, "app.test")
		if err != nil || a.Source != SourceCache {
			t.Fatalf("the lookup went on: %v, %v", a, err)
		}
	})
}

// A caller's deadline names the server that kept the lookup busy.
func TestDeadlineOfTheCallerNamesAServer(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", silent)
		r := n.resolver(t, func(c *Config) { c.Timeout = time.Second }, s)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := r.Lookup(ctx, "app.test")
		var e *Error
		if !errors.As(err, &e) || e.Kind != Timeout {
			t.Fatal(err)
		}
		want(t, "server", e.Server, s.addr)
		want(t, "tries so far", len(e.Tried), 2) // I6
	})
}

// I3: the table of names is bounded; what was not used for longest goes.
func TestNamesAreBounded(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("a.test. 600 192.0.2.1", "b.test. 600 192.0.2.2", "c.test. 600 192.0.2.3"))
		r := n.resolver(t, func(c *Config) { c.MaxNames = 2 }, s)
		for _, name := range []string{"a.test", "b.test", "a.test"} {
			time.Sleep(time.Second)
			if _, err := r.Lookup(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		wantAddrs(t, r, "c.test", "192.0.2.3")
		want(t, "names", len(r.entries), 2)
		a := wantAddrs(t, r, "a.test", "192.0.2.1")
		want(t, "used lately, so still there", a.Source, SourceCache)
		a = wantAddrs(t, r, "b.test", "192.0.2.2")
		want(t, "asked for again", a.Source, SourceDNS)

		s.setHandler(silent)
		for _, name := range []string{"x.test", "y.test"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			r.Lookup(ctx, name)
			cancel()
		}
		e := wantError(t, r, "z.test", Exhausted)
		want(t, "site", e.Site, "names")
		want(t, "names", len(r.entries), 2)
	})
}

// I3: lookups at a time are bounded; one more waits for its turn, and not longer
// than a lookup may take (I2).
func TestLookupsAreBounded(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", silent)
		r := n.resolver(t, func(c *Config) { c.Total, c.Timeout = 10*time.Second, time.Minute }, s)
		var wg sync.WaitGroup
		for i := range maxLookups {
			wg.Go(func() { wantError(t, r, fmt.Sprintf("n%d.test", i), Timeout) })
		}
		synctest.Wait()
		want(t, "queries under way", len(s.questions()), 2*maxLookups)
		wg.Go(func() { wantError(t, r, "late.test", Timeout) })
		synctest.Wait()
		want(t, "queries under way with one more", len(s.questions()), 2*maxLookups)
		wg.Wait()

		for i := range maxLookups + 1 {
			wg.Go(func() { wantError(t, r, fmt.Sprintf("m%d.test", i), Canceled) })
		}
		synctest.Wait()
		r.Close() // ends those that wait for their turn as well
		wg.Wait()
	})
}

func TestClose(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 60 192.0.2.7"))
		r := n.resolver(t, nil, s)
		wantAddrs(t, r, "app.test", "192.0.2.7")
		s.setHandler(silent)
		var wg sync.WaitGroup
		wg.Go(func() { wantError(t, r, "other.test", Canceled) })
		synctest.Wait()
		begin := time.Now()
		r.Close()
		r.mu.Lock()
		want(t, "no lookup is left", r.entries["other.test"].running, nil)
		r.mu.Unlock()
		want(t, "lookups end at once", time.Since(begin), 0)
		wg.Wait()
		wantAddrs(t, r, "app.test", "192.0.2.7")
		e := wantError(t, r, "third.test", Canceled)
		want(t, "site", e.Site, "closed")
		want(t, "names", len(r.entries), 2)
		r.Close() // twice is harmless
	})
}

func TestKnownAsksNobody(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 10 192.0.2.7"))
		r := n.resolver(t, nil, s)
		for _, name := range []string{"app.test", "no name"} {
			if a, ok := r.Known(name); ok {
				t.Errorf("%q: %v", name, a.Addrs)
			}
		}
		want(t, "queries", len(s.questions()), 0)
		a, ok := r.Known("localhost")
		want(t, "localhost is known", ok && a.Source == SourceLoopback, true)
		wantError(t, r, "gone.test", NXDomain)
		wantAddrs(t, r, "app.test", "192.0.2.7")
		time.Sleep(time.Minute)
		a, ok = r.Known("App.test")
		want(t, "known, though expired", ok && len(a.Addrs) == 1, true)
		_, ok = r.Known("gone.test")
		want(t, "a denied name has no answer", ok, false)
		want(t, "lookups", s.countA(), 2)
	})
}

// A hit is on the way of every dial: it costs no allocation.
func TestAllocsOfAHit(t *testing.T) {
	s := newLoopbackServer(t, zone("app.test. 600 192.0.2.7"))
	r := newTestResolver(t, testConfig(t, s))
	wantAddrs(t, r, "app.test", "192.0.2.7")
	ctx := t.Context()
	now := time.Now() // a clock that stands still keeps the files out of it
	r.cfg.Now = func() time.Time { return now }
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Lookup(ctx, "app.test"); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
