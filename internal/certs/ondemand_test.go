// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// asking is an ask URL that answers by name, and counts.
type asking struct {
	*httptest.Server
	asked atomic.Int64
	now   atomic.Int64
	most  atomic.Int64
}

func startAsking(t *testing.T, answer func(name string) int) *asking {
	a := &asking{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		a.asked.Add(1)
		now := a.now.Add(1)
		for most := a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); most = a.most.Load() {
		}
		defer a.now.Add(-1)
		w.WriteHeader(answer(q.URL.Query().Get("domain")))
	}))
	t.Cleanup(a.Close)
	return a
}

func says(status int) func(string) int { return func(string) int { return status } }

// onDemand are options with an ask URL and a CA, whose clock a wait moves.
func (r *rig) onDemand(t *testing.T, ask, ca string) Options {
	o := r.options()
	o.After = func(d time.Duration) <-chan time.Time {
		if d >= time.Second {
			return nil
		}
		r.advance(d)
		fired := make(chan time.Time, 1)
		fired <- r.Now()
		return fired
	}
	o.Automatic = &Automatic{Directory: ca + "/dir", Storage: t.TempDir(), HTTP: true, OnDemand: &OnDemand{
		Ask: ask, Certifiable: func(name string) bool { return strings.Contains(name, ".") },
	}}
	return o
}

// brokenCA answers 404 to everything.
func brokenCA(t *testing.T) (url string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	ca := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(ca.Close)
	return ca.URL, asked
}

func (k *Keeper) demand() *demand { return k.live.Load().automatic.demand }

// I5: names of strangers are asked about once, at a bounded pace, and remembered in
// bounded memory.
func TestStrangersAreBounded(t *testing.T) {
	r := newRig()
	ask := startAsking(t, says(http.StatusForbidden))
	k := r.keeper(t, r.onDemand(t, ask.URL, "https://ca.example.com"))
	d := k.demand()
	for range 10 {
		wantFor(t, k, "same.example.com", "")
	}
	if n := ask.asked.Load(); n != 1 {
		t.Errorf("asked %d times about one name", n)
	}
	r.advance(refusedFor)
	wantFor(t, k, "same.example.com", "")
	if n := ask.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want a second time when the answer is old", n)
	}
	for _, odd := range []string{"single", "localhost", "*.example.com", "192.0.2.1", "a..b.example.com", ""} {
		wantFor(t, k, odd, "")
	}
	if n := ask.asked.Load(); n != 2 {
		t.Errorf("asked about what cannot have a certificate")
	}
	for i := range verdictsMax + 100 {
		d.mu.Lock()
		d.refuse(fmt.Sprintf("n%d.example.com", i), refusedFor)
		d.mu.Unlock()
	}
	began := r.Now()
	var clients sync.WaitGroup
	for i := range 2 * asksBurst {
		clients.Go(func() { _, _ = k.Certificate(hello(fmt.Sprintf("m%d.example.com", i))) })
	}
	clients.Wait()
	if n := ask.most.Load(); n > asksMax {
		t.Errorf("%d asks at a time", n)
	}
	if long := r.Now().Sub(began); long < (asksBurst-5)*askEvery {
		t.Errorf("%d names are asked about in %v", 2*asksBurst, long)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.refused) != verdictsMax || len(d.asking) != 0 || len(d.names) != 0 || len(k.Status()) != 0 {
		t.Errorf("remembers %d refused, %d asked, %d names", len(d.refused), len(d.asking), len(d.names))
	}
}

// I5: allowed names are bounded too, and those without a certificate are forgotten.
func TestDemandedNamesAreBounded(t *testing.T) {
	r := newRig()
	ask := startAsking(t, says(http.StatusOK))
	gone := httptest.NewServer(nil)
	gone.Close()
	k := r.keeper(t, r.onDemand(t, ask.URL, gone.URL))
	d := k.demand()
	d.namesMax = 1
	if _, err := k.Certificate(hello("nocert.example.com")); !errors.Is(err, ErrNotYet) {
		t.Errorf("got %v", err)
	}
	d.mu.Lock()
	left, failed := len(d.names), len(d.failed)
	d.names["other.example.com"] = &wanted{slot: &slot{}}
	d.mu.Unlock()
	if left != 0 || failed != 1 || len(k.Status()) != 0 {
		t.Errorf("%d names left, %d failed", left, failed)
	}
	wantFor(t, k, "nocert.example.com", "") // for a while
	wantFor(t, k, "third.example.com", "")  // full
	if r.Count("no more are obtained") != 1 {
		t.Errorf("logged %s", r.String())
	}
	d.mu.Lock()
	delete(d.names, "other.example.com")
	for i := range failuresMax {
		d.failed[fmt.Sprint(i)] = &slot{failures: 1, nextAt: r.Now().Add(time.Hour)}
	}
	d.failed["gone.example.com"] = &slot{} // long ago
	d.mu.Unlock()
	r.advance(retry[0])
	_, _ = k.Certificate(hello("nocert.example.com"))
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.failed); n > failuresMax+1 || d.failed["nocert.example.com"] == nil {
		t.Errorf("%d failures are remembered", n)
	}
}

// I5: strangers whose names are refused do not make a failed order be tried sooner,
// and its back-off grows from try to try.
func TestBackOffOutlivesStrangers(t *testing.T) {
	r := newRig()
	ask := startAsking(t, says(http.StatusOK))
	ca, tries := brokenCA(t)
	k := r.keeper(t, r.onDemand(t, ask.URL, ca))
	d := k.demand()
	for n, wait := range retry[:4] {
		_, err := k.Certificate(hello("victim.example.com"))
		if !errors.Is(err, ErrNotYet) || tries.Load() != int64(n+1) {
			t.Fatalf("try %d: %v, %d requests to the CA", n+1, err, tries.Load())
		}
		for i := range 2 * verdictsMax {
			d.mu.Lock()
			d.refuse(fmt.Sprintf("r%d-%d.example.com", n, i), refusedFor)
			d.mu.Unlock()
		}
		wantFor(t, k, "victim.example.com", "")
		r.advance(wait - time.Second)
		wantFor(t, k, "victim.example.com", "")
		if tries.Load() != int64(n+1) {
			t.Fatalf("after failure %d: tried again before %v were over", n+1, wait)
		}
		r.advance(time.Second)
	}
}

// A name that was on demand, then a site's, then neither is managed as long as it is
// served.
func TestDemandedThenListed(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	ask := startAsking(t, says(http.StatusOK))
	o := r.onDemand(t, ask.URL, "https://127.0.0.1:1")
	ca.store(t, o, nil, "a.example.com")
	k := r.keeper(t, o)
	wantFor(t, k, "a.example.com", "a.example.com")
	listed := o
	listed.Sites = []Site{{Hosts: []string{"a.example.com"}}}
	must(t, k.Reload(listed))
	if a := k.live.Load().automatic; a.onDemand("a.example.com") != nil {
		t.Error("a site's name is still one on demand")
	}
	must(t, k.Reload(o))
	wantFor(t, k, "a.example.com", "a.example.com")
	if a := k.live.Load().automatic; a.onDemand("a.example.com") == nil || len(k.Status()) != 1 {
		t.Errorf("served, and managed by nobody: status %+v", k.Status())
	}
}

// A valid certificate in the storage was allowed before: it is served though the ask
// URL is down and all places are taken.
func TestStoredIsServedUnasked(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	hold := make(chan struct{})
	ask := startAsking(t, func(string) int { <-hold; return http.StatusForbidden })
	defer close(hold)
	o := r.onDemand(t, ask.URL, "https://127.0.0.1:1")
	ca.store(t, o, nil, "good.example.com")
	ca.store(t, o, func(c *x509.Certificate) { c.NotAfter = epoch.Add(-time.Minute) }, "old.example.com")
	k := r.keeper(t, o)
	for i := range asksMax {
		go func() { _, _ = k.Certificate(hello(fmt.Sprintf("x%d.example.com", i))) }()
	}
	for ask.now.Load() < asksMax {
		time.Sleep(time.Millisecond)
	}
	wantFor(t, k, "good.example.com", "good.example.com")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = k.Certificate(hello("old.example.com")) // expired: asked about, and waits for its place
	}()
	for d := k.demand(); ; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		waits := d.asking["old.example.com"] != nil
		d.mu.Unlock()
		if waits {
			break
		}
	}
	hold <- struct{}{}
	for range asksMax {
		hold <- struct{}{}
	}
	<-done
	if n := ask.asked.Load(); n != asksMax+1 {
		t.Errorf("asked %d times", n)
	}
}

// Only 403, 404 and 410 say no. Everything else is no answer, which is asked for
// again soon.
func TestAskAnswers(t *testing.T) {
	for status, want := range map[int]error{
		200: nil, 403: errRefused, 404: errRefused, 410: errRefused,
		204: errNoAnswer, 302: errNoAnswer, 400: errNoAnswer, 401: errNoAnswer, 429: errNoAnswer, 500: errNoAnswer, 503: errNoAnswer,
	} {
		r := newRig()
		ask := startAsking(t, says(status))
		k := newAsker(&automatic{now: r.Now}, OnDemand{Ask: ask.URL})
		got := k.ask(t.Context(), "a.test")
		if want == errNoAnswer {
			if got == nil || errors.Is(got, errRefused) {
				t.Errorf("%d: %v", status, got)
			}
		} else if !errors.Is(got, want) {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
}

var errNoAnswer = errors.New("no answer")

// The token reaches the ask URL, and no log.
func TestAskToken(t *testing.T) {
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { got.Store(q.Header.Get("Authorization")) }))
	r := newRig()
	o := OnDemand{Ask: server.URL + "/secret-path", Token: "secret-token"}
	must(t, newAsker(&automatic{now: r.Now}, o).ask(t.Context(), "a.test"))
	if got.Load() != "Bearer secret-token" {
		t.Errorf("sent %q", got.Load())
	}
	server.Close()
	err := newAsker(&automatic{now: r.Now}, o).ask(t.Context(), "a.test")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// A name that is refused at its renewal is not renewed; its certificate is served
// until it expires.
func TestRefusedAtRenewal(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	answer := atomic.Int64{}
	answer.Store(http.StatusServiceUnavailable)
	ask := startAsking(t, func(string) int { return int(answer.Load()) })
	o := r.onDemand(t, ask.URL, "https://127.0.0.1:1")
	ca.store(t, o, nil, "a.example.com")
	k := r.keeper(t, o)
	wantFor(t, k, "a.example.com", "a.example.com")
	a := k.live.Load().automatic
	s := a.find("a.example.com")
	renew := func() error {
		_, err := a.issuer.Issue(t.Context(), &x509.CertificateRequest{DNSNames: []string{"a.example.com"}})
		a.failed(s, err)
		return err
	}
	if err := renew(); err == nil || errors.Is(err, errRefused) {
		t.Fatalf("without an answer: %v", err)
	}
	if a.onDemand("a.example.com") == nil {
		t.Fatal("no answer is taken for a refusal")
	}
	r.advance(retry[0])
	answer.Store(http.StatusForbidden)
	if err := renew(); !errors.Is(err, errRefused) {
		t.Fatalf("refused: %v", err)
	}
	wantFor(t, k, "a.example.com", "a.example.com")
	k.look()
	if st := k.Status(); len(st) != 1 || !strings.Contains(st[0].Error, "refuses") || !st[0].NextAt.IsZero() {
		t.Errorf("status %+v", st)
	}
	for end := time.Now().Add(10 * time.Second); a.cached("a.example.com") != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("certmagic still renews it")
		}
	}
	r.advance(s.cert.Load().Leaf.NotAfter.Sub(r.Now()))
	k.look()
	asked := ask.asked.Load()
	wantFor(t, k, "a.example.com", "")
	if ask.asked.Load() != asked+1 || len(k.Status()) != 0 {
		t.Errorf("expired, and not asked about: %+v", k.Status())
	}
}
