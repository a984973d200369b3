// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"causey/lab/origin"
)

func init() { lists = append(lists, rawClients) }

var rawClients = []*Fault{
	{Cause: "gw.no_route", Means: Real, Scope: "site", Set: setForgottenHost},
	{Cause: "cli.bad_request", Name: "malformed", Means: Raw, Scope: "client", Break: later, Mend: back,
		Set: setBadRequests("GET /wp-login.php HTTP/1.1\r\nHost: shop.example\r\nX-Probe\r\n\r\n")},
	{Cause: "cli.bad_request", Name: "oversized", Means: Raw, Scope: "client", Break: later, Mend: back,
		Set: setBadRequests("GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: a=" + strings.Repeat("x", 80<<10) + "\r\n\r\n")},
	{Cause: "atk.l7_flood", Means: Raw, Scope: "upstream", Set: setFlood, Break: later, Mend: back},
	{Cause: "atk.expensive_endpoint", Means: Raw, Scope: "upstream", Set: setExpensive, Break: later, Mend: back},
}

// setForgottenHost has a site of one name whose visitors come by a second one too.
func setForgottenHost(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = behind("http://" + r.Addr())
	s.also(Ask{Method: "GET", Path: "/", Host: "www.shop.example", Weight: 6})
	return nil
}

// setBadRequests has a shop that is well, and from Break on a few strangers who send something that is no request.
func setBadRequests(request string) func(*Stage) error {
	return func(s *Stage) error {
		r, err := s.raw(origin.Options{})
		if err != nil {
			return err
		}
		s.Config = behind("http://" + r.Addr())
		strangers{addresses: 4, width: 1, every: time.Second / 2, patience: 2 * time.Second,
			request: func(int, int) []byte { return []byte(request) }}.comeTo(s)
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
			return 3 * time.Second
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
	addr, err := s.app(newWorkers(4, func(*http.Request) time.Duration { return 40 * time.Millisecond }))
	if err != nil {
		return err
	}
	s.Config = behind("http://"+addr, slowStall)
	strangers{addresses: flooders, width: 4, every: time.Second / 10, patience: 6 * time.Second, request: func(who, n int) []byte {
		return fmt.Appendf(nil, "GET /search?q=%d HTTP/1.1\r\nHost: shop.example\r\n"+
			"User-Agent: Mozilla/5.0 (compatible; %d)\r\nAccept: */*\r\n\r\n", who*1000+n, who%7)
	}}.comeTo(s)
	return nil
}

// flooders are the addresses of a flood.
const flooders = 150
