// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// gateway answers every request with the bytes of answer and then closes, resets, or
// goes silent; "keep" serves the next request.
func gateway(t *testing.T, answer, then string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	t.Cleanup(func() { close(done); ln.Close(); running.Wait() })
	serve := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, answer)
			switch then {
			case "keep":
				continue
			case "reset":
				_ = c.(*net.TCPConn).SetLinger(0)
			case "silence":
				<-done
			}
			return
		}
	}
	running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serve(c) })
		}
	})
	return ln.Addr().String()
}

const good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func plan(addr string) Plan {
	return Plan{Addr: addr, PerSecond: 100, Length: 100 * time.Millisecond, Patience: 10 * time.Second,
		Held: 100 * time.Millisecond, Conns: 2, Page: "/", Want: []byte("hello"), Form: "/form"}
}

// I1, I3, I4
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, answer, then, what string
	}{
		{"whole", good, "keep", ""},
		{"interim first", "HTTP/1.1 103 Early Hints\r\n\r\n" + good, "keep", ""},
		{"whole, then closed", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "close", ""},
		{"closed", "", "close", "GET failed: closed"},
		{"reset", "", "reset", "GET failed: reset"},
		{"silent", "", "silence", "GET failed: no patience left"},
		{"error", "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: gw; error=connection_refused\r\nContent-Length: 4\r\n\r\nsad\n", "keep", "GET failed: status 502"},
		{"error that is cut", "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nsad\n", "close", "GET failed: status 500"},
		{"no HTTP", "\x16\x03\x01 what?\r\n\r\n", "close", "GET failed: no HTTP"},
		{"other bytes", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhullo", "keep", "GET failed: other bytes"},
		{"cut head", "HTTP/1.1 200 O", "close", "GET cut: closed"},
		{"cut body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "close", "GET cut: closed"},
		{"silent in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "silence", "GET cut: no patience left"},
		{"chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close", "GET cut: closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(gateway(t, c.answer, c.then))
			if c.then == "silence" {
				p.Patience = time.Second
			}
			o, err := Run(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			g := o.Gets
			if g.Due != 10 || g.Whole+g.Failed+g.Cut != g.Due || o.Posts.Due != 0 {
				t.Errorf("%+v", g)
			}
			want := g.Whole
			if c.what != "" {
				want = o.Reasons[c.what]
			}
			if want != g.Due {
				t.Errorf("%+v, %v", g, o.Reasons)
			}
			if c.what != "" && (len(o.Examples) != examplesKept || !strings.HasPrefix(o.Examples[0].String(), c.what+", due at 0.0")) {
				t.Errorf("%v", o.Examples)
			}
			if c.name == "error" && (o.Examples[0].ProxyStatus != "gw; error=connection_refused" || o.Examples[0].Body != "sad\n") {
				t.Errorf("%v", o.Examples[0])
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p := plan(ln.Addr().String())
	if _, err := Run(t.Context(), p); err == nil {
		t.Error("connections to nobody are kept")
	}
	p.Conns = 0
	o, err := Run(t.Context(), p)
	if err != nil || o.Reasons["GET failed: refused"] != 10 {
		t.Errorf("%v, %v", err, o)
	}
}

// Requests on new connections and POSTs have their shares, and a POST is confirmed
// only by a whole answer.
func TestSharesAndOrders(t *testing.T) {
	p := plan(gateway(t, good, "keep"))
	p.PerSecond, p.Fresh, p.Posts = 1000, 0.2, 0.3
	o, err := Run(t.Context(), p)
	if err != nil || o.Posts.Due < 28 || o.Posts.Due > 32 || len(o.Orders) != o.Posts.Due {
		t.Fatalf("%v, %+v", err, o.Posts)
	}
	seen := map[int]bool{}
	for _, order := range o.Orders {
		if !order.Confirmed || seen[order.Number] || order.Number < 1 {
			t.Errorf("order %+v", order)
		}
		seen[order.Number] = true
	}
	p.Addr = gateway(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "close")
	if o, err = Run(t.Context(), p); err != nil || o.Posts.Cut != len(o.Orders) || o.Orders[0].Confirmed {
		t.Errorf("%v, %+v", err, o.Posts)
	}
}

func TestPlansThatCannotBeRun(t *testing.T) {
	if _, err := Run(t.Context(), Plan{}); err == nil {
		t.Error("an empty plan ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := plan(gateway(t, good, "keep"))
	p.Length = time.Hour
	time.AfterFunc(20*time.Millisecond, cancel)
	if o, err := Run(ctx, p); !errors.Is(err, context.Canceled) || o.Gets.Due == 0 {
		t.Errorf("%v, %+v", err, o.Gets)
	}
}
