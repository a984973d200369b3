// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/upstream"
)

var testClock = Clock{Now: time.Now, After: time.After}

// stage is a feed with what it did.
type stage struct {
	t    *testing.T
	feed *Feed
	// list is what want saw last.
	list []upstream.Spec

	mu   sync.Mutex
	used []upstream.Spec
	sets int
	told []string
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t}
	s.feed = NewFeed(Options{Upstream: "app", Clock: testClock, Tell: func(e Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, fmt.Sprintf("%s %s", e.Source, e.Text))
	}})
	t.Cleanup(s.feed.Close)
	return s
}

func (s *stage) change(grace time.Duration, sources ...Wanted) {
	s.feed.Change(Plan{Sources: sources, Grace: grace}, func(list []upstream.Spec) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.used = list
		s.sets++
	})
}

// want compares the servers in use.
func (s *stage) want(why, names string) {
	s.t.Helper()
	s.see()
	if got := namesOf(s.list); got != names {
		s.t.Errorf("%s: servers %q, want %q", why, got, names)
	}
}

// see waits until nothing goes on and takes what was set and told.
func (s *stage) see() (sets int, told []string) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = s.used
	return s.sets, s.told
}

func (s *stage) forgetTold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = nil
}

// wantTold compares what was told since the last time.
func (s *stage) wantTold(why string, texts ...string) {
	s.t.Helper()
	_, told := s.see()
	if got, want := strings.Join(told, "\n"), strings.Join(texts, "\n"); got != want {
		s.t.Errorf("%s: told\n%s\nwant\n%s", why, got, want)
	}
	s.forgetTold()
}

func namesOf(list []upstream.Spec) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// specsOf makes servers of names.
func specsOf(names string) []upstream.Spec {
	var list []upstream.Spec
	for i, n := range strings.Fields(names) {
		list = append(list, upstream.Spec{Place: upstream.Place{Name: n, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 80)}})
		list[i].Addr = netip.AddrPort{}
	}
	return list
}

// puppet is a source that finds what a test says.
type puppet struct {
	say     chan Finding
	looked  chan struct{}
	stopped bool
}

func newPuppet() *puppet { return &puppet{say: make(chan Finding), looked: make(chan struct{}, 10)} }

func (p *puppet) LookAgain(*upstream.Server) { p.looked <- struct{}{} }

func (p *puppet) Run(ctx context.Context, found func(Finding)) {
	for {
		select {
		case <-ctx.Done():
			p.stopped = true
			found(Finding{Specs: specsOf("too-late")})
			return
		case n := <-p.say:
			found(n)
		}
	}
}

func (p *puppet) finds(names string) { p.say <- Finding{Specs: specsOf(names)} }

func (p *puppet) wanted(name, key string) Wanted {
	return Wanted{Name: name, Key: key, New: func() Source { return p }}
}

// I1, I2: what a source says is believed by how it says it.
func TestFeedBelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newStage(t), newPuppet()
		s.change(30*time.Second, p.wanted("dns app", "1"))
		s.feed.Start()
		s.want("nothing is known yet", "")
		p.finds("")
		s.want("an answer without servers", "")
		p.finds("a b")
		s.want("found", "a b")
		s.wantTold("found", "dns app has 2 servers now; new: a, b")
		sets, _ := s.see()
		p.finds("b a")
		s.want("another order is no change", "a b")
		if now, _ := s.see(); now != sets {
			t.Error("set anew without a change")
		}

		p.say <- Finding{Err: errors.New("cannot be reached")}
		p.say <- Finding{Err: errors.New("cannot be reached")}
		s.want("I1: a failed look", "a b")
		s.wantTold("once", "dns app cannot be reached; what was found before stays: 2 servers")
		time.Sleep(time.Hour)
		s.want("I1: for as long as it fails", "a b")
		p.finds("a")
		s.want("it can look again", "a")
		s.wantTold("both", "dns app is in order again after 1h0m0s", "dns app has 1 server now; gone: b")

		p.finds("")
		p.finds("")
		s.want("I2: the grace", "a")
		s.wantTold("the grace", "dns app has no servers any more; the last one leaves if that does not change in 30s")
		time.Sleep(29 * time.Second)
		p.finds("a")
		time.Sleep(time.Minute)
		s.want("it was back in time", "a")
		s.wantTold("back", "dns app has its servers again")
		p.finds("")
		time.Sleep(31 * time.Second)
		s.want("I2: the grace is over", "")
		s.wantTold("the end", "dns app has no servers any more; the last one leaves if that does not change in 30s",
			"dns app has no servers now; gone: a")

		p.finds("c")
		p.say <- Finding{Left: true}
		s.want("I2: seen to go", "")
	})
}

func TestFeedTellsOfDoubtAndBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newStage(t), newPuppet()
		s.change(0, p.wanted("docker", "1"))
		s.feed.Start()
		p.say <- Finding{Specs: specsOf("a"), Doubt: "the container b exposes no port"}
		s.want("what is sound is used", "a")
		s.wantTold("the doubt", "docker the container b exposes no port", "docker has 1 server now; new: a")
		if st := s.feed.Status(); len(st) != 1 || st[0].Problem == "" || st[0].Servers != 1 || st[0].LookedAt.IsZero() {
			t.Errorf("status %+v", st)
		}
		p.finds(strings.Repeat("x ", 0))
		s.want("no grace", "")
		many := make([]upstream.Spec, MaxServers+5)
		for i := range many {
			many[i].Name = fmt.Sprint("s", i)
		}
		s.forgetTold()
		p.say <- Finding{Specs: many, Doubt: ""}
		_, told := s.see()
		if len(s.list) != MaxServers || !strings.Contains(told[0], "finds 10005 servers; the first 10000 of them are used") {
			t.Errorf("%d servers, told %.200q", len(s.list), told)
		}
		if last := told[len(told)-1]; len(last) > 300 || !strings.HasSuffix(last, "and 9995 more; gone: a") && !strings.HasSuffix(last, "and 9995 more") {
			t.Errorf("told %.400q", last)
		}
		p.say <- Finding{Err: errors.New(strings.Repeat("é", 5000))}
		synctest.Wait()
		if st := s.feed.Status(); len(st[0].Problem) > problemLimitBytes+3 {
			t.Errorf("a problem of %d bytes", len(st[0].Problem))
		}
	})
}

// A change keeps the sources that are the same, and the servers of those that look
// otherwise in the same place.
func TestFeedChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, q, r := newStage(t), newPuppet(), newPuppet(), newPuppet()
		fixed := func(names string) Wanted { return Wanted{Name: "servers", Fixed: specsOf(names)} }
		s.change(0, fixed("x y"), p.wanted("dns p", "1"), q.wanted("dns q", "1"))
		s.want("before the start", "x y")
		s.feed.Start()
		p.finds("a x")
		q.finds("b")
		s.want("joined, each once", "x y a b")

		next := Plan{Sources: []Wanted{fixed("z"), p.wanted("dns p", "1"), r.wanted("dns q", "2")}}
		if got := namesOf(s.feed.Preview(next)); got != "z a x b" {
			t.Errorf("preview %q", got)
		}
		s.change(0, next.Sources...)
		s.want("what was known stays", "z a x b")
		if !q.stopped || p.stopped {
			t.Errorf("stopped: p %v, q %v", p.stopped, q.stopped)
		}
		r.finds("c")
		s.want("the new source looked", "z a x c")
		s.feed.LookAgain(&upstream.Server{})
		if len(p.looked) != 1 || len(q.looked) != 0 || len(r.looked) != 1 {
			t.Errorf("asked to look again: %d %d %d", len(p.looked), len(q.looked), len(r.looked))
		}
		s.change(0, fixed("z"))
		s.want("sources end", "z")

		// I4.
		sets, _ := s.see()
		s.feed.Close()
		s.feed.Close()
		s.change(0, fixed("w"))
		s.feed.Start()
		if now, _ := s.see(); now != sets {
			t.Error("set after Close")
		}
	})
}

// The grace of a source that is no more changes nothing. I4.
func TestGraceEndsWithItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newStage(t), newPuppet()
		s.change(time.Minute, p.wanted("dns p", "1"))
		s.feed.Start()
		p.finds("a")
		p.finds("")
		s.change(time.Minute, newPuppet().wanted("dns p", "2"))
		time.Sleep(2 * time.Minute)
		s.want("the successor's", "a")
		s.feed.Close()
	})
}
