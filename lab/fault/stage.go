// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"causey/lab/real"
)

// Stage is where one fault happens. Set fills in the upper part; who drives the stage
// starts the gateway and the visitors by it.
type Stage struct {
	// Config is what the gateway is told: the YAML of sites, upstreams and whatever else
	// it needs. listen, admin and logs are the driver's.
	Config string
	// Before stands in front of the gateway's command, such as "ip netns exec NAME".
	Before []string
	// Visitors are who comes. Those of NewStage are ordinary ones. Others come beside them.
	Visitors Visitors
	Others   []Visitors

	// Gateway is the address where the gateway listens, known before it is started.
	Gateway string
	// Dir is for files of the stage.
	Dir string
	// Rand makes what is left to chance.
	Rand *rand.Rand
	Logf func(format string, args ...any)

	ctx  context.Context
	ends []func()
	// breaks and mends are what Set leaves to later and back.
	breaks, mends func() error
	kept          any // what Set keeps for Break and Mend
	// processes are the programs that were launched, in that order.
	processes []*real.Process
	crowds    []*Crowd
	moved     func(to string) // tells the name server where the shop is
}

// NewStage returns an empty stage that lives until ctx or Close ends it.
func NewStage(ctx context.Context, dir, gateway string, seed uint64) *Stage {
	return &Stage{ctx: ctx, Dir: dir, Gateway: gateway, Rand: rand.New(rand.NewPCG(seed, 0)),
		Logf: func(string, ...any) {}, Visitors: Ordinary()}
}

// with makes a Break or a Mend of what Set kept.
func with[T any](do func(T) error) func(*Stage) error {
	return func(s *Stage) error { return do(s.kept.(T)) }
}

// AtEnd has end called by Close, the newest first.
func (s *Stage) AtEnd(end func()) { s.ends = append(s.ends, end) }

// later is the Break of a fault whose Set knows how: it left it in Stage.breaks.
func later(s *Stage) error { return s.breaks() }

// back is the Mend that Set left in Stage.mends.
func back(s *Stage) error { return s.mends() }

// Close ends what was begun on the stage. I1.
func (s *Stage) Close() {
	for ; len(s.ends) > 0; s.ends = s.ends[:len(s.ends)-1] {
		s.ends[len(s.ends)-1]()
	}
}

// Visitors say who comes and what they ask for.
type Visitors struct {
	// PerSecond is how many requests fall due in a second, at random times.
	PerSecond float64
	// Clients is how many different visitors they are of; each has an address of its own
	// in 127.0.0.0/8 and keeps its connection.
	Clients int
	// Asks are what they ask for, by weight.
	Asks []Ask
	// Patience is when a visitor leaves, 0 for never.
	Patience time.Duration
}

// Ask is one kind of request.
type Ask struct {
	Method, Path string
	// Paths are made of Path where it has a "*": a number of at most Many takes its place.
	Many int
	// Host is the site, "" for the stage's first.
	Host string
	// Fields are more lines of the head, Body is how many bytes the body has.
	Fields []string
	Body   int
	Weight int
	// ReadRate bounds the bytes read of the answer in a second, SendRate those sent of the
	// body; 0 for as fast as possible.
	ReadRate, SendRate int
	// Patience is that of who asks this, 0 for that of the visitors.
	Patience time.Duration
	// Every has each client ask so often by its own clock, as a page that polls does; then
	// Weight does not count. On a WebSocket it is how often a message is sent.
	Every time.Duration
	// Again is how often a visitor who got an error asks again, a quarter of a second later.
	Again int
}

// Ordinary are the visitors of a small shop: pages, files and now and then an order.
func Ordinary() Visitors {
	return Visitors{PerSecond: 25, Clients: 12, Asks: []Ask{
		{Method: "GET", Path: "/", Weight: 6},
		{Method: "GET", Path: "/product/*", Many: 40, Weight: 8},
		{Method: "GET", Path: "/search?q=*", Many: 20, Weight: 2},
		{Method: "GET", Path: "/static/*.css", Many: 6, Weight: 6},
		{Method: "POST", Path: "/cart", Body: 300, Weight: 2},
	}}
}
