// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/internal/phase"
)

func TestTextIsBoundedAndMarkedAsCut(t *testing.T) { // I3
	var r Record
	r.Reset()
	long := strings.Repeat("x", 5000)
	for i := 0; i < textCount; i++ {
		r.SetText(Text(i), []byte(long))
	}
	for i := 0; i < textCount; i++ {
		got := r.Text(Text(i))
		if len(got) != textMax[i] || !r.TextCut(Text(i)) || !bytes.Equal(got, []byte(long[:textMax[i]])) {
			t.Errorf("text %d: %d bytes, cut %v", i, len(got), r.TextCut(Text(i)))
		}
	}
	if end := textAt[textCount-1] + textMax[textCount-1]; end != textBytes {
		t.Errorf("texts end at %d of %d", end, textBytes)
	}
	r.Reset()
	if len(r.Text(Target)) != 0 || r.TextCut(Target) {
		t.Error("Reset keeps a text")
	}
}

func TestFirstFailureWinsAndTrailIsBounded(t *testing.T) {
	var r Record
	r.Reset()
	refused := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	reset := failure.Code{Party: failure.Client, Phase: phase.RelayBody, Kind: failure.Reset}
	r.NoteFailure(&failure.Error{Code: refused})
	for i := 0; i < 2*TrailMax; i++ {
		r.NoteFailure(&failure.Error{Code: reset})
	}
	if r.Failure != refused || r.Error.Code != refused || r.TrailLen != TrailMax || r.Trail[TrailMax-1] != reset {
		t.Errorf("failure %v, trail %v of %d", r.Failure, r.Trail, r.TrailLen)
	}
}

func TestAttemptsKeepTheFirstAndTheNewest(t *testing.T) {
	var r Record
	r.Reset()
	for i := 1; i <= 9; i++ {
		r.AddAttempt().RequestNumber = uint32(i)
	}
	if r.AttemptLen != 9 || r.Attempts[0].RequestNumber != 1 || r.LastAttempt().RequestNumber != 9 {
		t.Errorf("%d attempts: %+v", r.AttemptLen, r.Attempts)
	}
}

func TestIDTextRoundTrip(t *testing.T) {
	s := NewIDs(0xfedcba9876)
	for range 100 {
		id := s.Next()
		got, ok := ParseID(strings.ToUpper(id.String()))
		if !ok || got != id {
			t.Fatalf("%v -> %q -> %v %v", id, id.String(), got, ok)
		}
	}
	for _, bad := range []string{"", "x", "00000000-0000000000", "00000000-0000000000i", "00000000_00000000000"} {
		if _, ok := ParseID(bad); ok {
			t.Errorf("ParseID accepts %q", bad)
		}
	}
}

type collect struct{ got []Record }

func (c *collect) Consume(b []Record) { c.got = append(c.got, b...) }

func TestPutTakesACopy(t *testing.T) { // I1
	r := NewRing(1)
	var rec Record
	rec.Reset()
	rec.SetText(Target, []byte("/before"))
	rec.Status = 200
	r.Put(0, &rec)
	rec.Reset()
	rec.SetText(Target, []byte("/after"))
	rec.Status = 500
	var c collect
	r.Drain([]Sink{&c})
	if len(c.got) != 1 || c.got[0].Status != 200 || string(c.got[0].Text(Target)) != "/before" {
		t.Errorf("a record changed after it was put: %+v", c.got)
	}
}

func TestOrdinaryFloodDoesNotDropFailures(t *testing.T) { // I2
	r := NewRing(2)
	var rec Record
	rec.Reset()
	rec.Outcome = Relayed
	for i := range 3 * ordinaryPerShard {
		rec.ID.Seq = uint64(i)
		r.Put(uint32(i), &rec)
	}
	code := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	rec.NoteFailure(&failure.Error{Code: code})
	r.Put(0, &rec)
	var c collect
	r.Drain([]Sink{&c})
	if ord, failed := r.Dropped(); ord != ordinaryPerShard || failed != 0 {
		t.Errorf("dropped %d ordinary, %d failed", ord, failed)
	}
	if len(c.got) != 2*ordinaryPerShard+1 || c.got[0].Failure != code {
		t.Errorf("%d records, first %v", len(c.got), c.got[0].Failure)
	}
	r.Drain([]Sink{&c})
	if len(c.got) != 2*ordinaryPerShard+1 {
		t.Error("a record came twice")
	}
}

func TestPutDoesNotAllocate(t *testing.T) {
	r := NewRing(1)
	var rec Record
	rec.Reset()
	drop := []Sink{}
	n := testing.AllocsPerRun(5000, func() { r.Put(0, &rec); r.Drain(drop) })
	if n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}

func BenchmarkPutAndDrain(b *testing.B) {
	r := NewRing(1)
	var rec Record
	rec.Reset()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Put(0, &rec)
		if i%256 == 0 {
			r.Drain(nil)
		}
	}
}
