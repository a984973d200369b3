// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"causey/internal/certs"
)

// asker is an ask URL that counts.
type asker struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func startAsker(t *testing.T, allowed string) *asker {
	a := &asker{asked: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("domain")
		a.mu.Lock()
		a.asked[name]++
		a.mu.Unlock()
		if name != allowed || r.Header.Get("Authorization") != "Bearer 1" {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *asker) count(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[name]
}

func TestOnDemand(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	ask := startAsker(t, "yes.demand.test")
	by := func(a *certs.Automatic) {
		a.HTTP, a.OnDemand = true, &certs.OnDemand{Ask: ask.URL, Token: "1"}
	}
	k := b.front.keep(t, b.options(by, "site.test"))
	b.wantShown(t, "site.test")

	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			if b.front.shows("yes.demand.test") == nil { // the first handshakes wait
				t.Error("allowed, and no certificate")
			}
			if b.front.shows("no.demand.test") != nil {
				t.Error("refused, and a certificate")
			}
		})
	}
	clients.Wait()
	if y, n, s := ask.count("yes.demand.test"), ask.count("no.demand.test"), ask.count("site.test"); y != 1 || n != 1 || s != 0 {
		t.Errorf("asked %d, %d and %d times, want 1, 1 and 0", y, n, s)
	}
	if n := b.ca.requests("order"); n != 2 {
		t.Errorf("%d orders, want 2", n)
	}
	if len(k.Status()) != 2 {
		t.Errorf("status of %d names, want 2", len(k.Status()))
	}

	// After a restart its certificate is there, and asked about again when it is renewed.
	k.Close()
	b.front.keep(t, b.options(by, "site.test"))
	if b.front.shows("yes.demand.test") == nil || ask.count("yes.demand.test") != 1 || b.ca.requests("order") != 2 {
		t.Errorf("asked %d times, %d orders", ask.count("yes.demand.test"), b.ca.requests("order"))
	}
}
