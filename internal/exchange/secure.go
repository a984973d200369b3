// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"strconv"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// This file is what an exchange does because of TLS with its client.

// Challenges answers the requests by which a certification authority convinces itself
// that a host is ours (RFC 8555 section 8.3).
type Challenges interface {
	// HTTPChallenge returns the answer for a path of a host; ok is false if nobody
	// asked for a certificate of that host.
	HTTPChallenge(host, path string) (answer []byte, ok bool)
}

// challengePath is where the authority's requests go.
var challengePath = []byte("/.well-known/acme-challenge/")

// challenge returns the answer to an authority's request. It stands before the
// choice of the route: the host may have no site, and a redirect or a guard must not
// come between. What is not ours goes on to the site.
func (x *Exchange) challenge() (answer []byte, ok bool) {
	path := x.req.Path()
	if x.plan.Challenges == nil || x.req.Method != wire.GET || !bytes.HasPrefix(path, challengePath) {
		return nil, false
	}
	return x.plan.Challenges.HTTPChallenge(string(x.req.Bytes(x.req.HostSpan)), string(path))
}

func (x *Exchange) answerChallenge(answer []byte) {
	x.beginOwn(200)
	x.addString("Content-Type", "application/octet-stream")
	x.addString("Content-Length", strconv.Itoa(len(answer)))
	x.sendOwn(answer)
}

// beginOwn begins an answer of our own that is no failure.
func (x *Exchange) beginOwn(status int) {
	x.rec.Status, x.rec.Outcome = status, record.Answered
	x.scratch = x.scratch[:0]
	x.out = Out{Status: status, Framing: wire.FramingLength, NoBody: x.req.Method == wire.HEAD, Add: x.out.Add[:0]}
	x.addString("X-Request-Id", x.rec.ID.String())
}

// wantsRedirect reports a request that should come again over TLS. A trusted proxy
// that was reached over TLS is not sent there: it would come the same way again, for
// ever.
func (x *Exchange) wantsRedirect() bool {
	return x.route.RedirectPort != 0 && !x.client.Arrival().Secure() && !x.cameByHTTPS() && len(x.hostName()) > 0
}

// cameByHTTPS reports that a trusted proxy says so.
func (x *Exchange) cameByHTTPS() bool { return x.trusted && x.saysHTTPS() }

// saysHTTPS reports that a proxy, or the client itself, says so.
func (x *Exchange) saysHTTPS() bool {
	i := x.req.Find(wire.XForwardedProto)
	return i >= 0 && wire.EqualFold(firstOf(x.req.Value(i)), "https")
}

func firstOf(list []byte) []byte {
	first, _, _ := bytes.Cut(list, []byte{','})
	return bytes.TrimSpace(first)
}

// hostName is the host that was asked for, without its port.
func (x *Exchange) hostName() []byte {
	host := x.req.Bytes(x.req.HostSpan)
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// redirect sends the client to the same place over TLS. 308 keeps method and body
// (RFC 9110 section 15.4.9).
func (x *Exchange) redirect() {
	x.beginOwn(308)
	x.add("Location", func(b []byte) []byte {
		b = append(append(b, "https://"...), x.hostName()...)
		if x.route.RedirectPort != 443 {
			b = strconv.AppendInt(append(b, ':'), int64(x.route.RedirectPort), 10)
		}
		path := x.req.Bytes(x.req.PathSpan)
		if len(path) == 0 || path[0] != '/' { // OPTIONS *
			return append(b, '/')
		}
		return append(b, path...)
	})
	x.addString("Content-Length", "0")
	x.sendOwn(nil)
}

// checkClientAuth refuses a request on a connection that was accepted by another rule
// than its site's: a certificate that was asked for in one site's name must not open
// another, and none must not open one that asks. The client is told to try another
// connection (RFC 9110 section 15.5.20).
func (x *Exchange) checkClientAuth() *failure.Error {
	a := x.client.Arrival()
	if x.route.ClientAuth == a.ClientAuth {
		return nil
	}
	x.req.Close = true // a client that does not understand 421 comes again, on another one
	return gatewayFound(failure.Client, phase.Route, failure.Misdirected)
}

// addHSTS adds Strict-Transport-Security to an answer over TLS, in place of what the
// server said (RFC 6797 section 7.1: one field).
func (x *Exchange) addHSTS() {
	if x.route == nil || len(x.route.HSTS) == 0 || !x.client.Arrival().Secure() {
		return
	}
	x.out.Skip[wire.StrictTransportSecurity] = true
	x.out.Add = append(x.out.Add, Added{"Strict-Transport-Security", x.route.HSTS})
}
