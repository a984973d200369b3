// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// ednsBytes is the UDP payload we announce: what passes nearly every path
	// without fragments (the DNS flag day 2020 figure).
	ednsBytes = 1232
	// maxAliases bounds the CNAME chain (I2). BIND follows 16, and chains of
	// content networks have up to some 8.
	maxAliases = 16
	// optionEDE is the EDNS option Extended DNS Error (RFC 8914, section 2).
	optionEDE = 15
)

// Response codes that dnsmessage gives no typed name to compare with an int.
const (
	rcodeSuccess  = int(dnsmessage.RCodeSuccess)
	rcodeFormErr  = int(dnsmessage.RCodeFormatError)
	rcodeServFail = int(dnsmessage.RCodeServerFailure)
	rcodeNXDomain = int(dnsmessage.RCodeNameError)
	rcodeNotImp   = int(dnsmessage.RCodeNotImplemented)
	rcodeRefused  = int(dnsmessage.RCodeRefused)
)

// query is one question on its way to one server.
type query struct {
	id   uint16
	name dnsmessage.Name
	typ  dnsmessage.Type
	edns bool
	tcp  bool
}

// newQuery returns a query with a random id. fqdn ends with a dot and has at
// most 254 bytes (canonical and candidates see to it).
func newQuery(fqdn string, typ dnsmessage.Type, tcp, edns bool) query {
	var id [2]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return query{
		id:   binary.BigEndian.Uint16(id[:]),
		name: dnsmessage.MustNewName(fqdn),
		typ:  typ, tcp: tcp, edns: edns,
	}
}

// append appends the query as a DNS message to dst.
func (q query) append(dst []byte) ([]byte, error) {
	b := dnsmessage.NewBuilder(dst, dnsmessage.Header{ID: q.id, RecursionDesired: true})
	err := b.StartQuestions()
	if err == nil {
		err = b.Question(dnsmessage.Question{Name: q.name, Type: q.typ, Class: dnsmessage.ClassINET})
	}
	if err == nil && q.edns {
		var h dnsmessage.ResourceHeader
		if err = h.SetEDNS0(ednsBytes, dnsmessage.RCodeSuccess, false); err == nil {
			err = b.StartAdditionals()
		}
		if err == nil {
			err = b.OPTResource(h, dnsmessage.OPTResource{})
		}
	}
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// reply is what one try brought: addresses or services if kind is zero, else the reason why
// there are none.
type reply struct {
	kind     Kind
	rcode    int
	infoCode uint16
	hasInfo  bool
	site     string
	errno    syscall.Errno
	server   netip.AddrPort

	addrs    []netip.Addr
	services []Service
	cname    string        // lower case, final dot; empty without alias
	ttl      time.Duration // of the addresses or of the denial, as the server says
	// wantTCP: the reply is truncated or cannot be found among strays.
	wantTCP bool
}

func malformed(site string) reply { return reply{kind: Malformed, site: site} }

// parseReply reads msg as the reply to q. stray is not empty if msg is no reply
// to q at all, and names the rule: over UDP anybody can have sent it, so the
// caller goes on waiting. Whatever else is wrong is the server's doing.
func parseReply(msg []byte, q query) (rep reply, stray string) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil {
		return reply{}, "short"
	}
	if stray = strayRule(&p, h, q); stray != "" {
		return reply{}, stray
	}
	if h.Truncated && !q.tcp {
		// RFC 2181, section 9: "When a DNS client receives a reply with TC set,
		// it should ignore that response, and query again, using a mechanism,
		// such as a TCP connection, that will permit larger replies."
		return reply{wantTCP: true, site: "truncated"}, ""
	}
	a := answerReader{q: q}
	if site := a.read(&p); site != "" {
		return malformed(site), ""
	}
	rep = reply{rcode: int(h.RCode) | a.rcodeHigh, infoCode: a.infoCode, hasInfo: a.hasInfo}
	switch rep.rcode {
	case rcodeSuccess:
	case rcodeNXDomain:
		rep.kind, rep.ttl = NXDomain, a.denialTTL()
		return rep, ""
	case rcodeServFail:
		rep.kind = ServFail
		return rep, ""
	case rcodeRefused:
		rep.kind = Refused
		return rep, ""
	default:
		rep.kind = OtherRcode
		return rep, ""
	}
	end, chainTTL, site := a.followAliases()
	if site != "" {
		return malformed(site), ""
	}
	if end != q.name {
		rep.cname = lower(end)
	}
	rep.ttl = chainTTL
	for _, r := range a.addrs {
		if sameName(r.owner, end) && !slices.Contains(rep.addrs, r.addr) && len(rep.addrs) < maxAddrs {
			rep.addrs = append(rep.addrs, r.addr)
			rep.ttl = min(rep.ttl, r.ttl)
		}
	}
	a.servicesOf(end, &rep)
	switch {
	case len(rep.addrs) > 0, len(rep.services) > 0:
	case a.nameservers && !a.hasSOA && len(a.aliases) == 0 && !h.RecursionAvailable:
		// A server that knows whom to ask and will not: RFC 2308, section 2.2
		// keeps such a referral apart from NODATA by the missing SOA.
		return malformed("referral"), ""
	default:
		rep.kind, rep.ttl = NoData, a.denialTTL()
	}
	return rep, ""
}

// strayRule returns the rule by which the message is no reply to q, reading the
// question section (I1).
func strayRule(p *dnsmessage.Parser, h dnsmessage.Header, q query) string {
	switch {
	case h.ID != q.id:
		return "id"
	case !h.Response:
		return "no-response"
	case h.OpCode != 0:
		return "opcode"
	}
	got, err := p.Question()
	if errors.Is(err, dnsmessage.ErrSectionDone) {
		// Servers that did not understand the query may send the bare header.
		switch int(h.RCode) {
		case rcodeFormErr, rcodeServFail, rcodeNotImp, rcodeRefused:
			return ""
		}
		return "no-question"
	}
	if err != nil || got.Type != q.typ || got.Class != dnsmessage.ClassINET || !sameName(got.Name, q.name) {
		return "question"
	}
	if _, err = p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return "question"
	}
	return ""
}

// sameName compares without regard to ASCII case (RFC 4343).
func sameName(a, b dnsmessage.Name) bool {
	if a.Length != b.Length {
		return false
	}
	for i := range a.Data[:a.Length] {
		if lowerByte(a.Data[i]) != lowerByte(b.Data[i]) {
			return false
		}
	}
	return true
}

func lower(n dnsmessage.Name) string {
	b := slices.Clone(n.Data[:n.Length])
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
