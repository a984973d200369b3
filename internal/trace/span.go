// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// request is everything that is sent at a time.
func (s *Sink) request(batch []record.Record) (req exportRequest, spans uint64) {
	var res attributes
	res.text("service.name", s.opts.Service.Name)
	res.text("service.version", s.opts.Service.Version)
	res.text("service.instance.id", s.opts.Service.Instance)
	var list []spanJSON
	for i := range batch {
		list = appendSpans(list, &batch[i], s.reason(&batch[i]))
	}
	req.ResourceSpans = []resourceSpans{{
		Resource:   resource{res},
		ScopeSpans: []scopeSpans{{Scope: scope{"causey", s.opts.Service.Version}, Spans: list}},
	}}
	return req, uint64(len(list))
}

// appendSpans appends the spans of one exchange. Names of attributes are those of
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/ where there is one,
// else they begin with causey.
func appendSpans(list []spanJSON, r *record.Record, reason string) []spanJSON {
	t := &r.Trace
	for _, s := range layout(r) {
		parent, id := t.Part(s.within), t.Part(s.part)
		j := spanJSON{
			TraceID: hex.EncodeToString(t.ID[:]), SpanID: hex.EncodeToString(id[:]),
			Flags: flagKnowsPeer, Kind: s.kind,
			Start: nanos(r.Start.Add(s.start)), End: nanos(r.Start.Add(max(s.end, s.start))),
		}
		if t.Sampled {
			j.Flags |= flagSampled
		}
		switch {
		case s.kind == serverSpan:
			if parent = t.Parent; parent != [8]byte{} {
				j.Flags |= flagIsRemote
			}
			j.exchange(r, reason)
		case s.kind == clientSpan:
			j.attempt(r, &s)
		default:
			j.Name = s.phase.String()
			j.Attributes.text("causey.phase", s.phase.String())
		}
		if parent != [8]byte{} {
			j.ParentSpanID = hex.EncodeToString(parent[:])
		}
		list = append(list, j)
	}
	return list
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// schemeOf is how the client came.
func schemeOf(r *record.Record) string {
	if r.TLS.Version != 0 {
		return "https"
	}
	return "http"
}

// exchange fills the span of the exchange.
func (j *spanJSON) exchange(r *record.Record, reason string) {
	a := &j.Attributes
	j.Name = j.method(r)
	if r.Route != "" {
		j.Name += " " + r.Route
	}
	a.text("url.scheme", schemeOf(r))
	if r.TLS.Version != 0 {
		a.text("tls.protocol.name", "tls")
		a.text("tls.protocol.version", strings.TrimPrefix(failure.TLSVersionName(r.TLS.Version), "TLS "))
		a.flag("tls.resumed", r.TLS.Resumed)
	}
	path, whole := pathOf(r)
	if a.text("url.path", path); !whole {
		a.flag("causey.url_path_cut", true)
	}
	a.text("http.route", r.Route)
	a.address("server", string(r.Text(record.Host)))
	if r.Version > 0 {
		a.text("network.protocol.version", strconv.Itoa(int(r.Version/10))+"."+strconv.Itoa(int(r.Version%10)))
	}
	if r.Client.IsValid() {
		a.text("client.address", r.Client.String())
	}
	a.peer(r.Peer)
	a.text("user_agent.original", string(r.Text(record.UserAgent)))
	if r.Status > 0 {
		a.number("http.response.status_code", int64(r.Status))
	}
	a.number("http.request.body.size", r.BodyIn)
	a.number("http.response.body.size", r.BodyOut)
	a.text("causey.id", r.ID.String())
	a.text("causey.chosen", reason)
	a.text("causey.outcome", r.Outcome.String())
	if r.Cache != record.CacheNone {
		a.text("causey.cache", r.Cache.String())
	}
	if !r.Hidden.IsNone() {
		a.text("causey.hidden", r.Hidden.String())
	}
	a.text("causey.site", r.Site)
	a.text("causey.upstream", r.Upstream)
	a.number("causey.attempts", int64(r.AttemptLen))
	for p, d := range r.Phases {
		if d >= 0 {
			a.millis("causey.phase."+phase.Phase(p).String()+"_ms", d)
		}
	}
	j.outcome(r)
}

// outcome says how the exchange ended: "for HTTP status codes in the 4xx range span
// status MUST be left unset in case of SpanKind.SERVER", and 5xx is an error.
func (j *spanJSON) outcome(r *record.Record) {
	if e := failure.Lookup(r.Failure); e != nil {
		j.Attributes.text("causey.failure", e.Name)
		if e.Severity != failure.SeverityWarning {
			j.Attributes.text("error.type", e.Name)
		}
		if e.Severity == failure.SeverityError {
			j.Status = statusJSON{Code: statusError, Message: e.Title}
		}
		j.Events = append(j.Events, failureEvent(r, e))
		return
	}
	if r.Status >= 500 {
		j.Attributes.text("error.type", strconv.Itoa(r.Status))
		j.Status.Code = statusError
	}
}

// attempt fills the span of an attempt.
func (j *spanJSON) attempt(r *record.Record, s *span) {
	a, at := s.attempt, &j.Attributes
	j.Name = j.method(r)
	if strings.HasPrefix(a.Server, "unix:") {
		at.text("network.transport", "unix")
		at.text("server.address", strings.TrimPrefix(a.Server, "unix:"))
	} else {
		scheme, server := "http", a.Server
		if rest, secure := strings.CutPrefix(server, "https://"); secure {
			scheme, server = "https", rest
		}
		at.address("server", server)
		if path, _ := pathOf(r); server != "" {
			at.text("url.full", scheme+"://"+server+path)
		}
	}
	at.peer(a.Dialled)
	if s.part > 1 {
		at.number("http.request.resend_count", int64(s.part-1))
	}
	at.text("causey.upstream", r.Upstream)
	if a.RequestNumber > 0 { // else there was no connection
		at.flag("causey.connection.reused", a.Reused)
		at.number("causey.connection.request_number", int64(a.RequestNumber))
		if a.Reused {
			at.millis("causey.connection.idle_ms", a.IdleFor)
		}
	}
	code := a.Failure
	if s.part == r.AttemptLen && code.IsNone() {
		if r.UpStatus > 0 {
			at.number("http.response.status_code", int64(r.UpStatus))
		}
		if r.Failure.Party == failure.Upstream && r.Failure.Phase >= phase.ReadHeadUp {
			code = r.Failure // the answer broke off after the head
		}
	}
	switch e := failure.Lookup(code); {
	case e != nil:
		at.text("error.type", e.Name)
		j.Status.Code = statusError
		j.Status.Message = e.Title
	case s.part == r.AttemptLen && r.UpStatus >= 400:
		// "for SpanKind.CLIENT it SHOULD be set to Error" from 400 on.
		at.text("error.type", strconv.Itoa(r.UpStatus))
		j.Status.Code = statusError
	}
}

// method says what the method was and returns the front of the span's name. Methods
// are a closed list there, since strangers choose them.
func (j *spanJSON) method(r *record.Record) string {
	text := r.Text(record.Method)
	switch m := wire.LookupMethod(text); {
	case len(text) == 0:
		return "HTTP"
	case m != wire.OtherMethod:
		j.Attributes.text("http.request.method", m.String())
		return m.String()
	}
	j.Attributes.text("http.request.method", "_OTHER")
	j.Attributes.text("http.request.method_original", string(text))
	return "HTTP"
}

// pathOf returns the path of the request's target, without the query, which may hold
// secrets, and reports whether it is whole.
func pathOf(r *record.Record) (path string, whole bool) {
	target, whole := r.Text(record.Target), !r.TextCut(record.Target)
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		target, whole = target[:i], true
	}
	if _, rest, ok := bytes.Cut(target, []byte("://")); ok && target[0] != '/' {
		// The absolute form; what stands before the path is in server.address.
		slash := max(bytes.IndexByte(rest, '/'), 0)
		if target = rest[slash:]; slash == 0 {
			target = []byte("/")
		}
	}
	return string(target), whole
}

// address says host and port of a text such as shop.example:8080.
func (a *attributes) address(of, text string) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), ""
	}
	a.text(of+".address", host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		a.number(of+".port", int64(n))
	}
}

func (a *attributes) peer(p netip.AddrPort) {
	if p.IsValid() {
		a.text("network.peer.address", p.Addr().String())
		a.number("network.peer.port", int64(p.Port()))
	}
}
