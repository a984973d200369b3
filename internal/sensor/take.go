// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// take takes in one record. I3.
func (s *Sensor) take(r *record.Record) {
	at := s.timeOf(r.Start.Add(r.Total))
	sec := at.Unix()
	repeats := s.repeats(r, sec)
	s.all.of(sec).count(r, repeats)
	p := s.pool(r.Upstream)
	if p == nil {
		if r.Error != nil {
			s.bad(nil, r, nil, at, at)
		}
		return
	}
	here := p.secs.of(sec)
	here.count(r, repeats)
	s.see(p, r, at)
	tries := r.KeptAttempts()
	for i := range tries {
		a := &tries[i]
		last := i == len(tries)-1
		switch {
		case !a.Failure.IsNone() && a.Failure.Party != failure.Upstream:
		case !a.Failure.IsNone(), a.Bad, a.Status >= 500:
			when := whenOf(r, a, at)
			if at.Sub(when) > oldNews {
				continue
			}
			p.secs.of(when.Unix()).bad++
			badTry(p, a, when)
			s.bad(p, r, a, at, when)
		case last && endedBad(r):
			here.bad++ // its answer began and did not end
			badTry(p, a, at)
		case a.Status > 0:
			here.good++
			wait := waitOf(r, a, at)
			here.waited += wait
			s.good(p, r, a, at, wait)
			if p.lost.has(r, a.Status, at) {
				s.bad(p, r, a, at, at)
			}
		}
	}
	if len(tries) == 0 && r.Status > 0 && r.Status < 400 { // the cache had it
		p.lost = lost{}
	}
	if r.Outcome == record.Tunnelled && r.Tunnel.ByServer && r.Tunnel.QuietFor >= unannounced && len(tries) > 0 {
		s.ended(p, r, &tries[len(tries)-1], at)
	}
	if r.Error == nil || isOfAttempt(r, tries) {
		return
	}
	var a *record.Attempt
	if len(tries) > 0 && (r.Failure.Party == failure.Upstream || leftWaiting(r)) {
		a = &tries[len(tries)-1]
	}
	s.bad(p, r, a, at, at)
}

// Failures become known when their exchange is over: one that was followed by a long
// answer from another server is dated back, as far as seconds are looked at again, and
// left out if that is long ago.
const (
	datedBack = 10 * time.Second
	oldNews   = time.Minute
)

// whenOf is when an attempt of an exchange that ended at the given time failed.
func whenOf(r *record.Record, a *record.Attempt, at time.Time) time.Time {
	if a.Failure.IsNone() || a.Start < 0 {
		return at
	}
	ago := max(r.Total-a.Start-a.Took, 0)
	if ago <= oldNews {
		ago = min(ago, datedBack)
	}
	return at.Add(-ago)
}

// lost is how it goes with an upstream that finds nothing that it is asked for any more.
type lost struct {
	since   time.Time // when the first of such answers in a row came
	root    bool      // the first page was one of them
	clients [lostClients]netip.Addr
}

// What it takes that such answers, which are ordinary, count as bad: that nothing else came
// for lostAfter, to that many clients, of whom somebody asked for the first page. One who
// looks for holes alone is not it.
const (
	lostAfter   = 5 * time.Second
	lostClients = 4
)

// has takes in an answer and reports whether it is one too many.
func (l *lost) has(r *record.Record, status int, at time.Time) bool {
	if !record.IsMissing(status) {
		*l = lost{}
		return false
	}
	if l.since.IsZero() {
		l.since = at
	}
	path := shape(r.Text(record.Target))
	l.root = l.root || path.String() == "/"
	for i := range l.clients {
		if !l.clients[i].IsValid() {
			l.clients[i] = r.Client
		}
		if l.clients[i] == r.Client {
			break
		}
	}
	return l.root && l.clients[lostClients-1].IsValid() && at.Sub(l.since) > lostAfter
}

// isOfAttempt reports that the exchange's failure is one of its attempts', which was
// taken in already.
func isOfAttempt(r *record.Record, tries []record.Attempt) bool {
	return r.Failure.Party == failure.Upstream && slices.ContainsFunc(tries, func(a record.Attempt) bool { return a.Error == r.Error })
}

// endedBad reports that the failure came after the answer's head.
func endedBad(r *record.Record) bool {
	return r.Failure.Party == failure.Upstream && r.Failure.Phase >= phase.RelayBody
}

// leftWaiting reports a client that had waited for long.
func leftWaiting(r *record.Record) bool { return isLeaving(r) && r.Phases[phase.AwaitHead] >= patience }

// isLeaving reports a client that went away before its answer, of its own will or out of
// patience.
func isLeaving(r *record.Record) bool {
	return r.Outcome == record.ClientLeft && r.UpStatus == 0
}

// badTry counts an attempt that failed.
func badTry(p *pool, a *record.Attempt, at time.Time) {
	if m := p.server(a.Server); m != nil {
		m.secs.of(at.Unix()).bad++
		m.fails(at)
		m.names(a.Software, at, false)
	}
}

// good counts an attempt that went well, and takes a sample now and then. I4.
func (s *Sensor) good(p *pool, r *record.Record, a *record.Attempt, at time.Time, wait time.Duration) {
	if m := p.server(a.Server); m != nil {
		m.secs.of(at.Unix()).good++
		if !record.IsMissing(a.Status) {
			m.lastGood = at
		}
		m.answered++
		m.names(a.Software, at, true)
		p.watch(m, r, a, at, wait)
	}
	if at.Sub(p.last) < goodEvery {
		return
	}
	p.last = at
	b := p.good.place()
	s.fill(b, r, a, at)
	b.try.Took = wait
}

// bad enters a failure: of the attempt a, or of none. It came at when, and the exchange
// ended at the given time.
func (s *Sensor) bad(p *pool, r *record.Record, a *record.Attempt, at, when time.Time) {
	code := r.Failure
	mode := modeOf(code)
	if a != nil && (!a.Failure.IsNone() || !endedBad(r)) {
		code = a.Failure
		if mode = modeOf(code); code.IsNone() {
			mode = modeOfStatus(a.Status)
		}
	}
	if mode == "" && leftWaiting(r) {
		mode = ModeLeft
	}
	if mode == "" {
		return
	}
	c := s.caseOf(mode, p, when)
	if c == nil {
		return
	}
	seen := r.Saved == 0 && (r.Error != nil || a != nil && a.Failure.IsNone())
	b := c.note(when, seen)
	s.fill(b, r, a, at)
	c.wanted.note(r)
	if mode == ModeRoute && string(r.Text(record.Host)) == c.wanted.Host && !isRobot(r.Text(record.UserAgent)) {
		b.name = c.wanted.Host
	}
	if b.gap = -1; a != nil {
		if m := p.servers[a.Server]; m != nil {
			b.gap = m.gap
		}
	}
	if a == nil || a.Failure.IsNone() && !code.IsNone() {
		b.try.Failure, b.try.Error = code, r.Error
		b.try.Took = r.Total - max(b.try.Start, 0)
	}
}

// unannounced is after what silence an end was not announced: where it is agreed upon, as
// between WebSockets (RFC 6455 section 7.1), the last words are just over, whoever began.
const unannounced = 200 * time.Millisecond

// ended enters a tunnel that a server ended without a word, as it may: only by many of them
// something can be told.
func (s *Sensor) ended(p *pool, r *record.Record, a *record.Attempt, at time.Time) {
	if c := s.caseOf(ModeEnded, p, at); c != nil {
		b := c.note(at, true)
		s.fill(b, r, a, at)
		b.gap, b.quiet, b.try.Took = -1, r.Tunnel.QuietFor, r.Total-max(a.Start, 0)
	}
}

func (s *Sensor) fill(b *sample, r *record.Record, a *record.Attempt, at time.Time) {
	target := r.Text(record.Target)
	b.at, b.id, b.site, b.client = at, r.ID, r.Site, r.Client
	b.path, b.file, b.target = shape(target), isFile(target), maphash.Bytes(s.seed, target)
	b.method, b.unsafe = methodOf(r.Text(record.Method))
	b.asks, b.headIn, b.bodyIn, b.bodyOut, b.total = r.Asks, int64(r.HeadIn), r.BodyIn, r.BodyOut, r.Total
	b.upload = r.UploadTook
	b.bodyWait, b.relay = r.BodyWait, max(r.Phases[phase.RelayBody], 0)
	if b.try.Start = record.NotReached; a != nil {
		b.try = *a
	}
}

// methodOf returns the name of a usual method, and whether requests with it may change
// something.
func methodOf(m []byte) (name string, unsafe bool) {
	switch string(m) {
	case "GET":
		return "GET", false
	case "HEAD":
		return "HEAD", false
	case "OPTIONS":
		return "OPTIONS", false
	case "POST":
		return "POST", true
	case "PUT":
		return "PUT", true
	case "PATCH":
		return "PATCH", true
	case "DELETE":
		return "DELETE", true
	}
	return "other", true
}
