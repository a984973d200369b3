// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"sync"
	"time"

	"causey/internal/engine/peercert"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// witnesses are servers that told us the time, in the Date of their answers. A
// certificate that seems to have expired may be good, and our own clock wrong.
type witnesses struct {
	mu   sync.Mutex
	told [witnessesMax]witness
}

// witness is one server's word: how far its clock was ahead of ours.
type witness struct {
	member *member
	ahead  time.Duration
	at     int64 // engine's clock
}

const (
	witnessesMax = 8
	// witnessEvery is how often one server's Date is looked at; witnessLife, for how
	// long its word counts.
	witnessEvery = 10 * time.Second
	witnessLife  = time.Hour
)

// hear takes m's Date.
func (w *witnesses) hear(m *member, date []byte, now time.Time, mono int64) {
	// RFC 9110 section 5.6.7: the one form that senders may use.
	at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", string(date))
	if err != nil {
		return
	}
	m.heard.Store(max(mono, 1))
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest := 0
	for i := range w.told {
		if w.told[i].member == m {
			oldest = i
			break
		}
		if w.told[i].at < w.told[oldest].at {
			oldest = i
		}
	}
	w.told[oldest] = witness{m, at.Sub(now.Round(0)), max(mono, 1)}
}

// ahead is how far the witnesses' clocks are ahead of ours, in the middle; ok is
// false if there are none.
func (w *witnesses) ahead(mono int64) (d time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []time.Duration
	for _, t := range w.told {
		if t.at != 0 && mono-t.at < int64(witnessLife) {
			all = append(all, t.ahead)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return all[(len(all)-1)/2], true
}

// hearDate keeps what the answer's Date says of our clock, if it is time to look.
func (u *upConn) hearDate(res *wire.Response) {
	now := u.eng.sweep.now()
	if last := u.member.heard.Load(); last != 0 && now-last < int64(witnessEvery) {
		return
	}
	// "The Age field conveys the sender's estimate of the time since the response was
	// generated" (RFC 9111 section 5.1): the Date is as old.
	if i := res.Find(wire.Date); i >= 0 && res.Find(wire.Age) < 0 {
		u.eng.witnesses.hear(u.member, res.Value(i), u.headAt, now)
	}
}

// checkClock asks the other servers about the time, where a certificate is outside
// its own: if it is good by theirs, the fault is ours.
func (u *upConn) checkClock(f *failure.Error, cert *peercert.Fault) {
	if cert.Kind != failure.CertExpired && cert.Kind != failure.CertNotYetValid {
		return
	}
	ev := f.Evidence.TLS
	ev.ClockAhead, ev.HasClock = u.eng.witnesses.ahead(u.eng.mono())
	if !ev.HasClock || ev.ClockAhead.Abs() < clockSlack {
		return
	}
	theirs := u.eng.env.Now().Add(ev.ClockAhead)
	if u.member.tls.policy.CheckAt(u.tls.conn.ConnectionState().PeerCertificates, theirs) {
		f.Code = failure.Code{Party: failure.Gateway, Phase: phase.UpHandshake, Kind: failure.ClockWrong}
	}
}

// clockSlack is how far apart two clocks may be that are both right: what a slow
// answer and a coarse Date add up to.
const clockSlack = time.Minute
