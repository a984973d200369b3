// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// srvRR is an SRV record.
func srvRR(owner string, priority, weight, port uint16, target string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET, TTL: ttl},
		Body: &dnsmessage.SRVResource{Priority: priority, Weight: weight, Port: port,
			Target: dnsmessage.MustNewName(target)},
	}
}

// services answers with records, each of which has the owner that was asked for.
func services(records ...dnsmessage.Resource) handler {
	return func(a asked, send func([]byte)) {
		m := message(a, dnsmessage.RCodeSuccess)
		if a.q.Type == dnsmessage.TypeSRV {
			m.Answers = records
		}
		send(pack(m))
	}
}

func TestServices(t *testing.T) {
	const name = "_http._tcp.app.test."
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", services(
			srvRR(name, 20, 0, 81, "late.test.", 60),
			srvRR(name, 10, 5, 8080, "B.test.", 30),
			srvRR(name, 10, 5, 8080, "b.test.", 90), // the same again
			srvRR(name, 10, 7, 80, "a.test.", 60),
			srvRR(name, 1, 1, 80, ".", 60),           // not here
			srvRR("x.test.", 1, 1, 80, "x.test.", 5), // of nobody
		))
		r := n.resolver(t, nil, s)
		got, err := r.LookupServices(t.Context(), strings.TrimSuffix(name, "."))
		if err != nil {
			t.Fatal(err)
		}
		want(t, "ttl", got.TTL, 30*time.Second)
		want(t, "server", got.Server, s.addr)
		want(t, "services", len(got.List), 3)
		want(t, "first", got.List[0], Service{"a.test", 80, 10, 7})
		want(t, "second", got.List[1], Service{"b.test", 8080, 10, 5})
		want(t, "third", got.List[2], Service{"late.test", 81, 20, 0})
		want(t, "asked", s.questions()[0], name+" SRV udp")
	})
}

func TestServicesFail(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", rcode(dnsmessage.RCodeServerFailure))
		r := n.resolver(t, nil, s)
		fails := func(why string, kind Kind, denied bool) {
			t.Helper()
			_, err := r.LookupServices(t.Context(), "_http._tcp.app.test")
			var e *Error
			if !errors.As(err, &e) || e.Kind != kind || e.Denied() != denied {
				t.Errorf("%s: %v", why, err)
			}
		}
		fails("a server that cannot say", ServFail, false)
		s.setHandler(zone())
		fails("no such name", NXDomain, true)
		s.setHandler(services())
		fails("a name without services", NoData, true)
		s.setHandler(services(srvRR("_http._tcp.app.test.", 0, 0, 0, ".", 60)))
		fails("a service that is decidedly not there", NoData, true)
		s.setHandler(silent)
		fails("silence", Timeout, false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.LookupServices(ctx, "_http._tcp.app.test")
		want(t, "a caller who left", errors.Is(err, context.Canceled), true)
		_, err = r.LookupServices(t.Context(), "no name")
		var e *Error
		want(t, "no name", errors.As(err, &e) && e.Kind == BadName, true)
		r.Close()
		fails("closed", Canceled, false)
	})
}
