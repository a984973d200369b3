// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/upstream"
)

// draw takes choices out of what the fuzzer gives.
type draw struct {
	data []byte
	rest *rand.Rand // for what has many values
}

func (d *draw) byte() byte {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *draw) one(of ...string) string { return of[int(d.byte())%len(of)] }

// while is a time that may be any.
func (d *draw) while() time.Duration {
	switch d.byte() % 8 {
	case 0:
		return -1
	case 1:
		return 0
	case 2:
		return time.Duration(d.rest.Int64N(int64(time.Hour)))
	default:
		return time.Duration(d.rest.Int64N(int64(3 * time.Second)))
	}
}

// step is how much later the next thing happens, now and then much, or before.
func (d *draw) step() time.Duration {
	switch b := d.byte(); {
	case b < 4:
		return time.Duration(int8(d.byte())) * time.Hour
	case b < 10:
		return time.Duration(d.byte()) * time.Second
	case b < 30:
		return -time.Duration(d.byte()) * 4 * time.Millisecond
	default:
		return time.Duration(b) * time.Millisecond
	}
}

func (d *draw) addr() netip.Addr {
	if d.byte()%16 == 0 {
		return netip.Addr{}
	}
	return netip.MustParseAddr(d.one("10.0.0.3", "198.51.100.7", "2001:db8::1", "::ffff:10.0.0.3", "::ffff:198.51.100.7", "127.0.0.1", "::1", "fe80::1%eth0"))
}

func (d *draw) failure() *failure.Error {
	list := failure.All()
	e := &failure.Error{Code: list[(int(d.byte())<<8+int(d.byte()))%len(list)].Code}
	ev := &e.Evidence
	ev.End, ev.HasConn, ev.BytesAcked, ev.BytesWritten = failure.End(d.byte()%3), d.byte()%2 == 0, int64(d.byte())-1, int64(d.byte())
	ev.Missing, ev.QuietFor, ev.Local, ev.Dialled = int64(d.byte())-1, d.while(), d.addr(), netip.AddrPortFrom(d.addr(), 80)
	ev.Field, ev.Rcode, ev.Errno = d.one("", "host", "100%s"), int(d.byte()), 111
	ev.SetFirst(d.data[:min(len(d.data), 20)])
	if d.byte()%4 == 0 {
		ev.TLS = &failure.TLS{Alert: int(d.byte()) - 1, Subject: d.one("", "CN=%d"), Issuer: d.one("", "CN=R11"), HasClock: d.byte()%2 == 0, ClockAhead: d.while()}
	}
	return e
}

func (d *draw) record(at time.Time) (r record.Record) {
	r.Reset()
	r.Total = max(d.while(), 0)
	r.Start = at.Add(-r.Total)
	r.Upstream, r.Site = d.one("app", "app", "blog", ""), d.one("a.example", "b.example", "")
	r.Client, r.Peer = d.addr(), netip.AddrPortFrom(d.addr(), 1)
	r.SetText(record.Target, []byte(d.one("/", "/a", "/%d/%s", "/product/17", "", "*", "/a.css?x", strings.Repeat("/x", 99))))
	r.SetText(record.Method, []byte(d.one("GET", "POST", "")))
	r.SetText(record.UserAgent, []byte(d.one("Googlebot", "Mozilla")))
	r.Outcome, r.Cache = record.Outcome(int(d.byte())%record.OutcomeCount), record.Cache(int(d.byte())%record.CacheCount)
	r.BodyIn, r.BodyOut, r.HeadIn, r.Asks = int64(d.byte())<<8, int64(d.byte())<<8, int32(d.byte()), record.Asks(d.byte())
	for _, p := range []phase.Phase{phase.AwaitHead, phase.RelayBody, phase.Tunnel} {
		r.Phases[p] = d.while()
	}
	r.BodyWait = max(d.while(), 0)
	for range d.byte() % 6 {
		a := r.AddAttempt()
		a.Server = d.one("10.0.0.3:80", "https://app:443", "unix:/run/a%s", "localhost:80", "", "[::1]:80")
		a.Dialled, a.Reused, a.RequestNumber = netip.AddrPortFrom(d.addr(), 80), d.byte()%2 == 0, uint32(d.byte()%5)
		a.IdleFor, a.Connect, a.Start, a.Took = d.while(), d.while(), d.while(), d.while()
		a.Interims, a.Coded, a.Software = d.byte()%2, d.byte()%2 == 0, record.Software{Build: uint32(d.byte() % 6), Runs: record.Programs(d.byte())}
		switch d.byte() % 4 {
		case 0:
			a.Error = d.failure()
			a.Failure = a.Error.Code
			r.NoteFailure(a.Error)
		case 1:
			a.Status, a.Answer = 500+int(d.byte()%5), &record.Answer{Head: []byte("HTTP/1.1 500 %!\r\nAge: 1\r\nX"), Body: d.data[:min(len(d.data), 3)], Length: -1}
		case 2:
			a.Status = 200
		}
	}
	if d.byte()%4 == 0 {
		r.NoteFailure(d.failure())
	}
	r.Status, r.UpStatus = 200+int(d.byte())*2, int(d.byte())*2
	return r
}

func (d *draw) look(up string) Look {
	l := Look{Upstream: up}
	for range d.byte() % 4 {
		l.Servers = append(l.Servers, upstream.ServerDescription{Name: d.one("10.0.0.3:80", "localhost:80", "https://app:443"),
			State: upstream.State(d.one("up", "failing", "unreachable")), Waiting: int64(d.byte() % 9), CheckedAt: int64(d.byte() % 2), Hand: upstream.Hand(d.one("auto", "drain"))})
	}
	return l
}

// Whatever comes, in whatever order and at whatever times: nothing panics, each fact is
// registered and is what it says it is, and memory stays within its bounds.
func FuzzFacts(f *testing.F) {
	f.Add([]byte{}, uint64(1))
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		data := make([]byte, 4000)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data, seed)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		d := &draw{data: data[:min(len(data), 1<<14)], rest: rand.New(rand.NewPCG(seed, 1))}
		s, now := New(), start
		for len(d.data) > 0 {
			now = now.Add(d.step())
			looks := []Look{}
			switch d.byte() % 8 {
			case 0:
				looks = append(looks, d.look("app"), d.look("blog"))
				s.Tick(now, looks, Host{Tracked: uint64(d.byte()), TrackedMost: uint64(d.byte()), HasCPU: true, RunDelay: d.while(), Clients: int(d.byte()), Slow: int(d.byte())})
			case 1:
				s.Sign("app", "10.0.0.3:80", d.failure(), now)
			case 2:
				s.ConfigChanged(now)
			default:
				s.Consume([]record.Record{d.record(now)})
			}
			if d.byte()%16 == 0 || len(d.data) == 0 {
				checkAll(t, s, d, now)
			}
		}
	})
}

func checkAll(t *testing.T, s *Sensor, d *draw, now time.Time) {
	t.Helper()
	look := d.look("app")
	s.Each(func(c *Case) {
		for _, l := range []*Look{nil, &look} {
			for name, v := range s.Facts(c, l, now) {
				checkFact(t, name, v)
			}
		}
		for _, share := range s.Scopes(c) {
			if share.Bad < 0 || share.Bad > share.All || share.BadOut < 0 || share.BadOut > share.AllOut {
				t.Errorf("%+v", share)
			}
		}
		if n := len(c.Symptom().Codes); n > badFirst+badKept {
			t.Errorf("%d codes", n)
		}
		c.Recent(now, 10)
		c.Recovered(now)
		if len(c.episodes) > episodesMax {
			t.Errorf("%d episodes", len(c.episodes))
		}
	})
	for _, p := range s.pools {
		if len(p.asked.list) > askedKept || len(p.left.list) > leftKept || len(p.stuck.list) > stuckKept || len(p.listed.list) > listedKept {
			t.Error("more is kept than there are places")
		}
	}
}

// checkFact checks what holds for every fact.
func checkFact(t *testing.T, name string, v cause.Value) {
	t.Helper()
	fact := cause.LookupFact(name)
	switch {
	case fact == nil:
		t.Errorf("there is no fact %q", name)
	case fact.Kind != cause.Truth && v.True, fact.Kind != cause.Number && v.Num != 0, fact.Kind != cause.Word && len(v.Words) > 0:
		t.Errorf("%s is another kind of fact: %+v", name, v)
	case math.IsNaN(v.Num) || math.IsInf(v.Num, 0):
		t.Errorf("%s is %v", name, v.Num)
	case (name == "share" || strings.HasSuffix(name, "_share")) && (v.Num < 0 || v.Num > 1):
		t.Errorf("%s is %v", name, v.Num)
	case v.Say == "":
		t.Errorf("%s says nothing", name)
	}
	if strings.Contains(strings.ReplaceAll(v.Say, "/%d/%s", ""), "%!") {
		t.Errorf("%s says %q", name, v.Say)
	}
}
