// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// answerReader collects what matters from the three record sections of a reply.
// Every section is read to its end, so a reply that was cut anywhere is
// malformed and never half believed.
type answerReader struct {
	q       query
	aliases []alias
	addrs   []addrRecord
	// services are read where SRV was asked for.
	services []serviceRecord

	hasSOA      bool
	soaTTL      time.Duration
	nameservers bool

	hasOPT    bool
	rcodeHigh int // bits 4 to 11 of the rcode, in place
	infoCode  uint16
	hasInfo   bool
}

type alias struct {
	owner, target dnsmessage.Name
	ttl           time.Duration
}

type addrRecord struct {
	owner dnsmessage.Name
	addr  netip.Addr
	ttl   time.Duration
}

// read reads all sections; site names the section that is broken.
func (a *answerReader) read(p *dnsmessage.Parser) (site string) {
	if !section(p, p.AnswerHeader, p.SkipAnswer, a.answer) {
		return "answer"
	}
	if !section(p, p.AuthorityHeader, p.SkipAuthority, a.authority) {
		return "authority"
	}
	if !section(p, p.AdditionalHeader, p.SkipAdditional, a.additional) {
		return "additional"
	}
	return ""
}

// section calls take for each record; take reports whether it read the body and
// whether the body was sound. It returns false if the section is broken. The
// loop is bounded by the message: each record has at least 11 bytes.
func section(
	p *dnsmessage.Parser,
	header func() (dnsmessage.ResourceHeader, error),
	skip func() error,
	take func(*dnsmessage.Parser, dnsmessage.ResourceHeader) (taken, sound bool),
) bool {
	for {
		h, err := header()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return true
		}
		if err != nil {
			return false
		}
		taken, sound := take(p, h)
		if !sound || !taken && skip() != nil {
			return false
		}
	}
}

func (a *answerReader) answer(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (taken, sound bool) {
	if h.Class != dnsmessage.ClassINET {
		return false, true
	}
	switch {
	case h.Type == dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		if len(a.aliases) > maxAliases {
			return true, err == nil // one too many is enough to know
		}
		a.aliases = append(a.aliases, alias{h.Name, r.CNAME, ttlOf(h.TTL)})
		return true, err == nil
	case h.Type != a.q.typ:
		return false, true
	case h.Type == dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		if err == nil {
			a.noteService(h, r)
		}
		return true, err == nil
	case h.Type == dnsmessage.TypeA:
		// dnsmessage reads four bytes whatever the length says.
		r, err := p.AResource()
		a.note(h, netip.AddrFrom4(r.A))
		return true, err == nil && h.Length == 4
	default:
		r, err := p.AAAAResource()
		a.note(h, netip.AddrFrom16(r.AAAA).Unmap())
		return true, err == nil && h.Length == 16
	}
}

func (a *answerReader) note(h dnsmessage.ResourceHeader, addr netip.Addr) {
	// Twice the room, since records of other owners may be among them.
	if len(a.addrs) < 2*maxAddrs {
		a.addrs = append(a.addrs, addrRecord{h.Name, addr, ttlOf(h.TTL)})
	}
}

func (a *answerReader) authority(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (taken, sound bool) {
	switch {
	case h.Class != dnsmessage.ClassINET:
		return false, true
	case h.Type == dnsmessage.TypeNS:
		a.nameservers = true
		return false, true
	case h.Type != dnsmessage.TypeSOA || a.hasSOA:
		return false, true
	}
	r, err := p.SOAResource()
	a.hasSOA = true
	// RFC 2308, section 5: "this TTL is the minimum of the MINIMUM field of the
	// SOA record and the TTL of the SOA itself".
	a.soaTTL = min(ttlOf(r.MinTTL), ttlOf(h.TTL))
	return true, err == nil
}

func (a *answerReader) additional(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (taken, sound bool) {
	if h.Type != dnsmessage.TypeOPT || a.hasOPT {
		return false, true
	}
	r, err := p.OPTResource()
	a.hasOPT = true
	a.rcodeHigh = int(h.ExtendedRCode(0))
	for _, option := range r.Options {
		if option.Code == optionEDE && len(option.Data) >= 2 && !a.hasInfo {
			a.infoCode, a.hasInfo = binary.BigEndian.Uint16(option.Data), true
		}
	}
	return true, err == nil
}

// denialTTL is how long the server lets a denial count. Without a SOA it is not
// to be remembered at all (RFC 2308, section 5), which the clamp makes MinTTL.
func (a *answerReader) denialTTL() time.Duration {
	if !a.hasSOA {
		return 0
	}
	return a.soaTTL
}

// followAliases returns the end of the CNAME chain that begins at the name asked
// and the least TTL on the way, whatever the order of the records.
func (a *answerReader) followAliases() (end dnsmessage.Name, ttl time.Duration, site string) {
	end, ttl = a.q.name, maxWireTTL
	if len(a.aliases) > maxAliases {
		return end, ttl, "cname-chain"
	}
	for range len(a.aliases) + 1 {
		i := a.aliasOf(end)
		if i < 0 {
			return end, ttl, ""
		}
		end, ttl = a.aliases[i].target, min(ttl, a.aliases[i].ttl)
	}
	return end, ttl, "cname-loop"
}

func (a *answerReader) aliasOf(name dnsmessage.Name) int {
	for i := range a.aliases {
		if sameName(a.aliases[i].owner, name) {
			return i
		}
	}
	return -1
}

// maxWireTTL is the greatest TTL there is. RFC 2181, section 8: "a TTL value is
// an unsigned number, with a minimum value of 0, and a maximum value of
// 2147483647 [...] Implementations should treat TTL values received with the
// most significant bit set as if the entire value received was zero."
const maxWireTTL = (1<<31 - 1) * time.Second

func ttlOf(seconds uint32) time.Duration {
	if seconds > 1<<31-1 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
