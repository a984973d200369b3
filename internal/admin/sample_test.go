// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/upstream"
)

// The sample: a small shop on an ordinary bad afternoon, with some hostile guests.
// The golden answers of the API are made from it, and the page is looked at with it.

var sampleStart = time.Date(2026, 3, 9, 14, 0, 0, 0, time.UTC)

// sample builds one record. Steps change it in order.
func sample(seq int, at time.Duration, steps ...func(*record.Record)) record.Record {
	var r record.Record
	r.Reset()
	r.ID = record.ID{Epoch: 0xfedcba9876, Seq: uint64(seq)}
	r.Start = sampleStart.Add(at)
	r.Peer = netip.MustParseAddrPort("203.0.113.25:40112")
	r.Client = r.Peer.Addr()
	r.Listener, r.Exchanges, r.Version = "127.0.0.1:8080", 1, 11
	for _, s := range steps {
		s(&r)
	}
	return r
}

func asks(method, host, target string) func(*record.Record) {
	return func(r *record.Record) {
		r.SetText(record.Method, []byte(method))
		r.SetText(record.Host, []byte(host))
		r.SetText(record.Target, []byte(target))
		r.SetText(record.UserAgent, []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"))
	}
}

func goes(site, upstream string) func(*record.Record) {
	return func(r *record.Record) { r.Site, r.Route, r.Upstream = site, "/", upstream }
}

func answered(o record.Outcome, status, upStatus int, out int64) func(*record.Record) {
	return func(r *record.Record) { r.Outcome, r.Status, r.UpStatus, r.BodyOut = o, status, upStatus, out }
}

// took sets phases by name, in milliseconds, and the total to their sum.
func took(ms map[string]float64) func(*record.Record) {
	return func(r *record.Record) {
		for name, v := range ms {
			p, ok := phase.Parse(name)
			if !ok {
				panic(name)
			}
			r.Phases[p] = time.Duration(v * 1e6)
			r.Total += r.Phases[p]
		}
	}
}

// tries adds an attempt.
func tries(server, address, code string, reused bool) func(*record.Record) {
	return func(r *record.Record) {
		a := r.AddAttempt()
		a.Server, a.Reused = server, reused
		if address != "" {
			a.Dialled = netip.MustParseAddrPort(address)
		}
		if code != "" {
			a.Failure = mustCode(code)
		}
		if reused {
			a.RequestNumber, a.IdleFor = 12, 4*time.Second
		} else {
			a.Connect = 310 * time.Microsecond
			if a.Failure.IsNone() || a.Failure.Phase > phase.Connect {
				a.RequestNumber = 1
			}
		}
	}
}

func fails(code string, ev failure.Evidence, first string) func(*record.Record) {
	return func(r *record.Record) {
		e := &failure.Error{Code: mustCode(code), Evidence: ev}
		e.Evidence.SetFirst([]byte(first))
		if ev.Errno != 0 {
			e.Err = ev.Errno
		}
		r.NoteFailure(e)
	}
}

func mustCode(name string) failure.Code {
	c, ok := failure.ParseCode(name)
	if !ok {
		panic(name)
	}
	return c
}

// nowhere is the evidence of an attempt that had no connection.
func nowhere(errno syscall.Errno, dialled string) failure.Evidence {
	ev := failure.Evidence{Errno: errno, BytesAcked: -1, Offset: -1, Missing: -1}
	if dialled != "" {
		ev.Dialled = netip.MustParseAddrPort(dialled)
	}
	return ev
}

// onConn is the evidence of an attempt that had a connection.
func onConn(dialled string, end failure.End, got int64) failure.Evidence {
	return failure.Evidence{HasConn: true, Dialled: netip.MustParseAddrPort(dialled), End: end, RequestNumber: 1,
		ConnAge: 31 * time.Millisecond, BytesWritten: 412, BytesAcked: 412, RTT: 180 * time.Microsecond,
		ResponseBytes: got, Offset: -1, Missing: -1}
}

// sampleRecords are in the order of their ends.
func sampleRecords() []record.Record {
	const app, app2 = "10.0.0.4:9000", "10.0.0.5:9000"
	moved := nowhere(syscall.ECONNREFUSED, app)
	moved.ResolvedLen, moved.ResolvedNow[0] = 1, netip.MustParseAddr("10.0.0.7")
	dns := nowhere(0, "")
	dns.Rcode, dns.DNSServer = 3, netip.MustParseAddrPort("127.0.0.53:53")
	stale := onConn(app, failure.EndRST, 0)
	stale.Errno, stale.Reused, stale.RequestNumber, stale.IdleFor, stale.ConnAge = syscall.ECONNRESET, true, 12, 4*time.Second, 95*time.Second
	banner := onConn("10.0.0.9:22", failure.EndOpen, 41)
	banner.Offset = 0
	short := onConn(app2, failure.EndFIN, 81_920)
	short.Missing = 1_966_080
	big := failure.Evidence{BytesAcked: -1, Offset: 65536, Missing: -1, Size: 65537, Limit: 65536}
	bad := onConn(app, failure.EndOpen, 64)
	bad.Offset, bad.Field = 27, "x-\x00<img src=x onerror=alert(1)>"
	chain := nowhere(0, "10.0.0.6:8443")
	chain.TLS = &failure.TLS{Alert: 48, AlertSent: true, Version: 0x0304, ServerName: "api.internal", CertificateAsked: true, Names: []string{"api.internal"},
		Subject: "CN=api.internal", Issuer: "CN=Shop Intermediate CA", Missing: "CN=Shop Intermediate CA",
		NotBefore: sampleStart.AddDate(0, -1, 0), NotAfter: sampleStart.AddDate(0, 2, 0)}
	clock := nowhere(0, "10.0.0.6:8443")
	clock.TLS = &failure.TLS{Alert: 45, AlertSent: true, Version: 0x0304, ServerName: "api.internal", Names: []string{"api.internal"},
		Subject: "CN=api.internal", Issuer: "CN=Shop CA", NotBefore: sampleStart.AddDate(2, -1, 0), NotAfter: sampleStart.AddDate(2, 2, 0),
		ClockAhead: 730 * 24 * time.Hour, HasClock: true}
	old := failure.Evidence{BytesAcked: -1, Offset: -1, Missing: -1, TLS: &failure.TLS{Alert: -1, Offered: []string{"TLS 1.0", "TLS 1.1"}}}
	reject := failure.Evidence{BytesAcked: -1, Offset: -1, Missing: -1, End: failure.EndFIN, TLS: &failure.TLS{Alert: 48, Version: 0x0303, ServerName: "shop.example\x1b[2J"}}
	evil := `<script>document.title="owned"</script>`
	return []record.Record{
		sample(1, time.Second, asks("GET", "shop.example", "/"), goes("shop.example", "shop"), answered(record.Relayed, 200, 200, 18_344),
			took(map[string]float64{"read-head": .02, "send-head": .03, "await-head": 41.2, "relay-body": 1.9}), tries("app.internal:9000", app, "", true)),
		sample(2, 95*time.Second, asks("GET", "shop.example", "/checkout?step=2"), goes("shop.example", "shop"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .31, "resolve": .9}), tries("app.internal:9000", app, "upstream.connect.refused", false),
			tries("app2.internal:9000", app2, "upstream.connect.refused", false), fails("upstream.connect.refused", moved, "")),
		sample(3, 96*time.Second, asks("POST", "shop.example", "/cart"), goes("shop.example", "shop"), answered(record.Answered, 504, 0, 1830),
			took(map[string]float64{"read-head": .05, "send-head": .1, "send-body": 2.3, "await-head": 30_000}), tries("app2.internal:9000", app2, "upstream.await-head.timeout", false),
			fails("upstream.await-head.timeout", onConn(app2, failure.EndOpen, 0), "")),
		sample(4, 120*time.Second, asks("GET", "shop.example", "/img/catalogue-spring.jpg"), goes("shop.example", "shop"), answered(record.Cut, 200, 200, 81_920),
			took(map[string]float64{"read-head": .02, "send-head": .02, "await-head": 12, "read-head-up": .1, "relay-body": 211}), tries("app2.internal:9000", app2, "upstream.relay-body.short", true),
			fails("upstream.relay-body.short", short, "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: image/jpeg\r\nContent-")),
		sample(5, 133*time.Second, asks("GET", "blog.example", "/feed.xml"), goes("blog.example", "blog"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "resolve": 18.4}), tries("blog.internal:80", "", "upstream.resolve.nxdomain", false), fails("upstream.resolve.nxdomain", dns, "")),
		sample(6, 150*time.Second, asks("POST", "shop.example", "/pay"), goes("shop.example", "shop"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "send-head": .04, "await-head": .6}), tries("app.internal:9000", app, "upstream.await-head.reset-reused", true),
			fails("upstream.await-head.reset-reused", stale, "")),
		sample(7, 161*time.Second, asks("GET", "shop.example", "/status"), goes("shop.example", "tools"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .4, "await-head": 5, "read-head-up": .2}), tries("10.0.0.9:22", "10.0.0.9:22", "upstream.read-head-up.other-protocol", false),
			fails("upstream.read-head-up.other-protocol", banner, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5\r\n")),
		sample(8, 170*time.Second, answered(record.Answered, 431, 0, 300), took(map[string]float64{"read-head": 3.1}),
			fails("client.read-head.head-too-large", big, "GET / HTTP/1.1\r\nCookie: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
		sample(9, 175*time.Second, asks("GET", evil, "/"+evil+strings.Repeat("A", 300)), goes("shop.example", "shop"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .2, "await-head": 3, "read-head-up": .4}), tries("app.internal:9000", app, "upstream.read-head-up.bad-field", false),
			func(r *record.Record) {
				r.SetText(record.UserAgent, []byte("\x1b]0;x\x07\xff\u202e"+evil))
				r.SetText(record.RequestID, []byte(`"><img src=x onerror=alert(1)>`))
				r.Client = netip.MustParseAddr("fe80::1").WithZone(`"><b>`)
			}, fails("upstream.read-head-up.bad-field", bad, "HTTP/1.1 200 OK\r\nX-\x00<img src=x onerror=alert(1)>: \xff\\\r\n")),
		sample(10, 176*time.Second, asks("GET", "shop.example", "/live"), goes("shop.example", "shop"), answered(record.ClientLeft, 499, 200, 4_200_000),
			took(map[string]float64{"read-head": .02, "await-head": 12, "relay-body": 65_000}), tries("app2.internal:9000", app2, "", true),
			fails("client.relay-body.reset", failure.Evidence{Errno: syscall.ECONNRESET, End: failure.EndRST, BytesAcked: -1, Offset: -1, Missing: -1}, "")),
		sample(11, 177*time.Second, asks("GET", "shop.example", "/api/stock"), goes("shop.example", "api"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .3, "up-handshake": 2.1}), tries("https://api.internal:8443", "10.0.0.6:8443", "upstream.up-handshake.chain-incomplete", false),
			fails("upstream.up-handshake.chain-incomplete", chain, "")),
		sample(12, 178*time.Second, asks("GET", "shop.example", "/api/stock"), goes("shop.example", "api"), answered(record.Answered, 500, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .3, "up-handshake": 2.4}), tries("https://api.internal:8443", "10.0.0.6:8443", "gateway.up-handshake.clock-wrong", false),
			fails("gateway.up-handshake.clock-wrong", clock, "")),
		sample(13, 179*time.Second, answered(record.Unanswered, 0, 0, 0), took(map[string]float64{"handshake": 1.4}), fails("client.handshake.tls-version", old, "")),
		sample(14, 180*time.Second, answered(record.Unanswered, 0, 0, 0), took(map[string]float64{"handshake": 31}), fails("client.handshake.cert-rejected", reject, "")),
		sample(15, 181*time.Second, asks("GET", "shop.example", "/cart"), goes("shop.example", "shop"), answered(record.Relayed, 200, 200, 9_112),
			took(map[string]float64{"read-head": .02, "connect": .7, "queue": 1804, "await-head": 38, "relay-body": 1.1}),
			tries("app.internal:9000", app, "upstream.connect.refused", false), tries("app2.internal:9000", app2, "", false), saved(record.ByRetry|record.ByHold)),
		sample(16, 182*time.Second, asks("GET", "shop.example", "/search?q=boots"), goes("shop.example", "shop"), answered(record.Relayed, 200, 200, 22_004),
			took(map[string]float64{"read-head": .02, "await-head": 340, "relay-body": 2.2}),
			tries("app.internal:9000", app, "upstream.await-head.timeout", true), tries("app2.internal:9000", app2, "", true), saved(record.ByHedge),
			func(r *record.Record) { r.Attempts[0].Took = 340 * time.Millisecond }),
		sample(17, 183*time.Second, asks("GET", "shop.example", "/"), goes("shop.example", "shop"), answered(record.Relayed, 200, 200, 18_344),
			took(map[string]float64{"read-head": .02, "await-head": 60, "relay-body": 1.7}),
			tries("app2.internal:9000", app2, "", true), tries("app.internal:9000", app, "", true), saved(record.ByRetry),
			func(r *record.Record) { r.Attempts[0].Status = 503 }),
		sample(18, 184*time.Second, asks("GET", "blog.example", "/"), goes("blog.example", "blog"), answered(record.Answered, 502, 0, 1830),
			took(map[string]float64{"read-head": .02, "connect": .4, "queue": 5000}), tries("blog.internal:80", "10.0.0.8:80", "upstream.connect.refused", false),
			fails("upstream.connect.refused", nowhere(syscall.ECONNREFUSED, "10.0.0.8:80"), "")),
	}
}

func saved(by record.Saved) func(*record.Record) {
	return func(r *record.Record) { r.Saved, r.LastAttempt().Status = by, r.UpStatus }
}

func sampleUpstreams() []Upstream {
	at := func(d time.Duration) Moment { return Moment{sampleStart.Add(d)} }
	return []Upstream{
		{Name: "blog", Held: 3, HeldMost: 1000, Recent: RecentRequests{Requests: 4, Repeatable: 30}, Servers: []UpstreamServer{
			{Name: "blog.internal:80", State: upstream.Unreachable, Since: at(3 * time.Minute), Weight: 1, Share: 1,
				Reason: "no connection could be opened: upstream.connect.refused", Recent: RecentResults{Bad: 2}}}},
		{Name: "shop", HeldMost: 1000, Recent: RecentRequests{Requests: 420, Repeated: 11, Repeatable: 114}, Servers: []UpstreamServer{
			{Name: "app.internal:9000", State: upstream.Up, Since: at(2 * time.Minute), Weight: 2, Zone: "ams", Share: 0.4, LatencyMS: 41.25, Waiting: 1,
				Reason: "a connection could be opened after 12.4s", Recent: RecentResults{Good: 61, Bad: 3}, Ejections: 1,
				Check:     &ServerCheck{At: at(170 * time.Second), OK: true, Says: "GET /health answered 200"},
				Addresses: []string{"10.0.0.7:9000"}, ResolvedAt: formatTime(sampleStart), TTLSeconds: 30, Connections: Connections{Active: 2, Idle: 5}},
			{Name: "app2.internal:9000", State: upstream.Up, Since: at(0), Weight: 1, Share: 1, LatencyMS: 38, Recent: RecentResults{Good: 62, Bad: 2},
				Addresses: []string{"10.0.0.5:9000"}, ResolvedAt: formatTime(sampleStart), TTLSeconds: 30, Connections: Connections{Active: 1, Idle: 3}},
			{Name: "unix:/run/app3.sock", State: upstream.Maintenance, Since: at(time.Minute), Weight: 1, Share: 1, ByHand: true,
				Reason: "was put into maintenance by hand: new disk <b>", Addresses: []string{"/run/app3.sock"}},
			{Name: "app4.internal:9000", State: upstream.Draining, Since: at(170 * time.Second), Weight: 1, Share: 1, ByHand: true, LatencyMS: 44,
				Reason: "is drained by hand", Connections: Connections{Active: 1}},
			{Name: "app5.internal:9000", State: upstream.Ejected, Since: at(150 * time.Second), Weight: 1, Share: 1, LatencyMS: 12, Ejections: 2,
				Reason: "failed 9 of the last 31 requests, the others 5 of 128; last by status 500", Recent: RecentResults{Good: 22, Bad: 9}},
		}},
		{Name: "tools", HeldMost: 1000, AllAsked: true, Servers: []UpstreamServer{
			{Name: "10.0.0.9:22", State: upstream.Failing, Since: at(100 * time.Second), Weight: 1, Share: 1, Addresses: []string{"10.0.0.9:22"},
				Reason: "its health check fails: GET / answered no HTTP", Check: &ServerCheck{At: at(175 * time.Second), Says: "GET / answered no HTTP"}}}},
	}
}

func sampleEvents() *EventLog {
	l := &EventLog{}
	for _, e := range []Event{
		{Server: "app5.internal:9000", From: "up", To: "ejected", Reason: "failed 9 of the last 31 requests, the others 5 of 128; last by status 500"},
		{From: "", To: "", Reason: "3 of 5 servers are left out by checks and statistics: all that can be reached are asked again"},
		{Server: "app4.internal:9000", From: "up", To: "draining", Reason: "is drained by hand"},
		{Server: "<b>app", From: "", To: "up", Reason: "is a member now"},
	} {
		e.Upstream, e.Time = "shop", Moment{sampleStart.Add(time.Duration(150+10*l.last) * time.Second)}
		l.Put(e)
	}
	return l
}

// sampleCertificates has one of each state, seen from start.
func sampleCertificates(start time.Time) []Certificate {
	day := func(n int) Moment { return Moment{start.AddDate(0, 0, n)} }
	file := func(path string, from, to int, hosts ...string) Certificate {
		return Certificate{Source: FromFile, File: path, Hosts: hosts, Names: hosts, Issuer: "CN=Sectigo RSA DV CA,O=Sectigo Limited,C=GB",
			KeyType: "RSA 2048", NotBefore: day(from), NotAfter: day(to)}
	}
	obtained := func(name string, from int) Certificate {
		return Certificate{Source: Automatic, Name: name, Hosts: []string{name}, Names: []string{name}, Issuer: "CN=E7,O=Let's Encrypt,C=US",
			KeyType: "ECDSA P-256", NotBefore: day(from), NotAfter: day(from + 90), NextAt: day(from + 60)}
	}
	failing := obtained("api.example", -66)
	failing.Error, failing.Failures = "certs: order: HTTP 403 urn:ietf:params:acme:error:caa - CAA record for api.example prevents issuance", 9
	failing.TriedAt, failing.NextAt = Moment{start.Add(-7 * time.Minute)}, Moment{start.Add(13 * time.Minute)}
	waiting := Certificate{Source: Automatic, Name: "new.example", Hosts: []string{"new.example"}, Failures: 2, TriedAt: Moment{start.Add(-time.Minute)},
		NextAt: Moment{start.Add(time.Minute)}, Error: `authorization: HTTP 400 urn:ietf:params:acme:error:dns - NXDOMAIN for new.example <b title="x">`}
	changed := file("/etc/causey/tls/intra.pem", -100, 265, "intra.example")
	changed.Error, changed.Failures = "key file /etc/causey/tls/intra.key: the key does not belong to the certificate in /etc/causey/tls/intra.pem (for intra.example)", 3
	changed.TriedAt, changed.NextAt = Moment{start.Add(-4 * time.Second)}, Moment{start.Add(6 * time.Second)}
	shop := file("/etc/causey/tls/shop.pem", -30, 60, "shop.example", "www.shop.example", "cart.shop.example")
	shop.StapledUntil = day(3)
	stranger := obtained("customer-site.example", -20)
	stranger.Source, stranger.Hosts = OnDemand, nil
	return []Certificate{
		shop, changed, file("/etc/causey/tls/old.pem", -368, -3, "old.example"), file("/etc/causey/tls/tools.pem", -84, 6, "tools.example"),
		failing, obtained("blog.example", -12), obtained("*.blog.example", -12), waiting, stranger,
	}
}

func sampleStore() *Store {
	s := NewStore(sampleStart)
	s.Consume(sampleRecords())
	return s
}

var errReload = errors.New("upstreams.shop: no servers")
