// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/testkit"
)

// TestGolden compares whole requests. To look at a change run with -update and read
// the difference.
func TestGolden(t *testing.T) {
	s := &Sink{opts: Options{Slow: time.Second, Service: Service{"edge", "1.2.3", "00000000000000ff"}}}
	for name, r := range map[string]*record.Record{"good": good(), "failed": failed(), "tls": overTLS()} {
		req, _ := s.request([]record.Record{*r})
		got, err := json.MarshalIndent(req, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		if bytes.Contains(got, []byte("s3cret")) {
			t.Errorf("%s: a secret is exported", name)
		}
		testkit.Golden(t, filepath.Join("testdata", name+".json"), got)
	}
}

// TestChoice: what is exported, and why.
func TestChoice(t *testing.T) {
	s := &Sink{opts: Options{Slow: time.Second}}
	plain := func(change func(r *record.Record)) *record.Record {
		r := good()
		r.Trace.Sampled = false
		change(r)
		return r
	}
	fail := func(name string) func(*record.Record) {
		return func(r *record.Record) { r.NoteFailure(&failure.Error{Code: code(name)}) }
	}
	for _, c := range []struct {
		what, want string
		r          *record.Record
	}{
		{"nothing", "", plain(func(*record.Record) {})},
		{"sampled", bySample, good()},
		{"failed", byFailure, plain(fail("upstream.connect.refused"))},
		{"the client's doing", "", plain(fail("client.relay-body.reset"))},
		{"just slow", bySlow, plain(func(r *record.Record) { r.Total = time.Second })},
		{"not slow", "", plain(func(r *record.Record) { r.Total = time.Second - 1 })},
		{"a long tunnel", "", plain(func(r *record.Record) { r.Total, r.Outcome = time.Hour, record.Tunnelled })},
		{"no trace", "", plain(func(r *record.Record) { r.Trace = record.Trace{}; fail("upstream.connect.refused")(r) })},
	} {
		if got := s.reason(c.r); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	s.opts.Slow = 0
	if got := s.reason(plain(func(r *record.Record) { r.Total = time.Hour })); got != "" {
		t.Errorf("slow without a bound: %q", got)
	}
}

// TestAttemptSpansAreWhatServersWereTold: I3, for more attempts than are kept too.
func TestAttemptSpansAreWhatServersWereTold(t *testing.T) {
	r := good()
	for range 8 {
		r.LastAttempt().Failure = code("upstream.connect.refused")
		*r.AddAttempt() = record.Attempt{Server: "b:1", Start: 20 * ms}
	}
	var parts []uint8
	seen := map[uint8]bool{}
	for _, s := range layout(r) {
		if seen[s.part] {
			t.Errorf("two spans are part %d", s.part)
		}
		seen[s.part] = true
		if s.kind == clientSpan {
			parts = append(parts, s.part)
		}
	}
	if !bytes.Equal(parts, []uint8{1, 2, 3, 9}) {
		t.Errorf("spans of attempts are parts %v of 9", parts)
	}
}

// TestWaterfall: within one exchange every span lies within its parent, and phases
// of one attempt follow each other.
func TestWaterfall(t *testing.T) {
	broken := good()
	broken.NoteFailure(&failure.Error{Code: code("upstream.relay-body.reset")})
	late := good() // the answer took another 10 ms to send
	late.LastAttempt().Failure, late.LastAttempt().Took = code("upstream.await-head.timeout"), 29*ms
	late.NoteFailure(&failure.Error{Code: code("upstream.await-head.timeout")})
	late.Phases[phase.AwaitHead], late.Phases[phase.RelayBody] = 34*ms, record.NotReached
	again := failed()
	again.LastAttempt().Failure, again.LastAttempt().Took = failure.None, 0
	again.Phases[phase.RelayBody] = 2 * ms
	none := good()
	none.AttemptLen = 0
	unserved := failed()
	unserved.LastAttempt().Start, unserved.LastAttempt().Took = record.NotReached, 0
	for name, r := range map[string]*record.Record{"good": good(), "failed": failed(), "broken": broken, "late": late, "again": again, "none": none, "unserved": unserved, "tls": overTLS()} {
		spans := layout(r)
		byPart := map[uint8]span{}
		for _, s := range spans {
			byPart[s.part] = s
			in, ok := byPart[s.within]
			if !ok || s.start < in.start || s.end > in.end || s.end < s.start {
				t.Errorf("%s: %s from %v to %v is not within %v to %v", name, s.phase, s.start, s.end, in.start, in.end)
			}
		}
		if len(spans) > spansMax || len(byPart) != len(spans) {
			t.Errorf("%s: %d spans", name, len(spans))
		}
	}
}

func TestPathHasNoQuery(t *testing.T) {
	for target, want := range map[string]string{
		"/a/b?c=d": "/a/b", "/a#b": "/a", "*": "*", "/": "/", "": "", "/x?y=http://z/w": "/x",
		"http://user:pw@h:1/a?b": "/a", "http://h": "/", "http://h?q": "/", "http://h?q=/x/s3cret": "/", "?": "", "/a://b/c": "/a://b/c", "a:443": "a:443",
	} {
		r := good()
		r.SetText(record.Target, []byte(target))
		if got, whole := pathOf(r); got != want || !whole {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	r := good()
	r.SetText(record.Target, bytes.Repeat([]byte("/a"), 300))
	if _, whole := pathOf(r); whole {
		t.Error("a path that was cut is called whole")
	}
}
