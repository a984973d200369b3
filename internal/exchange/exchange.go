// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package exchange is the life of one request: from its first byte to the one
// record of how it ended.
//
// What it is: the straight line through the phases (Run), the rules of what is
// passed on and what is changed, of when a request may be repeated, and of what
// the gateway answers itself. It knows two ports only, ClientStream and Lease, and
// is the same for every protocol.
//
// What it never does: no sockets, no parsing of wire formats, no waiting other
// than in its ports, no clock but the one it is given.
//
// Invariants:
//
//	I1. An exchange ends exactly once, in finish, with one outcome; if it failed,
//	    with one failure. First failure wins, later trouble is the trail.
//	I2. A request is repeated only if it provably was not processed; or if it is
//	    idempotent (or marked so by the owner) and its reused connection died before
//	    any byte of an answer; or if it is safe and its route says so. Never when the
//	    client has seen anything of an answer.
//	I3. An answer that was cut never looks complete to the client.
//	I4. The goroutine that uploads a request body is joined before finish.
//
// Start reading with Run, then ports.go.
//
// Decisions: docs/adr/0001, 0003, 0008, 0009, 0015, 0018.
package exchange

import (
	"net/netip"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// Plan is what one configuration says about exchanges. It never changes once in
// use; a reload makes a new one.
type Plan struct {
	Router Router
	Guard  Guard
	// Challenges answers for the gateway's own certificates; nil where it has none.
	Challenges Challenges
	// Trusted lists the networks whose X-Forwarded-* and Forwarded are believed.
	Trusted []netip.Prefix
	// Details says who sees the failure's code in Proxy-Status.
	Details Details
	// EmitXForwarded and EmitForwarded choose the fields sent upstream.
	EmitXForwarded, EmitForwarded bool
	// Via is the pseudonym of this gateway, "" for no Via field (and no detection
	// of loops).
	Via string
	// Interims bounds the 1xx answers to one request.
	Interims int
	// Pages makes the gateway's own answers where no site is known.
	Pages *Pages
	// Tracing makes exchanges part of distributed traces.
	Tracing Tracing
}

// Env is what an exchange needs of the world.
type Env struct {
	Plan func() *Plan
	IDs  *record.IDs
	Ring *record.Ring
	Now  func() time.Time
	// Bug is told of a panic in an exchange, with its stack.
	Bug func(v any)
	// Refreshes carries what caches ask for themselves, nil if they do not.
	Refreshes *Refreshes

	answers, missing, software budget
}

// Exchange is one request and its answer. It may be used again after Run
// returned.
type Exchange struct {
	env    *Env
	plan   *Plan
	client ClientStream
	lease  Lease
	route  *Route

	rec record.Record
	req wire.Request
	res wire.Response
	out Out
	// scratch holds the values of added fields.
	scratch []byte
	want    Want
	// timeouts are the route's, shorter if the cache has something to fall back on.
	timeouts Timeouts
	upload   upload

	// cur is the phase since last.
	cur  phase.Phase
	last time.Time
	// watched reports that the client is being watched.
	watched bool
	// endless reports that the answer is an event stream.
	endless bool
	// trusted reports that the peer is a trusted proxy.
	trusted bool
	// sent is what the kernel took of the attempt that failed last; later holds
	// the failures of repeated attempts. heard reports that an answer had begun in it.
	sent  int64
	heard bool
	later []*failure.Error
	// continued reports that the client was told to go on with its body.
	continued bool
	// reached counts attempts that had a connection.
	reached int
	// bad is what is kept of the present answer if it is a bad one, else nil.
	bad *record.Answer
	// kept is an answer that is used unless another server gives a better one.
	kept answer
	// race is the second attempt beside a slow first one, nil if there is none.
	race *race
	// opening is the attempt that has not entered a phase yet, or nil.
	opening *record.Attempt
	// visit is the exchange's way through the route's cache, nil without one;
	// spareVisit is one that has ended. refresh is set if the cache itself asks.
	visit, spareVisit CacheVisit
	refresh           *refreshStream
}

// New returns an exchange that lives in env.
func New(env *Env) *Exchange {
	x := &Exchange{env: env, scratch: make([]byte, 0, 512)}
	x.out.Add = make([]Added, 0, 12)
	x.upload.done = make(chan struct{}, 1)
	return x
}

// Run carries one exchange on c from its head to its record.
func (x *Exchange) Run(c ClientStream) {
	x.begin(c)
	defer x.finish()
	if err := x.carry(); err != nil {
		x.fail(err)
	}
}

// carry is the exchange in phase order. A failure it returns is the one that the
// exchange ends with.
func (x *Exchange) carry() *failure.Error {
	if err := x.client.ReadHead(&x.req); err != nil {
		return x.notReceived(err)
	}
	x.enterAt(phase.Route, x.client.Arrival().HeadAt)
	x.noteHead()
	if answer, ok := x.challenge(); ok {
		x.answerChallenge(answer)
		return nil
	}
	mismatch := x.chooseRoute()
	if x.route != nil {
		// How a request has to come is looked at first: what there is, and what not, is
		// for those who may ask.
		if x.wantsRedirect() {
			x.redirect()
			return nil
		}
		if err := x.checkClientAuth(); err != nil {
			return err
		}
	}
	if mismatch != nil {
		return mismatch
	}
	if x.refresh != nil { // the client's request was judged, this one is ours
		return x.throughCache()
	}
	if v := x.plan.Guard.AfterRoute(x); v.Refusal != nil {
		x.Enter(phase.Guard)
		return v.Refusal
	}
	if x.route.Cache != nil {
		return x.throughCache()
	}
	if err := x.askUpstream(); err != nil {
		return err
	}
	if x.res.Framing == wire.FramingTunnel {
		return x.tunnel()
	}
	return x.relayAnswer()
}

// askUpstream gets the head of an answer, if the upstream may be asked now.
func (x *Exchange) askUpstream() *failure.Error {
	if v := x.plan.Guard.Admit(x); v.Refusal != nil {
		x.Enter(phase.Queue)
		return v.Refusal
	}
	return x.attempts()
}

func (x *Exchange) begin(c ClientStream) {
	a := c.Arrival()
	x.client, x.plan = c, x.env.Plan()
	x.lease, x.route, x.trusted, x.sent, x.later = nil, nil, false, 0, nil
	x.reached, x.race, x.bad, x.continued = 0, nil, nil, false
	x.refresh, _ = c.(*refreshStream)
	x.upload.reset()
	x.rec.Reset()
	x.req.Reset()
	x.res.Reset()
	x.rec.ID = x.env.IDs.Next()
	x.rec.Start, x.rec.Peer, x.rec.Listener, x.rec.Exchanges = a.First, a.Peer, a.Listener, a.Exchanges
	x.rec.Proxy, x.rec.Proxied, x.rec.Client = a.Proxy, a.Proxied, a.Peer.Addr()
	x.rec.TLS = a.TLS
	if x.refresh != nil {
		x.rec.Outcome = record.Refreshed
	}
	if a.Handshake > 0 {
		x.rec.Phases[phase.Handshake] = a.Handshake
	}
	x.cur, x.last, x.opening = phase.ReadHead, a.First, nil
	if x.plan.Tracing.On {
		x.beginTrace()
	}
}

// Enter ends the phase that was and begins p.
func (x *Exchange) Enter(p phase.Phase) {
	now := x.env.Now()
	if a := x.opening; a != nil {
		x.opening, a.Start = nil, now.Sub(x.rec.Start)
	}
	x.enterAt(p, now)
}

func (x *Exchange) enterAt(p phase.Phase, now time.Time) {
	d := &x.rec.Phases[x.cur]
	*d = max(*d, 0) + now.Sub(x.last)
	x.cur, x.last = p, now
}

// Watch has c canceled if the client leaves from now on.
func (x *Exchange) Watch(c Canceler) {
	x.watched = true
	x.client.Watch(c)
}

// unwatch ends the watch, if there is one, and reports what was seen.
func (x *Exchange) unwatch() Departure {
	if !x.watched {
		return Present
	}
	x.watched = false
	return x.client.Unwatch()
}

// noteHead keeps what the record says of the head, and finds out who asks.
func (x *Exchange) noteHead() {
	req, rec := &x.req, &x.rec
	rec.Version, rec.HeadIn, rec.Asks = req.Version, int32(len(req.Buf)), asks(req)
	rec.SetText(record.Method, req.Bytes(req.MethodSpan))
	rec.SetText(record.Host, req.Bytes(req.HostSpan))
	rec.SetText(record.Target, req.Bytes(req.TargetSpan))
	for i := range req.Fields {
		switch req.Fields[i].ID {
		case wire.UserAgent:
			rec.SetText(record.UserAgent, req.Value(i))
		case wire.Referer:
			rec.SetText(record.Referer, req.Value(i))
		case wire.XRequestID:
			rec.SetText(record.RequestID, req.Value(i))
		}
	}
	x.trusted = IsTrusted(x.plan.Trusted, rec.Peer.Addr())
	if x.trusted {
		rec.Client = clientAddr(&req.Head, x.plan.Trusted, rec.Client)
	}
	if x.plan.Tracing.On {
		x.joinTrace()
	}
}

// chooseRoute finds the route.
func (x *Exchange) chooseRoute() *failure.Error {
	req, rec := &x.req, &x.rec
	if req.Method == wire.CONNECT {
		return gatewayFound(failure.Client, phase.Route, failure.ConnectMethod)
	}
	if x.plan.Via != "" && viaNames(&req.Head, x.plan.Via) {
		return gatewayFound(failure.Gateway, phase.Route, failure.Loop)
	}
	route, mismatch := x.plan.Router.Find(req.Bytes(req.HostSpan), req.Path(), req.Bytes(req.MethodSpan))
	x.route = route
	if route != nil {
		rec.Site, rec.Route = route.Site, route.Name
	}
	if mismatch != failure.NoKind {
		return gatewayFound(failure.Client, phase.Route, mismatch)
	}
	rec.Upstream, x.timeouts = route.Upstream.Name(), route.Timeouts
	if route.MaxBody > 0 && req.ContentLength > route.MaxBody {
		err := gatewayFound(failure.Client, phase.Route, failure.BodyTooLarge)
		err.Evidence.Size, err.Evidence.Limit = req.ContentLength, route.MaxBody
		return err
	}
	return nil
}

// gatewayFound makes a failure that the gateway itself decided, without a wire's
// evidence.
func gatewayFound(p failure.Party, ph phase.Phase, k failure.Kind) *failure.Error {
	return &failure.Error{
		Code:     failure.Code{Party: p, Phase: ph, Kind: k},
		Evidence: failure.Evidence{Offset: -1, Missing: -1, BytesAcked: -1},
	}
}

// notReceived handles a request whose head never became one.
func (x *Exchange) notReceived(err *failure.Error) *failure.Error {
	if err == Canceled {
		return x.stopped()
	}
	return err
}

// stopped names the stop of the gateway in the phase where it met the exchange.
func (x *Exchange) stopped() *failure.Error {
	p := x.cur
	switch {
	case p <= phase.UpHandshake:
		p = phase.Connect
	case p == phase.SendHead, p == phase.AwaitHead && x.upload.err == Canceled:
		p = phase.SendBody
	case p == phase.Finish:
		p = phase.RelayBody
	}
	return gatewayFound(failure.Gateway, p, failure.Shutdown)
}

// finish is where every exchange ends. It also stands between a bug in one
// exchange and all the others.
func (x *Exchange) finish() {
	if v := recover(); v != nil {
		x.env.Bug(v)
		// Nobody knows in which state the client's connection is. An answer of our
		// own may still reach it; another request must not.
		x.req.Close = true
		x.failFinally(gatewayFound(bug.Party, bug.Phase, bug.Kind))
	}
	x.letGo()
	now := x.env.Now()
	x.enterAt(phase.Finish, now)
	x.rec.Phases[phase.Finish] = 0
	x.rec.Total = now.Sub(x.rec.Start)
	x.rec.BodyIn += x.upload.bytes
	x.rec.UploadTook = x.upload.took
	x.noteSaved()
	x.env.Ring.Put(x.client.Arrival().Shard, &x.rec)
	x.client, x.route, x.plan = nil, nil, nil
}

// letGo ends what the exchange still holds, a bug or not.
func (x *Exchange) letGo() {
	defer func() {
		if v := recover(); v != nil {
			x.env.Bug(v)
			x.note(gatewayFound(bug.Party, bug.Phase, bug.Kind))
			x.client.Abort()
		}
	}()
	x.joinUpload()
	x.upload.replay = replay{}
	x.unwatch()
	x.unkeep()
	x.race.end()
	if x.visit != nil {
		x.endVisit()
	}
	if l := x.lease; l != nil {
		x.lease = nil
		if excess := l.Release(x.rec.Failure); excess != nil {
			x.note(excess)
		}
	}
}

// noteSaved forgets what kept a failure from the client if the client got one all the
// same.
func (x *Exchange) noteSaved() {
	r := &x.rec
	if r.Outcome != record.Relayed && r.Outcome != record.Tunnelled || !r.Failure.IsNone() || r.Status >= 500 {
		r.Saved = 0
		return
	}
	if r.Cache == record.CacheStale && (!r.Hidden.IsNone() || r.UpStatus >= 500) {
		r.Saved = record.ByStale // whatever else was tried
	}
}

// note writes a failure down.
func (x *Exchange) note(err *failure.Error) { x.rec.NoteFailure(x.checked(err)) }

// checked returns err. A code that is not registered is a bug of ours, which must
// not reach those who read records.
func (x *Exchange) checked(err *failure.Error) *failure.Error {
	if failure.Lookup(err.Code) == nil {
		x.env.Bug("unregistered failure " + err.Code.String())
		err.Site, err.Code = err.Code.String(), bug
	}
	return err
}

var bug = failure.Code{Party: failure.Gateway, Phase: phase.Finish, Kind: failure.Bug}

// Record gives the guard and tests what is known so far. Nobody else may look.
func (x *Exchange) Record() *record.Record { return &x.rec }

// Request gives the guard the head.
func (x *Exchange) Request() *wire.Request { return &x.req }
