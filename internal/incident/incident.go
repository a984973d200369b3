// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"math"
	"time"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// State is where an incident is in its life.
type State string

// The states.
const (
	Open       State = "open"       // it is there, and no cause stands out
	Suspected  State = "suspected"  // a cause is likely
	Confirmed  State = "confirmed"  // a cause is as good as sure, and has been for a while
	Recovering State = "recovering" // nothing fails any more
	Closed     State = "closed"
)

// Severity is how bad it is for visitors.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // most of what an upstream is asked for fails
	Major    Severity = "major"    // visitors get errors
	Minor    Severity = "minor"    // few do
	Saved    Severity = "saved"    // nobody noticed: others answered instead
)

// States and Severities are all of them, in order.
var (
	States     = []State{Open, Suspected, Confirmed, Recovering, Closed}
	Severities = []Severity{Critical, Major, Minor, Saved}
)

// Scope is how far it reaches.
type Scope struct {
	// Level is client, path, server, upstream, site, host, network, gateway or everything;
	// Value names it.
	Level string `json:"level"`
	Value string `json:"value"`
	// Reach is isolated, shared or systemic.
	Reach string `json:"reach"`
	// Says is the proof, in counts: "8 of 8 at 10.0.0.3:80, 0 of 4120 elsewhere".
	Says string `json:"says"`
}

// Incident is failures with one root cause.
type Incident struct {
	ID       string    `json:"id"`
	State    State     `json:"state"`
	Severity Severity  `json:"severity"`
	Opened   time.Time `json:"opened"`
	Updated  time.Time `json:"updated"`
	// LastSeen is when the newest failure came; Ended when it was closed, zero before.
	LastSeen time.Time `json:"last_seen"`
	Ended    time.Time `json:"closed,omitzero"`
	// Reopened counts how often it came again.
	Reopened int `json:"reopened"`

	Upstreams []string `json:"upstreams"`
	Sites     []string `json:"sites"`
	Scope     Scope    `json:"scope"`
	// Failed counts requests that visitors lost, Saved failures that they did not see,
	// Clients those affected, of those kept.
	Failed  uint64 `json:"failed"`
	Saved   uint64 `json:"saved"`
	Clients int    `json:"clients"`

	// Ranked are the causes that come into question, the likeliest first; Unknown is the
	// share of confidence that none of them has. Sure says that the first is said without
	// reserve.
	Ranked  []Ranked `json:"ranked"`
	Unknown float64  `json:"unknown"`
	Sure    bool     `json:"sure"`
	// Title and Account say it in words.
	Title   string  `json:"title"`
	Account Account `json:"account"`
	// Exemplars are ids of exchanges that failed.
	Exemplars []string `json:"exemplars"`
	// Facts are all that was observed, by name: what the causes were weighed by.
	Facts []Fact `json:"facts"`

	// Cases are what it is made of.
	Cases []sensor.Key `json:"cases"`

	// before are the counts of its cases that are not its own; failedBefore and
	// savedBefore are its own of the times before it came again.
	before                    map[sensor.Key]counts
	failedBefore, savedBefore uint64

	known    bool      // told already
	told     string    // its fingerprint then
	kept     time.Time // when it was told or kept last
	topSince time.Time // how long the first cause has been the first
	topID    string
}

// Ranked is a cause in an incident.
type Ranked struct {
	Cause  string `json:"cause"`
	Number string `json:"number"`
	Title  string `json:"title"`
	// Party is whose side it lies on: client, upstream or gateway.
	Party      string  `json:"party"`
	Confidence float64 `json:"confidence"`
	Score      float64 `json:"score"`
	Evidence   []Line  `json:"evidence"`
}

// Named is the likeliest cause if it is likely enough to be named, nil otherwise.
func (i *Incident) Named() *Ranked {
	if len(i.Ranked) == 0 || i.Ranked[0].Confidence < cause.Likely {
		return nil
	}
	return &i.Ranked[0]
}

// Line is a line of evidence, with what it weighs for the cause, or against it.
type Line struct {
	Fact   string  `json:"fact"`
	Weight float64 `json:"weight"`
	Says   string  `json:"says"`
}

// Fact is one thing that was observed.
type Fact struct {
	Name string `json:"name"`
	// Value is true or false, a number or a list of words.
	Value any    `json:"value"`
	Says  string `json:"says"`
}

func factsOf(f cause.Facts) []Fact {
	out := []Fact{}
	for _, known := range cause.AllFacts() {
		v, ok := f[known.Name]
		if !ok {
			continue
		}
		one := Fact{Name: known.Name, Says: v.Say}
		switch known.Kind {
		case cause.Truth:
			one.Value = v.True
		case cause.Number:
			one.Value = math.Round(1000*v.Num) / 1000
		case cause.Word:
			one.Value = append([]string{}, v.Words...)
		}
		out = append(out, one)
	}
	return out
}

// rankedMax is how many causes an incident names.
const rankedMax = 5

func rankedOf(r *cause.Ranking) []Ranked {
	out := []Ranked{}
	for i := range r.Causes[:min(len(r.Causes), rankedMax)] {
		c := &r.Causes[i]
		one := Ranked{Cause: c.Cause.ID, Number: c.Cause.Number, Title: c.Cause.Title, Party: c.Cause.Party().String(),
			Confidence: c.Confidence, Score: c.Score, Evidence: []Line{}}
		for _, l := range c.Lines {
			one.Evidence = append(one.Evidence, Line{l.Fact, l.Weight, l.Say})
		}
		out = append(out, one)
	}
	return out
}
