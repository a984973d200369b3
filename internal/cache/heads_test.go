// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/h1"
	"causey/internal/record"
	"causey/internal/wire"
)

// now is the present in these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// date is a time so many seconds from now, as a field has it.
func date(secs int) string { return string(appendDate(nil, now.Add(time.Duration(secs)*time.Second))) }

// request parses a head, whose lines are separated by " | ".
func request(t testing.TB, head string) *wire.Request {
	t.Helper()
	lines := strings.Split(head, " | ")
	lines[0] += " HTTP/1.1"
	if !strings.Contains(head, "Host:") {
		lines = append(lines, "Host: a.example")
	}
	var p h1.RequestParser
	var req wire.Request
	p.Reset(&wire.Limits{})
	if n, rej := p.Parse(&req, []byte(strings.Join(lines, "\r\n")+"\r\n\r\n")); n == 0 || rej != nil {
		t.Fatalf("%q is no request: %v", head, rej)
	}
	return &req
}

// response parses a head that begins with its status.
func response(t testing.TB, head string) *wire.Response {
	t.Helper()
	var p h1.ResponseParser
	var res wire.Response
	p.Reset(&wire.Limits{}, wire.GET, false)
	text := "HTTP/1.1 " + strings.ReplaceAll(head, " | ", "\r\n") + "\r\n\r\n"
	if n, rej := p.Parse(&res, []byte(text)); n == 0 || rej != nil {
		t.Fatalf("%q is no answer: %v", head, rej)
	}
	return &res
}

// bench is a store with a clock of its own.
type bench struct {
	t     testing.TB
	store *Store
	rule  *Rule
	now   time.Time
}

func newBench(t testing.TB, l Limits, d DiskOptions, o Options) *bench {
	t.Helper()
	b := &bench{t: t, now: now}
	s, err := New(l, d, Env{Now: func() time.Time { return b.now }, After: time.After, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.store, b.rule = s, NewRule(s, o)
	s.Use(l, []*Rule{b.rule})
	return b
}

func (b *bench) visit(head string) *Visit {
	return b.rule.Visit(exchange.CacheRequest{Head: request(b.t, head)}).(*Visit)
}

// ask has a request answered by a server with this head and body, and returns what the
// cache did. A request that is served by the cache is not asked.
func (b *bench) ask(req, head, body string) record.Cache {
	b.t.Helper()
	v := b.visit(req)
	if v.Step(b.now) == exchange.CacheAsk {
		res := response(b.t, head)
		if !v.Answered(res, b.now) {
			v.Write([]byte(body))
			v.Complete()
		}
	}
	result, _ := v.Report()
	v.Close()
	return result
}

// body returns what the cache serves to a request, "" if it serves nothing.
func (b *bench) body(req string) string {
	b.t.Helper()
	v := b.visit(req)
	defer v.Close()
	if v.Step(b.now) != exchange.CacheServe {
		return ""
	}
	var out exchange.Out
	v.MakeAnswer(&out, b.now)
	var all []byte
	for p := v.Piece(); p != nil; p = v.Piece() {
		all = append(all, p...)
	}
	return string(all)
}
