// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// message is the beginning of a reply to a.
func message(a asked, rcode dnsmessage.RCode) dnsmessage.Message {
	return dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: a.header.ID, Response: true, RecursionDesired: true,
			RecursionAvailable: true, RCode: rcode,
		},
		Questions: []dnsmessage.Question{a.q},
	}
}

func pack(m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err) // a test wrote a message that cannot be
	}
	return b
}

func head(name string, typ dnsmessage.Type, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{
		Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET, TTL: ttl,
	}
}

func addrRR(owner, addr string, ttl uint32) dnsmessage.Resource {
	a := netip.MustParseAddr(addr)
	if a.Is4() {
		return dnsmessage.Resource{Header: head(owner, dnsmessage.TypeA, ttl), Body: &dnsmessage.AResource{A: a.As4()}}
	}
	return dnsmessage.Resource{Header: head(owner, dnsmessage.TypeAAAA, ttl), Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}
}

func cnameRR(owner, target string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: head(owner, dnsmessage.TypeCNAME, ttl),
		Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)},
	}
}

func soaRR(zone string, ttl, minimum uint32) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: head(zone, dnsmessage.TypeSOA, ttl),
		Body: &dnsmessage.SOAResource{
			NS: dnsmessage.MustNewName("ns." + zone), MBox: dnsmessage.MustNewName("admin." + zone), MinTTL: minimum,
		},
	}
}

func nsRR(zone string) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: head(zone, dnsmessage.TypeNS, 60),
		Body:   &dnsmessage.NSResource{NS: dnsmessage.MustNewName("ns." + zone)},
	}
}

func optRR(extendedRcode dnsmessage.RCode, options ...dnsmessage.Option) dnsmessage.Resource {
	var h dnsmessage.ResourceHeader
	if err := h.SetEDNS0(1232, extendedRcode, false); err != nil {
		panic(err)
	}
	return dnsmessage.Resource{Header: h, Body: &dnsmessage.OPTResource{Options: options}}
}

// rcode answers everything with one response code.
func rcode(code dnsmessage.RCode) handler {
	return func(a asked, send func([]byte)) { send(pack(message(a, code))) }
}

// denies answers with a code and a SOA whose minimum is ttl.
func denies(code dnsmessage.RCode, ttl uint32) handler {
	return func(a asked, send func([]byte)) {
		m := message(a, code)
		m.Authorities = append(m.Authorities, soaRR("test.", 3600, ttl))
		send(pack(m))
	}
}

func silent(asked, func([]byte)) {}

// zone answers from lines "name ttl addr" and "name ttl CNAME target"; a name
// that is not in it does not exist.
func zone(lines ...string) handler {
	return func(a asked, send func([]byte)) {
		m := message(a, dnsmessage.RCodeNameError)
		want := strings.ToLower(a.name())
		for hop := true; hop; {
			hop = false
			for _, line := range lines {
				f := strings.Fields(line)
				if f[0] != want {
					continue
				}
				m.RCode = dnsmessage.RCodeSuccess
				ttl := atoi(f[1])
				if f[2] == "CNAME" {
					m.Answers = append(m.Answers, cnameRR(want, f[3], ttl))
					want, hop = f[3], true
					break
				}
				if rr := addrRR(want, f[2], ttl); rr.Header.Type == a.q.Type {
					m.Answers = append(m.Answers, rr)
				}
			}
		}
		if len(m.Answers) == 0 {
			m.Authorities = append(m.Authorities, soaRR("test.", 20, 20))
		}
		send(pack(m))
	}
}

func atoi(s string) (n uint32) {
	for _, c := range s {
		n = 10*n + uint32(c-'0')
	}
	return n
}

// wantAddrs looks name up and demands exactly these addresses.
func wantAddrs(t *testing.T, r *Resolver, name string, want ...string) Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := r.Lookup(ctx, name)
	if err != nil {
		t.Fatalf("Lookup(%q): %v, want %v", name, err, want)
	}
	var got []string
	for _, addr := range a.Addrs {
		got = append(got, addr.String())
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Lookup(%q) = %v, want %v", name, got, want)
	}
	return a
}

// wantError looks name up and demands a failure of this kind.
func wantError(t *testing.T, r *Resolver, name string, kind Kind) *Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := r.Lookup(ctx, name)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("Lookup(%q) = %v, %v, want %v", name, a.Addrs, err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("Lookup(%q): %v, want kind %v; tried %+v", name, e, kind, e.Tried)
	}
	return e
}

func want[T comparable](t *testing.T, why string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", why, got, want)
	}
}
