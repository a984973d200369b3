// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"time"

	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/wire"
)

// Cache keeps answers of a route.
type Cache interface {
	// Visit begins the visit of one request, which ends with CacheVisit.Close.
	Visit(r CacheRequest) CacheVisit
}

// CacheRequest is a request as a cache is asked about it.
type CacheRequest struct {
	Head *wire.Request
	// Secure reports that the client asked for an https target.
	Secure bool
	// Identified reports that the connection says who the client is, by a certificate:
	// the server is told so in a field of ours, and may answer that client only.
	Identified bool
	// Again is a visit that has ended, whose memory may be used for this one; nil for
	// none.
	Again CacheVisit
}

// CacheStep is what a visit wants next.
type CacheStep uint8

// The steps.
const (
	// CacheAsk: the server is to be asked.
	CacheAsk CacheStep = iota
	// CacheServe: the answer is here.
	CacheServe
	// CacheWait: somebody else asks for the same; wait, then Step again.
	CacheWait
	// CacheRefuse: the answer is not here, and the client wants no other.
	CacheRefuse
)

// CacheVisit is one exchange's way through a cache. It is used by the goroutine of the
// exchange; only Cancel may come from elsewhere. Nothing of it waits, except Wait.
type CacheVisit interface {
	Canceler
	// Step says what to do at now.
	Step(now time.Time) CacheStep
	// Wait waits for who asks for the same: until there is an answer, or none that
	// others can use, or for too long, or until Cancel.
	Wait()
	// WantsRefresh reports that what is served should be asked for anew meanwhile;
	// Refresh then begins the visit that does so, with a copy of the request.
	WantsRefresh() bool
	Refresh(r *wire.Request) CacheVisit

	// StandsBy returns how long the server may take to begin its answer, since what is
	// here stands by to be sent in its place; 0 if nothing does.
	StandsBy() (patience time.Duration)
	// EditRequest changes the head that goes to the server.
	EditRequest(o *Out)
	// Answered takes the head of the server's final answer. It reports whether what is
	// here is to be sent in its place; else the answer is relayed.
	Answered(res *wire.Response, now time.Time) (serve bool)
	// Failed reports whether what is here may stand in for a failure.
	Failed(code failure.Code, now time.Time) (serve bool)

	// Keeps reports that the body that is relayed is kept: then Write takes each piece,
	// and Complete says that it is whole.
	Keeps() bool
	Write(piece []byte)
	Complete()

	// MakeAnswer fills in o with the answer that is here, and Piece returns its body
	// piece by piece, nil after the last.
	MakeAnswer(o *Out, now time.Time)
	Piece() []byte
	// AppendStatus appends our member of Cache-Status (RFC 9211) behind its name.
	AppendStatus(b []byte, now time.Time) []byte
	// Report says what came of it. hidden is a failure that is known from an exchange
	// before, which this one did not have to meet again.
	Report() (result record.Cache, hidden failure.Code)
	// Close ends the visit, which must not be used any more other than as Again.
	Close()
}
