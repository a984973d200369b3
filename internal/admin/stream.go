// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"causey/internal/accesslog"
	"causey/internal/record"
)

// readersMax bounds the streams at the same time, of all kinds.
const readersMax = 32

// Rhythm of a stream.
const (
	heartbeatEvery = 15 * time.Second
	// streamWriteTimeout is how long a client may take nothing before its stream
	// is ended; its browser comes back and resumes.
	streamWriteTimeout = 10 * time.Second
	// streamBatch events are sent at most per streamPause: more than a person or
	// a page can follow, less than a flood of failures could make of it.
	streamBatch = 64
	streamPause = 100 * time.Millisecond
	// retryAfterMS is what a browser waits before it comes back.
	retryAfterMS = 2000
)

// feed is what a stream sends.
type feed interface {
	// wakes is readable when there may be something to send.
	wakes() chan struct{}
	// send appends what came to out, in streamBatch events at most, and reports that there
	// is more.
	send(out *eventWriter) (more bool)
	close()
}

// stream sends failures as they come, as server-sent events. The id of an event
// is the reference id of the exchange, so a client resumes where it was, also
// across a restart of the gateway.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	clients, replay, err := streamOptions(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	s.sendEvents(w, r, func() (feed, bool) {
		resume, _ := record.ParseID(r.Header.Get("Last-Event-ID"))
		f, resumed := s.opts.Store.follow(clients, resume, replay)
		return &failureFeed{f, make([]record.Record, streamBatch), accesslog.NewEncoder(accesslog.JSON)}, resumed
	})
}

// sendEvents sends a feed if there is a place for one more. resumed says that it goes on
// where the client was.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request, open func() (f feed, resumed bool)) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		writeProblem(w, problem{Status: http.StatusServiceUnavailable,
			Detail: "There are as many streams as the admin side serves at a time (" + strconv.Itoa(readersMax) + ")."})
		return
	}
	f, resumed := open()
	defer f.close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	out := &eventWriter{w: w, rc: http.NewResponseController(w), now: s.opts.Now}
	out.buf = fmt.Appendf(out.buf, "retry: %d\nevent: hello\ndata: {\"since\":%q,\"resumed\":%t}\n\n",
		retryAfterMS, formatTime(s.opts.Store.started), resumed)
	if out.flush() == nil {
		s.relay(r, f, out)
	}
}

// failureFeed sends failures.
type failureFeed struct {
	*follower
	batch []record.Record
	enc   *accesslog.Encoder
}

func (f *failureFeed) wakes() chan struct{} { return f.woken }

func (f *failureFeed) send(out *eventWriter) bool {
	n, skipped, more := f.read(f.batch)
	out.dropped(skipped)
	for i := range f.batch[:n] {
		out.failure(f.enc, &f.batch[i])
	}
	clear(f.batch[:n]) // lets go of the evidence
	return more
}

// streamOptions reads ?client=1 (also what clients caused) and ?replay=N (begin
// with the newest N).
func streamOptions(v url.Values) (clients bool, replay int, err error) {
	for name, values := range v {
		switch value := values[0]; name {
		case "client":
			if clients, err = strconv.ParseBool(value); err != nil {
				return false, 0, fmt.Errorf("client must be 1 or 0")
			}
		case "replay":
			if replay, err = strconv.Atoi(value); err != nil || replay < 0 || replay > backlogMax {
				return false, 0, fmt.Errorf("replay must be a number from 0 to %d", backlogMax)
			}
		default:
			return false, 0, fmt.Errorf("there is no parameter %q; there are client and replay", name)
		}
	}
	return clients, replay, nil
}

// relay sends what f has until the client leaves or stops reading, or the
// server shuts down (I5).
func (s *Server) relay(r *http.Request, f feed, out *eventWriter) {
	beat := s.opts.After(heartbeatEvery)
	for {
		more := false
		select {
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		case <-beat:
			out.buf = append(out.buf, ": still here\n\n"...)
		case <-f.wakes():
			more = f.send(out)
		}
		if out.flush() != nil || more && !s.pause(r, f) {
			return
		}
		beat = s.opts.After(heartbeatEvery)
	}
}

// pause waits for streamPause and then wakes f again. It reports whether to go on.
func (s *Server) pause(r *http.Request, f feed) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-s.closing:
		return false
	case <-s.opts.After(streamPause):
	}
	select {
	case f.wakes() <- struct{}{}:
	default:
	}
	return true
}

// eventWriter sends events with a deadline for each write (I4).
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	now func() time.Time
	buf []byte
}

// dropped says that so many events were left out.
func (o *eventWriter) dropped(n uint64) {
	if n > 0 {
		o.buf = fmt.Appendf(o.buf, "event: dropped\ndata: {\"count\":%d}\n\n", n)
	}
}

func (o *eventWriter) failure(enc *accesslog.Encoder, r *record.Record) {
	o.buf = append(o.buf, "id: "...)
	o.buf = r.ID.Append(o.buf)
	o.buf = append(o.buf, "\nevent: failure\ndata: {"...)
	o.buf = enc.AppendMembers(o.buf, r)
	o.buf = append(o.buf, "}\n\n"...)
}

func (o *eventWriter) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	extend(o.w, o.now().Add(streamWriteTimeout))
	_, err := o.w.Write(o.buf)
	o.buf = o.buf[:0]
	if err != nil {
		return err
	}
	return o.rc.Flush()
}
