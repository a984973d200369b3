// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

func TestAutomaticIsChecked(t *testing.T) {
	dir := t.TempDir()
	for want, a := range map[string]Automatic{
		"no URL of an ACME directory": {Directory: "ca", Storage: dir, HTTP: true},
		"must be https":               {Directory: "http://ca.example.com/", Storage: dir, HTTP: true},
		"no directory to store":       {Directory: "https://ca.example.com/", HTTP: true},
		"no challenge":                {Directory: "https://ca.example.com/", Storage: dir},
		"no URL to ask":               {Directory: "https://ca.example.com/", Storage: dir, HTTP: true, OnDemand: &OnDemand{}},
		"storage: mkdir":              {Directory: "https://ca.example.com/", Storage: "/dev/null/x", HTTP: true},
	} {
		o := newRig().options()
		o.Automatic = &a
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestObtainable(t *testing.T) {
	plain, withDNS := Automatic{}, Automatic{DNS: &Exec{}}
	for _, c := range []struct {
		host      string
		with, any bool // with DNS, by any challenge
	}{
		{"a.example.com", true, true}, {"localhost", true, true}, {"*.example.com", true, false},
		{"*", false, false}, {"192.0.2.1", false, false}, {"2001:db8::1", false, false},
	} {
		if plain.obtainable(c.host) != c.any || withDNS.obtainable(c.host) != c.with {
			t.Errorf("%s: %v, with DNS %v", c.host, !c.any, !c.with)
		}
	}
}

// I7: what the storage has is served by New already, which asks nobody.
func TestStoredCertificate(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	dir, asked := t.TempDir(), atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	o := r.options(Site{Hosts: []string{"a.test"}})
	o.Automatic = &Automatic{Directory: server.URL + "/dir", Storage: dir, HTTP: true}
	ca.store(t, o, nil, "a.test")
	k := r.keeper(t, o)
	wantFor(t, k, "a.test", "a.test")
	if st := k.Status(); len(st) != 1 || st[0].Name != "a.test" || !st[0].Automatic || asked.Load() != 0 {
		t.Errorf("asked %d times, status %+v", asked.Load(), st)
	}

	// certmagic drops a revoked certificate if it gets no other: the next look tries again.
	k.Start()
	a := k.live.Load().automatic
	cared := func() bool {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			a.mu.Lock()
			idle := !a.managed["a.test"].obtaining
			a.mu.Unlock()
			if idle && a.cached("a.test") != nil {
				return true
			}
		}
		return false
	}
	if !cared() {
		t.Fatal("certmagic does not care for the certificate")
	}
	a.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: "a.test"}})
	wantFor(t, k, "a.test", "a.test")
	k.look()
	if !cared() {
		t.Fatal("dropped for good")
	}
}

// A reload that changes nothing goes on with what is under way.
func TestReloadKeepsOrders(t *testing.T) {
	r := newRig()
	o := r.options()
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true}
	k := r.keeper(t, o)
	first := k.live.Load().automatic
	o.Sites = []Site{{Hosts: []string{"a.example.com"}}}
	must(t, k.Reload(o))
	if k.live.Load().automatic != first {
		t.Error("another site ends all orders")
	}
	other := *o.Automatic
	o.Automatic = &other
	must(t, k.Reload(o))
	if k.live.Load().automatic == first {
		t.Error("another CA, say, and the old one goes on")
	}
	<-first.ctx.Done()
}

// I6: one warning when the CA is not there, the tries after it are silent and ever
// rarer.
func TestNoCA(t *testing.T) {
	r := newRig()
	o := r.options(Site{Hosts: []string{"silent.test"}})
	next, waits := make(chan time.Time), make(chan time.Duration, 100)
	o.After = func(d time.Duration) <-chan time.Time {
		if d == lookEvery || d == cleanEvery {
			return nil
		}
		waits <- d
		return next
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	o.Automatic = &Automatic{Directory: gone.URL + "/dir", Storage: t.TempDir(), TLSALPN: true}
	k := r.keeper(t, o)
	k.Start()
	for i, want := range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
		if got := <-waits; got != want {
			t.Errorf("waits %v after failure %d, want %v", got, i+1, want)
		}
		st := k.Status()[0]
		if st.Failures != i+1 || st.Error == "" || st.NextAt != r.Now().Add(want) {
			t.Errorf("status %+v", st)
		}
		if _, err := k.Certificate(hello("silent.test")); !errors.Is(err, ErrNotYet) {
			t.Errorf("got %v", err)
		}
		r.advance(want)
		next <- r.Now()
	}
	<-waits
	if r.Count("level=WARN") != 1 {
		t.Errorf("want one warning: %s", r.String())
	}
	k.Close()
	k.Close()
}

// I6: the end of trouble is noted and told also if another gateway got the
// certificate, by whichever way it comes, and trouble after it is told anew.
func TestTroubleEndsByTheStorage(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	waits, next := make(chan time.Duration, 100), make(chan time.Time)
	gone := httptest.NewServer(nil)
	gone.Close()
	o := r.options(Site{Hosts: []string{"b.test"}})
	o.After = func(d time.Duration) <-chan time.Time {
		if d == lookEvery || d == cleanEvery {
			return nil
		}
		waits <- d
		return next
	}
	o.Automatic = &Automatic{Directory: gone.URL + "/dir", Storage: t.TempDir(), HTTP: true}
	k := r.keeper(t, o)
	k.Start()
	<-waits
	ca.store(t, o, nil, "b.test")
	next <- r.Now()
	for end := time.Now().Add(10 * time.Second); k.Status()[0].Failures > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a fresh certificate, and the status says %+v", k.Status()[0])
		}
	}
	if n := r.Count("storage has a new certificate"); n != 1 {
		t.Errorf("the end of trouble is told %d times", n)
	}
	wantFor(t, k, "b.test", "b.test")
	a := k.live.Load().automatic
	s := a.find("b.test")
	a.failed(s, errors.New("months later"))
	if n := r.Count("level=WARN"); n != 2 {
		t.Errorf("%d warnings, want one for each time: %s", n, r.String())
	}

	// Another gateway has renewed it, and certmagic's maintenance has loaded that. The
	// two have the same dates.
	first := s.cert.Load()
	ca.store(t, o, nil, "b.test")
	a.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: "b.test"}})
	_, err := a.config.Load().CacheManagedCertificate(t.Context(), "b.test")
	must(t, err)
	k.look()
	if st := k.Status()[0]; st.Failures != 0 || st.Error != "" || s.cert.Load().Leaf.Equal(first.Leaf) {
		t.Errorf("a renewed certificate, and the status says %+v", st)
	}

	// Ours is newer than certmagic's: it stays.
	ca.store(t, o, nil, "b.test")
	a.fromStorage(s)
	ours := s.cert.Load()
	k.look()
	if s.cert.Load() != ours {
		t.Error("the renewed certificate gave way to the one before")
	}
}

// What does not end by itself is waited for only so long, clean-ups of DNS included.
func TestCloseIsBounded(t *testing.T) {
	r := newRig()
	o := r.options()
	o.After = func(d time.Duration) <-chan time.Time {
		if d != stopWait {
			return nil
		}
		return time.After(10 * time.Millisecond)
	}
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), DNS: stuck{}}
	k, err := New(o)
	must(t, err)
	a := k.live.Load().automatic
	cleaned := make(chan error, 1)
	a.spawn(func() {
		solver := a.issuer.client.ChallengeSolvers[acme.ChallengeTypeDNS01]
		cleaned <- solver.CleanUp(t.Context(), acme.Challenge{})
	})
	began := time.Now()
	k.Close()
	if long := time.Since(began); long > time.Second {
		t.Errorf("Close took %v", long)
	}
	if err := <-cleaned; !errors.Is(err, context.Canceled) {
		t.Errorf("the clean-up ended with %v", err)
	}
}

// stuck is a provider that never returns by itself.
type stuck struct{}

func (stuck) Present(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }
func (stuck) CleanUp(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }

// Close and Reload end what they replace. What is waited for is certmagic's care for
// a lock file, which notices within five seconds that the lock is released.
func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		r := newRig()
		with := func(email string) Options {
			o := r.options(Site{Hosts: []string{"left.test"}})
			gone := httptest.NewServer(nil)
			gone.Close()
			o.Automatic = &Automatic{Directory: gone.URL + "/dir", Storage: t.TempDir(), HTTP: true, Email: email}
			return o
		}
		k, err := New(with("a@left.test"))
		must(t, err)
		k.Start()
		must(t, k.Reload(with("b@left.test")))
		k.Close()
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
}
