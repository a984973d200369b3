// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package record holds what is remembered of one exchange, and the ring that
// carries records from the data path to everything that lives behind it: access
// log, metrics, admin API, later diagnosis and store.
//
// What it is: Record, a fixed-size value without pointers into buffers; Ring,
// where the data path leaves records; Sink, what reads them.
//
// What it never does: no I/O, no clock, no formatting on the data path. It never
// makes an exchange wait: a full ring drops and counts.
//
// Invariants:
//
//	I1. A Record is complete when it is put; nobody writes to it afterwards.
//	I2. Records of failed exchanges have a ring of their own, so that a flood of
//	    ordinary ones cannot push them out.
//	I3. What a stranger sent is kept in bounded text only, cut where it is too
//	    long, and marked as cut.
//
// Start reading with Record, then Ring.
package record

import (
	"net/netip"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// Outcome says how an exchange ended. Each exchange has exactly one.
type Outcome uint8

// The outcomes.
const (
	// OutcomeNone: the exchange has not ended.
	OutcomeNone Outcome = iota
	// Relayed: the upstream's answer reached the client whole, straight or from the
	// cache.
	Relayed
	// Answered: the gateway made the answer itself.
	Answered
	// Cut: an answer was begun and could not be completed.
	Cut
	// ClientLeft: the client went away first.
	ClientLeft
	// Tunnelled: the connection was upgraded and the tunnel ended.
	Tunnelled
	// Unanswered: the connection was closed without an answer.
	Unanswered
	// Refreshed: the cache asked for an answer anew while nobody waited for it.
	Refreshed

	// OutcomeCount is the number of outcomes.
	OutcomeCount = int(Refreshed) + 1
)

var outcomeNames = [OutcomeCount]string{"none", "relayed", "answered", "cut", "client-left", "tunnelled", "unanswered", "refreshed"}

// String returns the stable name used in logs and API.
func (o Outcome) String() string { return outcomeNames[o] }

// Text names one of the texts that a record keeps of what a client sent.
type Text uint8

// The texts of a record.
const (
	Method Text = iota
	Host
	Target
	UserAgent
	Referer
	// RequestID is the client's own X-Request-Id, if it sent one.
	RequestID

	textCount = int(RequestID) + 1
)

// textMax bounds each text, in bytes; textAt is where it begins.
var (
	textMax = [textCount]int{16, 80, 208, 112, 96, 48}
	textAt  = func() (at [textCount]int) {
		for i := 1; i < textCount; i++ {
			at[i] = at[i-1] + textMax[i-1]
		}
		return at
	}()
)

const textBytes = 16 + 80 + 208 + 112 + 96 + 48

// TrailMax is how many failures after the first are kept.
const TrailMax = 8

// AttemptsMax is how many attempts are kept in detail.
const AttemptsMax = 4

// NotReached is the duration of a phase that the exchange never entered.
const NotReached time.Duration = -1

// TLS describes a client's connection with TLS; without it the value is zero.
type TLS struct {
	// Version and Cipher are as on the wire (0x0304 is TLS 1.3).
	Version, Cipher uint16
	// Resumed reports that an earlier session was gone on with.
	Resumed bool
}

// Saved says by what means a failure was kept from the client: a set of the
// constants.
type Saved uint8

// The means.
const (
	// ByRetry: another attempt succeeded.
	ByRetry Saved = 1 << iota
	// ByHold: the request waited until a server could be asked.
	ByHold
	// ByStale: a stored answer was served past its time.
	ByStale
	// ByHedge: a second server answered while the first one was silent.
	ByHedge
)

// SavedMeans names the means, in the order of their bits.
var SavedMeans = [...]string{"retry", "hold", "stale", "hedge"}

// Names lists the means of s.
func (s Saved) Names() []string {
	var names []string
	for i, name := range SavedMeans {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Attempt is one try on one server.
type Attempt struct {
	// Server is the server's name in the configuration.
	Server string
	// Dialled is the address; invalid for a unix socket.
	Dialled netip.AddrPort
	// Reused reports a connection that had carried an exchange before;
	// RequestNumber counts the requests on it, 1 for the first.
	Reused        bool
	RequestNumber uint32
	// Interims counts the interim answers (1xx) that came; Coded reports a final one
	// with a Content-Encoding.
	Interims uint8
	Coded    bool
	// Software is what the answer names, of some answers only.
	Software Software
	// IdleFor is how long the connection had lain idle.
	IdleFor time.Duration
	// Connect is how long resolving and connecting took, 0 on reuse.
	Connect time.Duration
	// Start is when the attempt began, counted from the record's Start, NotReached
	// if it came to nothing before it had a server. Took is how long it lasted if
	// it failed; one that did not lasts to the end of the exchange.
	Start, Took time.Duration
	// Failure is why the attempt failed, None if it did not; Error holds its evidence and
	// is nil exactly when Failure is None.
	Failure failure.Code
	Error   *failure.Error
	// Status is what the server answered, 0 if nothing. Bad reports one that says that
	// something is wrong; Answer is kept of it, as long as there are not too many of them.
	Status int
	Bad    bool
	Answer *Answer
}

// IsMissing reports an answer by which there is nothing to be had, for those who ask at
// least. That is ordinary, unless it is said of everything.
func IsMissing(status int) bool { return status == 403 || status == 404 }

// TunnelEnd is how a tunnel ended that did not fail.
type TunnelEnd struct {
	// ByServer reports that the server ended it first; QuietFor is how long nothing had
	// passed until then.
	ByServer bool
	QuietFor time.Duration
}

// The bounds of an Answer, in bytes.
const (
	AnswerHeadMax = 2 << 10
	AnswerBodyMax = 1 << 10
)

// Answer is what a server said that did not do what was asked for: who made it shows in
// its head and its body.
type Answer struct {
	// Head is the head as it came, without the last empty line, cut at AnswerHeadMax.
	Head []byte
	// Body is the beginning of the body, nothing if no client was sent it.
	Body []byte
	// Length is the announced length of the body, -1 if it was not.
	Length int64
	// ToSelf reports a redirect to the very URL that was asked for.
	ToSelf bool
}

// KeepBody takes a piece of the body as far as there is room.
func (a *Answer) KeepBody(piece []byte) {
	a.Body = append(a.Body, piece[:min(len(piece), AnswerBodyMax-len(a.Body))]...)
}

// Asks is a set of things that a request asked for or came with.
type Asks uint8

// What a request may ask for.
const (
	// AsksUpgrade: another protocol.
	AsksUpgrade Asks = 1 << iota
	// AsksContinue: to be told that its body is wanted.
	AsksContinue
	// AsksChunked: its body has no announced length.
	AsksChunked
)

// Record is what is remembered of one exchange. Its size is fixed.
type Record struct {
	summary
	// Phases holds the time spent in each phase, NotReached if it never came.
	Phases [phase.Count]time.Duration
	// Attempts lists the tries: AttemptLen counts them all, the first
	// AttemptsMax-1 and the newest are kept.
	Attempts   [AttemptsMax]Attempt
	AttemptLen uint8

	cut  uint8 // bit per text
	lens [textCount]uint8
	text [textBytes]byte
}

// summary is the part of a record that Reset clears whole.
type summary struct {
	ID ID
	// Start is the time of the first byte of the request, or of the event that
	// the record is about; Total is the time from there to Finish.
	Start time.Time
	Total time.Duration
	// Trace is the exchange's place in a distributed trace, zero without tracing.
	Trace Trace

	Outcome Outcome
	// Failure is the first failure, None for a good exchange; Error holds its
	// evidence and is nil exactly when Failure is None.
	Failure failure.Code
	Error   *failure.Error
	// Cache is what the cache did. Hidden is the failure that nobody saw because an
	// answer of the cache stood in for it, None if there was none: the exchange did not
	// fail by it.
	Cache  Cache
	Hidden failure.Code
	// Trail lists later trouble, TrailLen of it.
	Trail    [TrailMax]failure.Code
	TrailLen uint8

	// Peer is the address of the connection; Client is who asks, which differs
	// behind a trusted proxy.
	Peer   netip.AddrPort
	Client netip.Addr
	// Proxy is the connection's real other end if Proxied: then Peer is the one that
	// its PROXY header named. It is invalid for a unix socket.
	Proxy   netip.AddrPort
	Proxied bool
	// Listener is the address that accepted, as configured.
	Listener string
	// Exchanges counts the exchanges on the client's connection, 1 for the first.
	Exchanges uint32
	// Version is the client's HTTP version, 10 or 11; 0 if no head was read.
	Version uint8
	// TLS describes the client's connection.
	TLS TLS

	// Site, Route and Upstream are names of the configuration, "" if undecided.
	Site, Route, Upstream string
	// Status is what the client was sent (or 499 when it left, 0 when nothing was
	// said); UpStatus is what the upstream said, 0 if it said nothing.
	Status, UpStatus int
	// Saved says what kept a failure from the client.
	Saved Saved
	// BodyIn and BodyOut count body bytes from and to the client.
	BodyIn, BodyOut int64
	// UploadTook is how long the request's body took to come, 0 for one that came with its
	// head.
	UploadTook time.Duration
	// BodyWait is how long the relay of the answer's body waited for the server, 0 for
	// an event stream, whose silence means nothing.
	BodyWait time.Duration
	// Tunnel is how the tunnel ended, of an exchange that was Tunnelled.
	Tunnel TunnelEnd
	// HeadIn is the length of the request's head in bytes, and Asks what was special
	// about it.
	HeadIn int32
	Asks   Asks
}

// Reset empties r. The texts' bytes are left as they are: their lengths say that
// there are none.
func (r *Record) Reset() {
	r.summary = summary{}
	for i := range r.Phases {
		r.Phases[i] = NotReached
	}
	r.AttemptLen, r.cut = 0, 0
	r.lens = [textCount]uint8{}
}

// SetText keeps b as text t, cut at its limit.
func (r *Record) SetText(t Text, b []byte) {
	n := copy(r.text[textAt[t]:textAt[t]+textMax[t]], b)
	r.lens[t] = uint8(n)
	if n < len(b) {
		r.cut |= 1 << t
	}
}

// Text returns text t. The bytes belong to the record.
func (r *Record) Text(t Text) []byte {
	return r.text[textAt[t] : textAt[t]+int(r.lens[t])]
}

// TextCut reports whether text t was cut.
func (r *Record) TextCut(t Text) bool { return r.cut&(1<<t) != 0 }

// NoteFailure sets the first failure, or adds a later one to the trail.
func (r *Record) NoteFailure(e *failure.Error) {
	switch {
	case r.Failure.IsNone():
		r.Failure, r.Error = e.Code, e
	case int(r.TrailLen) < TrailMax:
		r.Trail[r.TrailLen] = e.Code
		r.TrailLen++
	}
}

// KeptAttempts returns the attempts that are kept. They belong to the record.
func (r *Record) KeptAttempts() []Attempt { return r.Attempts[:min(int(r.AttemptLen), AttemptsMax)] }

// Troubled reports that the record tells of something that went wrong with the site,
// whether a client saw it or not.
func (r *Record) Troubled() bool {
	if r.Error != nil && failure.Lookup(r.Failure).Severity != failure.SeverityClient {
		return true
	}
	for i := range r.KeptAttempts() {
		if a := &r.Attempts[i]; a.Bad && a.Answer != nil || a.Status >= 500 || !a.Failure.IsNone() && a.Failure.Party != failure.Client {
			return true
		}
	}
	return false
}

// LastAttempt returns the newest attempt that is kept, or nil.
func (r *Record) LastAttempt() *Attempt {
	kept := r.KeptAttempts()
	if len(kept) == 0 {
		return nil
	}
	return &kept[len(kept)-1]
}

// AddAttempt returns a place for a new attempt, which has not begun. When all are taken the
// last one is used again, so that the first tries and the newest are kept.
func (r *Record) AddAttempt() *Attempt {
	if r.AttemptLen < 255 {
		r.AttemptLen++
	}
	a := r.LastAttempt()
	*a = Attempt{Start: NotReached}
	return a
}

// DropAttempt takes back the newest attempt, which never came to be.
func (r *Record) DropAttempt() { r.AttemptLen-- }
