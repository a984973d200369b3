// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// contentPolicy allows the page its own script and style and nothing else. Trusted
// types are required and none is allowed, so that no text can become markup.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// guard is what every request passes first (I2).
//
// A page of another site cannot read our answers, but it can make a browser send
// requests; and with a name that it lets point to 127.0.0.1 (DNS rebinding) it
// could read them too. The first is seen by Origin and Sec-Fetch-Site, the second
// by Host. Programs send neither Origin nor Sec-Fetch-Site and are not touched.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !hostAllowed(r.Host):
			writeProblem(w, problem{Status: http.StatusMisdirectedRequest,
				Detail: "The admin side answers to localhost and loopback addresses only; the Host field names another."})
		case !originAllowed(r):
			writeProblem(w, problem{Status: http.StatusForbidden,
				Detail: "The request was made by a page of another origin."})
		default:
			limit := int64(bodyLimitBytes)
			if r.Method == http.MethodPut { // a list of servers
				limit = serversLimitBytes
			}
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			next.ServeHTTP(w, r)
		}
	})
}

// hostAllowed reports whether the Host field names this machine itself. The port
// may be any: people come through forwarded ports.
func hostAllowed(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// originAllowed reports whether a request comes from our own page or from no page
// at all. Another port of the same host is another origin: what runs there is
// another program. Following a link to the page itself is harmless and allowed.
func originAllowed(r *http.Request) bool {
	if o := r.Header.Values("Origin"); len(o) > 0 && (len(o) > 1 || o[0] != "http://"+r.Host) {
		return false
	}
	switch site := r.Header.Values("Sec-Fetch-Site"); {
	case len(site) == 0:
		return true
	case len(site) == 1 && (site[0] == "same-origin" || site[0] == "none"):
		return true
	}
	return r.Method == http.MethodGet && r.URL.Path == "/" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// needsToken lets a request that came over TCP through if it has the token (I3).
func (s *Server) needsToken(next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte(s.opts.Token))
	return func(w http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(token))
		switch {
		case s.opts.Token == "":
			writeProblem(w, problem{Status: http.StatusForbidden,
				Detail: "This needs the unix socket; over TCP it needs a token, and none is configured."})
		case !bearer || subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			w.Header().Set("WWW-Authenticate", `Bearer realm="causey admin"`)
			writeProblem(w, problem{Status: http.StatusUnauthorized,
				Detail: "This needs the unix socket, or the token as Authorization: Bearer."})
		default:
			next(w, r)
		}
	}
}
