// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"causey/lab/client"
)

func init() {
	says := func(request, begins, has string) proof { return answered(request, client.Satisfied, begins, has) }
	prove(map[string]proof{
		"ka.max_requests:raw":                stopsAfter(20),
		"cap.upstream_fd":                    answered(getting("/"), client.Deadline, "", ""),
		"cap.disk_full":                      every(fine(getting("/")), says(posting("/cart", 300, 300), "HTTP/1.1 500 ", "no space left on device")),
		"tmo.inverted":                       every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, "", "")),
		"gw.limit_reached:requests":          manyAtOnce,
		"gw.limit_reached:connections":       manyAtOnce,
		"sys.shared_dependency":              bothSlow,
		"relayed.app_emitted:503":            every(fine(getting("/")), says(getting("/search?q=1"), "HTTP/1.1 503 ", "X-Powered-By: Express\r\n")),
		"relayed.app_emitted:502":            every(fine(getting("/static/1.css")), says(getting("/"), "HTTP/1.1 502 ", "X-Powered-By: Express\r\n")),
		"ops.platform_sleep_or_limit:render": says(getting("/"), "HTTP/1.1 503 ", "X-Render-Routing: hibernate-wake-error\r\n"),
		"ops.platform_sleep_or_limit:cpanel": says(getting("/"), "HTTP/1.1 508 ", "Resource Limit Is Reached"),
		"ops.platform_sleep_or_limit:vercel": says(getting("/"), "HTTP/1.1 503 ", "X-Vercel-Error: FUNCTION_THROTTLED\r\n"),
		"ops.platform_sleep_or_limit:heroku": says(getting("/"), "HTTP/1.1 503 ", "herokucdn.com/error-pages/"),

		"cdn.ssl_mode": says(getting("/product/1", throughCloudflare...), "HTTP/1.1 301 ", "Location: https://shop.example/product/1\r\n"),
		"cdn.timeout":  every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, "", "")),
		"cdn.520:520":  edgeError(520, "520"), "cdn.origin_blocks_cdn:521": edgeError(521, "521"),
		"cdn.origin_ip_changed:523": edgeError(523, "523"), "cdn.timeout:524": edgeError(524, "524"),
		"cdn.ssl_mode:525": edgeError(525, "525"), "cdn.ssl_mode:526": edgeError(526, "526"),
		"cdn.dns:1016": edgeError(530, "1016"), "cdn.tunnel:1033": edgeError(530, "1033"),
		"cdn.tunnel:502":           says(getting("/"), "HTTP/1.1 502 ", "Cf-Cloudflared-Response-Meta: "),
		"cdn.edge_incident":        every(says(getting("/"), "HTTP/1.1 502 ", "<center>cloudflare</center>"), ofSecond("HTTP/1.1 502 ")),
		"cdn.one_client_to_origin": every(oncePaused, ofSome(says(getting("/"), "HTTP/1.1 503 ", "<center>nginx"))),
		"cdn.cached_error":         cachedError,
	})
}

// edgeError is an edge's own error.
func edgeError(status int, code string) proof {
	return every(answered(getting("/"), client.Satisfied, fmt.Sprintf("HTTP/1.1 %d ", status), "\r\nServer: cloudflare\r\n"),
		answered(getting("/"), client.Satisfied, "", "\r\n\r\nerror code: "+code))
}

// stopsAfter is a connection on which so many requests are answered, and no more.
func stopsAfter(n int) proof {
	return func(ctx context.Context, s *Stage) error {
		c, err := client.Dial(ctx, client.Target{Addr: s.servers()[0]})
		if err != nil {
			return err
		}
		defer c.Close()
		for i := range n {
			if _, err := c.Ask([]byte(getting("/"))); err != nil {
				return instead("%v at request %d", err, i+1)
			}
		}
		if got, err := c.Ask([]byte(getting("/"))); err == nil || len(got) > 0 {
			return instead("an answer to request %d", n+1)
		}
		return nil
	}
}

// manyAtOnce is a server that answers twenty requests at once in the time of one, and a gateway that is to ask two.
func manyAtOnce(ctx context.Context, s *Stage) error {
	if !strings.Contains(s.Config, "concurrency: 2") && !strings.Contains(s.Config, "max_connections: 2") {
		return instead("%s", s.Config)
	}
	start, one := time.Now(), fine(getting("/"))
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for range cap(errs) {
		wg.Go(func() { errs <- one(ctx, s) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	if took := time.Since(start); took < workTime || took > 5*workTime {
		return instead("%v", took)
	}
	return nil
}

// bothSlow are pages of both applications that wait for each other, while files do not.
func bothSlow(ctx context.Context, s *Stage) error {
	if err := fine(getting("/static/1.css"))(ctx, s); err != nil {
		return err
	}
	start := time.Now()
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() { askServer(ctx, s, n, getting("/post/1")) })
	}
	wg.Wait()
	if took := time.Since(start); took < 2*lockTime {
		return instead("%v for one page of each", took)
	}
	return nil
}

func ofSecond(begins string) proof {
	return func(ctx context.Context, s *Stage) error {
		return looks(askServer(ctx, s, 1, getting("/")), client.Satisfied, begins, "")
	}
}

// oncePaused is a visitor who has been away, and is answered.
func oncePaused(ctx context.Context, s *Stage) error {
	select {
	case <-time.After(500 * time.Millisecond):
	case <-ctx.Done():
	}
	return fine(getting("/"))(ctx, s)
}

// cachedError is an error for a page that was asked for in the wrong moment, older than that moment, and a page that
// was not, and is well.
func cachedError(ctx context.Context, s *Stage) error {
	if err := answered(getting("/product/1"), client.Satisfied, "HTTP/1.1 503 ", "X-Cache: HIT\r\n")(ctx, s); err != nil {
		return err
	}
	return every(answered(getting("/product/1"), client.Satisfied, "HTTP/1.1 503 ", "Age: 2\r\n"), fine(getting("/product/2")))(ctx, s)
}
