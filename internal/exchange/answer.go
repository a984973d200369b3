// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"net/netip"
	"strconv"

	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/wire"
)

// Details says who is shown the failure's code, and the next hop, in
// Proxy-Status. Everybody is shown the RFC 9209 error type.
type Details uint8

// The choices.
const (
	DetailsTrusted Details = iota
	DetailsAlways
	DetailsNever
)

// answerFailure tells the client, if it can still be told.
func (x *Exchange) answerFailure(err *failure.Error) {
	e := failure.Lookup(err.Code)
	switch {
	case e.Status == failure.StatusClientGone:
		x.rec.Status, x.rec.Outcome = failure.StatusClientGone, record.ClientLeft
		x.client.Abort()
	case x.client.Begun() && e.Severity == failure.SeverityWarning:
		x.rec.Outcome = record.Tunnelled
		x.client.Abort()
	case x.client.Begun():
		x.rec.Outcome = record.Cut
		x.client.Abort()
	default:
		x.answer(e, err)
	}
}

// answer makes and sends an answer of our own.
func (x *Exchange) answer(e *failure.Entry, err *failure.Error) {
	x.rec.Status, x.rec.Outcome = e.Status, record.Answered
	x.makeOwn(e, err)
	pages := x.plan.Pages
	if x.route != nil && x.route.Pages != nil {
		pages = x.route.Pages
	}
	var accept []byte
	if i := x.req.Find(wire.Accept); i >= 0 && x.rec.Version != 0 {
		accept = x.req.Value(i)
	}
	page := pages.Render(e, x.rec.ID, accept)
	x.out.Framing, x.out.NoBody = wire.FramingLength, x.req.Method == wire.HEAD
	x.addString("Content-Type", page.ContentType)
	x.addString("Content-Length", strconv.Itoa(len(page.Body)))
	if page.Policy != "" {
		x.addString("Content-Security-Policy", page.Policy)
	}
	x.sendOwn(page.Body)
}

// sendOwn sends the answer of our own that was made in x.out.
func (x *Exchange) sendOwn(body []byte) {
	werr := x.client.SendHead(&x.out)
	if werr == nil && !x.out.NoBody && len(body) > 0 {
		if werr = x.client.WriteBody(body); werr == nil {
			x.rec.BodyOut = int64(len(body))
		}
	}
	if werr == nil {
		werr = x.client.EndBody(nil)
	}
	if werr != nil {
		if werr != Canceled {
			x.note(werr)
		}
		x.unanswered()
	}
}

// unanswered gives up an answer of our own.
func (x *Exchange) unanswered() {
	x.client.Abort()
	if x.rec.Outcome = record.Cut; !x.client.Begun() {
		x.rec.Status, x.rec.Outcome, x.rec.BodyOut = 0, record.Unanswered, 0
	}
}

// makeOwn fills x.out with a head of our own.
func (x *Exchange) makeOwn(e *failure.Entry, err *failure.Error) {
	x.out = Out{Status: e.Status, Add: x.out.Add[:0]}
	x.addHSTS()
	x.addString("Cache-Control", "no-store")
	x.addString("X-Request-Id", x.rec.ID.String())
	x.addString("Proxy-Status", ProxyStatus(x.plan, &x.rec, err))
	switch e.Status {
	case 503, 429:
		// Spread over a few seconds, so that clients do not come back as one.
		x.addString("Retry-After", strconv.Itoa(1+int(x.rec.ID.Seq%5)))
	case 405:
		allow := ""
		if x.route != nil {
			allow = x.route.Allow
		}
		x.addString("Allow", allow)
	}
}

func (x *Exchange) addString(name, value string) {
	x.out.Add = append(x.out.Add, Added{name, []byte(value)})
}

// ProxyStatus is the field of RFC 9209 for an answer of our own: the error type for
// everybody, the code and the next hop for those who may see them.
func ProxyStatus(plan *Plan, rec *record.Record, err *failure.Error) string {
	e := failure.Lookup(err.Code)
	b := appendToken(nil, plan.name())
	if e.ProxyError != "" {
		b = append(append(b, "; error="...), e.ProxyError...)
	}
	if plan.showsDetails(rec.Peer) {
		hop := err.Evidence.Dialled
		if a := rec.LastAttempt(); a != nil && !hop.IsValid() {
			hop = a.Dialled
		}
		if hop.IsValid() && e.Code.Party == failure.Upstream {
			b = append(append(append(b, `; next-hop="`...), hop.String()...), '"')
		}
		if e.ProxyError == "dns_error" && err.Evidence.Rcode != 0 {
			b = append(append(append(b, `; rcode="`...), strconv.Itoa(err.Evidence.Rcode)...), '"')
		}
		if e.ProxyError == "tls_alert_received" {
			b = appendAlert(b, err.Evidence.TLS)
		}
		b = append(append(append(b, `; details="`...), e.Name...), '"')
	}
	return string(b)
}

// name is how we call ourselves in fields of answers.
func (p *Plan) name() string {
	if p.Via == "" {
		return "causey"
	}
	return p.Via
}

// appendAlert appends the parameters of tls_alert_received (RFC 9209 section
// 2.3.16): the alert's number and its registered description.
func appendAlert(b []byte, t *failure.TLS) []byte {
	if t == nil || t.Alert < 0 || t.AlertSent {
		return b
	}
	b = strconv.AppendInt(append(b, "; alert-id="...), int64(t.Alert), 10)
	if name := failure.AlertName(t.Alert); name != "" {
		b = append(append(append(b, `; alert-message="`...), name...), '"')
	}
	return b
}

// appendToken appends name, a token of HTTP. Structured fields (RFC 9651 section
// 3.3.4) want a letter or "*" in front of one; any other is quoted.
func appendToken(b []byte, name string) []byte {
	if c := name[0] | 0x20; c >= 'a' && c <= 'z' || name[0] == '*' {
		return append(b, name...)
	}
	return append(append(append(b, '"'), name...), '"')
}

// showsDetails reports whether a peer may see more than the error type.
func (p *Plan) showsDetails(peer netip.AddrPort) bool {
	switch p.Details {
	case DetailsAlways:
		return true
	case DetailsNever:
		return false
	}
	return IsTrusted(p.Trusted, peer.Addr()) && peer != (netip.AddrPort{})
}
