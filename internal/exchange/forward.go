// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"causey/internal/wire"
)

// requestSkip lists the fields of a request that never pass as they came, because
// the gateway writes them itself.
var requestSkip = func() (s [wire.FieldCount]bool) {
	s[wire.Host] = true
	return s
}()

// untrustedSkip lists, besides, what only a trusted proxy may say.
var untrustedSkip = func() (ids []wire.FieldID) {
	for id := range wire.FieldID(wire.FieldCount) {
		if id.AboutClient() {
			ids = append(ids, id)
		}
	}
	return ids
}()

// makeRequest fills x.out with the request as it goes to the server: hop-by-hop
// fields left behind (RFC 9110 section 7.6.1), Via and the client's address added.
func (x *Exchange) makeRequest() {
	req, o := &x.req, &x.out
	o.Method, o.Path, o.Status = req.Bytes(req.MethodSpan), req.Bytes(req.PathSpan), 0
	o.Head, o.Reason, o.Skip = &req.Head, wire.Span{}, requestSkip
	o.Framing, o.NoBody, o.Upgrade = req.Framing, false, nil
	o.Add, x.scratch = o.Add[:0], x.scratch[:0]

	host := req.Bytes(req.HostSpan)
	switch {
	case x.route.HostOfServer:
		x.add("Host", func(b []byte) []byte { return append(b, x.lease.Authority()...) })
	case x.route.HostHeader != "":
		x.add("Host", func(b []byte) []byte { return append(b, x.route.HostHeader...) })
	case len(host) == 0:
		// An HTTP/1.0 client need not say; many servers refuse an empty Host.
		x.add("Host", func(b []byte) []byte { return append(b, x.lease.Authority()...) })
	default:
		o.Add = append(o.Add, Added{"Host", host})
	}
	if !x.trusted {
		for _, id := range untrustedSkip {
			o.Skip[id] = true
		}
	}
	if x.plan.EmitXForwarded {
		x.addXForwarded(host)
	}
	if x.plan.EmitForwarded {
		x.addForwarded(host)
	}
	if x.plan.Via != "" {
		o.Skip[wire.Via] = true
		x.add("Via", func(b []byte) []byte { return appendVia(x.appendPrior(b, wire.Via), req.Version, x.plan.Via) })
	}
	if cert := x.client.Arrival().ClientCert; len(cert) > 0 {
		o.Skip[wire.ClientCert], o.Skip[wire.ClientCertChain] = true, true
		o.Add = append(o.Add, Added{"Client-Cert", cert})
	}
	if req.Find(wire.XRequestID) < 0 {
		x.add("X-Request-Id", x.rec.ID.Append)
	}
	if x.rec.Trace.Exists() {
		x.addTraceparent()
	}
	if req.TETrailers {
		o.Add = append(o.Add, Added{"TE", teTrailers})
	}
	if req.Upgrade {
		o.Upgrade = req.Bytes(req.UpgradeSpan)
	}
	if x.visit != nil {
		x.visit.EditRequest(o)
	}
}

var teTrailers = []byte("trailers")

// add appends a field whose value is built in the scratch buffer.
func (x *Exchange) add(name string, build func([]byte) []byte) {
	from := len(x.scratch)
	x.scratch = build(x.scratch)
	x.out.Add = append(x.out.Add, Added{name, x.scratch[from:len(x.scratch):len(x.scratch)]})
}

func appendVia(b []byte, version uint8, pseudonym string) []byte {
	b = append(b, '0'+version/10, '.', '0'+version%10, ' ')
	return append(b, pseudonym...)
}

// appendPrior appends what the request says in its fields called id, as the front
// of a list that goes on: what each hop adds comes behind what it was told.
func (x *Exchange) appendPrior(b []byte, id wire.FieldID) []byte {
	for i := range x.req.Fields {
		if v := x.req.Value(i); x.req.Fields[i].ID == id && len(v) > 0 {
			b = append(append(b, v...), ", "...)
		}
	}
	return b
}

// addXForwarded says who asked, how, and for which host. Behind a trusted proxy
// its word on protocol and host stands, and its list of addresses is continued.
func (x *Exchange) addXForwarded(host []byte) {
	req, o := &x.req, &x.out
	o.Skip[wire.XForwardedFor] = true
	x.add("X-Forwarded-For", func(b []byte) []byte {
		if x.trusted {
			b = x.appendPrior(b, wire.XForwardedFor)
		}
		return append(b, x.client.Arrival().PeerText...)
	})
	if !x.trusted || req.Find(wire.XForwardedProto) < 0 {
		o.Add = append(o.Add, Added{"X-Forwarded-Proto", x.scheme()})
	}
	if len(host) > 0 && (!x.trusted || req.Find(wire.XForwardedHost) < 0) {
		o.Add = append(o.Add, Added{"X-Forwarded-Host", host})
	}
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// scheme is how the client came to us.
func (x *Exchange) scheme() []byte {
	if x.client.Arrival().Secure() {
		return schemeHTTPS
	}
	return schemeHTTP
}

// addForwarded adds our element (RFC 7239 section 4) behind those of a trusted
// proxy.
func (x *Exchange) addForwarded(host []byte) {
	x.out.Skip[wire.Forwarded] = true
	x.add("Forwarded", func(b []byte) []byte {
		if x.trusted {
			b = x.appendPrior(b, wire.Forwarded)
		}
		b = append(b, "for="...)
		switch peer := x.rec.Peer.Addr(); {
		case !peer.IsValid():
			b = append(b, "unknown"...)
		case peer.Is4() || peer.Is4In6():
			b = append(b, x.client.Arrival().PeerText...)
		default:
			b = append(append(append(b, `"[`...), x.client.Arrival().PeerText...), `]"`...)
		}
		if len(host) > 0 {
			b = append(append(append(b, `;host="`...), host...), '"')
		}
		return append(append(b, ";proto="...), x.scheme()...)
	})
}

// makeInterim fills x.out with a 1xx answer.
func (x *Exchange) makeInterim() {
	o := &x.out
	o.Status, o.Head, o.Reason = x.res.Status, &x.res.Head, x.res.ReasonSpan
	o.Skip, o.Add = [wire.FieldCount]bool{}, o.Add[:0]
	o.Framing, o.NoBody, o.Upgrade = wire.FramingNone, false, nil
}

// makeAnswer fills x.out with the upstream's final answer as it goes to the
// client.
func (x *Exchange) makeAnswer() {
	x.makeInterim()
	o, res := &x.out, &x.res
	if o.Framing = res.Framing; o.Framing == wire.FramingClose {
		o.Framing = wire.FramingChunked
	}
	if res.Status == 101 {
		o.Framing, o.Upgrade = wire.FramingTunnel, res.Bytes(res.UpgradeSpan)
	}
	o.NoBody = res.Framing == wire.FramingNone
	x.addHSTS()
	if x.visit != nil {
		x.scratch = x.scratch[:0]
		x.addCacheStatus()
	}
	x.bind()
}
