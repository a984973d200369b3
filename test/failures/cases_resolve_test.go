// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// dnsAnswer makes the answer to a query, nil for none.
type dnsAnswer func(query []byte) []byte

// silent never answers.
func silent([]byte) []byte { return nil }

// rcode answers with a code and nothing else.
func rcode(code dnsmessage.RCode) dnsAnswer {
	return func(query []byte) []byte { return respond(query, code, nil) }
}

// garbled begins a good answer whose record cannot be read.
func garbled(query []byte) []byte {
	b := respond(query, dnsmessage.RCodeSuccess, nil)
	b[7] = 1 // one answer follows
	return append(b, 0xff, 0xff, 0xff)
}

// address answers with one address, to queries for that kind.
func address(ip [4]byte) dnsAnswer {
	return func(query []byte) []byte { return respond(query, dnsmessage.RCodeSuccess, &ip) }
}

func respond(query []byte, code dnsmessage.RCode, ip *[4]byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: h.ID, Response: true, RecursionDesired: true, RecursionAvailable: true, RCode: code})
	if b.StartQuestions() != nil || b.Question(q) != nil || b.StartAnswers() != nil {
		return nil
	}
	if ip != nil && q.Type == dnsmessage.TypeA {
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
		if b.AResource(header, dnsmessage.AResource{A: *ip}) != nil {
			return nil
		}
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

// startDNS starts a name server on UDP and returns its address.
func startDNS(t *testing.T, answer dnsAnswer) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := answer(buf[:n]); out != nil {
				_, _ = pc.WriteTo(out, from) // a reply that is lost shows as another failure
			}
		}
	}()
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
	return pc.LocalAddr().String()
}

// nobodyAt returns an address of UDP where the kernel says that nobody listens: the port is taken by a socket that
// hears only one peer, which is not the gateway.
func nobodyAt(t *testing.T) string {
	t.Helper()
	c, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

func resolveCases() []Case {
	const brief = "resolve: 300ms"
	resolve := func(kind string, answer dnsAnswer, e evidence) Case {
		return Case{code: "upstream.resolve." + kind, network: "none", servers: []string{"app.test:80"}, dns: answer,
			timeouts: brief, play: ask(get("/")), evidence: e, attempts: 1}
	}
	said := func(code int) evidence {
		return evidence{"rcode": code, "dns_server": begins("127.0.0.1:"), "dialled": absent, "reused": absent}
	}
	return []Case{
		resolve("nxdomain", rcode(dnsmessage.RCodeNameError), said(3)),
		resolve("servfail", rcode(dnsmessage.RCodeServerFailure), said(2)),
		resolve("refused", rcode(dnsmessage.RCodeRefused), said(5)),
		resolve("rcode", rcode(dnsmessage.RCode(9)), said(9)),
		resolve("nodata", rcode(dnsmessage.RCodeSuccess), said(0)),
		resolve("timeout", silent, evidence{"dns_server": begins("127.0.0.1:")}),
		resolve("malformed", garbled, evidence{"dns_server": begins("127.0.0.1:")}),
		{code: "upstream.resolve.unreachable", network: "none", servers: []string{"app.test:80"}, timeouts: brief,
			prepare: func(s *stage, c *Case) { c.top = "resolver: [" + nobodyAt(s.t) + "]" }, play: ask(get("/")),
			evidence: evidence{"errno": unix.ErrnoName(unix.ECONNREFUSED), "dns_server": begins("127.0.0.1:")}},
	}
}
