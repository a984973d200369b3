// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// The bounds of what is kept of each upstream's requests. I1.
const (
	askedKept = 192
	leftKept  = 64
)

// asked is a request, whatever became of it.
type asked struct {
	at           time.Time
	client, peer netip.Addr
	path         path
	target       uint64 // a hash of the whole target
	file, robot  bool
	// took is how long servers thought about it.
	took time.Duration
}

// departure is a client that went away before its answer.
type departure struct {
	at    time.Time
	after time.Duration
}

// newest keeps the newest of something.
type newest[T any] struct {
	list []T
	next int
}

// place returns where the next one goes, of most that are kept.
func (n *newest[T]) place(most int) *T {
	if len(n.list) < most {
		n.list = append(n.list, *new(T))
		return &n.list[len(n.list)-1]
	}
	p := &n.list[n.next]
	n.next = (n.next + 1) % most
	return p
}

// see takes a sample of the requests now and then, and notes who left. I4.
func (s *Sensor) see(p *pool, r *record.Record, at time.Time) {
	if isLeaving(r) {
		*p.left.place(leftKept) = departure{at, r.Total}
	}
	if at.Sub(p.lastAsked) < goodEvery {
		return
	}
	p.lastAsked = at
	target := r.Text(record.Target)
	*p.asked.place(askedKept) = asked{
		at: at, client: r.Client, peer: r.Peer.Addr(), path: shape(target), target: maphash.Bytes(s.seed, target),
		file: isFile(target), robot: isRobot(r.Text(record.UserAgent)), took: max(r.Phases[phase.AwaitHead], 0),
	}
}

// askedSince returns the samples of at least that time.
func (p *pool) askedSince(from time.Time) (out []*asked) {
	for i := range p.asked.list {
		if a := &p.asked.list[i]; !a.at.Before(from) {
			out = append(out, a)
		}
	}
	return out
}

// robots are words by which programs that nobody sits before name themselves.
var robots = [][]byte{
	[]byte("bot"), []byte("crawl"), []byte("spider"), []byte("slurp"), []byte("archiver"), []byte("externalhit"), []byte("headless"),
	[]byte("scrapy"), []byte("curl/"), []byte("wget/"), []byte("python-"), []byte("aiohttp"), []byte("go-http-client"), []byte("libwww-perl"),
}

// isRobot reports a User-Agent that says so.
func isRobot(agent []byte) bool {
	var lower [128]byte // more than a record keeps of it
	n := copy(lower[:], agent)
	for i, c := range lower[:n] {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	for _, w := range robots {
		if bytes.Contains(lower[:n], w) {
			return true
		}
	}
	return false
}

// repeatWithin is how long after a failure the same request of the same client is a
// repetition.
const repeatWithin = 10 // seconds

// failedKept bounds the failed requests that are remembered for that. I1.
const failedKept = 4096

// recall remembers which requests failed of late, by their hash. Two that share a place
// cost a repetition that is not counted.
type recall struct {
	list []failedRequest
	last int64 // second of the newest
}

type failedRequest struct {
	key uint64
	sec int64
}

func newRecall() (r recall) {
	r.list = make([]failedRequest, failedKept)
	return r
}

// repeats reports that r is asked again after it failed, and remembers it if it fails.
// That its client gave it up is a failure too, to the client.
func (s *Sensor) repeats(r *record.Record, sec int64) (again bool) {
	failed := r.Status >= 500 || r.Outcome == record.Cut || isLeaving(r)
	if !failed && sec-s.failed.last > repeatWithin {
		return false
	}
	client := r.Client.As16()
	key := maphash.Bytes(s.seed, r.Text(record.Target)) ^ maphash.Bytes(s.seed, client[:])
	f := &s.failed.list[key%failedKept]
	again = f.key == key && f.sec <= sec && sec-f.sec <= repeatWithin
	if failed {
		f.key, f.sec, s.failed.last = key, sec, max(sec, s.failed.last)
	}
	return again
}
