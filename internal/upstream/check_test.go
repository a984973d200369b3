// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// checking is a group under checks, on a clock of its own.
type checking struct {
	t      *testing.T
	g      *Group
	now    int64
	events []string
}

func newChecking(t *testing.T, o CheckOptions, names ...string) *checking {
	c := &checking{t: t, now: int64(time.Hour)}
	var specs []Spec
	for _, n := range names {
		specs = append(specs, Spec{Place: Place{Name: n}})
	}
	c.g = NewGroup("shop", Options{Check: o, Outlier: Outlier{Consecutive: 5, MaxShare: 0.5, For: time.Minute, MaxFor: time.Hour},
		OnEvent: func(e Event) {
			text := e.Reason
			if e.From != e.To {
				text = fmt.Sprintf("%s>%s: %s", e.From, e.To, text)
			}
			if e.Server != "" {
				text = e.Server + " " + text
			}
			c.events = append(c.events, text)
		}}, specs)
	return c
}

func (c *checking) server(i int) *Server { return c.g.Servers()[i] }

// check notes one result a second later, and wants it to leave the state sure or not.
func (c *checking) check(i int, ok, wantSure bool) {
	c.t.Helper()
	c.now += int64(time.Second)
	says := "GET / answered 503"
	if ok {
		says = "GET / answered 200"
	}
	if sure := c.g.NoteCheck(c.server(i), Check{ok, says}, c.now); sure != wantSure {
		c.t.Errorf("after ok=%v: sure=%v, want %v", ok, sure, wantSure)
	}
}

func (c *checking) requests(i, n int, r Result) {
	for range n {
		c.g.Note(c.server(i), Outcome{Result: r, Status: 200 + 300*int(r)}, c.now)
	}
}

// want compares the events since it was asked last.
func (c *checking) want(events ...string) {
	c.t.Helper()
	if !slices.Equal(c.events, events) {
		c.t.Errorf("events:\n  %s\nwant:\n  %s", strings.Join(c.events, "\n  "), strings.Join(events, "\n  "))
	}
	c.events = nil
}

const (
	fails  = "its health check fails: GET / answered 503"
	passes = "its health check passes: GET / answered 200"
)

// Only a whole row turns the state, and each turn is one event. I4.
func TestCheckHysteresis(t *testing.T) {
	c := newChecking(t, CheckOptions{Fall: 3, Rise: 2}, "a", "b", "c")
	c.check(0, true, true)
	for range 5 {
		c.check(0, false, false)
		c.check(0, false, false)
		c.check(0, true, true)
	}
	c.want()
	c.check(0, false, false)
	c.check(0, false, false)
	c.check(0, false, false) // certain, but not where the owner wants it
	c.want("a up>failing: " + fails)
	c.check(0, true, false)
	c.check(0, false, false)
	c.check(0, true, false)
	c.want()
	c.check(0, true, true)
	c.want("a failing>up: " + passes)
}

// Where the owner took it out, nothing is in a hurry.
func TestCheckOfMaintained(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a", "b", "c")
	c.g.SetHand("a", Maintain, "the owner took it out", c.now)
	c.check(0, false, true)
	c.want("a up>maintenance: the owner took it out")
	c.now += int64(time.Second)
	c.g.SetHand("a", Auto, "the owner gave it back", c.now)
	c.want("a maintenance>failing: the owner gave it back; " + fails)
}

// What fails its check and cannot be reached either is found failing when it can.
func TestCheckBehindUnreachable(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a", "b", "c")
	refused := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	c.g.Note(c.server(0), Outcome{Result: NotOpened, Code: refused}, c.now)
	c.check(0, false, false)
	c.want("a up>unreachable: no connection could be opened: upstream.connect.refused")
	c.now += int64(time.Second)
	c.g.Reached(c.server(0), c.now)
	c.want("a unreachable>failing: a connection could be opened after 2s; " + fails)
}

// A check that fails while requests go well is contradicted, by those of now: that it
// worked before is no contradiction.
func TestGoodRequestsContradictCheck(t *testing.T) {
	c := newChecking(t, CheckOptions{Fall: 2}, "a", "b", "c")
	c.g.Rules().Outlier = Outlier{} // the check alone
	c.requests(0, 100, Good)
	c.check(0, false, false)
	c.requests(0, 9, Good) // too few
	c.check(0, false, false)
	c.want("a up>failing: " + fails)
	c.requests(0, 1, Bad)
	c.requests(0, 1, Good)
	c.check(0, false, false)
	c.check(0, false, false) // once
	c.want("a 10 of 11 requests went well although its health check fails: GET / answered 503")
	c.now += int64(10 * time.Second)
	c.requests(0, 10, Good)
	c.check(0, false, false)
	c.want()
	c.requests(0, 40, Bad) // it ceases
	c.check(0, false, false)
	c.now += int64(20 * time.Second)
	c.requests(0, 12, Good)
	c.check(0, false, false)
	c.want("a 12 of 12 requests went well although its health check fails: GET / answered 503")
}

func TestGoodRequestsContradictFromTheStart(t *testing.T) {
	c := newChecking(t, CheckOptions{Fall: 2}, "a", "b", "c")
	c.check(0, false, false)
	c.now += int64(6 * time.Second) // over the turn of a half
	c.requests(0, 50, Good)
	c.check(0, false, false)
	c.check(0, false, false)
	c.want("a up>failing: " + fails + "; yet 50 of 50 requests went well since it began to fail")
}

// A check that passes while requests fail sees another thing than they do.
func TestBadRequestsContradictCheck(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a")
	c.requests(0, 9, Bad)
	c.check(0, true, true)
	c.want()
	c.requests(0, 11, Bad)
	c.check(0, true, true)
	c.check(0, true, true)
	c.want("a 20 of its last 20 requests failed although its health check passes: GET / answered 200")
}

func TestCheckPassesOfEjected(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a", "b", "c")
	c.check(0, true, true)
	c.requests(0, 5, Bad)
	c.check(0, true, false) // soon again: it is out
	c.want("a up>ejected: failed 5 times in a row, last by status 500, although its health check passes")

	c = newChecking(t, CheckOptions{Fall: 2}, "a", "b", "c")
	c.check(0, false, false)
	c.requests(0, 5, Bad)
	c.check(0, true, false)
	c.check(0, true, false)
	c.want("a up>ejected: failed 5 times in a row, last by status 500",
		"a passes its health check although it was left out for how it answers requests: GET / answered 200")

	c = newChecking(t, CheckOptions{}, "a", "b", "c")
	c.requests(0, 5, Bad)
	c.check(0, false, false)
	c.check(0, true, false)
	c.check(0, true, false)
	c.want("a up>ejected: failed 5 times in a row, last by status 500",
		"a ejected>failing: "+fails,
		"a failing>ejected: "+passes+"; it stays out for how it answers requests")
}

// A result for a server that left meanwhile is nobody's.
func TestCheckOfGone(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a", "b")
	a := c.server(0)
	c.g.Set([]Spec{{Place: Place{Name: "b"}}}, c.now)
	c.want("a up>gone: is no member any more")
	if !c.g.NoteCheck(a, Check{Says: "x"}, c.now) {
		t.Error("a server that is gone is in doubt")
	}
	c.want()
}

// Checks alone never leave nobody: those that fail are asked while there is no other.
func TestAllChecksFail(t *testing.T) {
	c := newChecking(t, CheckOptions{}, "a", "b")
	c.check(0, false, false)
	c.check(1, false, false)
	if s := c.g.Pick(&Choice{Now: c.now}); s == nil {
		t.Error("nobody is asked")
	}
}
