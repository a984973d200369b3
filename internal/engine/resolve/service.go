// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Service is one SRV record (RFC 2782): a server of a service.
type Service struct {
	// Target is its name, in lower case and without a final dot.
	Target string
	Port   uint16
	// Priority is lower for those to be asked first; Weight is the share among
	// those of one priority.
	Priority, Weight uint16
}

// Services is what a service name such as _http._tcp.example.com resolved to.
type Services struct {
	// FQDN is the absolute name that had the records, after the search list.
	FQDN string
	// List has at least one service, in a fixed order: by priority, target, port.
	List []Service
	// TTL is how long the answer counts, after clamping.
	TTL time.Duration
	// Server answered.
	Server netip.AddrPort
}

// LookupServices asks for the SRV records of name; the search list applies as in
// Lookup. A non-nil error is an *Error. Nothing is remembered: who asks does so once
// in a TTL, and keeps the answer. ctx bounds the lookup, and Close ends it.
func (r *Resolver) LookupServices(ctx context.Context, name string) (Services, error) {
	now := r.cfg.Now()
	key, site := canonical(name)
	if site != "" {
		return Services{}, &Error{Name: name, Kind: BadName, Site: site, At: now}
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return Services{}, refusal(key, "closed", now)
	}
	r.wg.Add(1)
	r.mu.Unlock()
	defer r.wg.Done()
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Total)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	l := &lookup{r: r, key: key, started: now}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return Services{}, l.newError(ended(ctx, "slots"), "")
	}
	l.set = r.settings(now)
	s, err := l.services(ctx)
	if err != nil {
		return Services{}, err
	}
	return s, nil
}

// ended says why a lookup could not go on.
func ended(ctx context.Context, site string) reply {
	if errors.Is(ctx.Err(), context.Canceled) {
		return reply{kind: Canceled, site: "caller"}
	}
	return reply{kind: Timeout, site: site}
}

// services asks for the candidates in order until one has records.
func (l *lookup) services(ctx context.Context) (Services, *Error) {
	var worst reply
	var worstName string
	for _, fqdn := range candidates(l.key, l.set.search, l.set.ndots) {
		rep := l.askServers(ctx, fqdn, dnsmessage.TypeSRV)
		if rep.kind == 0 {
			return Services{
				FQDN: fqdn, List: rep.services, Server: rep.server,
				TTL: l.r.cfg.clampTTL(rep.ttl, l.r.cfg.MaxTTL),
			}, nil
		}
		if rep.kind > worst.kind {
			worst, worstName = rep, fqdn
		}
		if !l.mayGoOn(rep.kind, fqdn) {
			break
		}
	}
	return Services{}, l.newError(worst, worstName)
}

// maxServices is how many services of one name are kept (I3). A message over TCP
// has room for some 1,500.
const maxServices = 1024

type serviceRecord struct {
	owner   dnsmessage.Name
	service Service
	ttl     time.Duration
}

// noteService takes an SRV record.
func (a *answerReader) noteService(h dnsmessage.ResourceHeader, r dnsmessage.SRVResource) {
	if len(a.services) < maxServices {
		a.services = append(a.services, serviceRecord{h.Name, Service{
			Target: strings.TrimSuffix(lower(r.Target), "."), Port: r.Port, Priority: r.Priority, Weight: r.Weight}, ttlOf(h.TTL)})
	}
}

// servicesOf puts the services of the name end into rep.
//
// RFC 2782: "A Target of "." means that the service is decidedly not available at
// this domain."
func (a *answerReader) servicesOf(end dnsmessage.Name, rep *reply) {
	for _, r := range a.services {
		if sameName(r.owner, end) && r.service.Target != "" && !slices.Contains(rep.services, r.service) {
			rep.services = append(rep.services, r.service)
			rep.ttl = min(rep.ttl, r.ttl)
		}
	}
	slices.SortFunc(rep.services, func(a, b Service) int {
		if d := int(a.Priority) - int(b.Priority); d != 0 {
			return d
		}
		if d := strings.Compare(a.Target, b.Target); d != 0 {
			return d
		}
		return int(a.Port) - int(b.Port)
	})
}
