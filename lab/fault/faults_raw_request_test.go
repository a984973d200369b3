// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"causey/lab/client"
)

func init() {
	answers := client.Satisfied
	chunkedOrder := "POST /import HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	check(map[string]symptom{
		"req.expect_stall": every(fine(post("/cart", 300, 300)),
			answered(post("/import", 300, 0, "Expect: 100-continue"), client.Deadline, "", "")),
		"req.wrong_host:default":  every(fine(get("/")), byAddress("HTTP/1.1 404 ", "")),
		"req.wrong_host:redirect": every(fine(get("/")), byAddress("HTTP/1.1 301 ", "Location: http://shop.test/product/1\r\n")),
		"req.proto_loop": every(fine(get("/", "X-Forwarded-Proto: https")),
			answered(get("/product/1"), answers, "HTTP/1.1 301 ", "Location: https://shop.test/product/1\r\n")),
		"gw.proxy_loop:itself": comesBack, "gw.proxy_loop:relay": comesBack,
		"req.chunked_unsupported": every(fine(post("/import", 3, 3)), answered(chunkedOrder, answers, "HTTP/1.1 411 ", "")),
		"req.slow_upload:408":     every(fine(post("/photos", 300, 300)), stalled("HTTP/1.1 408 ")),
		"req.slow_upload:close":   every(fine(post("/photos", 300, 300)), stalled("")),
	})
}

// byAddress is the answer to a request that names the server by its address.
func byAddress(begins, has string) symptom {
	return func(ctx context.Context, s *Stage) error {
		r := askServer(ctx, s, 0, strings.Replace(get("/product/1"), "shop.test", s.servers()[0], 1))
		return looks(r, client.Satisfied, begins, has)
	}
}

// comesBack is a request for the search that arrives at the gateway.
func comesBack(ctx context.Context, s *Stage) error {
	ln, err := net.Listen("tcp", s.Gateway)
	if err != nil {
		return err
	}
	arrived := make(chan string, 1)
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case arrived <- r.URL.String() + " " + r.Header.Get("Via"):
		default:
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	askServer(ctx, s, 0, get("/search?q=1", "Via: 1.1 causey-lab"))
	select {
	case got := <-arrived:
		if got != "/search?q=1 1.1 causey-lab" {
			return instead("%s", got)
		}
		return nil
	default:
		return instead("nothing at the gateway")
	}
}

// stalled is an upload of which nothing more comes: how the server ends it after its time, neither at once nor late.
func stalled(begins string) symptom {
	return func(ctx context.Context, s *Stage) error {
		start := time.Now()
		r := client.RawUntil(ctx, client.Target{Addr: s.servers()[0], Deadline: 2 * bodyTimeout}, []byte(post("/photos", 90000, 4000)), nil)
		if took := time.Since(start); took < bodyTimeout-bodyTimeout/10 || r.End != client.PeerFIN {
			return instead("%s (%v) after %v", r.End, r.Err, took)
		}
		return looks(r, client.PeerFIN, begins, "")
	}
}
