// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Visits is a load of short visits: a new TLS connection for each request.
type Visits struct {
	Addr netip.AddrPort
	// Request is sent as it is on each connection; it must ask for its end.
	Request []byte
	// TLS is what all visitors have in common; its session cache is not used.
	TLS *tls.Config
	// AtOnce is how many visitors there are. Each begins its next visit when the
	// one before has ended.
	AtOnce int
	// Length is how long visits are begun; those under way then still count.
	Length time.Duration
	// Resume lets each visitor come back with the ticket of the visit before.
	// Otherwise every handshake is a full one.
	Resume bool
}

// VisitOutcome is what came of Visits.
type VisitOutcome struct {
	// Resumed are those of the Answered whose handshake was an abbreviated one.
	Answered, Failed, Resumed int
	// Latency is that of the answered: from before the connection was opened to
	// the last byte of the answer.
	Latency Histogram
	// Took is the time from the first visit to the end of the last.
	Took time.Duration
	// Failure is the first one, nil if there was none.
	Failure error
}

// visitLimit is how long one visit may take: a gateway that hangs must not hang
// the benchmark. A variable for the tests.
var visitLimit = 10 * time.Second

var errStaysOpen = errors.New("the connection was not closed in order behind the answer")

// Visitors are ready to visit.
type Visitors struct {
	visits Visits
	each   []*visitor
}

// visitor makes one visit after the other.
type visitor struct {
	visits *Visits
	tls    *tls.Config
	buf    [4 << 10]byte
}

// forgetful keeps no session. With no cache at all a client of crypto/tls would not
// offer to resume, and some servers would then save the work of issuing tickets,
// which no browser lets them.
type forgetful struct{}

func (forgetful) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (forgetful) Put(string, *tls.ClientSessionState)        {}

// Prepare makes the first visit of each visitor, which is not part of the load:
// only then has a visitor a ticket. It fails if one of them fails.
func Prepare(ctx context.Context, v Visits) (*Visitors, error) {
	if v.AtOnce < 1 || v.TLS == nil {
		return nil, fmt.Errorf("no load of %d TLS visitors to %v", v.AtOnce, v.Addr)
	}
	all := &Visitors{visits: v}
	for range v.AtOnce {
		one := &visitor{visits: &all.visits, tls: v.TLS.Clone()}
		one.tls.ClientSessionCache = forgetful{}
		if v.Resume {
			one.tls.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		}
		all.each = append(all.each, one)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, _, err := one.visit(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Run makes the load. An error means that it was called off; failures of single
// visits are in the outcome.
func (all *Visitors) Run(ctx context.Context) (*VisitOutcome, error) {
	out := &VisitOutcome{}
	var mutex sync.Mutex
	var crew sync.WaitGroup
	start := time.Now()
	for _, one := range all.each {
		crew.Go(func() {
			for time.Since(start) < all.visits.Length && ctx.Err() == nil {
				took, resumed, err := one.visit()
				mutex.Lock()
				out.count(took, resumed, err)
				mutex.Unlock()
			}
		})
	}
	crew.Wait()
	out.Took = time.Since(start)
	return out, ctx.Err()
}

func (o *VisitOutcome) count(took time.Duration, resumed bool, err error) {
	if err != nil {
		o.Failed++
		if o.Failure == nil {
			o.Failure = err
		}
		return
	}
	o.Answered++
	o.Latency.Record(took)
	if resumed {
		o.Resumed++
	}
}

// visit opens a connection, asks once and waits until the gateway closes it.
func (v *visitor) visit() (took time.Duration, resumed bool, err error) {
	start := time.Now()
	raw, err := (&net.Dialer{Deadline: start.Add(visitLimit)}).Dial("tcp4", v.visits.Addr.String())
	if err != nil {
		return 0, false, err
	}
	// Without an alert of our own: it would meet a closed socket, and the kernel's
	// reset would be charged to the gateway.
	defer raw.Close()
	if err := raw.SetDeadline(start.Add(visitLimit)); err != nil {
		return 0, false, err
	}
	conn := tls.Client(raw, v.tls)
	if err := conn.Handshake(); err != nil {
		return 0, false, fmt.Errorf("TLS handshake: %w", err)
	}
	if _, err := conn.Write(v.visits.Request); err != nil {
		return 0, false, err
	}
	if err := v.read(conn); err != nil {
		return 0, false, err
	}
	took = time.Since(start)
	switch n, err := conn.Read(v.buf[:]); {
	case n > 0:
		return 0, false, errTrailing
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF): // the second: closed without an alert
		return 0, false, fmt.Errorf("%w: %w", errStaysOpen, err)
	}
	return took, conn.ConnectionState().DidResume, nil
}

// read reads one whole answer.
func (v *visitor) read(conn net.Conn) error {
	for a := (answer{}); ; {
		n, err := conn.Read(v.buf[:])
		if n > 0 {
			if done, err := a.feed(v.buf[:n]); done || err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
	}
}
