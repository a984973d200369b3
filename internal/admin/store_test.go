// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"

	"causey/internal/record"
)

func good(seq int) record.Record {
	return sample(seq, time.Duration(seq)*time.Second, answered(record.Relayed, 200, 200, 1), tries("a:1", "", "", true))
}

func bad(seq int) record.Record {
	return sample(seq, time.Duration(seq)*time.Second, goes("s", "u"), answered(record.Answered, 502, 0, 1),
		tries("a:1", "", "upstream.connect.refused", false), fails("upstream.connect.refused", nowhere(111, ""), ""))
}

func clients(seq int) record.Record {
	return sample(seq, time.Duration(seq)*time.Second, fails("client.read-head.timeout", nowhere(0, ""), ""))
}

func put(s *Store, make func(int) record.Record, from, n int) {
	for i := range n {
		s.Consume([]record.Record{make(from + i)})
	}
}

func (s *Store) holds(seq int) bool {
	r, ok := s.Get(record.ID{Epoch: 0xfedcba9876, Seq: uint64(seq)})
	return ok && r.ID.Seq == uint64(seq)
}

func TestFloodsPushOutNoFailure(t *testing.T) { // I1
	s := newStore(sampleStart, [laneCount]int{8, 16, 4})
	put(s, bad, 1, 16)
	put(s, good, 100, 1000)
	put(s, clients, 2000, 1000)
	for i := 1; i <= 16; i++ {
		if !s.holds(i) {
			t.Errorf("failure %d is gone", i)
		}
	}
	if got := s.kept(); got.Ordinary != 8 || got.Failed != 16 || got.ClientFailed != 4 {
		t.Errorf("kept: %+v", got)
	}
	put(s, bad, 5000, 3)
	for i := 1; i <= 3; i++ {
		if s.holds(i) {
			t.Errorf("failure %d is kept beyond the bound", i)
		}
	}
	if !s.holds(4) || !s.holds(5002) || !s.holds(1099) || s.holds(1091) || !s.holds(2999) || s.holds(2995) {
		t.Error("the newest of each kind are not what is kept")
	}
	if len(s.byID) != 8+16+4 {
		t.Errorf("%d ids are remembered", len(s.byID))
	}
	sum := s.summary()
	if sum.Exchanges != 16+1000+1000+3 || sum.Failed != 19 || sum.ClientFailed != 1000 || len(sum.Codes) != 2 {
		t.Errorf("summary: %+v", sum)
	}
}

func TestStoreMemoryIsFixed(t *testing.T) { // I1
	s := NewStore(sampleStart)
	total := uintptr(0)
	for i := range s.lanes {
		total += uintptr(cap(s.lanes[i].entries)) * unsafe.Sizeof(entry{})
	}
	if total > 10<<20 {
		t.Errorf("the rings take %d bytes", total)
	}
	for i := range serversMax + 100 {
		s.Consume([]record.Record{sample(i, 0, goes("s", "u"), tries(fmt.Sprint(i), "", "", false))})
	}
	if len(s.server) != serversMax {
		t.Errorf("%d servers are counted", len(s.server))
	}
}

// TestAnIDThatComesTwice must not leave a dangling place when its first record goes.
func TestAnIDThatComesTwice(t *testing.T) {
	s := newStore(sampleStart, [laneCount]int{2, 2, 2})
	s.Consume([]record.Record{good(1), good(1), good(2)})
	if !s.holds(1) || !s.holds(2) {
		t.Error("a kept record is not found")
	}
	s.Consume([]record.Record{good(3)})
	if s.holds(1) || len(s.byID) != 2 {
		t.Errorf("%d ids for two records", len(s.byID))
	}
}

func readAll(f *follower) (seqs []int, skipped uint64) {
	batch := make([]record.Record, 10)
	for {
		n, lost, more := f.read(batch)
		skipped += lost
		for i := range batch[:n] {
			seqs = append(seqs, int(batch[i].ID.Seq))
		}
		if !more {
			return seqs, skipped
		}
	}
}

func wantSeqs(t *testing.T, got []int, want ...int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

func TestFollowerReadsInOrderAndResumes(t *testing.T) {
	s := newStore(sampleStart, [laneCount]int{8, 16, 8})
	for i := 1; i <= 12; i++ {
		put(s, [...]func(int) record.Record{good, bad, clients}[i%3], i, 1)
	}
	follow := func(clients bool, resume int, replay int) *follower {
		f, resumed := s.follow(clients, record.ID{Epoch: 0xfedcba9876, Seq: uint64(resume)}, replay)
		if resumed != (resume > 0) {
			t.Errorf("resumed is %t", resumed)
		}
		t.Cleanup(f.close)
		return f
	}
	seqs := func(f *follower) []int { got, _ := readAll(f); return got }
	live := follow(false, 0, 0)
	wantSeqs(t, seqs(live))
	wantSeqs(t, seqs(follow(false, 0, 2)), 7, 10)
	wantSeqs(t, seqs(follow(false, 0, 100)), 1, 4, 7, 10)
	wantSeqs(t, seqs(follow(true, 0, 3)), 8, 10, 11)
	wantSeqs(t, seqs(follow(false, 4, 100)), 7, 10)
	wantSeqs(t, seqs(follow(true, 4, 0)), 5, 7, 8, 10, 11)
	wantSeqs(t, seqs(follow(false, 6, 0)), 7, 10) // an ordinary one will do
	put(s, bad, 13, 1)
	put(s, clients, 14, 1)
	<-live.woken
	wantSeqs(t, seqs(live), 13)
}

// TestSlowFollowerIsToldWhatItMissed: nothing comes twice, and read + missed is all
// there was (I4).
func TestSlowFollowerIsToldWhatItMissed(t *testing.T) {
	for _, kept := range []int{100, backlogMax * 2} {
		s := newStore(sampleStart, [laneCount]int{1, kept, 1})
		f, _ := s.follow(false, record.ID{}, 0)
		put(s, bad, 1, 1000)
		got, skipped := readAll(f)
		if want := min(kept, backlogMax); len(got) != want || got[0] != 1000-want+1 || got[want-1] != 1000 || skipped != uint64(1000-want) {
			t.Errorf("%d kept: read %d from %d on, missed %d", kept, len(got), got[0], skipped)
		}
		put(s, bad, 1001, 1)
		if got, skipped = readAll(f); len(got) != 1 || skipped != 0 {
			t.Errorf("then: read %v, missed %d", got, skipped)
		}
		f.close()
		if len(s.readers) != 0 {
			t.Error("the follower is still there")
		}
	}
}

func TestStoreUnderTheRaceDetector(t *testing.T) {
	s := newStore(sampleStart, [laneCount]int{32, 32, 32})
	f, _ := s.follow(true, record.ID{}, 0)
	var wg sync.WaitGroup
	for _, look := range []func(){
		func() { s.find(query{limit: 50}) }, func() { s.summary() }, func() { s.holds(7) },
		func() { s.addCounts(sampleUpstreams()) }, func() { readAll(f) },
	} {
		wg.Go(func() {
			for range 200 {
				look()
			}
		})
	}
	for i := range 600 {
		put(s, [...]func(int) record.Record{good, bad, clients}[i%3], i+1, 1)
	}
	wg.Wait()
}

func BenchmarkConsume(b *testing.B) {
	s := NewStore(sampleStart)
	batch := []record.Record{good(1)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		batch[0].ID.Seq = uint64(i)
		s.Consume(batch)
	}
}
