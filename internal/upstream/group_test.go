// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// usual are options as the gateway's defaults have them.
var usual = Options{
	Silence: time.Second,
	Outlier: Outlier{Consecutive: 5, FailureRate: 0.2, MinRequests: 20, Latency: 10, MaxShare: 0.5, For: 2 * time.Second, MaxFor: time.Minute},
	Retry:   BudgetOptions{Share: 0.2, Least: 3},
	Hold:    HoldOptions{Most: 100},
}

// story is a group with a clock and what it told.
type story struct {
	*Group
	t    *testing.T
	now  int64
	told []Event
}

// begin makes a group of n servers called s0, s1 and so on.
func begin(t *testing.T, n int, with func(*Options, []Spec)) *story {
	st := &story{t: t, now: int64(time.Hour)}
	o := usual
	specs := make([]Spec, n)
	for i := range specs {
		specs[i].Name = fmt.Sprint("s", i)
	}
	if with != nil {
		with(&o, specs)
	}
	o.OnEvent = func(e Event) { st.told = append(st.told, e) }
	st.Group = NewGroup("app", o, specs)
	return st
}

func (st *story) after(d time.Duration) { st.now += int64(d) }

// tick lets d pass as it does for a busy gateway.
func (st *story) tick(d time.Duration) {
	for end := st.now + int64(d); st.now < end; {
		st.after(25 * time.Millisecond)
		st.Tick(st.now)
	}
}

func (st *story) note(i int, o Outcome) { st.Note(st.Servers()[i], o, st.now) }

func (st *story) good(i, n int) {
	for range n {
		st.note(i, Outcome{Result: Good, Status: 200})
	}
}

func (st *story) bad(i, n int) {
	for range n {
		st.note(i, Outcome{Result: Bad, Status: 500})
	}
}

var (
	refused = Outcome{Result: NotOpened, Code: failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}}
	tooSlow = Outcome{Result: NotOpened, Code: failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Timeout}}
)

// want says in which states the servers are.
func (st *story) want(why string, states ...State) {
	st.t.Helper()
	for i, s := range st.Servers() {
		if s.state != states[i] {
			st.t.Errorf("%s: %s is %s, want %s", why, s.Name, s.state, states[i])
		}
	}
}

// wantTold says that the newest event of server i is a change to to, with part in its
// reason. I4.
func (st *story) wantTold(why string, i int, to State, part string) {
	st.t.Helper()
	name := st.Servers()[i].Name
	for k := len(st.told) - 1; k >= 0; k-- {
		if e := st.told[k]; e.Server == name {
			if e.To != to || !strings.Contains(e.Reason, part) || e.Upstream != "app" {
				st.t.Errorf("%s: told %+v", why, e)
			}
			return
		}
	}
	st.t.Errorf("%s: nothing told of %s", why, name)
}

// counts picks n times and counts by server.
func (st *story) counts(n int, c Choice) []int {
	st.t.Helper()
	c.Now = st.now
	got := make([]int, len(st.Servers()))
	for range n {
		s := st.Pick(&c)
		if s == nil {
			st.t.Fatal("nobody is picked")
		}
		for i, o := range st.Servers() {
			if o == s {
				got[i]++
			}
		}
	}
	return got
}

func about(n, want int) bool { return n > want*8/10 && n < want*12/10 }

// I1: within one exchange each server is chosen once before none is left.
func TestPickPassesOverWhoWasTried(t *testing.T) {
	for _, b := range []Balance{Adaptive, RoundRobin, LeastRequests, Hash} {
		for _, n := range []int{1, 2, 3, 8} {
			st := begin(t, n, func(o *Options, _ []Spec) { o.Balance = b })
			for range 50 {
				var tried []uint32
				for k := range n {
					s := st.Pick(&Choice{Now: st.now, Tried: tried, Key: uint64(k)})
					if s == nil {
						t.Fatalf("balance %d: nobody is left after %d of %d", b, k, n)
					}
					for _, id := range tried {
						if id == s.ID {
							t.Fatalf("balance %d: %s is chosen again", b, s.Name)
						}
					}
					tried = append(tried, s.ID)
				}
				if s := st.Pick(&Choice{Now: st.now, Tried: tried}); s != nil {
					t.Fatalf("%s is left", s.Name)
				}
			}
		}
	}
}

// I5, and what it costs for one, two and many.
func TestAllocsOfAChoice(t *testing.T) {
	for _, b := range []Balance{Adaptive, RoundRobin, LeastRequests, Hash} {
		st := begin(t, 10, func(o *Options, _ []Spec) { o.Balance = b })
		if n := testing.AllocsPerRun(100, func() {
			s := st.Pick(&Choice{Now: st.now, Key: 7})
			st.Budget.Earn(st.now)
			s.Waits(st.now)
			s.Answers(st.now, time.Millisecond)
			st.Note(s, Outcome{Result: Good, Status: 200}, st.now)
		}); n != 0 {
			t.Errorf("balance %d: %v allocations for a choice and its result", b, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 2, 10, 1000} {
		b.Run(fmt.Sprint("servers=", n), func(b *testing.B) {
			g := NewGroup("app", usual, begin(&testing.T{}, n, nil).specs())
			for b.Loop() {
				s := g.Pick(&Choice{Now: 1})
				g.Budget.Earn(1)
				s.Waits(1)
				s.Answers(1, time.Millisecond)
				g.Note(s, Outcome{Result: Good, Status: 200}, 1)
			}
		})
	}
}

func (st *story) specs() (list []Spec) {
	for _, s := range st.Servers() {
		list = append(list, Spec{s.Place, s.role})
	}
	return list
}

// Weights are shares, whatever the way to choose, while the servers are alike.
func TestWeights(t *testing.T) {
	for _, b := range []Balance{Adaptive, RoundRobin, Hash} {
		st := begin(t, 3, func(o *Options, s []Spec) {
			o.Balance = b
			s[0].Weight, s[1].Weight, s[2].Weight = 1, 2, 3
		})
		got := make([]int, 3)
		for i := range 6000 {
			s := st.Pick(&Choice{Now: st.now, Key: mix(uint64(i))})
			for k, o := range st.Servers() {
				if o == s {
					got[k]++
				}
			}
		}
		if !about(got[0], 1000) || !about(got[1], 2000) || !about(got[2], 3000) {
			t.Errorf("balance %d: 1:2:3 became %v", b, got)
		}
	}
}

// In turn is in turn exactly, where all weigh the same.
func TestRoundRobin(t *testing.T) {
	st := begin(t, 7, func(o *Options, _ []Spec) { o.Balance = RoundRobin })
	for i, n := range st.counts(70, Choice{}) {
		if n != 10 {
			t.Errorf("s%d was asked %d times of 70", i, n)
		}
	}
}

func TestLeastRequests(t *testing.T) {
	st := begin(t, 3, func(o *Options, s []Spec) { o.Balance = LeastRequests; s[2].Weight = 4 })
	for i, n := range []int64{3, 1, 8} {
		st.Servers()[i].Active.Store(n)
	}
	if got := st.counts(10, Choice{}); got[1] != 10 {
		t.Errorf("one request weighs less than eight by four: %v", got)
	}
	st.Servers()[2].Active.Store(2)
	if got := st.counts(10, Choice{}); got[2] != 10 {
		t.Errorf("two by four weigh less than one: %v", got)
	}
}

// A key stays where it is when another server goes, and goes to the next one while
// its own has a quarter more than its share.
func TestHash(t *testing.T) {
	st := begin(t, 5, func(o *Options, _ []Spec) { o.Balance = Hash })
	at := func(key int) string { return st.Pick(&Choice{Now: st.now, Key: mix(uint64(key))}).Name }
	before := map[int]string{}
	for key := range 1000 {
		if before[key] = at(key); at(key) != before[key] {
			t.Fatal("a key has two servers")
		}
	}
	gone := "s3"
	st.note(3, refused)
	moved := 0
	for key := range 1000 {
		switch now := at(key); {
		case now == gone:
			t.Fatal("the lost server is asked")
		case before[key] == gone:
			moved++
		case now != before[key]:
			t.Fatalf("key %d moved from %s to %s though neither was lost", key, before[key], now)
		}
	}
	if !about(moved, 200) {
		t.Errorf("%d of 1000 keys were the lost one's", moved)
	}
	st.Servers()[0].Active.Store(50)
	if got := at(firstOf(before, "s0")); got == "s0" {
		t.Error("a server with all the load keeps its keys")
	}
}

func firstOf(m map[int]string, name string) int {
	for k := range 1000 {
		if m[k] == name {
			return k
		}
	}
	return 0
}

// The adaptive choice sends next to nothing to a server that is slow, or silent, and
// spreads evenly over those that are alike.
func TestAdaptive(t *testing.T) {
	st := begin(t, 2, nil)
	if got := st.counts(2000, Choice{}); !about(got[0], 1000) {
		t.Errorf("alike: %v", got)
	}
	s := st.Servers()
	for range 8 {
		for i, l := range []time.Duration{400 * time.Millisecond, 4 * time.Millisecond} {
			s[i].Waits(st.now)
			s[i].Answers(st.now, l)
		}
	}
	if got := st.counts(1000, Choice{}); got[0] > 0 {
		t.Errorf("a hundred times as slow: %v", got)
	}
	st.after(2 * time.Minute)
	if got := st.counts(1000, Choice{}); got[0] == 0 {
		t.Errorf("what was slow two minutes ago is never asked again: %v", got)
	}
	s[1].Waits(st.now)
	st.after(200 * time.Millisecond)
	if got := st.counts(1000, Choice{}); got[1] > 0 {
		t.Errorf("silent for 200 ms: %v", got)
	}
	s[1].Answers(st.now, 200*time.Millisecond)
}

// One slow page does not empty a server.
func TestOneSlowAnswerIsForgiven(t *testing.T) {
	st := begin(t, 2, nil)
	for _, s := range st.Servers() {
		for range 20 {
			s.Waits(st.now)
			s.Answers(st.now, 10*time.Millisecond)
		}
	}
	s := st.Servers()[0]
	s.Waits(st.now)
	s.Answers(st.now, 30*time.Second)
	if l := s.Latency(st.now); l > 40*time.Millisecond {
		t.Errorf("one answer of 30 s makes the average %v", l)
	}
	for range 1000 { // ten seconds of 100 requests
		st.after(10 * time.Millisecond)
		s := st.Pick(&Choice{Now: st.now})
		s.Waits(st.now)
		s.Answers(st.now, 10*time.Millisecond)
	}
	if got := st.counts(1000, Choice{}); !about(got[0], 500) {
		t.Errorf("ten seconds later: %v", got)
	}
}

func TestPrioritiesAndZones(t *testing.T) {
	st := begin(t, 5, func(o *Options, s []Spec) {
		o.Zone = "a"
		s[0].Zone, s[1].Zone, s[2].Zone, s[3].Zone = "a", "a", "b", "b"
		s[4].Priority = 1
	})
	if got := st.counts(1000, Choice{}); got[0]+got[1] != 1000 {
		t.Errorf("near ones first: %v", got)
	}
	st.note(0, refused)
	if got := st.counts(100, Choice{}); got[1] != 100 {
		t.Errorf("half of the near ones are enough: %v", got)
	}
	st.note(1, refused)
	if got := st.counts(100, Choice{}); got[2]+got[3] != 100 {
		t.Errorf("then those far away: %v", got)
	}
	st.note(2, refused)
	st.note(3, refused)
	if got := st.counts(10, Choice{}); got[4] != 10 {
		t.Errorf("then the spare one: %v", got)
	}
}

// A client that is bound to a server comes back to it, also while that drains, and
// goes elsewhere when it is gone.
func TestBoundClients(t *testing.T) {
	st := begin(t, 3, nil)
	c := Choice{Bound: st.Servers()[1].Tag()}
	if got := st.counts(50, c); got[1] != 50 {
		t.Errorf("bound to s1: %v", got)
	}
	st.SetHand("s1", Drain, "deploy", st.now)
	if got := st.counts(50, c); got[1] != 50 {
		t.Errorf("bound to s1, which drains: %v", got)
	}
	if got := st.counts(50, Choice{}); got[1] != 0 {
		t.Errorf("new clients of s1, which drains: %v", got)
	}
	st.SetHand("s1", Maintain, "disk", st.now)
	if got := st.counts(50, c); got[1] != 0 {
		t.Errorf("bound to s1, which is out: %v", got)
	}
}

// A server that came back takes up its share slowly.
func TestSlowStart(t *testing.T) {
	st := begin(t, 2, func(o *Options, _ []Spec) { o.SlowStart = 10 * time.Second; o.Balance = RoundRobin })
	st.note(0, refused)
	st.after(time.Second)
	st.Reached(st.Servers()[0], st.now)
	if got := st.counts(2000, Choice{}); got[0] == 0 || got[0] > 400 {
		t.Errorf("at once: %v", got)
	}
	st.after(5 * time.Second)
	if got := st.counts(2000, Choice{}); got[0] < 500 || got[0] > 950 {
		t.Errorf("half way: %v", got)
	}
	st.after(5 * time.Second)
	if got := st.counts(2000, Choice{}); !about(got[0], 1000) {
		t.Errorf("then: %v", got)
	}
}

// A server that is full is passed over, and asked anyway only to learn what is wrong.
func TestFullServers(t *testing.T) {
	st := begin(t, 2, func(_ *Options, s []Spec) { s[0].MaxConnections, s[1].MaxConnections = 1, 1 })
	st.Servers()[0].Active.Store(1)
	if got := st.counts(20, Choice{}); got[1] != 20 {
		t.Errorf("one is full: %v", got)
	}
	st.Servers()[1].Active.Store(1)
	if st.HasRoom() || !st.Reachable() {
		t.Error("both are full, and in service")
	}
	if s := st.Pick(&Choice{Now: st.now}); s != nil {
		t.Errorf("%s is asked", s.Name)
	}
	if s := st.Pick(&Choice{Now: st.now, Anyway: true}); s == nil {
		t.Error("nobody is asked anyway")
	}
}

// Members that stay keep what is known of them; those that go are handed back.
func TestSet(t *testing.T) {
	st := begin(t, 3, nil)
	st.note(1, refused)
	old := st.Servers()
	specs := []Spec{{Place: Place{Name: "s1"}}, {Place: Place{Name: "s2"}, Role: Role{Weight: 3}}, {Place: Place{Name: "new"}}}
	gone := st.Set(specs, st.now)
	if len(gone) != 1 || gone[0] != old[0] {
		t.Errorf("gone: %v", gone)
	}
	now := st.Servers()
	if len(now) != 3 || now[0] != old[1] || now[1] != old[2] {
		t.Fatalf("those that stay are new: %v", now)
	}
	st.want("states stay too", Unreachable, Up, Up)
	st.wantTold("a new one is told", 2, Up, "is a member now")
	if got := st.counts(4000, Choice{}); got[0] != 0 || !about(got[1], 3000) {
		t.Errorf("the new weight: %v", got)
	}
}

// Nobody may ask for a server while there is none, and whoever waits is called when
// there is one.
func TestSetWakesWhoWaits(t *testing.T) {
	st := begin(t, 0, nil)
	if st.Reachable() || st.Pick(&Choice{Now: st.now, Anyway: true}) != nil {
		t.Error("a server of a group without any")
	}
	ticket := st.Queue.Join(1)
	st.Set([]Spec{{Place: Place{Name: "new"}}}, st.now)
	select {
	case <-ticket.Turn:
	default:
		t.Error("nobody is called")
	}
}
