// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"causey/internal/upstream"
)

// A certificate that seems to have expired, and has not by the Date of other
// answers, is our clock's fault.
func TestClockIsWrong(t *testing.T) {
	const ahead = 48 * time.Hour
	for _, tc := range []struct {
		name     string
		theirs   time.Duration // by the witness's clock
		from, to time.Duration // the certificate is valid, by ours
		want     string
	}{
		{"ours is slow", ahead, ahead - time.Hour, ahead + time.Hour, "gateway.up-handshake.clock-wrong"},
		{"ours is fast", -ahead, -ahead - time.Hour, -ahead + time.Hour, "gateway.up-handshake.clock-wrong"},
		{"ours is right", 0, -2 * time.Hour, -time.Hour, "upstream.up-handshake.cert-expired"},
		{"wrong, and expired nevertheless", ahead, -2 * time.Hour, -time.Hour, "upstream.up-handshake.cert-expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			witness := origin(t, func(p *peer) {
				p.head()
				date := time.Now().Add(tc.theirs).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", date))
			})
			root := newAuthority("a root for all times")
			cert := root.leaf("site.test", func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = time.Now().Add(tc.from), time.Now().Add(tc.to)
			})
			faulty := tlsOrigin(t, &tls.Config{Certificates: []tls.Certificate{cert}}, hello)
			r := newRig(t, faulty, func(s *setup) {
				toTLS(s)
				s.serverTLS.Policy.Roots = root.roots
				s.servers = append(s.servers, serverAt(witness))
				s.group.Balance = upstream.RoundRobin
			})
			p := r.dial()
			for range 3 { // the two servers take turns
				p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				p.answer()
			}
			eventually(t, "the failure of the second attempt", func() bool {
				for _, rec := range r.drained() {
					for i := range rec.AttemptLen {
						if rec.Attempts[i].Failure.String() == tc.want {
							return true
						}
					}
				}
				return false
			})
		})
	}
}
