// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"net/netip"
	"time"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// Doubt is a case of an incident, for who tries out what it is.
type Doubt struct {
	sensor.Key
	// Onset is when the present episode began, Now the time of the look.
	Onset, Now time.Time
	// FailsOn says that failures came of late.
	FailsOn bool
	// Symptom and Facts are what the causes are ranked by. They are shared: nobody writes
	// to them.
	Symptom cause.Symptom
	Facts   cause.Facts
	// Servers are those with failures in the episode, that of the newest first; Dialled is
	// the address of that one, invalid for a unix socket and where none was dialled.
	Servers []string
	Dialled netip.AddrPort
	// Wanted is a request that failed.
	Wanted sensor.Wanted
}

// Experiments tries out what separates causes that look alike.
type Experiments interface {
	// Consider returns what was tried of a case and still counts, and may begin to try
	// more. It is called with the book and the sensor locked and does not wait.
	Consider(*Doubt) cause.Facts
}

// failsOnFor is how long after its newest failure a case counts as failing.
const failsOnFor = 10 * time.Second

func doubtOf(c *sensor.Case, s *seen, now time.Time) *Doubt {
	return &Doubt{Key: s.Key, Onset: s.onset, Now: now, FailsOn: now.Sub(s.last) < failsOnFor && !s.recovered,
		Symptom: s.symptom, Facts: s.facts, Servers: s.servers, Dialled: s.dialled, Wanted: c.Wanted()}
}
