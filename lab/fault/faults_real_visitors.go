// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"causey/lab/client"
	"causey/lab/real"
)

// realVisitors are what visitors do, alone or together.
var realVisitors = []*Fault{
	{Cause: "cli.abort", Means: Real, Scope: "client",
		Set: func(s *Stage) error { return s.shop("", nodeShop("EXPORT_MS=2500")) },
		Break: func(s *Stage) error {
			for i := range 8 { // people are not equally patient
				s.Invite(Visitors{PerSecond: 0.5, Clients: 1, Patience: 400*time.Millisecond + time.Duration(i)*250*time.Millisecond,
					Asks: []Ask{{Method: "GET", Path: "/export", Weight: 1}}})
			}
			return nil
		}},
	{Cause: "cli.slow_reader", Means: Real, Scope: "client",
		Set: func(s *Stage) error {
			err := s.shop("", nodeShop("DOWNLOAD=8388608"))
			s.Config = "timeouts: {send_stall: 5s}\n" + s.Config
			return err
		},
		Break: func(s *Stage) error {
			s.Invite(Visitors{PerSecond: 2, Clients: 8, Asks: []Ask{{Method: "GET", Path: "/download", ReadRate: 100, Weight: 1}}})
			return nil
		}},
	{Cause: "atk.expensive_endpoint", Name: "gunicorn", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 15
			return s.shop("timeouts: {await_head: 5s}", gunicornShop("--workers 4", "REPORT_SECONDS=1.5"))
		},
		Break: func(s *Stage) error {
			s.Invite(Visitors{PerSecond: 4, Clients: 2, Patience: 30 * time.Second, Asks: []Ask{{Method: "GET", Path: "/report?year=*", Many: 30, Weight: 1,
				Fields: []string{"User-Agent: python-requests/2.32.3"}}}})
			return nil
		}},
	{Cause: "atk.bot_crawl", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("timeouts: {await_head: 5s}", gunicornShop("--workers 2", "PAGE_SECONDS=0.05"))
		},
		Break: func(s *Stage) error {
			s.Invite(Visitors{PerSecond: 90, Clients: 4, Patience: 30 * time.Second, Asks: []Ask{{Method: "GET", Path: "/search?colour=blue&sort=price&page=*",
				Many: 1_000_000, Weight: 1, Fields: []string{"User-Agent: Mozilla/5.0 (compatible; GreedyBot/1.0; +https://bot.example/)"}}}})
			return nil
		}},
	{Cause: "atk.slowloris", Means: Real, Scope: "client",
		Set: func(s *Stage) error { return s.shop("", gunicornShop("--workers 2")) },
		Break: func(s *Stage) error {
			for i := range 150 {
				s.meanwhile(func(ctx context.Context) error { return s.halfRequests(ctx, client.Loopback(1000+i%5)) })
			}
			return nil
		}},
	{Cause: "load.flash_crowd", Means: Real, Scope: "site",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("timeouts: {await_head: 5s}", gunicornShop("--workers 2", "PAGE_SECONDS=0.06"))
		},
		Break: func(s *Stage) error { // a newsletter went out
			crowd := Ordinary()
			crowd.PerSecond, crowd.Clients, crowd.Patience = 110, 80, 15*time.Second
			for i := range crowd.Asks {
				crowd.Asks[i].Fields = []string{"Referer: https://news.example/deal-of-the-day"}
			}
			s.Invite(crowd)
			return nil
		}},
	{Cause: "load.flash_crowd", Name: "purge", Means: Real, Scope: "site",
		Set: func(s *Stage) error { // Varnish has every page, which takes the shop half a second
			s.Visitors.Asks = []Ask{{Method: "GET", Path: "/product/*", Many: 24, Weight: 9}, {Method: "POST", Path: "/cart", Body: 300, Weight: 1}}
			shop, err := s.launch(gunicornShop("--workers 4", "PAGE_SECONDS=0.5"))
			if err != nil {
				return err
			}
			varnish, err := s.launch(varnishBefore(shop.Addr()))
			if err != nil {
				return err
			}
			s.Config = shopConfig("timeouts: {await_head: 1s}", varnish.Addr())
			return fetchAll(s.ctx, varnish.Addr(), 24)
		},
		Break: func(s *Stage) error { // again and again, as after each change of a price
			s.again(7*time.Second, func(ctx context.Context) error { return purge(ctx, s.processes[1].Addr()) })
			return nil
		}},
	{Cause: "load.retry_storm", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { // visitors ask again three times; what is enough for all is not enough for four times as much
			s.Visitors.PerSecond, s.Visitors.Patience = 16, time.Second
			for i := range s.Visitors.Asks {
				s.Visitors.Asks[i].Again = 3
			}
			return s.shop("", gunicornShop("--workers 2", "PAGE_SECONDS=0.08"))
		},
		Break: func(s *Stage) error {
			s.meanwhile(func(ctx context.Context) error { return s.freeze(ctx, 0, 4*time.Second) })
			return nil
		}},
}

// varnishBefore is Varnish with a shop behind it. PURGE empties it.
func varnishBefore(addr string) real.Program {
	host, port, _ := strings.Cut(addr, ":")
	return real.Program{Name: "varnish", Programs: []string{"varnishd"}, Package: "varnish", Ready: real.Accepts,
		Data: struct{ Host, Port string }{host, port}, Templates: map[string]string{"shop.vcl": `vcl 4.1;
backend shop { .host = "{{.Data.Host}}"; .port = "{{.Data.Port}}"; }
sub vcl_recv {
    if (req.method == "PURGE") { ban("obj.status != 0"); return (synth(200, "purged")); }
}
sub vcl_backend_response { set beresp.ttl = 1h; set beresp.grace = 0s; }
`},
		Args: []string{"-F", "-j", "none", "-n", "{{.Dir}}/varnish", "-a", "{{.Addr}}", "-f", "{{.Dir}}/shop.vcl", "-s", "malloc,16m", "-p", "vsl_space=2m"}}
}

// fetchAll asks for so many product pages at once, and waits for all of them.
func fetchAll(ctx context.Context, addr string, pages int) error {
	errs := make([]error, pages)
	var wg sync.WaitGroup
	for i := range pages {
		wg.Go(func() { errs[i] = wellAnswered(ctx, http.MethodGet, fmt.Sprintf("http://%s/product/%d", addr, i+1)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func purge(ctx context.Context, addr string) error {
	return wellAnswered(ctx, "PURGE", "http://"+addr+"/")
}

// wellAnswered wants a 200.
func wellAnswered(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	req.Host = "shop.example" // as visitors say
	req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(method + " " + url + ": " + resp.Status)
	}
	return nil
}

// halfRequests sends heads that never end, one after the other, a field every few seconds.
func (s *Stage) halfRequests(ctx context.Context, source string) error {
	t := client.Target{Addr: s.Gateway, Source: source, Deadline: time.Minute}
	if path, unix := strings.CutPrefix(s.Gateway, "unix:"); unix {
		t = client.Target{Network: "unix", Addr: path, Deadline: time.Minute}
	}
	head := "GET / HTTP/1.1\r\nHost: shop.example\r\n" + strings.Repeat("X-a: b\r\n", 100)
	for pause(ctx, time.Second) {
		client.Trickle(ctx, t, []byte(head), client.Pace{Bytes: 8, Every: 3 * time.Second}, nil)
	}
	return nil
}
