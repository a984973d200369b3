// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"sync"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

// How many records are kept, of each kind. A record is about 1.2 KiB.
const (
	ordinaryKept = 512
	failedKept   = 4096
	clientKept   = 1024
	savedKept    = 512
)

// The lanes of the store.
const (
	laneOrdinary = iota
	laneFailed
	laneClient // failures that are the client's own doing
	laneSaved  // exchanges that went well though something failed
	laneCount
)

// serversMax bounds the servers that are counted by name. Names come from the
// configuration, but add up over reloads.
const serversMax = 8192

// Store keeps the newest records, and counts what it has seen. It is safe for
// concurrent use; Consume has one caller.
type Store struct {
	started time.Time

	mu     sync.RWMutex
	seq    uint64 // of the newest record, 1 for the first
	lanes  [laneCount]lane
	byID   map[record.ID]place
	codes  []tally // by registry ID
	server map[serverName]*serverTally
	// newestServer and newestTally are the last of server that was counted: records
	// of one batch often go the same way.
	newestServer serverName
	newestTally  *serverTally
	// exchanges counts all records, failed those with a failure that is not the
	// client's doing, clientFailed the others that failed.
	exchanges, failed, clientFailed uint64
	// saved counts exchanges that were saved, savedBy does by upstream.
	saved   SavedCounts
	savedBy map[string]*SavedCounts
	readers readers
}

// lane is one ring: entries are written in turn and the oldest is overwritten.
// It grows to its size as records come: a quiet gateway needs no room.
type lane struct {
	entries []entry
	max     int
	total   uint64 // entries ever put; number n lies at n modulo the length
}

type entry struct {
	seq uint64 // order of arrival over all lanes
	rec record.Record
}

// place is where a record lies.
type place struct {
	lane  uint8
	index uint32
}

// tally is what is remembered of one code.
type tally struct {
	count       uint64
	first, last time.Time
	newest      entrySummary
}

// entrySummary tells the newest exchange of a tally.
type entrySummary struct {
	id                     record.ID
	site, upstream, server string
}

type serverName struct{ upstream, server string }

type serverTally struct {
	attempts, failures uint64
	code               failure.Code
	last               time.Time
	id                 record.ID
}

// NewStore returns an empty store; started is the time that answers show as the
// beginning of what they count.
func NewStore(started time.Time) *Store {
	return newStore(started, [laneCount]int{ordinaryKept, failedKept, clientKept, savedKept})
}

func newStore(started time.Time, kept [laneCount]int) *Store {
	s := &Store{
		started: started,
		codes:   make([]tally, len(failure.All())),
		server:  map[serverName]*serverTally{},
		savedBy: map[string]*SavedCounts{},
		readers: readers{},
	}
	for i, n := range kept {
		s.lanes[i].max = n
	}
	s.byID = map[record.ID]place{}
	return s
}

// keptOfBatch bounds the ordinary records kept of one batch. At rates where
// batches are larger, each record would be overwritten before anybody could ask
// for it; the newest of each batch are a sample that costs less.
const keptOfBatch = 128

// Consume keeps a copy of each record and wakes the readers if one failed. All
// are counted; of ordinary ones the newest of the batch are kept.
func (s *Store) Consume(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake := false
	for i := range batch {
		s.put(&batch[i], len(batch)-i <= keptOfBatch)
		wake = wake || batch[i].Error != nil
	}
	if wake {
		s.readers.wake()
	}
}

// put counts r, and keeps it if it failed, was saved, or keep is set.
func (s *Store) put(r *record.Record, keep bool) {
	s.seq++
	s.exchanges++
	l := laneOrdinary
	switch {
	case r.Error != nil:
		l = s.count(r)
	case r.Saved != 0:
		l = s.countSaved(r)
	}
	for i := range r.KeptAttempts() {
		s.countAttempt(r, &r.Attempts[i])
	}
	if l == laneOrdinary && !keep {
		return
	}
	ring := &s.lanes[l]
	index := uint32(ring.total % uint64(ring.max))
	if int(index) == len(ring.entries) {
		ring.entries = append(ring.entries, entry{})
	}
	at := &ring.entries[index]
	where := place{uint8(l), index}
	if at.seq != 0 && s.byID[at.rec.ID] == where {
		delete(s.byID, at.rec.ID)
	}
	at.seq, at.rec = s.seq, *r
	s.byID[r.ID] = where
	ring.total++
}

// count adds a failed record to the tally of its code and returns its lane.
func (s *Store) count(r *record.Record) int {
	e := failure.Lookup(r.Failure)
	t := &s.codes[e.ID]
	if t.count == 0 {
		t.first = r.Start
	}
	t.count++
	t.last = r.Start
	t.newest = entrySummary{id: r.ID, site: r.Site, upstream: r.Upstream}
	if a := r.LastAttempt(); a != nil {
		t.newest.server = a.Server
	}
	if e.Severity == failure.SeverityClient {
		s.clientFailed++
		return laneClient
	}
	s.failed++
	return laneFailed
}

func (s *Store) countAttempt(r *record.Record, a *record.Attempt) {
	name := serverName{r.Upstream, a.Server}
	t := s.newestTally
	if t == nil || name != s.newestServer {
		if t = s.server[name]; t == nil {
			if len(s.server) >= serversMax {
				return
			}
			t = &serverTally{}
			s.server[name] = t
		}
		s.newestServer, s.newestTally = name, t
	}
	t.attempts++
	if !a.Failure.IsNone() {
		t.failures++
		t.code, t.last, t.id = a.Failure, r.Start, r.ID
	}
}

// Get returns the record with the given id, if it is still kept.
func (s *Store) Get(id record.ID) (record.Record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	at, ok := s.byID[id]
	if !ok {
		return record.Record{}, false
	}
	return s.lanes[at.lane].entries[at.index].rec, true
}

// kept says how far back the store reaches.
type kept struct {
	Ordinary       int    `json:"ordinary"`
	Failed         int    `json:"failed"`
	ClientFailed   int    `json:"client_failed"`
	Saved          int    `json:"saved"`
	OldestOrdinary string `json:"oldest_ordinary,omitempty"`
	OldestFailed   string `json:"oldest_failed,omitempty"`
}

func (s *Store) kept() kept {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return kept{
		Ordinary: s.lanes[laneOrdinary].len(), Failed: s.lanes[laneFailed].len(), ClientFailed: s.lanes[laneClient].len(),
		Saved: s.lanes[laneSaved].len(), OldestOrdinary: s.lanes[laneOrdinary].oldest(), OldestFailed: s.lanes[laneFailed].oldest(),
	}
}

func (l *lane) len() int { return int(min(l.total, uint64(len(l.entries)))) }

// first returns the number of the oldest entry that is kept.
func (l *lane) first() uint64 { return l.total - uint64(l.len()) }

// at returns entry number n, which must be kept.
func (l *lane) at(n uint64) *entry { return &l.entries[n%uint64(l.max)] }

func (l *lane) oldest() string {
	if l.total == 0 {
		return ""
	}
	return formatTime(l.at(l.first()).rec.Start)
}
