// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
)

func init() { lists = append(lists, rawClients) }

var rawClients = []*Fault{
	{Cause: "gw.no_route", Means: Real, Scope: "site", Set: setForgottenHost},
	{Cause: "cli.bad_request", Name: "malformed", Means: Raw, Scope: "client", Set: setBadRequests(
		Ask{Method: "GET", Path: "/wp-login.php", Fields: []string{"X-Probe : 1"}, Weight: 2},
		Ask{Method: "GET", Path: "/admin", Fields: []string{"no colon here"}, Weight: 2})},
	{Cause: "cli.bad_request", Name: "oversized", Means: Raw, Scope: "client", Set: setBadRequests(
		Ask{Method: "GET", Path: "/", Fields: []string{"Cookie: a=" + strings.Repeat("x", 80<<10)}, Weight: 2})},
	{Cause: "atk.l7_flood", Means: Raw, Scope: "upstream", Set: setFlood, Break: later, Mend: back},
	{Cause: "atk.expensive_endpoint", Means: Raw, Scope: "upstream", Set: setExpensive, Break: later, Mend: back},
}

// setForgottenHost has a site of one name whose visitors come by a second one too.
func setForgottenHost(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = strings.Replace(behind("http://"+r.Addr()), `"*"`, "shop.test", 1)
	for i := range s.Visitors.Asks {
		s.Visitors.Asks[i].Host = "shop.test"
	}
	s.Visitors.Asks = append(s.Visitors.Asks, Ask{Method: "GET", Path: "/", Host: "www.shop.test", Weight: 6})
	return nil
}

// setBadRequests has a shop that is well, and visitors among the others whose requests are none.
func setBadRequests(asks ...Ask) func(*Stage) error {
	return func(s *Stage) error {
		r, err := s.raw(origin.Options{})
		if err != nil {
			return err
		}
		s.Config = behind("http://" + r.Addr())
		s.Visitors.Asks = append(s.Visitors.Asks, asks...)
		return nil
	}
}

// workers is an application with few of them: who finds none free waits, as in a server's own queue.
type workers struct {
	free chan struct{}
	work func(*http.Request) time.Duration
}

func newWorkers(n int, work func(*http.Request) time.Duration) *workers {
	return &workers{free: make(chan struct{}, n), work: work}
}

func (a *workers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case a.free <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	time.Sleep(a.work(r))
	<-a.free
	shopPage(w, r)
}

// setExpensive has an application of two workers, and a search that begins to take one of them for seconds.
func setExpensive(s *Stage) error {
	var ill atomic.Bool
	addr, err := s.app(newWorkers(2, func(r *http.Request) time.Duration {
		if ill.Load() && searched(r) {
			return 2 * time.Second
		}
		return 5 * time.Millisecond
	}))
	if err != nil {
		return err
	}
	s.Config = behind("http://"+addr, slowStall)
	s.toggles(&ill)
	return nil
}

// setFlood has many strangers ask for searches, many times as often as visitors and as the application can answer.
func setFlood(s *Stage) error {
	addr, err := s.app(newWorkers(4, func(*http.Request) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		return err
	}
	s.Config = behind("http://"+addr, slowStall)
	ctx, stop := context.WithCancel(s.ctx)
	var wg sync.WaitGroup
	s.breaks = func() error {
		for i := range flooders {
			wg.Go(func() { flood(ctx, s.Gateway, client.Loopback(2000+i), i) })
		}
		return nil
	}
	s.mends = func() error {
		stop()
		wg.Wait()
		return nil
	}
	s.AtEnd(func() { _ = s.mends() })
	return nil
}

// The bounds of a flood: 150 addresses, each with at most 10 requests a second for at most 20 s.
const (
	flooders   = 150
	floodEvery = 100 * time.Millisecond
	floodLimit = 20 * time.Second
)

// flood asks from one address, each time over a new connection and with a patience of a second, and reads no page whole.
func flood(ctx context.Context, gateway, source string, seed int) {
	ctx, cancel := context.WithTimeout(ctx, floodLimit)
	defer cancel()
	tick := time.NewTicker(floodEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		request := fmt.Appendf(nil, "GET /search?q=%d HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: Mozilla/5.0 (compatible; %d)\r\nAccept: */*\r\n\r\n",
			seed*1000+n, seed%7)
		client.RawUntil(ctx, client.Target{Addr: gateway, Source: source, Deadline: time.Second}, request,
			func(_ []byte, total int64) bool { return total > 0 })
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
