// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"sort"
	"strings"

	"causey/internal/failure"
	"causey/internal/record"
)

// query selects records. The zero value of a field does not restrict.
type query struct {
	// severities has a bit for each severity wanted; 0 is every exchange, failed
	// or not.
	severities uint8
	// saved wants only exchanges that were saved.
	saved bool
	// code is a whole code, or its first parts ("upstream", "upstream.connect").
	code           string
	site, upstream string
	// statusMin and statusMax bound the status; statusMax 0 is every status.
	statusMin, statusMax int
	// before is the seq that the newest record wanted lies below, 0 for none.
	before uint64
	limit  int
}

func (q *query) matches(r *record.Record) bool {
	switch {
	case q.code != "" && !hasCode(r.Failure, q.code):
	case q.severities != 0 && !q.wantsSeverity(r):
	case q.saved && r.Saved == 0:
	case q.site != "" && r.Site != q.site:
	case q.upstream != "" && r.Upstream != q.upstream:
	case q.statusMax != 0 && (r.Status < q.statusMin || r.Status > q.statusMax):
	default:
		return true
	}
	return false
}

func (q *query) wantsSeverity(r *record.Record) bool {
	return r.Error != nil && q.severities&(1<<failure.Lookup(r.Failure).Severity) != 0
}

// hasCode reports whether c is the code called want, or lies below it.
func hasCode(c failure.Code, want string) bool {
	rest, ok := strings.CutPrefix(c.String(), want)
	return ok && (rest == "" || rest[0] == '.')
}

// find returns copies of the newest records that match, newest first, and the seq
// to go on from, 0 if there are no more.
func (s *Store) find(q query) (found []record.Record, next uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var at [laneCount]uint64 // number after the next candidate
	for i := range s.lanes {
		at[i] = s.lanes[i].total
		if q.before != 0 {
			at[i] = s.lanes[i].after(q.before - 1)
		}
		if i == laneOrdinary && (q.severities != 0 || q.code != "") {
			at[i] = s.lanes[i].first()
		}
	}
	var last uint64
	for {
		e := s.newest(&at)
		if e == nil {
			return found, 0
		}
		if !q.matches(&e.rec) {
			continue
		}
		if len(found) == q.limit {
			return found, last
		}
		found = append(found, e.rec)
		last = e.seq
	}
}

// newest takes the newest entry below at over all lanes, nil when all are used up.
func (s *Store) newest(at *[laneCount]uint64) *entry {
	best := -1
	var found *entry
	for i := range s.lanes {
		l := &s.lanes[i]
		if at[i] <= l.first() {
			continue
		}
		if e := l.at(at[i] - 1); found == nil || e.seq > found.seq {
			best, found = i, e
		}
	}
	if found != nil {
		at[best]--
	}
	return found
}

// after returns the number of the first kept entry that came after seq.
func (l *lane) after(seq uint64) uint64 {
	first := l.first()
	return first + uint64(sort.Search(l.len(), func(i int) bool {
		return l.at(first+uint64(i)).seq > seq
	}))
}
