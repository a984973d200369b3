// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

func init() {
	check(map[string]symptom{
		"gw.no_route":               every(fine(get("/")), forgotten),
		"cli.bad_request:malformed": every(fine(get("/")), someUnreadable),
		"cli.bad_request:oversized": every(fine(get("/")), someUnreadable),
		"atk.expensive_endpoint":    starved,
		"atk.l7_flood":              flooded,
	})
}

// forgotten is a host that visitors ask for and the configuration does not have.
func forgotten(_ context.Context, s *Stage) error {
	if strings.Contains(s.Config, "www.shop.test") || !strings.Contains(s.Config, "host: shop.test") {
		return instead("%s", s.Config)
	}
	if !slices.ContainsFunc(s.Visitors.Asks, func(a Ask) bool { return a.Host == "www.shop.test" }) {
		return instead("%v", s.Visitors.Asks)
	}
	return nil
}

// someUnreadable are requests among the visitors' that net/http cannot read, or not within 64 KiB, beside good ones.
func someUnreadable(_ context.Context, s *Stage) error {
	bad := 0
	for _, a := range s.Visitors.Asks {
		head := get(a.Path, a.Fields...)
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head))); err != nil || len(head) > 64<<10 {
			bad++
		}
	}
	if bad == 0 || bad == len(s.Visitors.Asks) {
		return instead("%d of %d", bad, len(s.Visitors.Asks))
	}
	return nil
}

// starved is a page that waits because two searches are being worked on.
func starved(ctx context.Context, s *Stage) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 2 {
		wg.Go(func() { askServer(ctx, s, 0, get("/search?q=1")) })
	}
	time.Sleep(50 * time.Millisecond) // the searches are to come first
	start := time.Now()
	r := askServer(ctx, s, 0, get("/"))
	if took := time.Since(start); took < time.Second {
		return instead("%s after %v", r.End, took)
	}
	return nil
}

// flooded is a gateway at whose door many addresses ask for one path.
func flooded(ctx context.Context, s *Stage) error {
	ln, err := net.Listen("tcp", s.Gateway)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	sources, others := map[string]int{}, 0
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		sources[host]++
		if !searched(r) {
			others++
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	_ = srv.Close()
	mu.Lock()
	defer mu.Unlock()
	if len(sources) < flooders*9/10 || others > 0 {
		return instead("%d sources, %d other paths", len(sources), others)
	}
	return nil
}
