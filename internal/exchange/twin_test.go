// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"sync"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// twin is one of the two in-memory pairs of ports. Every test of behaviour runs
// on both: what holds only on one of them is no rule of the exchange.
type twin struct {
	name string
	// mux: a connection carries many streams, each with a credit of its own beside
	// the connection's, and one stream ends by a code without harm to the others.
	// Else a connection carries one exchange at a time and ends with it if broken.
	mux bool
	// window is the credit of one stream, connWindow of one connection.
	window, connWindow int
	// piece is the most that one ReadBody gives.
	piece int
}

var twins = []twin{
	{name: "single", window: 32 << 10, connWindow: 32 << 10, piece: 16 << 10},
	{name: "multiplexing", mux: true, window: 24 << 10, connWindow: 40 << 10, piece: 8 << 10},
}

// The patience of the client twin.
const (
	clientStall = 10 * time.Second // without a byte moving
	halfClose   = time.Second      // grace after a FIN, on the single twin
	rewindMax   = 16 << 10
)

// cut says how the sender of a flow went away.
type cut uint8

const (
	whole cut = iota
	byFIN
	byRST
)

// air is what everything in one test hangs in: one lock, one condition.
type air struct {
	mu   sync.Mutex
	cond *sync.Cond
}

// wait waits until ready, or until the time that deadline returns, which may
// change meanwhile; zero means never. mu is held.
func (a *air) wait(ready func() bool, deadline func() time.Time) bool {
	for !ready() {
		d := deadline()
		if d.IsZero() {
			a.cond.Wait()
			continue
		}
		left := time.Until(d)
		if left <= 0 {
			return false
		}
		timer := time.AfterFunc(left, func() {
			a.mu.Lock()
			a.cond.Broadcast()
			a.mu.Unlock()
		})
		a.cond.Wait()
		timer.Stop()
	}
	return true
}

// credit is what a connection may still have in flight in one direction.
type credit struct{ left int }

// flow is one direction of one stream: bytes in flight, never more than its
// window and its connection's credit.
type flow struct {
	air      *air
	conn     *credit
	window   int
	data     []byte
	ended    bool
	trailers string
	cut      cut
	total    int // bytes that ever were put
}

// put adds what has room of p and returns how much that was.
func (f *flow) put(p []byte) int {
	n := max(min(len(p), f.window-len(f.data), f.conn.left), 0)
	f.data = append(f.data, p[:n]...)
	f.conn.left -= n
	f.total += n
	f.air.cond.Broadcast()
	return n
}

// take removes and returns at most n bytes.
func (f *flow) take(n int) []byte {
	n = min(n, len(f.data))
	p := append([]byte(nil), f.data[:n]...)
	f.data = f.data[n:]
	f.conn.left += n
	f.air.cond.Broadcast()
	return p
}

func (f *flow) end(trailers string) {
	f.ended, f.trailers = true, trailers
	f.air.cond.Broadcast()
}

// breakOff ends the flow before its end. A reset takes what is in flight along.
func (f *flow) breakOff(c cut) {
	f.cut = max(f.cut, c)
	if c == byRST {
		f.take(len(f.data))
	}
	f.air.cond.Broadcast()
}

// scribbler overwrites what was lent as soon as the loan is over, so that whoever
// uses it longer is found.
type scribbler struct{ lent [][]byte }

func (s *scribbler) lend(p []byte) []byte {
	if p != nil {
		s.lent = append(s.lent, p)
	}
	return p
}

func (s *scribbler) scribble() {
	for _, p := range s.lent {
		for i := range p {
			p[i] = '#'
		}
	}
	s.lent = s.lent[:0]
}

// newFailure makes a failure as a port does.
func newFailure(p failure.Party, ph phase.Phase, k failure.Kind) *failure.Error {
	return &failure.Error{
		Code:     failure.Code{Party: p, Phase: ph, Kind: k},
		Evidence: failure.Evidence{Offset: -1, Missing: -1, BytesAcked: -1},
	}
}

func kindOf(c cut) failure.Kind {
	if c == byRST {
		return failure.Reset
	}
	return failure.Closed
}

// renderedHead is a head as the other side gets it.
type renderedHead struct {
	status  int
	line    string // the request line
	fields  []string
	framing wire.Framing
	noBody  bool
	upgrade string
}

// render copies o, which is valid only now.
func render(o *exchange.Out) renderedHead {
	h := renderedHead{status: o.Status, framing: o.Framing, noBody: o.NoBody, upgrade: string(o.Upgrade)}
	if o.Method != nil {
		h.line = string(o.Method) + " " + string(o.Path)
	}
	for _, f := range o.Add {
		h.fields = append(h.fields, f.Name+": "+string(f.Value))
	}
	if o.Head == nil {
		return h
	}
	for i := range o.Head.Fields {
		if f := &o.Head.Fields[i]; !f.Hop && !o.Skip[f.ID] {
			h.fields = append(h.fields, string(o.Head.Name(i))+": "+string(o.Head.Value(i)))
		}
	}
	return h
}
