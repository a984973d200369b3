// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// testQuery is an A query for www.shop.test, and what a server sees of it.
func testQuery() (query, asked) {
	q := newQuery("www.shop.test.", dnsmessage.TypeA, false, true)
	return q, asked{
		header: dnsmessage.Header{ID: q.id, RecursionDesired: true},
		q:      dnsmessage.Question{Name: q.name, Type: q.typ, Class: dnsmessage.ClassINET},
	}
}

// richReply uses every section and a CNAME chain.
func richReply(a asked) []byte {
	m := message(a, dnsmessage.RCodeSuccess)
	m.Answers = []dnsmessage.Resource{
		cnameRR("www.shop.test.", "cdn.test.", 300),
		cnameRR("cdn.test.", "edge.cdn.test.", 40),
		addrRR("edge.cdn.test.", "192.0.2.7", 60),
		addrRR("edge.cdn.test.", "192.0.2.8", 60),
	}
	m.Authorities = []dnsmessage.Resource{nsRR("test."), soaRR("test.", 9, 8)}
	m.Additionals = []dnsmessage.Resource{
		addrRR("ns.test.", "192.0.2.99", 60),
		optRR(0, dnsmessage.Option{Code: 10, Data: []byte("cookie")}),
	}
	return pack(m)
}

func TestReplyWithEverySection(t *testing.T) {
	q, a := testQuery()
	rep, stray := parseReply(richReply(a), q)
	want(t, "stray", stray, "")
	want(t, "kind", rep.kind, 0)
	want(t, "addresses, not those of the additional section", fmt.Sprint(rep.addrs), "[192.0.2.7 192.0.2.8]")
	want(t, "end of the chain", rep.cname, "edge.cdn.test.")
	want(t, "least TTL of chain and addresses", rep.ttl, 40*time.Second)
}

// A reply that ends early is never half believed, wherever it was cut (I1).
func TestReplyCutAnywhere(t *testing.T) {
	q, a := testQuery()
	whole := richReply(a)
	for n := range whole {
		rep, stray := parseReply(whole[:n], q)
		if stray == "" && rep.kind != Malformed {
			t.Errorf("cut at %d of %d bytes: kind %v, addresses %v", n, len(whole), rep.kind, rep.addrs)
		}
	}
}

// I1: what is not the reply to this question is a stray.
func TestStrayReplies(t *testing.T) {
	q, a := testQuery()
	for _, c := range []struct {
		rule string
		edit func(*dnsmessage.Message)
	}{
		{"id", func(m *dnsmessage.Message) { m.ID++ }},
		{"no-response", func(m *dnsmessage.Message) { m.Response = false }},
		{"opcode", func(m *dnsmessage.Message) { m.OpCode = 4 }},
		{"no-question", func(m *dnsmessage.Message) { m.Questions = nil }},
		{"question", func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("www.evil.test.") }},
		{"question", func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("www.shop.tesu.") }},
		{"question", func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA }},
		{"question", func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }},
		{"question", func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }},
	} {
		m := message(a, dnsmessage.RCodeSuccess)
		m.Questions = slices.Clone(m.Questions)
		m.Answers = []dnsmessage.Resource{addrRR("www.shop.test.", "192.0.2.66", 60)}
		c.edit(&m)
		rep, stray := parseReply(pack(m), q)
		want(t, "rule", stray, c.rule)
		want(t, c.rule+": addresses", len(rep.addrs), 0)
	}
	// A server may echo the name in other letters (RFC 4343).
	m := message(a, dnsmessage.RCodeSuccess)
	m.Questions[0].Name = dnsmessage.MustNewName("WWW.Shop.TEST.")
	m.Answers = []dnsmessage.Resource{addrRR("wWw.shop.test.", "192.0.2.1", 60)}
	rep, stray := parseReply(pack(m), q)
	want(t, "other letters: stray", stray, "")
	want(t, "other letters: addresses", len(rep.addrs), 1)
}

func TestReplyKinds(t *testing.T) {
	q, a := testQuery()
	for _, c := range []struct {
		why  string
		edit func(*dnsmessage.Message)
		kind Kind
		site string
		ttl  time.Duration
	}{
		{"no such name", func(m *dnsmessage.Message) {
			m.RCode = dnsmessage.RCodeNameError
			m.Authorities = append(m.Authorities, soaRR("test.", 7, 900))
		}, NXDomain, "", 7 * time.Second},
		{"no such name at the end of an alias", func(m *dnsmessage.Message) {
			m.RCode = dnsmessage.RCodeNameError
			m.Answers = append(m.Answers, cnameRR("www.shop.test.", "gone.test.", 60))
		}, NXDomain, "", 0},
		{"no address", func(m *dnsmessage.Message) {
			m.Authorities = append(m.Authorities, soaRR("test.", 900, 6))
		}, NoData, "", 6 * time.Second},
		{"no address, no SOA", func(*dnsmessage.Message) {}, NoData, "", 0},
		{"alias to a name without address", func(m *dnsmessage.Message) {
			m.Answers = append(m.Answers, cnameRR("www.shop.test.", "mail.test.", 60))
		}, NoData, "", 0},
		{"only somebody else's address", func(m *dnsmessage.Message) { // I1
			m.Answers = append(m.Answers, addrRR("www.evil.test.", "192.0.2.66", 60))
		}, NoData, "", 0},
		{"address in the wrong class", func(m *dnsmessage.Message) {
			m.Answers = append(m.Answers, addrRR("www.shop.test.", "192.0.2.66", 60))
			m.Answers[0].Header.Class = dnsmessage.ClassCHAOS
		}, NoData, "", 0},
		{"address among the authorities, SOA of another class", func(m *dnsmessage.Message) {
			m.Authorities = append(m.Authorities, addrRR("www.shop.test.", "192.0.2.66", 60), soaRR("test.", 5, 5))
			m.Authorities[1].Header.Class = dnsmessage.ClassCHAOS
		}, NoData, "", 0},
		{"two SOAs: the first", func(m *dnsmessage.Message) {
			m.Authorities = append(m.Authorities, soaRR("test.", 5, 5), soaRR("test.", 50, 50))
		}, NoData, "", 5 * time.Second},
		{"records of another type", func(m *dnsmessage.Message) {
			m.Answers = append(m.Answers, addrRR("www.shop.test.", "2001:db8::66", 60))
		}, NoData, "", 0},
		{"server failure", func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure }, ServFail, "", 0},
		{"refused", func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused }, Refused, "", 0},
		{"not authoritative", func(m *dnsmessage.Message) { m.RCode = 9 }, OtherRcode, "", 0},
		{"extended rcode", func(m *dnsmessage.Message) {
			m.Additionals = append(m.Additionals, optRR(16)) // BADVERS: 0 in the header, 1 in the OPT
		}, OtherRcode, "", 0},
		{"referral", func(m *dnsmessage.Message) {
			m.RecursionAvailable = false
			m.Authorities = append(m.Authorities, nsRR("test."))
		}, Malformed, "referral", 0},
		{"no address, NS and SOA as some servers give", func(m *dnsmessage.Message) {
			m.RecursionAvailable = false
			m.Authorities = append(m.Authorities, nsRR("test."), soaRR("test.", 5, 5))
		}, NoData, "", 5 * time.Second},
		{"no address, NS from a server that recurses", func(m *dnsmessage.Message) {
			m.Authorities = append(m.Authorities, nsRR("test."))
		}, NoData, "", 0},
		{"alias of itself", func(m *dnsmessage.Message) {
			m.Answers = append(m.Answers, cnameRR("www.shop.test.", "WWW.shop.test.", 60))
		}, Malformed, "cname-loop", 0},
		{"aliases in a ring", func(m *dnsmessage.Message) {
			m.Answers = append(m.Answers, cnameRR("www.shop.test.", "b.test.", 60),
				cnameRR("b.test.", "c.test.", 60), cnameRR("c.test.", "b.test.", 60),
				addrRR("b.test.", "192.0.2.66", 60))
		}, Malformed, "cname-loop", 0},
		{"too many aliases", func(m *dnsmessage.Message) { // I2
			owner := "www.shop.test."
			for i := range maxAliases + 1 {
				target := fmt.Sprintf("a%d.test.", i)
				m.Answers = append(m.Answers, cnameRR(owner, target, 60))
				owner = target
			}
			m.Answers = append(m.Answers, addrRR(owner, "192.0.2.66", 60))
		}, Malformed, "cname-chain", 0},
	} {
		m := message(a, dnsmessage.RCodeSuccess)
		c.edit(&m)
		rep, stray := parseReply(pack(m), q)
		want(t, c.why+": stray", stray, "")
		want(t, c.why+": kind", rep.kind, c.kind)
		want(t, c.why+": site", rep.site, c.site)
		want(t, c.why+": ttl", rep.ttl, c.ttl)
	}
}

func TestLongestAliasChainInAnyOrder(t *testing.T) {
	q, a := testQuery()
	m := message(a, dnsmessage.RCodeSuccess)
	owner := "www.shop.test."
	for i := range maxAliases {
		target := fmt.Sprintf("a%d.test.", i)
		m.Answers = append(m.Answers, cnameRR(owner, target, 60))
		owner = target
	}
	m.Answers = append(m.Answers, addrRR(owner, "192.0.2.5", 60))
	slices.Reverse(m.Answers)
	rep, _ := parseReply(pack(m), q)
	want(t, "kind", rep.kind, 0)
	want(t, "end of the chain", rep.cname, owner)
}

func TestTTLWithHighBitIsZero(t *testing.T) { // I7
	q, a := testQuery()
	m := message(a, dnsmessage.RCodeSuccess)
	m.Answers = []dnsmessage.Resource{addrRR("www.shop.test.", "192.0.2.5", 1<<31)}
	rep, _ := parseReply(pack(m), q)
	want(t, "ttl", rep.ttl, 0)
	want(t, "addresses", len(rep.addrs), 1)
}

// dnsmessage reads as many bytes as the type has, whatever the length says.
func TestRecordOfWrongLength(t *testing.T) {
	for typ, right := range map[dnsmessage.Type]int{dnsmessage.TypeA: 4, dnsmessage.TypeAAAA: 16} {
		for _, length := range []int{0, right - 1, right + 1} {
			q, a := testQuery()
			q.typ, a.q.Type = typ, typ
			m := message(a, dnsmessage.RCodeSuccess)
			m.Answers = []dnsmessage.Resource{{
				Header: head("www.shop.test.", typ, 60),
				Body:   &dnsmessage.UnknownResource{Type: typ, Data: make([]byte, length)},
			}}
			msg := append(pack(m), make([]byte, 20)...) // room to read on
			rep, stray := parseReply(msg, q)
			want(t, "stray", stray, "")
			want(t, "kind", rep.kind, Malformed)
			want(t, "site", rep.site, "answer")
		}
	}
}

// RFC 8914: the server's own reason is kept as evidence.
func TestExtendedError(t *testing.T) {
	q, a := testQuery()
	m := message(a, dnsmessage.RCodeServerFailure)
	m.Additionals = []dnsmessage.Resource{optRR(0,
		dnsmessage.Option{Code: optionEDE, Data: []byte{0}}, // too short to be one
		dnsmessage.Option{Code: optionEDE, Data: []byte{0, 6}},
		dnsmessage.Option{Code: optionEDE, Data: append([]byte{0, 22}, "no reachable authority"...)},
	), optRR(16, dnsmessage.Option{Code: optionEDE, Data: []byte{0, 1}})} // a second OPT counts for nothing
	rep, _ := parseReply(pack(m), q)
	want(t, "kind", rep.kind, ServFail)
	want(t, "there is a code", rep.hasInfo, true)
	want(t, "the first one", rep.infoCode, 6)
}

func TestTruncatedIsAskedAgain(t *testing.T) {
	q, a := testQuery()
	m := message(a, dnsmessage.RCodeSuccess)
	m.Truncated = true
	m.Answers = []dnsmessage.Resource{addrRR("www.shop.test.", "192.0.2.5", 60)}
	rep, _ := parseReply(pack(m), q)
	want(t, "over UDP: again", rep.wantTCP, true)
	want(t, "over UDP: addresses", len(rep.addrs), 0)
	q.tcp = true
	rep, _ = parseReply(pack(m), q)
	want(t, "over TCP: again", rep.wantTCP, false)
	want(t, "over TCP: addresses", len(rep.addrs), 1)
}

func TestAddressesAreBounded(t *testing.T) { // I3
	q, a := testQuery()
	m := message(a, dnsmessage.RCodeSuccess)
	for i := range 3 * maxAddrs {
		m.Answers = append(m.Answers, addrRR("www.shop.test.", fmt.Sprintf("10.0.%d.%d", i/256, i%256), 60))
	}
	rep, _ := parseReply(pack(m), q)
	want(t, "addresses", len(rep.addrs), maxAddrs)
	want(t, "the first ones", rep.addrs[1].String(), "10.0.0.1")
}

func TestQueryBytes(t *testing.T) {
	ids := map[uint16]bool{}
	for range 64 {
		q := newQuery("www.shop.test.", dnsmessage.TypeAAAA, false, true)
		ids[q.id] = true
	}
	if len(ids) < 32 {
		t.Errorf("64 queries have only %d ids", len(ids))
	}
	var m dnsmessage.Message
	packet, err := newQuery("www.shop.test.", dnsmessage.TypeA, false, true).append(nil)
	if err != nil || m.Unpack(packet) != nil {
		t.Fatal("the query cannot be read")
	}
	want(t, "no DNSSEC records wanted", m.Additionals[0].Header.DNSSECAllowed(), false)
	longest := strings.Repeat(strings.Repeat("a", 49)+".", 5) + "bcd."
	packet, err = newQuery(longest, dnsmessage.TypeA, false, false).append(nil)
	want(t, "the longest name can be asked", err, nil)
	want(t, "its length", len(packet), 12+255+4)
}

// FuzzParseReply: whatever comes, parseReply does not panic, a reply without
// kind has addresses and nothing else has, and their number is bounded (I3).
// Cutting an accepted reply never adds an address (I1).
func FuzzParseReply(f *testing.F) {
	q, a := testQuery()
	q.id, a.header.ID = 7, 7
	f.Add(richReply(a))
	for _, h := range []handler{
		rcode(dnsmessage.RCodeServerFailure), denies(dnsmessage.RCodeNameError, 5),
		zone("www.shop.test. 60 192.0.2.1", "www.shop.test. 60 2001:db8::1"),
		zone("www.shop.test. 60 CNAME b.test.", "b.test. 30 192.0.2.1"),
	} {
		h(a, func(b []byte) { f.Add(b) })
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, tcp := range []bool{false, true} {
			q := q
			q.tcp = tcp
			rep, stray := parseReply(msg, q)
			hasAddrs := len(rep.addrs) > 0
			if hasAddrs != (rep.kind == 0 && stray == "" && !rep.wantTCP) || len(rep.addrs) > maxAddrs {
				t.Fatalf("tcp %v: stray %q, reply %+v", tcp, stray, rep)
			}
			if rep.wantTCP && tcp {
				t.Fatal("asks for TCP over TCP")
			}
			if rep.ttl < 0 || rep.ttl > maxWireTTL {
				t.Fatalf("ttl %v", rep.ttl)
			}
			if !hasAddrs {
				continue
			}
			for _, n := range []int{len(msg) / 2, len(msg) - 1} {
				if cut, _ := parseReply(msg[:n], q); len(cut.addrs) > len(rep.addrs) {
					t.Fatalf("cut at %d: %v of %v", n, cut.addrs, rep.addrs)
				}
			}
		}
	})
}
