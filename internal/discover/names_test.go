// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/upstream"
)

// script is a resolver that answers what a test says, with the same TTL each time.
type script struct {
	mu       sync.Mutex
	ttl      time.Duration
	addrs    string
	services []resolve.Service
	err      *resolve.Error
	stale    bool
	missing  bool
	looked   []time.Time
	forgot   int
}

func (s *script) set(change func(*script)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *script) looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.looked)
}

func (s *script) Lookup(_ context.Context, name string) (resolve.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = append(s.looked, time.Now())
	if s.err != nil && !s.stale && !s.missing {
		return resolve.Answer{}, s.err
	}
	a := resolve.Answer{Name: name, Expires: time.Now().Add(s.ttl), Stale: s.stale}
	if a.StaleReason = s.err; s.missing {
		a.Missing = s.err
	}
	for text := range strings.FieldsSeq(s.addrs) {
		a.Addrs = append(a.Addrs, netip.MustParseAddr(text))
	}
	return a, nil
}

func (s *script) LookupServices(context.Context, string) (resolve.Services, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = append(s.looked, time.Now())
	if s.err != nil {
		return resolve.Services{}, s.err
	}
	return resolve.Services{List: s.services, TTL: s.ttl}, nil
}

func (s *script) Forget(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgot++
}

// model is app:3000, over TLS if tls.
func model(tls bool) upstream.Spec {
	return upstream.Spec{
		Place: upstream.Place{Name: "app:3000", Host: "app", Authority: "app:3000", TLS: tls, MaxConnections: 7,
			Addr: netip.AddrPortFrom(netip.Addr{}, 3000)},
		Role: upstream.Role{Weight: 5, Priority: 1, Zone: "z"},
	}
}

// watch runs a source on a stage of its own.
func watch(t *testing.T, grace time.Duration, source Source) *stage {
	s := newStage(t)
	s.change(grace, Wanted{Name: "it", Key: "1", New: func() Source { return source }})
	s.feed.Start()
	synctest.Wait()
	return s
}

func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &script{ttl: 10 * time.Second, addrs: "10.0.0.9 10.0.0.5 fd00::1"}
		s := watch(t, 30*time.Second, NewNames(r, testClock, model(false)))
		s.want("every address, in order", "10.0.0.5:3000 10.0.0.9:3000 [fd00::1]:3000")
		want := model(false)
		want.Host, want.Name, want.Addr = "", "10.0.0.5:3000", netip.MustParseAddrPort("10.0.0.5:3000")
		if s.list[0] != want {
			t.Errorf("server %+v, want %+v", s.list[0], want)
		}
		r.set(func(r *script) { r.addrs = "10.0.0.6" })
		time.Sleep(9 * time.Second)
		s.want("within its TTL", "10.0.0.5:3000 10.0.0.9:3000 [fd00::1]:3000")
		time.Sleep(2 * time.Second)
		s.want("after its TTL", "10.0.0.6:3000")

		r.set(func(r *script) { r.err, r.stale = &resolve.Error{Name: "app", Kind: resolve.Timeout}, true })
		time.Sleep(time.Hour)
		s.want("I1: name servers that are silent", "10.0.0.6:3000")
		r.set(func(r *script) { r.stale, r.err.Kind = false, resolve.ServFail })
		time.Sleep(time.Hour)
		s.want("I1: name servers that fail", "10.0.0.6:3000")
		r.set(func(r *script) { r.err.Kind = resolve.NXDomain })
		time.Sleep(20 * time.Second)
		s.want("I2: no such name", "10.0.0.6:3000")
		time.Sleep(20 * time.Second)
		s.want("I2: no such name for long", "")
		r.set(func(r *script) { r.err = nil })
		time.Sleep(lookAfterFailure)
		s.want("it is there again", "10.0.0.6:3000")
	})
}

// A TTL is kept within bounds.
func TestNamesBoundTheTTL(t *testing.T) {
	for ttl, want := range map[time.Duration]int{0: 60, time.Millisecond: 60, 24 * time.Hour: 12} {
		synctest.Test(t, func(t *testing.T) {
			r := &script{ttl: ttl, addrs: "10.0.0.5"}
			watch(t, 0, NewNames(r, testClock, model(false)))
			time.Sleep(time.Minute)
			if want == 12 {
				time.Sleep(59 * time.Minute)
			}
			synctest.Wait()
			if n := r.looks(); n < want || n > want+1 {
				t.Errorf("TTL %v: looked %d times, want %d", ttl, n, want)
			}
		})
	}
}

// A dial that failed makes the name be looked up at once, and once in a second however
// many fail.
func TestNamesLookAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &script{ttl: time.Hour, addrs: "10.0.0.5"}
		s := watch(t, 0, NewNames(r, testClock, model(false)))
		time.Sleep(time.Minute)
		r.set(func(r *script) { r.addrs = "10.0.0.6" })
		s.feed.LookAgain(&upstream.Server{Place: upstream.Place{Authority: "other:3000"}})
		s.want("not ours", "10.0.0.5:3000")
		ours := &upstream.Server{Place: s.list[0].Place}
		s.feed.LookAgain(ours)
		s.want("at once", "10.0.0.6:3000")
		if r.forgot == 0 {
			t.Error("the resolver still remembers")
		}
		before := r.looks()
		for range 1000 {
			s.feed.LookAgain(ours)
			time.Sleep(10 * time.Millisecond)
		}
		if n := r.looks() - before; n < 9 || n > 10 {
			t.Errorf("looked %d times in ten seconds of failing dials", n)
		}
	})
}

// Where one family could not be looked up, its servers stay.
func TestNamesKeepTheFamilyThatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &script{ttl: time.Second, addrs: "10.0.0.5 fd00::1"}
		s := watch(t, 0, NewNames(r, testClock, model(true)))
		s.want("both", "https://10.0.0.5:3000 https://[fd00::1]:3000")
		if s.list[0].TLSName != "app" {
			t.Errorf("TLS for the name %q", s.list[0].TLSName)
		}
		r.set(func(r *script) { r.addrs, r.missing, r.err = "10.0.0.6", true, &resolve.Error{Kind: resolve.Timeout} })
		time.Sleep(2 * time.Second)
		s.want("one is missing", "https://10.0.0.6:3000 https://[fd00::1]:3000")
		r.set(func(r *script) { r.missing, r.err = false, nil })
		time.Sleep(2 * time.Second)
		s.want("one is denied", "https://10.0.0.6:3000")
	})
}

func TestServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &script{ttl: time.Minute, services: []resolve.Service{
			{Target: "a.test", Port: 8080, Priority: 0, Weight: 3}, {Target: "b.test", Port: 81, Priority: 10},
			{Target: "c.test"},
		}}
		m := model(true)
		m.Host = "_http._tcp.test"
		s := watch(t, 30*time.Second, NewServices(r, testClock, m))
		s.want("one for each record", "https://a.test:8080 https://b.test:81")
		if st := s.feed.Status(); st[0].Problem != "has a record with the port 0, of c.test" {
			t.Errorf("status %+v", st)
		}
		for i, want := range []upstream.Role{{Weight: 3, Priority: 1, Zone: "z"}, {Weight: 1, Priority: 11, Zone: "z"}} {
			if s.list[i].Role != want {
				t.Errorf("role %+v, want %+v", s.list[i].Role, want)
			}
		}
		if a := s.list[0]; a.Host != "a.test" || a.Authority != "a.test:8080" || a.Addr.Port() != 8080 || a.TLSName != "" {
			t.Errorf("server %+v", a)
		}
		r.set(func(r *script) { r.services = r.services[1:2] })
		s.feed.LookAgain(&upstream.Server{Place: upstream.Place{Host: "a.test"}})
		time.Sleep(2 * time.Second)
		s.want("a dial failed", "https://b.test:81")
		s.feed.LookAgain(&upstream.Server{Place: upstream.Place{Host: "a.test"}})
		if n := r.looks(); n != 2 {
			t.Errorf("looked %d times", n)
		}
		r.set(func(r *script) { r.err = &resolve.Error{Kind: resolve.ServFail} })
		time.Sleep(time.Hour)
		s.want("I1", "https://b.test:81")
		r.set(func(r *script) { r.err = &resolve.Error{Kind: resolve.NoData} })
		time.Sleep(time.Minute)
		s.want("I2", "")
	})
}
