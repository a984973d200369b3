// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"net/netip"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// Departure says whether and how a client went away during an exchange.
type Departure uint8

// The departures.
const (
	// Present: the client is there as far as anybody knows.
	Present Departure = iota
	// LeftByFIN: the client closed its side, and the grace for a half-closed
	// client is over.
	LeftByFIN
	// LeftByReset: the client's connection was reset.
	LeftByReset
	// Killed: the gateway is stopping and the time to drain is over.
	Killed
)

// Canceled is what a stream or lease returns when it was made to give up. It
// carries no code: whoever asked for the cancellation knows the reason.
var Canceled = &failure.Error{Site: "canceled"}

// Canceler is whatever an exchange waits for on the upstream's side and can be
// made to give up, from any goroutine, more than once.
type Canceler interface{ Cancel() }

// NoServer is what Acquire returns when no server can be asked that was not tried,
// and Hold when none came in time.
var NoServer = &failure.Error{Site: "no server"}

// Slow is what ReadHead returns, once, when nothing of an answer has come for as long
// as Want.Patience said. The answer may still come: ReadHead can be called again.
var Slow = &failure.Error{Site: "slow"}

// ClientStream is the client's side of one exchange, whatever protocol carries
// it. The request side (ReadHead, ReadBody, RequestTrailers) and the answer's
// side (Interim, SendHead, WriteBody, EndBody, Flush) may be used by one
// goroutine each at the same time.
//
// Failures returned here blame the client: in read-head, send-body, relay-body,
// or tunnel once Tunnel was called.
type ClientStream interface {
	// Arrival describes where the request came from.
	Arrival() *Arrival
	// ReadHead reads the request head into req.
	ReadHead(req *wire.Request) *failure.Error
	// BodyHere reports that the whole rest of the request body has arrived, so
	// that reading it does not wait.
	BodyHere() bool
	// Rewind makes ReadBody begin anew with the first byte of the body; it
	// reports whether the bytes are still there.
	Rewind() bool
	// ReadBody returns the next piece of the request body, valid until the next
	// call; end reports that nothing follows the piece.
	ReadBody() (piece []byte, end bool, err *failure.Error)
	// RequestTrailers returns the trailer lines after the end, or nil.
	RequestTrailers() []byte
	// StopBody makes a ReadBody that waits give up, now and later, until ResumeBody:
	// then ReadBody goes on where it was. Nothing is lost in between.
	StopBody()
	ResumeBody()

	// Interim sends a 1xx answer at once.
	Interim(out *Out) *failure.Error
	// SendHead takes the answer's head. It goes out with the first body bytes, or
	// at Flush or EndBody.
	SendHead(out *Out) *failure.Error
	// WriteBody sends a piece of the answer's body and waits as long as the
	// client takes it at an acceptable rate.
	WriteBody(piece []byte) *failure.Error
	// EndBody ends the answer, with trailer lines if the client takes them.
	EndBody(trailers []byte) *failure.Error
	// Flush sends what SendHead and WriteBody still hold back.
	Flush() *failure.Error
	// Begun reports that bytes of the final answer were handed to the kernel.
	Begun() bool
	// Abort makes sure that an unfinished answer never looks complete.
	Abort()

	// Watch begins to look for the client's departure and calls c.Cancel when it
	// happens, or at once if it has happened; another Watch replaces c. Unwatch
	// ends that and reports what was seen.
	Watch(c Canceler)
	Unwatch() Departure

	// Tunnel turns the stream into a byte stream both ways: from then on ReadBody
	// and WriteBody carry bytes as they are, an end is a FIN, and EndBody sends
	// one. quiet tells when a silent side should give up.
	Tunnel(quiet QuietRule)
}

// Lease is the right to carry one exchange on a connection to a server. The
// request side (SendHead, WriteBody, EndBody, Flush) and the answer's side
// (ReadHead, ReadBody) may be used by one goroutine each at the same time.
//
// Failures returned here blame the upstream and carry the connection's evidence.
type Lease interface {
	Canceler
	// SendHead takes the request's head; it goes out with the first body bytes,
	// or at Flush or EndBody.
	SendHead(out *Out) *failure.Error
	WriteBody(piece []byte) *failure.Error
	EndBody(trailers []byte) *failure.Error
	Flush() *failure.Error
	// Sent returns how many bytes of this exchange the kernel took.
	Sent() int64
	// RequestDone says that the request is sent (or given up): the time for the
	// answer's head counts from now.
	RequestDone(now time.Time)

	// ReadHead reads the next answer head, interim or final, into res.
	ReadHead(res *wire.Response) *failure.Error
	// FirstByteAt returns when the first byte of the answer came, HeadAt when the
	// head that was read last was whole.
	FirstByteAt() time.Time
	HeadAt() time.Time
	// BodyHere reports that ReadBody has something to give without waiting.
	BodyHere() bool
	// ReadBody returns the next piece of the answer's body, valid until the next
	// call; end reports that nothing follows the piece.
	ReadBody() (piece []byte, end bool, err *failure.Error)
	// Trailers returns the answer's trailer lines after the end, or nil.
	Trailers() []byte

	// Tunnel is as for ClientStream.
	Tunnel(quiet QuietRule)

	// Note fills in a's facts about the connection.
	Note(a *record.Attempt)
	// Authority is the server's address as a Host field names it.
	Authority() string
	// Fault makes a failure that blames the server for what it sent, with the
	// connection's evidence.
	Fault(p phase.Phase, k failure.Kind) *failure.Error
	// Release gives the lease back and says why the attempt failed, None if it did
	// not. The connection is kept if both sides ended cleanly, else closed. excess is a
	// warning about bytes after the answer, if there were any.
	Release(why failure.Code) (excess *failure.Error)
}

// Splicer is a stream or lease that can take body bytes straight from the other
// side's socket.
type Splicer interface {
	// SpliceFrom moves what it can of the body that src would return by ReadBody,
	// without copying. moved counts the bytes. A failure is that of the side that
	// failed. Moving less than the whole body without a failure is no error: the
	// caller goes on with ReadBody.
	SpliceFrom(src any) (moved int64, err *failure.Error)
}

// QuietRule tells when a tunnel that carries nothing has been quiet too long.
type QuietRule interface {
	// Note says that bytes passed.
	Note(now time.Time)
	// Until returns when the tunnel has been quiet too long as things stand.
	Until() time.Time
	// NoteCut says that a side ended without its peer's word that this was all, as TLS
	// can tell. Then the other side is not told so either: see IsCut.
	NoteCut(client bool)
	IsCut(client bool) bool
}

// Arrival describes the connection an exchange came in on.
type Arrival struct {
	// Peer is the connection's other end; PeerText its address as text.
	Peer     netip.AddrPort
	PeerText []byte
	// Proxy is the connection's real other end if Proxied: then Peer is the one that
	// its PROXY header named.
	Proxy   netip.AddrPort
	Proxied bool
	// Socket says more of the connection, for those who need it; nil if nobody can.
	Socket Socket
	// Listener is the address that accepted, as configured.
	Listener string
	// Exchanges counts the exchanges on the connection, this one included.
	Exchanges uint32
	// First is when the first byte of the request came; HeadAt is when its head was
	// whole, set by ReadHead.
	First, HeadAt time.Time
	// Shard spreads connections over the record ring's shards.
	Shard uint32
	// TLS is zero for a connection without TLS. Handshake is how long the handshake
	// took; only the connection's first exchange has it.
	TLS       record.TLS
	Handshake time.Duration
	// ClientAuth names the rule by which the client's certificate was asked for, ""
	// for none; ClientCert is the certificate, if it has one, as a value of the field
	// Client-Cert (RFC 9440 section 2.2).
	ClientAuth string
	ClientCert []byte
}

// Secure reports whether the connection has TLS.
func (a *Arrival) Secure() bool { return a.TLS.Version != 0 }

// Socket is the client's connection as a PROXY header to a server describes it.
type Socket interface {
	// Local is the address that the client connected to, invalid if unknown.
	Local() netip.AddrPort
	// TLVs are those of the PROXY header that the client's proxy sent, if they were
	// kept.
	TLVs() []byte
}

// Upstream hands out leases on the servers of one group.
type Upstream interface {
	Name() string
	// Acquire chooses a server and returns a lease on a connection to it.
	Acquire(w *Want) (Lease, *failure.Error)
	// Hold waits until it makes sense to call Acquire again. It returns NoServer if
	// that is not before the time is over, and Canceled if the client left. Any other
	// failure is what the exchange ends with if it has no better one.
	Hold(w *Want, until time.Time) *failure.Error
	// Leave says after Hold that Acquire will not be called.
	Leave(w *Want)
	// MayRepeat reports whether a request that a server has got may be sent once more,
	// by the share of the traffic that may be repeated, and counts it. elsewhere asks
	// besides for a server that was not tried.
	MayRepeat(w *Want, elsewhere bool) bool
	// Hangs reports whether the server that was asked last has answered nobody
	// since.
	Hangs(w *Want) bool
}

// TriedMax is how many servers an exchange can try.
const TriedMax = 8

// Want says what an exchange needs of an upstream, and takes what is learnt.
type Want struct {
	// Fresh asks for a new connection to the server of the attempt before.
	Fresh bool
	// Called says that the exchange has waited and that it is its turn.
	Called bool
	// Placed says that a place was given with the call, where their number is limited:
	// Hold sets it, Acquire takes it. Crowded is what Acquire says when there was no
	// place: no server was looked for then.
	Placed, Crowded bool
	// Again says that servers which were tried may be asked once more, after a rest.
	Again bool
	// Anyway asks for any server, whatever is known of it: to learn what the failure
	// is.
	Anyway bool
	// Attempt is the attempt's place in the record; Acquire fills in the server.
	Attempt *record.Attempt
	// Tried holds the numbers of the servers that were tried, TriedLen of them: they
	// are passed over. Last is what the upstream keeps of the newest. Acquire writes
	// all three.
	Tried    [TriedMax]uint32
	TriedLen int
	Last     any
	// Trial says that the request may try a server that is left out.
	Trial bool
	// Key is what a server is chosen by where that goes by hashing; Bound is the number
	// of the server that the client is bound to, 0 for none. Acquire sets Chosen, the
	// number of the one that was asked.
	Key, Bound, Chosen uint64
	// Round counts how often all servers were tried.
	Round int
	// Patience is how long ReadHead waits until it says Slow, 0 for ever. Acquire
	// sets it.
	Patience time.Duration
	// Waiter is told when resolving and connecting begin.
	Waiter Waiter
	// Timeouts hold for the whole exchange.
	Timeouts *Timeouts
	// Client is who asks, with a port if it is the connection's other end; Socket is
	// the connection. A PROXY header to the server says both.
	Client netip.AddrPort
	Socket Socket
}

// Waiter is told what an exchange waits for.
type Waiter interface {
	// Enter says which phase begins.
	Enter(p phase.Phase)
	// Watch names what to cancel if the client leaves.
	Watch(c Canceler)
}

// Router finds the route of a request.
type Router interface {
	// Find returns the route for host (in any case of letters, possibly with a
	// port), path and method. If there is none it returns the kind of mismatch,
	// NoSite, NoRoute or MethodNotAllowed, and as much of a route as is known: its
	// Site, Pages and Allow.
	Find(host, path, method []byte) (*Route, failure.Kind)
}

// Route is where a request goes, and how.
type Route struct {
	// Site and Name are what the record says.
	Site, Name string
	Upstream   Upstream
	// Allow lists the methods of the path, for answers with status 405.
	Allow string
	// HostHeader replaces the Host field sent upstream when not empty;
	// HostOfServer replaces it by the server's own address.
	HostHeader   string
	HostOfServer bool
	// Timeouts are those of the route's exchanges.
	Timeouts Timeouts
	// Retry says what is done about attempts that fail.
	Retry Retry
	// Affinity says what ties requests to servers.
	Affinity Affinity
	// MaxBody bounds the request body in bytes, 0 for no bound.
	MaxBody int64
	// Pages makes the answers that the gateway gives for this site.
	Pages *Pages
	// ClientAuth is the rule by which a connection has to have been accepted, ""
	// for any.
	ClientAuth string
	// RedirectPort is the port of the site's https address, to which requests that
	// came without TLS are sent; 0 for none.
	RedirectPort uint16
	// HSTS is the value of Strict-Transport-Security (RFC 6797), empty for none.
	HSTS []byte
	// Cache keeps answers of this route, nil for none.
	Cache Cache
}

// Timeouts bound how long an exchange waits for its upstream. Zero means no bound.
type Timeouts struct {
	// Resolve and Connect bound finding an address and opening one connection,
	// UpHandshake its TLS handshake.
	Resolve, Connect, UpHandshake time.Duration
	// AwaitHead bounds the time from the end of the request to the answer's head.
	AwaitHead time.Duration
	// BodyStall bounds the silence of a server inside a body; it does not count
	// for event streams.
	BodyStall time.Duration
	// SendStall bounds the time in which a server takes no byte of a request.
	SendStall time.Duration
	// TunnelIdle bounds the silence of both sides of a tunnel.
	TunnelIdle time.Duration
}

// Verdict is what the guard decided. The zero value lets the request pass.
type Verdict struct {
	// Refusal is the failure to end the exchange with, or nil.
	Refusal *failure.Error
}

// Guard judges at the two points of an exchange; a third stands in front of the
// engine's accept.
type Guard interface {
	// AfterRoute judges a request whose route is known.
	AfterRoute(x *Exchange) Verdict
	// Admit judges whether the upstream may be asked now.
	Admit(x *Exchange) Verdict
}

// Out is a head to be sent: the head that came in, and what to change in it. It
// borrows the head it was made from.
type Out struct {
	// Method and Path are set for requests, Status for answers.
	Method, Path []byte
	Status       int
	// Head is the head to pass on, nil for a message of our own. Its fields that
	// are marked Hop or listed in Skip stay behind.
	Head   *wire.Head
	Reason wire.Span
	Skip   [wire.FieldCount]bool
	// Add lists fields to add. They are valid until the next Out is made.
	Add []Added
	// Framing and Length say how the body will be delimited by the sender of the
	// head: FramingLength with Length, FramingChunked (of unknown length: each
	// protocol sends it in its way) or FramingNone.
	Framing wire.Framing
	// NoBody says that Framing describes a body that will not follow (HEAD).
	NoBody bool
	// Upgrade is the protocol to switch to, nil for none.
	Upgrade []byte
}

// Added is a field to add to a head.
type Added struct {
	Name  string
	Value []byte
}
