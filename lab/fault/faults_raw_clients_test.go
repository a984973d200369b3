// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

func init() {
	prove(map[string]proof{
		"gw.no_route":               every(fine(getting("/")), forgotten),
		"cli.bad_request:malformed": every(fine(getting("/")), strangersAre(4, unreadable)),
		"cli.bad_request:oversized": every(fine(getting("/")), strangersAre(4, unreadable)),
		"atk.expensive_endpoint":    starved,
		"atk.l7_flood":              strangersAre(flooders*9/10, searches),
	})
}

// forgotten is a host that visitors ask for and the configuration does not have.
func forgotten(_ context.Context, s *Stage) error {
	if strings.Contains(s.Config, "www.shop.example") || !strings.Contains(s.Config, "host: shop.example") {
		return instead("%s", s.Config)
	}
	if !slices.ContainsFunc(s.Visitors.Asks, func(a Ask) bool { return a.Host == "www.shop.example" }) {
		return instead("%v", s.Visitors.Asks)
	}
	return nil
}

// unreadable is a head that net/http cannot read, or that is above 64 KiB.
func unreadable(head string) bool {
	_, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	return err != nil || len(head) > 64<<10
}

func searches(head string) bool { return strings.HasPrefix(head, "GET /search?q=") }

// starved is a page that waits because two searches are being worked on.
func starved(ctx context.Context, s *Stage) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 2 {
		wg.Go(func() { askServer(ctx, s, 0, getting("/search?q=1")) })
	}
	time.Sleep(50 * time.Millisecond) // the searches are to come first
	start := time.Now()
	r := askServer(ctx, s, 0, getting("/"))
	if took := time.Since(start); took < time.Second {
		return instead("%s after %v", r.End, took)
	}
	return nil
}
