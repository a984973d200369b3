// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strconv"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/internal/record"
)

// An attempt that failed keeps its evidence, also where nobody saw the failure.
func TestSavedFailuresKeepTheirEvidence(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.Refused}
		g.send("GET /")
		g.arrives("b is asked instead").ok("hello")
		r := g.wantEnd("saved", record.Relayed, "")
		if a := &r.Attempts[0]; a.Error == nil || a.Error.Code != a.Failure || a.Failure.Kind != failure.Refused {
			t.Errorf("the first attempt has %v with %+v", a.Failure, a.Error)
		}
		if a := &r.Attempts[1]; a.Error != nil || !a.Failure.IsNone() {
			t.Errorf("the second attempt has %v", a.Error)
		}
		if !r.Troubled() {
			t.Error("it is no record of trouble")
		}
	})
}

func TestBadAnswersAreKept(t *testing.T) {
	l := func(lines ...string) []string { return lines }
	long := strings.Repeat("x", 3*record.AnswerBodyMax)
	for _, c := range []struct {
		name            string
		request, answer []string // lines
		body            string
		kept, toSelf    bool
	}{
		{"server error", l("GET /a"), l("HTTP/1.1 502 Bad Gateway"), "<h1>nginx</h1>", true, false},
		{"long", l("GET /a"), l("HTTP/1.1 500 Oops"), long, true, false},
		{"refused", l("POST /a", "Content-Length: 0"), l("HTTP/1.1 413 Too Large"), "no", true, false},
		{"good", l("GET /a"), l("HTTP/1.1 200 OK"), "hello", false, false},
		{"no such page", l("GET /a"), l("HTTP/1.1 404 Not Found"), "no", true, false},
		{"to itself by path", l("GET /a?b"), l("HTTP/1.1 302 Found", "Location: /a?b"), "", true, true},
		{"to itself whole", l("GET /a"), l("HTTP/1.1 301 Moved", "Location: http://site.example/a"), "", true, true},
		{"to the secure one", l("GET /a"), l("HTTP/1.1 301 Moved", "Location: https://site.example/a"), "", false, false},
		{"to itself with a cookie", l("GET /a"), l("HTTP/1.1 302 Found", "Location: /a", "Set-Cookie: seen=1"), "", false, false},
		{"to the secure one from there", l("GET /a", "X-Forwarded-Proto: https"), l("HTTP/1.1 301 Moved", "Location: https://site.example/a"), "", true, true},
		{"elsewhere", l("GET /a"), l("HTTP/1.1 302 Found", "Location: /b"), "", false, false},
		{"after a form", l("POST /a", "Content-Length: 0"), l("HTTP/1.1 303 See Other", "Location: /a"), "", false, false},
		{"no upgrade", l("GET /a", "Connection: upgrade", "Upgrade: websocket"), l("HTTP/1.1 200 OK"), "page", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				client := g.send(c.request...)
				o := g.arrives("it is asked").answer(append(c.answer, "Content-Length: "+strconv.Itoa(len(c.body)))...)
				o.body(c.body)
				g.readAll(client)
				g.settle()
				r := g.wantEnd("relayed", record.Relayed, "")
				a := r.Attempts[0].Answer
				if bad := c.kept && r.UpStatus != 404; (a != nil) != c.kept || r.Attempts[0].Bad != bad {
					t.Fatalf("kept: %+v, bad: %v", a, r.Attempts[0].Bad)
				}
				if a == nil {
					return
				}
				if !strings.HasPrefix(string(a.Head), c.answer[0]+"\r\n") || string(a.Body) != c.body[:min(len(c.body), record.AnswerBodyMax)] ||
					a.Length != int64(len(c.body)) || a.ToSelf != c.toSelf {
					t.Errorf("kept of it: head %q, body %.40q, length %d, to itself %v", a.Head, a.Body, a.Length, a.ToSelf)
				}
			})
		})
	}
}

// In a flood of bad answers some are kept, and the rest costs nothing.
func TestBadAnswersKeptAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		kept := 0
		for range 200 {
			c := g.send("GET /")
			g.arrives("it is asked").answer("HTTP/1.1 500 Oops", "Content-Length: 1").body("x")
			g.wantAnswer("it is passed on", c, 500, "x")
			a := &g.wantEnd("relayed", record.Relayed, "").Attempts[0]
			if !a.Bad {
				t.Fatal("one over the bound is not known to be bad")
			}
			if a.Answer != nil {
				kept++
			}
		}
		if kept < 10 || kept > 60 {
			t.Errorf("%d of 200 at one moment are kept", kept)
		}
	})
}
