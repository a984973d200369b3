// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"strings"
	"time"

	"causey/lab/client"
)

func init() {
	answers := client.Satisfied
	prove(map[string]proof{
		"req.expect_stall": every(fine(posting("/cart", 300, 300)),
			answered(posting("/import", 300, 0, "Expect: 100-continue"), client.Deadline, "", "")),
		"req.wrong_host:default":  every(fine(getting("/")), byAddress("HTTP/1.1 404 ", "")),
		"req.wrong_host:redirect": every(fine(getting("/")), byAddress("HTTP/1.1 301 ", "Location: http://shop.example/product/1\r\n")),
		"req.proto_loop": every(fine(getting("/", "X-Forwarded-Proto: https")),
			answered(getting("/product/1"), answers, "HTTP/1.1 301 ", "Location: https://shop.example/product/1\r\n")),
		"gw.proxy_loop:haproxy": comesBack, "gw.proxy_loop:nginx": comesBack,
		"req.chunked_unsupported": every(fine(posting("/import", 3, 3)), answered(chunkedImport, answers, "HTTP/1.1 411 ", ""),
			strangersAre(3, func(head string) bool { return strings.Contains(head, "\r\nTransfer-Encoding: chunked\r\n") })),
		"req.slow_upload:408":   every(fine(posting("/photos", 300, 300)), stalled("HTTP/1.1 408 ")),
		"req.slow_upload:close": every(fine(posting("/photos", 300, 300)), stalled("")),
	})
}

// byAddress is the answer to a request that names the server by its address.
func byAddress(begins, has string) proof {
	return func(ctx context.Context, s *Stage) error {
		r := askServer(ctx, s, 0, strings.Replace(getting("/product/1"), "shop.example", s.servers()[0], 1))
		return looks(r, client.Satisfied, begins, has)
	}
}

// comesBack is a request for the search that arrives at the gateway.
func comesBack(ctx context.Context, s *Stage) error {
	doorstep, err := sitOutside(s.Gateway)
	if err != nil {
		return err
	}
	defer doorstep.close()
	askServer(ctx, s, 0, getting("/search?q=1", "Via: 1.1 causey-lab"))
	for _, heads := range doorstep.close() {
		if strings.HasPrefix(heads[0], "GET /search?q=1 ") && strings.Contains(strings.ToLower(heads[0]), "\nvia: 1.1 causey-lab\r\n") {
			return nil
		}
	}
	return instead("nothing of it at the gateway")
}

// stalled is an upload of which nothing more comes: how the server ends it after its time, neither at once nor late.
func stalled(begins string) proof {
	return func(ctx context.Context, s *Stage) error {
		start := time.Now()
		r := client.RawUntil(ctx, client.Target{Addr: s.servers()[0], Deadline: 2 * bodyTimeout}, []byte(posting("/photos", 90000, 4000)), nil)
		if took := time.Since(start); took < bodyTimeout-bodyTimeout/10 || r.End != client.PeerFIN {
			return instead("%s (%v) after %v", r.End, r.Err, took)
		}
		return looks(r, client.PeerFIN, begins, "")
	}
}
