// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
)

// A refused connection takes a server out at once, and the first that can be opened
// puts it back.
func TestLostAndFound(t *testing.T) {
	st := begin(t, 2, nil)
	st.note(0, refused)
	st.want("refused", Unreachable, Up)
	st.wantTold("why", 0, Unreachable, "upstream.connect.refused")
	if got := st.counts(100, Choice{}); got[0] != 0 {
		t.Errorf("it is asked: %v", got)
	}
	st.after(1500 * time.Millisecond)
	if lost := st.Lost(st.now); len(lost) != 1 || lost[0].For != 1500*time.Millisecond || lost[0].By != refused.Code {
		t.Errorf("lost: %+v", lost)
	}
	st.Reached(st.Servers()[0], st.now)
	st.want("reached", Up, Up)
	st.wantTold("how long it took", 0, Up, "after 1.5s")
}

// A connection that takes too long may be lost on the way: it takes two in a row.
func TestOneTimeoutIsNoLoss(t *testing.T) {
	st := begin(t, 2, nil)
	st.note(0, tooSlow)
	st.want("one", Up, Up)
	st.good(0, 1)
	st.note(0, tooSlow)
	st.want("one, one that went well, one", Up, Up)
	st.note(0, tooSlow)
	st.want("two in a row", Unreachable, Up)
}

// The only server is lost like any other, for it truly cannot be asked; whoever
// wants to know why still can.
func TestOnlyServerLost(t *testing.T) {
	st := begin(t, 1, nil)
	st.note(0, refused)
	if st.Reachable() || st.Pick(&Choice{Now: st.now}) != nil {
		t.Error("it is asked")
	}
	if st.Pick(&Choice{Now: st.now, Anyway: true}) == nil {
		t.Error("it is not asked anyway")
	}
}

// A server that comes and goes has to stay the longer the more often it went, and is
// asked meanwhile where there is no other.
func TestFlapping(t *testing.T) {
	st := begin(t, 2, nil)
	var waits []time.Duration
	for range 5 {
		st.note(0, refused)
		st.after(time.Second)
		st.Reached(st.Servers()[0], st.now)
		began := st.now
		for st.Servers()[0].state != Up && st.now-began < int64(time.Minute) {
			st.tick(100 * time.Millisecond)
		}
		waits = append(waits, time.Duration(st.now-began).Round(time.Second))
		st.after(time.Second)
	}
	for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if waits[i] != want {
			t.Errorf("it was trusted after %v, want 0s 1s 2s 4s 8s", waits)
			break
		}
	}
	st.note(0, refused)
	st.Reached(st.Servers()[0], st.now)
	st.want("it returns", Returning, Up)
	if got := st.counts(50, Choice{}); got[0] != 0 {
		t.Errorf("it is asked beside one in service: %v", got)
	}
	st.note(1, refused)
	if got := st.counts(50, Choice{}); got[0] != 50 {
		t.Errorf("it is not asked though it is all there is: %v", got)
	}
	st.after(5 * time.Minute)
	st.note(0, refused)
	st.Reached(st.Servers()[0], st.now)
	st.want("it is forgiven", Up, Unreachable)
}

// Failures in a row leave a server out, if the others do better.
func TestConsecutive(t *testing.T) {
	st := begin(t, 2, nil)
	st.good(1, 10)
	st.bad(0, 4)
	st.want("four", Up, Up)
	st.bad(0, 1)
	st.want("five", Ejected, Up)
	st.wantTold("why", 0, Ejected, "failed 5 times in a row, last by status 500")
	if got := st.counts(50, Choice{}); got[0] != 0 {
		t.Errorf("it is asked: %v", got)
	}
	st.tick(2100 * time.Millisecond)
	st.want("two seconds later it gets another try", Up, Up)
	st.bad(0, 5)
	st.tick(2100 * time.Millisecond)
	st.want("the second time lasts longer", Ejected, Up)
	st.tick(2 * time.Second)
	st.want("twice as long", Up, Up)
}

// A share of failures leaves a server out, as soon as that many requests show it,
// however long it had been good before.
func TestFailureRate(t *testing.T) {
	st := begin(t, 2, nil)
	for range 1000 {
		st.good(0, 1)
		st.good(1, 1)
	}
	n := 0
	for ; st.Servers()[0].state == Up && n < 200; n++ {
		if n%3 == 0 {
			st.bad(0, 1)
		} else {
			st.good(0, 1)
		}
		st.good(1, 1)
	}
	if n > 45 {
		t.Errorf("it took %d requests of which a third failed", n)
	}
	st.wantTold("why", 0, Ejected, "of the last 64 requests, the others 0 of 64")
}

// What fails everywhere is no server's own fault, and the last one always stays. I3.
func TestNobodyIsLeftOutForWhatAllDo(t *testing.T) {
	st := begin(t, 3, nil)
	for i := range 300 {
		for s := range 3 {
			if i%5 < 2 {
				st.bad(s, 1)
			} else {
				st.good(s, 1)
			}
		}
	}
	st.want("40 % fail on each", Up, Up, Up)
	st = begin(t, 2, nil)
	st.good(0, 30)
	st.good(1, 30)
	st.bad(0, 5)
	st.bad(1, 50)
	st.want("the last one stays", Ejected, Up)
	one := begin(t, 1, nil)
	one.bad(0, 100)
	one.want("the only one stays", Up)
}

// No more than their share are left out, however bad they are.
func TestMaxShare(t *testing.T) {
	st := begin(t, 4, nil)
	for i := range 4 {
		st.good(i, 30)
	}
	for i := range 3 {
		st.bad(i, 30)
	}
	st.want("half of four", Ejected, Ejected, Up, Up)
}

// A server that is left out is tried by single requests that do no harm, and comes
// back when enough went well.
func TestTrials(t *testing.T) {
	st := begin(t, 2, func(o *Options, _ []Spec) { o.Outlier.For = time.Minute })
	st.good(1, 10)
	st.bad(0, 5)
	began := st.now
	trials := 0
	for st.Servers()[0].state != Up {
		if st.now-began > int64(10*time.Second) {
			t.Fatal("it does not come back")
		}
		st.tick(25 * time.Millisecond)
		for range 8 {
			if st.Servers()[0].state == Up {
				break
			}
			if st.Pick(&Choice{Now: st.now}) == st.Servers()[0] {
				t.Fatal("a request that could do harm tries it")
			}
			if st.Pick(&Choice{Now: st.now, Trial: true}) == st.Servers()[0] {
				trials++
				st.good(0, 1)
			}
		}
	}
	if d := time.Duration(st.now - began); trials != 3 || d > 2*time.Second {
		t.Errorf("%d trials in %v", trials, d)
	}
	st.wantTold("how", 0, Up, "answered 3 requests well in a row that were sent to try it")

	// One that fails is tried more rarely.
	st.bad(0, 5)
	began, trials = st.now, 0
	for st.now-began < int64(20*time.Second) {
		st.tick(25 * time.Millisecond)
		for range 8 {
			if st.Pick(&Choice{Now: st.now, Trial: true}) == st.Servers()[0] {
				trials++
				st.bad(0, 1)
			}
		}
	}
	if trials < 14 || trials > 26 {
		t.Errorf("%d trials in 20 s of one that fails", trials)
	}
}

// A server that answers nobody while others do has stalled, and is back with its
// first answer.
func TestStalled(t *testing.T) {
	st := begin(t, 2, nil)
	a, b := st.Servers()[0], st.Servers()[1]
	a.Waits(st.now)
	for range 12 {
		b.Waits(st.now)
		st.tick(100 * time.Millisecond)
		b.Answers(st.now, 100*time.Millisecond)
		st.good(1, 1)
	}
	st.want("silent for 1.2 s", Stalled, Up)
	st.wantTold("why", 0, Stalled, "has answered nothing for 1")
	st.tick(20 * time.Second)
	st.want("as long as it is silent", Stalled, Up)
	a.Answers(st.now, 20*time.Second)
	st.good(0, 1)
	st.want("its first answer", Up, Up)
	st.wantTold("why", 0, Up, "answers again after 20")
}

// What is stuck from before does not keep a server out that is well again: it is tried all
// the same, rarely, and its answer to something else counts.
func TestStalledWithSomethingStuck(t *testing.T) {
	st := begin(t, 2, nil)
	a, b := st.Servers()[0], st.Servers()[1]
	a.Waits(st.now) // and never gets an answer
	step := func() (tried bool) {
		b.Waits(st.now)
		st.tick(25 * time.Millisecond)
		b.Answers(st.now, 25*time.Millisecond)
		st.good(1, 1)
		return st.Pick(&Choice{Now: st.now, Trial: true}) == a
	}
	for range 60 {
		step()
	}
	st.want("silent for 1.5 s", Stalled, Up)
	tried := func(result func()) (trials int) {
		for range 400 {
			if step() {
				trials++
				result()
			}
		}
		return trials
	}
	if n := tried(func() { st.note(0, Outcome{Result: Late}) }); n < 5 || n > 11 {
		t.Fatalf("%d trials in 10 s of one that is silent", n)
	}
	if n := tried(func() {}); n < 2 || n > 4 {
		t.Fatalf("%d trials in 10 s where silence is waited for", n)
	}
	for !step() { // it was tried before
	}
	a.Waits(st.now)
	a.Answers(st.now, time.Millisecond)
	st.good(0, 1)
	st.want("it answered one", Up, Up)
}

// Silence is nothing where nobody answers, or nobody asks.
func TestNotStalled(t *testing.T) {
	st := begin(t, 2, nil)
	for _, s := range st.Servers() {
		s.Waits(st.now)
	}
	st.tick(5 * time.Second)
	st.want("all are silent", Up, Up)
	one := begin(t, 1, nil)
	one.Servers()[0].Waits(one.now)
	one.tick(5 * time.Second)
	one.want("there is no other", Up)
}

// A server that is far slower than the others for a while is left out.
func TestSlowServer(t *testing.T) {
	st := begin(t, 3, func(o *Options, _ []Spec) { o.Balance = RoundRobin })
	answer := func(i int, l time.Duration) {
		s := st.Servers()[i]
		s.Waits(st.now)
		s.Answers(st.now, l)
		st.good(i, 1)
	}
	for st.Servers()[0].state == Up {
		if st.now > int64(time.Hour+10*time.Second) {
			t.Fatal("it stays")
		}
		answer(0, 2*time.Second)
		answer(1, 20*time.Millisecond)
		answer(2, 30*time.Millisecond)
		st.tick(100 * time.Millisecond)
	}
	st.want("2 s against 30 ms", Ejected, Up, Up)
	st.wantTold("why", 0, Ejected, "takes")
}

// When so many are left out that the rest would drown, all that can be reached are
// asked again; those that cannot be reached never are.
func TestPanic(t *testing.T) {
	st := begin(t, 5, nil)
	for i := range 4 {
		st.NoteCheck(st.Servers()[i], Check{Says: "GET /health answered 500"}, st.now)
	}
	got := st.counts(1000, Choice{})
	for i, n := range got {
		if n == 0 {
			t.Errorf("s%d is not asked: %v", i, got)
		}
	}
	if !slices.ContainsFunc(st.told, func(e Event) bool { return e.Server == "" && strings.Contains(e.Reason, "3 of 5 servers") }) {
		t.Errorf("told %+v", st.told)
	}
	st.note(0, refused)
	if got := st.counts(1000, Choice{}); got[0] != 0 {
		t.Errorf("one that cannot be reached is asked: %v", got)
	}
	for i := range 3 {
		st.NoteCheck(st.Servers()[i+1], Check{OK: true, Says: "fine"}, st.now)
	}
	st.want("most are back", Unreachable, Up, Up, Up, Up)
}

// All unhealthy is no total outage.
func TestAllFail(t *testing.T) {
	st := begin(t, 2, nil)
	for _, s := range st.Servers() {
		st.NoteCheck(s, Check{Says: "no"}, st.now)
	}
	st.want("both fail their checks", Failing, Failing)
	if got := st.counts(100, Choice{}); got[0] == 0 || got[1] == 0 {
		t.Errorf("both are asked: %v", got)
	}
}

// What the owner says stands above what is seen.
func TestByHand(t *testing.T) {
	st := begin(t, 2, nil)
	if st.SetHand("s7", Drain, "", st.now) {
		t.Error("a server that is not there drains")
	}
	st.SetHand("s0", Maintain, "new disk", st.now)
	st.wantTold("as the owner said", 0, Maintenance, "new disk")
	st.note(0, refused)
	st.want("still", Maintenance, Up)
	st.SetHand("s0", Auto, "it has its disk", st.now)
	st.want("then what was seen counts", Unreachable, Up)
	st.SetHand("s0", Maintain, "", st.now)
	st.SetHand("s1", Maintain, "", st.now)
	if st.Pick(&Choice{Now: st.now, Anyway: true}) != nil {
		t.Error("a server in maintenance is asked")
	}
}

// A server that drains is asked where the answer would be none at all.
func TestDrainingIsBetterThanNobody(t *testing.T) {
	st := begin(t, 2, nil)
	st.SetHand("s0", Drain, "deploy", st.now)
	if got := st.counts(50, Choice{}); got[0] != 0 {
		t.Errorf("beside one in service: %v", got)
	}
	st.note(1, refused)
	if got := st.counts(50, Choice{}); got[0] != 50 {
		t.Errorf("alone: %v", got)
	}
}

// What only the certain kinds of failure say.
func TestCertainKinds(t *testing.T) {
	for _, k := range []failure.Kind{failure.Refused, failure.NoSocket, failure.NXDomain, failure.NoData} {
		if !certain(failure.Code{Kind: k}) {
			t.Errorf("%v is not certain", k)
		}
	}
	for _, k := range []failure.Kind{failure.Timeout, failure.HostUnreachable, failure.ServFail, failure.CertExpired} {
		if certain(failure.Code{Kind: k}) {
			t.Errorf("%v is certain", k)
		}
	}
}
