// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"

	"causey/lab/client"
)

// The pace of a demo: the first round of trouble is over within 10 s, the next
// ones are slower, for people who read along.
const (
	goodEvery     = 100 * time.Millisecond
	troubleEvery  = 250 * time.Millisecond
	troubleEvery2 = 1500 * time.Millisecond
)

// good requests are answered; nobody sees them but the counters.
var good = []string{
	"GET / HTTP/1.1\r\nHost: shop.localhost\r\n",
	"GET /size/20000 HTTP/1.1\r\nHost: shop.localhost\r\n",
	"GET /chunked/20000 HTTP/1.1\r\nHost: shop.localhost\r\n",
	"GET /trailers HTTP/1.1\r\nHost: shop.localhost\r\n",
	"POST /upload HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0\r\n",
	"GET /interim HTTP/1.1\r\nHost: api.localhost\r\n",
	"GET /echo HTTP/1.1\r\nHost: api.localhost\r\n",
}

// trouble is one way in which an exchange goes wrong. The code is the gateway's to
// find; none is written here.
type trouble func(ctx context.Context, t client.Target)

// ask sends one request and takes what comes.
func ask(request string) trouble {
	return func(ctx context.Context, t client.Target) {
		client.Raw(ctx, t, []byte(request+"Connection: close\r\n\r\n"))
	}
}

var troubles = []trouble{
	// Servers that are not there.
	ask("GET / HTTP/1.1\r\nHost: blog.localhost\r\n"),
	ask("GET / HTTP/1.1\r\nHost: app.localhost\r\n"),
	// Answers that break off: the status is 200, and the body is not whole.
	ask("GET /lab/cut?at=700&len=4000&then=rst HTTP/1.1\r\nHost: api.localhost\r\n"),
	ask("GET /lab/short-body?len=2000&sent=700 HTTP/1.1\r\nHost: api.localhost\r\n"),
	// A server that takes too long, and one of another protocol.
	ask("GET /lab/stall HTTP/1.1\r\nHost: api.localhost\r\n"),
	ask("GET /lab/as-ssh HTTP/1.1\r\nHost: api.localhost\r\n"),
	// Chunks that are none, and a head that is too long.
	ask("GET /lab/chunk-size-alpha HTTP/1.1\r\nHost: api.localhost\r\n"),
	ask("GET /lab/head-large HTTP/1.1\r\nHost: api.localhost\r\n"),
	// A connection that the server closes just as it is used again. A GET is
	// repeated and nobody notices; a POST must not be.
	func(ctx context.Context, t client.Target) {
		ask("GET / HTTP/1.1\r\nHost: orders.localhost\r\n")(ctx, t)
		ask("POST /upload HTTP/1.1\r\nHost: orders.localhost\r\nContent-Length: 0\r\n")(ctx, t)
	},
	// A dying server, and one that answers in no words.
	ask("GET /lab/close HTTP/1.1\r\nHost: api.localhost\r\n"),
	// Clients: one leaves in the middle, one tries to smuggle, one speaks TLS.
	func(ctx context.Context, t client.Target) {
		client.AbortReceiving(ctx, t, []byte("GET /lab/endless HTTP/1.1\r\nHost: api.localhost\r\n\r\n"), 5000, client.RST)
	},
	ask("POST /upload HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
	func(ctx context.Context, t client.Target) {
		client.HalfRequest(ctx, t, []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 11, client.FIN)
	},
}

// requestTimeout bounds one request of the demo.
const requestTimeout = 5 * time.Second

// play sends traffic until ctx ends.
func (s *stage) play(ctx context.Context) {
	t := client.Target{Addr: s.g.Addrs()[0], Deadline: requestTimeout}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; wait(ctx, goodEvery); i++ {
			ask(good[i%len(good)])(ctx, t)
		}
	})
	wg.Go(func() {
		pause := troubleEvery
		for i := 0; wait(ctx, pause); i++ {
			if i == len(troubles) {
				pause = troubleEvery2
			}
			troubles[i%len(troubles)](ctx, t)
		}
	})
	wg.Wait()
}

// wait waits for d; it reports whether to go on.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
