// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/upstream"
)

const at = "10.0.0.3:3000"

// What is made of each answer, in words. I3.
func TestHTTP(t *testing.T) {
	long := strings.Repeat("x", 80<<10)
	body := func(text string) func(o *Options) { return func(o *Options) { o.Body = text } }
	for name, c := range map[string]struct {
		server func(net.Conn)
		set    func(*Options)
		want   string
	}{
		"well":                {says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), nil, "ok: GET /health answered 200 OK"},
		"not well":            {says("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"), nil, "bad: GET /health answered 503 Service Unavailable, wanted 200-399"},
		"a strange code":      {says("HTTP/1.1 599 Odd\r\n\r\n"), nil, "bad: GET /health answered 599, wanted 200-399"},
		"after interims":      {says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), nil, "ok: GET /health answered 200 OK"},
		"too many":            {says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 40)), nil, "bad: GET /health: endless interim answers (upstream.read-head-up.too-many-interim)"},
		"a redirect":          {says("HTTP/1.1 301 X\r\nLocation: https://a.example/\x01\r\nContent-Length: 0\r\n\r\n"), nil, "bad: GET /health: illegal header field in the answer (upstream.read-head-up.bad-field)"},
		"redirect is ok":      {says("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"), nil, "ok: GET /health answered 302 Found"},
		"not redirected":      {says("HTTP/1.1 302 Found\r\nlocation: /login\r\nContent-Length: 0\r\n\r\n"), func(o *Options) { o.Statuses = Statuses{{200, 299}, {404, 404}} }, "bad: GET /health answered 302 Found to /login, wanted 200-299, 404"},
		"text":                {says("HTTP/1.1 200 OK\r\n\r\nall is ok"), body("is ok"), `ok: GET /health answered 200 OK with "is ok"`},
		"text in chunks":      {says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nis \r\n2\r\nok\r\n0\r\n\r\n"), body("is ok"), `ok: GET /health answered 200 OK with "is ok"`},
		"text is missing":     {says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbusy"), body("ok"), `bad: GET /health answered 200 OK, but its body lacks "ok"`},
		"no text at all":      {says("HTTP/1.1 204 No Content\r\n\r\n"), body("ok"), `bad: GET /health answered 204 No Content, but its body lacks "ok"`},
		"text too late":       {says("HTTP/1.1 200 OK\r\n\r\n" + long + "ok"), body("ok"), `bad: GET /health answered 200 OK, but its body lacks "ok" in its first 64 KiB`},
		"body cut":            {says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall"), body("ok"), `bad: GET /health answered 200 OK, but its body broke off after 3 bytes`},
		"chunks broken":       {says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), body("ok"), `bad: GET /health answered 200 OK, but answer's chunks are malformed (upstream.relay-body.bad-chunk)`},
		"body cut, no matter": {says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall"), nil, "ok: GET /health answered 200 OK"},
		"endless, no matter":  {func(c net.Conn) { says("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")(c); silent(c) }, nil, "ok: GET /health answered 200 OK"},
		"endless text":        {func(c net.Conn) { says("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")(c); silent(c) }, body("ok"), "bad: GET /health answered 200 OK, but its body did not end within 2s"},
		"head only":           {says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), func(o *Options) { o.Method = "HEAD" }, "ok: HEAD /health answered 200 OK"},
		"not HTTP":            {says("SSH-2.0-OpenSSH_9.6\r\n"), nil, "bad: GET /health: server speaks another protocol (upstream.read-head-up.other-protocol)"},
		"two lengths":         {says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, "bad: GET /health: answer states two lengths (upstream.read-head-up.cl-te)"},
		"endless head":        {says("HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 40<<10)), func(o *Options) { o.Limits.Fields = 1 << 20 }, "bad: GET /health: answer's head too large (upstream.read-head-up.head-too-large)"},
		"head cut":            {says("HTTP/1.1 200 OK\r\nContent"), nil, "bad: GET /health: answer ended inside its head (upstream.read-head-up.closed)"},
		"head stalls":         {func(c net.Conn) { says("HTTP/1.1 200 OK\r\nContent")(c); silent(c) }, nil, "bad: GET /health: the head of the answer did not end within 2s"},
		"closes":              {breaks, nil, "bad: GET /health: the server closed without answering"},
		"closes at once":      {func(net.Conn) {}, nil, "bad: GET /health: the server closed without answering"},
		"silent":              {silent, nil, "bad: GET /health was not answered within 2s"},
		"does not read":       {func(net.Conn) { time.Sleep(time.Minute) }, nil, "bad: GET /health was not answered within 2s"},
		"by TCP":              {silent, func(o *Options) { o.Kind = TCP }, "ok: connected to 10.0.0.3:3000"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				o := usual()
				if c.set != nil {
					c.set(&o)
				}
				w.serve[at] = c.server
				began := time.Now()
				w.wantCheck(o, at, c.want)
				if d := time.Since(began); d > o.Timeout { // I1
					t.Errorf("it took %s", d)
				}
			})
		})
	}
}

// The request as it goes out, and where it goes. I2.
func TestRequest(t *testing.T) {
	for name, c := range map[string]struct {
		server, dialled string
		set             func(*Options)
		want            string
	}{
		"plain":            {at, at, func(*Options) {}, "GET /health HTTP/1.1\r\nHost: 10.0.0.3:3000\r\n"},
		"a host":           {at, at, func(o *Options) { o.Host = "a.example" }, "GET /health HTTP/1.1\r\nHost: a.example\r\n"},
		"a port":           {at, "10.0.0.3:9000", func(o *Options) { o.Port = 9000 }, "GET /health HTTP/1.1\r\nHost: 10.0.0.3:9000\r\n"},
		"a name's port":    {"app:3000", "10.0.0.3:9000", func(o *Options) { o.Port = 9000 }, "GET /health HTTP/1.1\r\nHost: app:9000\r\n"},
		"a proxy's":        {at, at, func(o *Options) { o.Proxy = upstream.ProxyV1 }, "PROXY UNKNOWN\r\nGET /health HTTP/1.1\r\nHost: 10.0.0.3:3000\r\n"},
		"a proxy's, v2":    {at, at, func(o *Options) { o.Proxy = upstream.ProxyV2 }, "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00GET /health HTTP/1.1\r\nHost: 10.0.0.3:3000\r\n"},
		"a port, no PROXY": {at, "10.0.0.3:9000", func(o *Options) { o.Proxy, o.Port = upstream.ProxyV2, 9000 }, "GET /health HTTP/1.1\r\nHost: 10.0.0.3:9000\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.names["app"] = []netip.Addr{netip.MustParseAddr("10.0.0.3")}
				var got string
				w.serve[c.dialled] = func(conn net.Conn) {
					b := make([]byte, 1024)
					for !strings.Contains(got, "close\r\n\r\n") {
						n, err := conn.Read(b)
						if got += string(b[:n]); err != nil {
							return
						}
					}
					io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
				}
				o := usual()
				c.set(&o)
				w.wantCheck(o, c.server, "ok: GET /health answered 200 OK")
				if want := c.want + "User-Agent: causey-check\r\nAccept: */*\r\nConnection: close\r\n\r\n"; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
}

func TestUnconnected(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ECONNREFUSED: "connection refused by 10.0.0.3:3000",
		syscall.ENETUNREACH:  "no route to the network of 10.0.0.3:3000",
		syscall.EHOSTUNREACH: "the machine of 10.0.0.3:3000 cannot be reached",
		syscall.ETIMEDOUT:    "10.0.0.3:3000 does not answer the connection attempt",
		syscall.EPERM:        "this machine forbids connections to 10.0.0.3:3000",
		syscall.ECONNRESET:   "the connection to 10.0.0.3:3000 was reset while it was opened",
		syscall.EMFILE:       "this machine has no port, descriptor or memory for a connection to 10.0.0.3:3000 (gateway.connect.no-fds)",
		0:                    "10.0.0.3:3000 did not take the connection within 2s",
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.errno[at] = errno
			w.wantCheck(usual(), at, "bad: "+want)
		})
	}
	inWorld(t, func(t *testing.T, w *world) {
		w.errno["/run/app.sock"] = syscall.ENOENT
		w.wantCheck(usual(), "/run/app.sock", "bad: there is no socket /run/app.sock")
		w.serve["/run/b.sock"] = says("HTTP/1.1 200 OK\r\n\r\n")
		w.wantCheck(usual(), "/run/b.sock", "ok: GET /health answered 200 OK")
	})
}

// A name is asked for, and all its addresses are tried as for requests. I2.
func TestNames(t *testing.T) {
	addrs := func(list ...string) (out []netip.Addr) {
		for _, s := range list {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	inWorld(t, func(t *testing.T, w *world) {
		w.names["slow"], w.names["app"], w.names["dead"] = nil, addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"), addrs("10.0.0.1", "10.0.0.4")
		w.wantCheck(usual(), "none:1", "bad: the name none does not exist")
		w.wantCheck(usual(), "slow:1", "bad: DNS did not say where slow is within 2s")
		w.errno["10.0.0.1:3000"] = syscall.ECONNREFUSED // at once the next, which is silent
		w.errno["10.0.0.4:3000"] = syscall.EHOSTUNREACH
		w.serve["10.0.0.3:3000"] = says("HTTP/1.1 200 OK\r\n\r\n")
		began := time.Now()
		w.wantCheck(usual(), "app:3000", "ok: GET /health answered 200 OK")
		if d := time.Since(began); d != raceDelay {
			t.Errorf("it took %s", d)
		}
		if w.forgot != 0 {
			t.Error("an answer that was good is asked for anew")
		}
		w.wantCheck(usual(), "dead:3000", "bad: connection refused by 10.0.0.1:3000; none of its 2 addresses can be reached")
		if w.forgot != 1 {
			t.Error("the addresses are not asked for anew")
		}
	})
}

// Of two that connect, one is closed.
func TestRaceClosesTheOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		env := w.env()
		env.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(time.Second) // whatever ctx says
			return w.dial(ctx, network, address)
		}
		w.names["app"] = []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
		w.serve["10.0.0.1:3000"], w.serve["10.0.0.2:3000"] = silent, silent
		o := usual()
		o.Kind = TCP
		if c := NewChecker(o, env).Check(t.Context(), serverAt("app:3000")); !c.OK {
			t.Error(c.Says)
		}
		synctest.Wait()
	})
}

// Nothing that a stranger sends makes a text long or unprintable. I3.
func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"ok":                     "ok",
		"a\x1b[31m\nb\xff":       "a?[31m?b?",
		strings.Repeat("ä", 100): strings.Repeat("ä", 50) + "…",
	} {
		if got := clip(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 90 * time.Second: "90 seconds", time.Hour: "60 minutes", 30 * time.Hour: "30 hours", 72 * time.Hour: "3 days",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	if got := fmt.Sprint(Statuses{{200, 200}, {300, 399}}); got != "200, 300-399" {
		t.Error(got)
	}
}
