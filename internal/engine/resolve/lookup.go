// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// lookup is one name being asked for: candidates, then families side by side,
// then servers and tries. It runs in a goroutine of its own (I4).
type lookup struct {
	r       *Resolver
	key     string
	last    string // FQDN of the last good answer, empty if there is none
	set     settings
	started time.Time
	done    chan struct{} // closed when result is set

	result result // owned by the goroutine until done is closed

	mu        sync.Mutex // guards what follows
	tried     []Try
	triedMore int
}

// result is how a lookup ended: an answer, or an error and how long it counts.
type result struct {
	answer Answer
	err    *Error
	ttl    time.Duration
}

// resolve asks for the candidates in order until one has an address.
func (l *lookup) resolve(ctx context.Context) result {
	var (
		worst     reply
		worstName string
		denialTTL = l.r.cfg.MaxNegativeTTL
		skipped   bool
	)
	for _, fqdn := range candidates(l.key, l.set.search, l.set.ndots) {
		six, four := l.askFamilies(ctx, fqdn)
		if six.kind == 0 || four.kind == 0 {
			return l.answered(fqdn, six, four, skipped)
		}
		rep := moreTelling(four, six)
		for _, family := range []reply{four, six} {
			if family.kind.denies() {
				denialTTL = min(denialTTL, family.ttl)
			}
		}
		if rep.kind > worst.kind {
			worst, worstName = rep, fqdn
		}
		if !l.mayGoOn(rep.kind, fqdn) {
			break
		}
		skipped = skipped || !rep.kind.denies()
	}
	res := result{err: l.newError(worst, worstName), ttl: l.r.cfg.FailureTTL}
	if worst.kind.denies() {
		res.ttl = l.r.cfg.clampTTL(denialTTL, l.r.cfg.MaxNegativeTTL)
	}
	return res
}

// mayGoOn reports whether the next candidate is asked for after fqdn failed. A
// denial leads on, and so does a server that cannot or will not say, since
// people have search domains that nobody serves; the C library does the same.
// But a name that answered last time is not given up for a namesake because its
// servers are ill: that would send the site's visitors to a stranger.
func (l *lookup) mayGoOn(kind Kind, fqdn string) bool {
	switch kind {
	case NXDomain, NoData:
		return true
	case ServFail, Refused, OtherRcode:
		return fqdn != l.last
	}
	return false
}

// moreTelling returns the reply that is reported of two; a if they are equal.
func moreTelling(a, b reply) reply {
	if b.kind > a.kind {
		return b
	}
	return a
}

// answered makes an answer of two replies at least one of which has addresses.
func (l *lookup) answered(fqdn string, six, four reply, skipped bool) result {
	now, cfg := l.r.cfg.Now(), &l.r.cfg
	a := Answer{
		Name: l.key, FQDN: fqdn, Source: SourceDNS,
		ResolvedAt: now, Elapsed: now.Sub(l.started),
	}
	tried, _ := l.triedSoFar()
	a.Tried = slices.DeleteFunc(tried, func(t Try) bool {
		return t.FQDN == fqdn && t.Kind.denies() // one family is often empty
	})
	ttl, limit := maxWireTTL, cfg.MaxTTL
	for _, rep := range []reply{four, six} {
		switch {
		case rep.kind == 0:
			a.Server, ttl = rep.server, min(ttl, rep.ttl)
			a.CNAME = cmp.Or(rep.cname, a.CNAME)
		case !rep.kind.denies():
			a.Missing = l.newError(rep, fqdn)
		}
	}
	if skipped || a.Missing != nil {
		limit = min(limit, cfg.MaxNegativeTTL) // it may look different soon
	}
	a.Addrs = slices.Concat(six.addrs, four.addrs)
	a.TTL = cfg.clampTTL(ttl, limit)
	a.Expires = now.Add(a.TTL)
	return result{answer: a}
}

func (l *lookup) newError(rep reply, fqdn string) *Error {
	now := l.r.cfg.Now()
	e := &Error{
		Name: l.key, FQDN: fqdn, Kind: rep.kind, Rcode: rep.rcode,
		InfoCode: rep.infoCode, HasInfoCode: rep.hasInfo,
		Site: rep.site, Errno: rep.errno, Server: rep.server,
		At: now, Elapsed: now.Sub(l.started),
	}
	e.Tried, e.TriedMore = l.triedSoFar()
	return e
}

// askFamilies asks for AAAA and A side by side. Once one has settled the matter
// the other gets FamilyWait: servers that drop AAAA queries are common.
func (l *lookup) askFamilies(ctx context.Context, fqdn string) (six, four reply) {
	if l.set.noIPv6 {
		return reply{kind: NXDomain, ttl: maxWireTTL}, l.askServers(ctx, fqdn, dnsmessage.TypeA)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sixes, fours := make(chan reply, 1), make(chan reply, 1)
	go func() { sixes <- l.askServers(ctx, fqdn, dnsmessage.TypeAAAA) }()
	go func() { fours <- l.askServers(ctx, fqdn, dnsmessage.TypeA) }()
	select {
	case six = <-sixes:
		return six, l.awaitOther(six, fours, cancel)
	case four = <-fours:
		return l.awaitOther(four, sixes, cancel), four
	}
}

// awaitOther waits for the slower family. NXDOMAIN settles the matter too, since
// it is about the name and not about a type; but as broken servers say it of
// AAAA alone (RFC 4074, section 4.2) the other family still has its chance.
func (l *lookup) awaitOther(first reply, other <-chan reply, cancel func()) reply {
	if first.kind != 0 && first.kind != NXDomain {
		return <-other
	}
	timer := time.NewTimer(l.r.cfg.FamilyWait)
	defer timer.Stop()
	select {
	case rep := <-other:
		return rep
	case <-timer.C:
	}
	cancel()
	rep := <-other
	switch {
	case rep.kind != Canceled:
		return rep
	case first.kind == NXDomain:
		return first
	}
	return reply{kind: Timeout, site: "family-wait", server: rep.server}
}

// askServers asks for one type: each server in order, as many times over as
// there are attempts, until one knows.
func (l *lookup) askServers(ctx context.Context, fqdn string, typ dnsmessage.Type) reply {
	var worst reply
	for range l.set.attempts {
		for _, server := range l.r.health.order(l.set.servers, l.r.cfg.Now()) {
			rep := l.askServer(ctx, server, fqdn, typ)
			if rep.kind == 0 || rep.kind.denies() || rep.kind == Canceled {
				return rep
			}
			worst = moreTelling(worst, rep)
			if ctx.Err() != nil {
				return worst
			}
		}
	}
	return worst
}

// askServer asks one server, over UDP and where need be over TCP, and without
// EDNS if the server does not understand it.
func (l *lookup) askServer(ctx context.Context, server netip.AddrPort, fqdn string, typ dnsmessage.Type) reply {
	tcp, edns := l.set.tcpOnly, true
	for {
		rep := l.try(ctx, server, newQuery(fqdn, typ, tcp, edns))
		switch {
		case rep.wantTCP && !tcp:
			tcp = true
		case edns && (rep.rcode == rcodeFormErr || rep.rcode == rcodeNotImp):
			// RFC 6891, section 7: "Responders that choose not to implement the
			// protocol extensions defined in this document MUST respond with a
			// return code (RCODE) of FORMERR [...] A requestor [...] MAY retry".
			edns = false
		default:
			return rep
		}
	}
}

// try is one query within one timeout; it notes the try if it failed (I6).
func (l *lookup) try(ctx context.Context, server netip.AddrPort, q query) reply {
	begin := l.r.cfg.Now()
	tryCtx, cancel := context.WithTimeout(ctx, l.set.timeout)
	rep := l.r.ask(tryCtx, server, q)
	cancel()
	rep.server = server
	now := l.r.cfg.Now()
	if ctx.Err() == nil { // else it was not the server who took too long
		l.r.health.note(server, rep.kind.silent(), now)
	}
	if rep.kind == 0 && !rep.wantTCP {
		return rep
	}
	l.note(Try{
		Server: server, Network: networkOf(q.tcp),
		FQDN: q.name.String(), Type: typeName(q.typ),
		Kind: rep.kind, Rcode: rep.rcode, Site: rep.site, Errno: rep.errno,
		Elapsed: now.Sub(begin),
	})
	return rep
}

func typeName(t dnsmessage.Type) string {
	switch t {
	case dnsmessage.TypeA:
		return "A"
	case dnsmessage.TypeSRV:
		return "SRV"
	}
	return "AAAA"
}

func (l *lookup) note(t Try) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tried) < maxTried {
		l.tried = append(l.tried, t)
		return
	}
	l.triedMore++
}

func (l *lookup) triedSoFar() ([]Try, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tried), l.triedMore
}
