// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

// event is one server-sent event; a comment has name ":".
type event struct{ id, name, data string }

// events follows a stream from a goroutine of its own; the channel closes when the
// stream ends.
func (ts *testServer) events(query string, fields ...string) (<-chan event, context.CancelFunc) {
	ts.t.Helper()
	return ts.eventsOf("/api/v1/failures/stream"+query, fields...)
}

// eventsOf is events of any stream.
func (ts *testServer) eventsOf(path string, fields ...string) (<-chan event, context.CancelFunc) {
	ts.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ts.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ts.url+path, nil)
	if err != nil {
		ts.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		ts.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("X-Accel-Buffering") != "no" ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		ts.t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	out := make(chan event, 4096)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if strings.HasPrefix(lines.Text(), ":") {
					e.name = ":"
				}
				if e.name != "" {
					out <- e
				}
				e = event{}
			}
		}
	}()
	return out, cancel
}

func (ts *testServer) next(from <-chan event, name string) event {
	ts.t.Helper()
	select {
	case e, ok := <-from:
		if !ok {
			ts.t.Fatalf("the stream ended, want %s", name)
		}
		if e.name != name {
			ts.t.Fatalf("got %+v, want %s", e, name)
		}
		return e
	case <-time.After(10 * time.Second):
		ts.t.Fatalf("nothing came, want %s", name)
	}
	return event{}
}

func (ts *testServer) nextFailure(from <-chan event, seq uint64) {
	ts.t.Helper()
	e := ts.next(from, "failure")
	var x struct{ ID, Failure string }
	if err := json.Unmarshal([]byte(e.data), &x); err != nil || x.ID != e.id || x.Failure == "" {
		ts.t.Fatalf("%v: %+v", err, e)
	}
	if id, _ := record.ParseID(e.id); id.Seq != seq {
		ts.t.Fatalf("failure %d came, want %d", id.Seq, seq)
	}
}

func TestStreamIsLiveAndResumes(t *testing.T) {
	ts := startServer(t, func(o *Options) { o.Store = NewStore(sampleStart) })
	store := ts.opts.Store
	live, leave := ts.events("")
	if e := ts.next(live, "hello"); e.data != `{"since":"2026-03-09T14:00:00.000Z","resumed":false}` {
		t.Errorf("hello says %s", e.data)
	}
	put(store, good, 1, 2)
	put(store, bad, 3, 1)
	put(store, clients, 4, 1)
	put(store, bad, 5, 1)
	ts.nextFailure(live, 3)
	ts.nextFailure(live, 5)
	leave()
	put(store, bad, 6, 2)

	again, _ := ts.events("?replay=100", "Last-Event-ID", record.ID{Epoch: 0xfedcba9876, Seq: 5}.String())
	if e := ts.next(again, "hello"); !strings.Contains(e.data, `"resumed":true`) {
		t.Errorf("hello says %s", e.data)
	}
	ts.nextFailure(again, 6)
	ts.nextFailure(again, 7)

	// Of another run, or long gone, or no id at all: the newest are sent.
	for _, id := range []string{"00000000-00000000001", "nonsense", ""} {
		restarted, _ := ts.events("?replay=2&client=1", "Last-Event-ID", id)
		ts.next(restarted, "hello")
		ts.nextFailure(restarted, 6)
		ts.nextFailure(restarted, 7)
	}
	for _, query := range []string{"?replay=-1", "?replay=257", "?client=x", "?what=1"} {
		resp, body := ts.get("/api/v1/failures/stream" + query)
		ts.wantStatus(400, resp, body)
	}
}

func TestStreamHeartbeat(t *testing.T) {
	beat := make(chan time.Time)
	ts := startServer(t, func(o *Options) {
		o.After = func(d time.Duration) <-chan time.Time {
			if d != heartbeatEvery {
				t.Errorf("waits for %v", d)
			}
			return beat
		}
	})
	live, _ := ts.events("")
	ts.next(live, "hello")
	for range 3 {
		beat <- time.Time{}
		ts.next(live, ":")
	}
}

// TestStreamOutlivesTheTimeouts that hold for ordinary requests.
func TestStreamOutlivesTheTimeouts(t *testing.T) {
	s, err := New(testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	s.patience = 50 * time.Millisecond
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ts := &testServer{Server: s, t: t, url: "http://" + s.Addr().String()}
	live, _ := ts.events("")
	ts.next(live, "hello")
	select {
	case e, ok := <-live:
		t.Errorf("the stream ended (%t) with %v", !ok, e)
	case <-time.After(10 * s.patience):
	}
	s.opts.Store.Consume([]record.Record{bad(77)})
	ts.nextFailure(live, 77)
}

// TestStreamSkipsWhatIsTooMuch: a flood of failures is thinned, and the client is
// told by how much (I4).
func TestStreamSkipsWhatIsTooMuch(t *testing.T) {
	turn := make(chan time.Time)
	ts := startServer(t, func(o *Options) {
		o.Store = NewStore(sampleStart)
		o.After = func(d time.Duration) <-chan time.Time {
			if d == streamPause {
				return turn
			}
			return nil
		}
	})
	live, _ := ts.events("")
	ts.next(live, "hello")
	batch := make([]record.Record, 2000)
	for i := range batch {
		batch[i] = bad(i + 1)
	}
	ts.opts.Store.Consume(batch)
	if e := ts.next(live, "dropped"); e.data != fmt.Sprintf(`{"count":%d}`, 2000-backlogMax) {
		t.Errorf("dropped says %s", e.data)
	}
	for i := 2000 - backlogMax + 1; i <= 2000; i++ {
		ts.nextFailure(live, uint64(i))
		if left := 2000 - i; left > 0 && left%streamBatch == 0 {
			turn <- time.Time{} // it waits between batches
		}
	}
}

// TestClientThatReadsNothing: its stream ends when a write finds no room for too
// long, and its place is free again (I4).
func TestClientThatReadsNothing(t *testing.T) {
	ts := startServer(t, func(o *Options) {
		o.Store = NewStore(sampleStart)
		// A clock that is slow by nearly the whole patience saves the test the wait.
		o.Now = func() time.Time { return time.Now().Add(200*time.Millisecond - streamWriteTimeout) }
		o.After = func(d time.Duration) <-chan time.Time { return time.After(d / 100) }
	})
	c, err := net.Dial("tcp", ts.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("GET /api/v1/failures/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	readers := func() int {
		s := ts.opts.Store
		s.mu.RLock()
		defer s.mu.RUnlock()
		return len(s.readers)
	}
	deadline := time.Now().Add(20 * time.Second)
	for readers() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for i := 0; readers() == 1; i++ {
		if time.Now().After(deadline) {
			t.Fatal("the stream does not end")
		}
		put(ts.opts.Store, bad, i*100, 100) // returns whatever the client does
		time.Sleep(time.Millisecond)
	}
}

func TestShutdownEndsStreams(t *testing.T) { // I5
	ts := startServer(t, nil)
	live, _ := ts.events("?replay=1")
	ts.next(live, "hello")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := ts.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	for range live { // until it is closed
	}
}

func TestStreamsAreBounded(t *testing.T) {
	ts := startServer(t, nil)
	paths := []string{"/api/v1/failures/stream", "/api/v1/incidents/stream"}
	for n := range readersMax {
		live, _ := ts.eventsOf(paths[n%2])
		ts.next(live, "hello")
	}
	for _, path := range paths {
		resp, body := ts.get(path)
		ts.wantStatus(503, resp, body)
		if resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	resp, body := ts.get("/livez") // everything else still works
	ts.wantStatus(200, resp, body)
}
