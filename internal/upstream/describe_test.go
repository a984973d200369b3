// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

const second = int64(time.Second)

func specsOf(names ...string) (list []Spec) {
	for _, n := range names {
		list = append(list, Spec{Place: Place{Name: n}})
	}
	return list
}

// told collects events as one line each.
func told(into *[]string) func(Event) {
	return func(e Event) {
		*into = append(*into, fmt.Sprintf("%s %s>%s: %s", e.Server, e.From, e.To, e.Reason))
	}
}

// TestDescribe: what was noted of a server is what is told of it.
func TestDescribe(t *testing.T) {
	g := NewGroup("shop", Options{
		Retry: BudgetOptions{Share: 0.2, Least: 3}, Hold: HoldOptions{Most: 7},
	}, []Spec{{Place{Name: "a:1"}, Role{Weight: 3, Priority: 1, Zone: "z"}}, {Place{Name: "b:1"}, Role{}}})
	now := 100 * second
	for range 20 {
		g.Budget.Earn(now)
	}
	g.Budget.Spend(now)
	a, b := g.Servers()[0], g.Servers()[1]
	a.Active.Add(2)
	a.Waits(now)
	a.Waits(now)
	a.Answers(now, 40*time.Millisecond)
	g.Note(a, Outcome{Result: Good, Status: 200}, now)
	g.Note(a, Outcome{Result: Bad, Status: 500}, now)
	g.NoteCheck(a, Check{OK: true, Says: "GET / answered 200"}, now)
	refused := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	g.Note(b, Outcome{Result: NotOpened, Code: refused}, now+second)

	g.Queue.Join(1)
	d := g.Describe(now + second)
	if d.Held != 1 || d.HeldMost != 7 || d.Requests != 20 || d.Repeated != 1 || d.Repeatable != 34 || d.Panics {
		t.Errorf("the group: %+v", d)
	}
	want := ServerDescription{Name: "a:1", State: Up, Hand: Auto, Role: Role{3, 1, "z"}, Latency: 40 * time.Millisecond, Active: 2, Waiting: 1,
		Good: 1, Bad: 1, Share: 1, CheckedAt: now, Check: Check{true, "GET / answered 200"}}
	if d.Servers[0] != want {
		t.Errorf("a:1 is\n%+v, want\n%+v", d.Servers[0], want)
	}
	got := d.Servers[1]
	if got.State != Unreachable || got.Since != now+second || got.Because != "no connection could be opened: upstream.connect.refused" || got.Weight != 1 {
		t.Errorf("b:1 is %+v", got)
	}
}

// TestHands: what the owner decides is told with the owner's reason, the newest one
// counts, and giving it back shows what is seen meanwhile. I4.
func TestHands(t *testing.T) {
	var events []string
	g := NewGroup("shop", Options{OnEvent: told(&events)}, specsOf("a:1", "b:1"))
	now := second
	if g.SetHand("c:1", Drain, "", now) {
		t.Error("a server that is not there was set")
	}
	g.SetHand("a:1", Drain, "is drained", now)
	g.SetHand("a:1", Drain, "is drained for real", now+1)
	if s := g.Describe(now).Servers[0]; s.State != Draining || s.Hand != Drain || s.Because != "is drained for real" || s.Since != now {
		t.Errorf("drained: %+v", s)
	}
	g.SetHand("a:1", Maintain, "is worked on", now+2)
	g.SetHand("a:1", Auto, "is given back", now+3)
	if s := g.Describe(now).Servers[0]; s.State != Up || s.Hand != Auto || s.Because != "is given back" {
		t.Errorf("given back: %+v", s)
	}
	if want := []string{"a:1 up>draining: is drained", "a:1 draining>maintenance: is worked on", "a:1 maintenance>up: is given back"}; !slices.Equal(events, want) {
		t.Errorf("told: %q", events)
	}
}

// TestGivenBackWhileLost: the reason names what keeps the server out then.
func TestGivenBackWhileLost(t *testing.T) {
	g := NewGroup("shop", Options{}, specsOf("a:1"))
	g.SetHand("a:1", Maintain, "is worked on", second)
	refused := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	g.Note(g.Servers()[0], Outcome{Result: NotOpened, Code: refused}, second)
	g.SetHand("a:1", Auto, "is given back", 2*second)
	if s := g.Describe(0).Servers[0]; s.State != Unreachable || s.Because != "is given back; no connection can be opened: upstream.connect.refused" {
		t.Errorf("%+v", s)
	}
}

// TestHandBeforeMembership: a server that was taken out before it became a member is
// asked by nobody from the first moment.
func TestHandBeforeMembership(t *testing.T) {
	var events []string
	g := NewGroup("shop", Options{
		OnEvent: told(&events),
		Hand: func(name string) (Hand, string) {
			if name == "b:1" || name == "c:1" {
				return Maintain, "stays in maintenance"
			}
			return Auto, ""
		},
	}, specsOf("a:1", "b:1"))
	if s := g.Describe(0).Servers[1]; s.State != Maintenance || s.Hand != Maintain || s.Because != "stays in maintenance" {
		t.Errorf("at the start: %+v", s)
	}
	g.Set(specsOf("a:1", "b:1", "c:1"), second)
	g.Tick(2 * second)
	for range 50 {
		if s := g.Pick(&Choice{Now: 2 * second}); s == nil || s.Name != "a:1" {
			t.Fatalf("%v was chosen", s)
		}
	}
	if want := []string{"c:1 >up: is a member now", "c:1 up>maintenance: stays in maintenance"}; !slices.Equal(events, want) {
		t.Errorf("told: %q", events)
	}
}
