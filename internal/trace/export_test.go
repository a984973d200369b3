// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"causey/internal/testkit"
)

func TestBatchByTime(t *testing.T) {
	c := newCollector(t)
	r := newRig(t, c.URL+"/v1/traces")
	r.put(good(), good())
	first := r.timers.next(t)
	if first.d != batchEvery || c.requests() != 0 {
		t.Errorf("it waits for %v after %d requests", first.d, c.requests())
	}
	r.put(failed())
	first.elapse()
	c.wait(1)
	r.close(10 * time.Second)
	all := 2*spanCount(good()) + spanCount(failed())
	r.wantCounts("one batch", all, 0, 0, 0, 0, 0) // I2
	if n := len(c.got[0].ResourceSpans[0].ScopeSpans[0].Spans); len(c.got) != 1 || uint64(n) != all {
		t.Errorf("%d requests, %d spans", len(c.got), n)
	}
	if got := c.headers[0].Get("Authorization"); got != "Bearer s3cret" {
		t.Errorf("Authorization: %q", got)
	}
}

func TestBatchByCount(t *testing.T) {
	c := newCollector(t)
	r := newRig(t, c.URL+"/v1/traces")
	for range batchMax {
		r.put(good())
	}
	c.wait(1) // although no time passed
	r.close(10 * time.Second)
	r.wantCounts("a full batch", batchMax*spanCount(good()), 0, 0, 0, 0, 0)
}

// TestRetry: what may pass is tried again, with growing pauses or that which the
// collector asks for; the owner hears of it once, and once of the end.
func TestRetry(t *testing.T) {
	c := newCollector(t, status(503), status(429, "Retry-After", "7"), status(502, "Retry-After", began.Add(11*time.Second).Format(http.TimeFormat)),
		status(504, "Retry-After", "86400"))
	r := newRig(t, c.URL+"/v1/traces")
	r.put(good())
	r.timers.next(t).elapse()
	for i, want := range []struct{ lo, hi time.Duration }{
		{retryFirst / 2, retryFirst}, {7 * time.Second, 7 * time.Second}, {10 * time.Second, 11 * time.Second}, {retryAfterMax, retryAfterMax},
	} {
		p := r.timers.next(t)
		if p.d < want.lo || p.d > want.hi {
			t.Errorf("pause %d is %v, want %v to %v", i+1, p.d, want.lo, want.hi)
		}
		p.elapse()
	}
	c.wait(5)
	r.close(10 * time.Second)
	r.wantCounts("taken in the end", spanCount(good()), 0, 0, 0, 0, 4)
	if warned, again := r.logs.Count("level=WARN"), r.logs.Count("takes spans again"); warned != 1 || again != 1 {
		t.Errorf("%d warnings, %d ends: %s", warned, again, r.logs.String())
	}
}

func TestGivenUp(t *testing.T) {
	c := newCollector(t, status(503), status(503), status(503), status(503), status(503))
	r := newRig(t, c.URL+"/v1/traces")
	r.put(good())
	r.timers.next(t).elapse()
	for range triesMax - 1 {
		r.timers.next(t).elapse()
	}
	c.wait(triesMax)
	r.close(10 * time.Second)
	r.wantCounts("given up", 0, 0, spanCount(good()), 0, 0, triesMax)
}

// TestGivenUpBusy: a collector that answers 429 is there.
func TestGivenUpBusy(t *testing.T) {
	busy := status(429, "Retry-After", "120")
	c := newCollector(t, busy, busy, busy, busy, busy)
	r := newRig(t, c.URL+"/v1/traces")
	r.put(good())
	r.timers.next(t).elapse()
	for range triesMax - 1 {
		p := r.timers.next(t)
		if p.d != 2*time.Minute {
			t.Errorf("%v", p.d)
		}
		p.elapse()
	}
	c.wait(triesMax)
	r.close(10 * time.Second)
	r.wantCounts("given up", 0, 0, 0, spanCount(good()), 0, triesMax)
}

// TestTold: neither a collector that rejects single spans nor one that works every
// other time fills the log.
func TestTold(t *testing.T) {
	now := began
	var logs testkit.Log
	s := &Sink{opts: Options{Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&logs, nil))}}
	for range 100 {
		s.tell(partial([]byte(`{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}`)))
		s.tell(partial(nil))
		now = now.Add(time.Minute)
	}
	if n, all := logs.Count("rejects some of their spans"), logs.Count("\n"); n != 2 || all != 2 {
		t.Errorf("%d of %d messages of 100 minutes are about rejected spans", n, all)
	}
	for range 60 {
		s.tell(result{again: true, problem: "it answers 503"})
		s.tell(result{done: true})
		now = now.Add(2 * time.Second)
	}
	if n, ends := logs.Count("does not take spans"), logs.Count("takes spans again"); n != 2 || ends != 2 {
		t.Errorf("%d and %d messages of two minutes", n, ends)
	}
	// Trouble that began right after an end, and stays, is told a little later.
	s.tell(result{again: true, problem: "it answers 503"})
	now = now.Add(troubleEvery)
	s.tell(result{again: true, problem: "it answers 503"})
	if n := logs.Count("does not take spans"); n != 3 {
		t.Errorf("%d messages", n)
	}
}

// What the collector will never take is not sent again, and a redirect is not
// followed: the headers are meant for one place.
func TestRefused(t *testing.T) {
	for _, answer := range []func(http.ResponseWriter){status(400), status(401), status(500), status(307, "Location", "/v1/traces")} {
		c := newCollector(t, answer)
		r := newRig(t, c.URL+"/v1/traces")
		r.put(good())
		r.timers.next(t).elapse()
		c.wait(1)
		r.close(10 * time.Second)
		r.wantCounts("refused", 0, 0, 0, spanCount(good()), 0, 1)
		if c.requests() != 1 || r.logs.Count("level=WARN") != 1 {
			t.Errorf("%d requests, log: %s", c.requests(), r.logs.String())
		}
	}
}

func TestPartialSuccess(t *testing.T) {
	for body, rejected := range map[string]uint64{
		`{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}`: 2,
		`{"partialSuccess":{"rejectedSpans":2}}`:                            2,
		`{"partialSuccess":{"rejectedSpans":"9999"}}`:                       spanCount(good()),
		`{"partialSuccess":{}}`:                                             0,
		`{}`:                                                                0,
		"":                                                                  0,
		"\x0a\x00":                                                          0,
		`{"partialSuccess":{"rejectedSpans":"-1"}}`: 0,
	} {
		c := newCollector(t, func(w http.ResponseWriter) { io.WriteString(w, body) })
		r := newRig(t, c.URL+"/v1/traces")
		r.put(good())
		r.timers.next(t).elapse()
		c.wait(1)
		r.close(10 * time.Second)
		r.wantCounts(fmt.Sprintf("%q", body), spanCount(good())-rejected, 0, 0, rejected, 0, 0)
	}
}

func TestUnreachableCollector(t *testing.T) {
	c := newCollector(t)
	url := c.URL
	c.Close()
	r := newRig(t, url+"/v1/traces")
	for range 2 {
		r.put(good())
		r.timers.next(t).elapse()
		for range triesMax - 1 {
			r.timers.next(t).elapse()
		}
	}
	r.close(10 * time.Second)
	r.wantCounts("unreachable", 0, 0, 2*spanCount(good()), 0, 0, 2*triesMax)
	if n := r.logs.Count("level=WARN"); n != 1 {
		t.Errorf("%d warnings for one state: %s", n, r.logs.String())
	}
}

// TestQueueIsBounded: I1. While the collector does not answer, what exceeds the
// queue is dropped and counted.
func TestQueueIsBounded(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, func(w http.ResponseWriter) { <-release })
	r := newRig(t, c.URL+"/v1/traces")
	for range batchMax {
		r.put(good())
	}
	for c.requests() == 0 {
		time.Sleep(time.Millisecond)
	}
	for range queueMax + 10 {
		r.put(good())
	}
	one := spanCount(good())
	r.wantCounts("full", 0, 10*one, 0, 0, 0, 0)
	close(release)
	r.close(10 * time.Second)
	r.wantCounts("released", (batchMax+queueMax)*one, 10*one, 0, 0, 0, 0)
}

// TestCloseSendsWhatIsLeft: I4, with a collector that answers.
func TestCloseSendsWhatIsLeft(t *testing.T) {
	c := newCollector(t)
	r := newRig(t, c.URL+"/v1/traces")
	for range batchMax + 1 {
		r.put(good())
	}
	r.close(10 * time.Second)
	r.put(good())
	r.wantCounts("sent, and one too late", (batchMax+1)*spanCount(good()), 0, 0, 0, spanCount(good()), 0)
}

// TestCloseIsBounded: I4, with one that does not answer, and in the pause between
// two tries.
func TestCloseIsBounded(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, func(w http.ResponseWriter) { <-release })
	defer close(release)
	r := newRig(t, c.URL+"/v1/traces")
	for range batchMax + 1 {
		r.put(good())
	}
	start := time.Now()
	r.close(50 * time.Millisecond)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Close took %v", d)
	}
	r.wantCounts("left behind", 0, 0, 0, 0, (batchMax+1)*spanCount(good()), 1)

	c = newCollector(t, status(503), status(503))
	r = newRig(t, c.URL+"/v1/traces")
	r.put(good())
	r.timers.next(t).elapse()
	r.timers.next(t) // the pause before the second try
	r.close(10 * time.Second)
	r.wantCounts("one try more", 0, 0, 0, 0, spanCount(good()), 2)
}
