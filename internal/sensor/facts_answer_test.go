// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"net/netip"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

func TestAnswersThatBreakOff(t *testing.T) {
	broken := func(missing func(i int) int64, out func(i int) int64) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(5, time.Second, func(i int) visit {
			return visit{code: "upstream.relay-body.short", cut: true, out: out(i), ev: failure.Evidence{Missing: missing(i)}}
		})
		return g
	}
	same := broken(func(int) int64 { return 120 }, func(i int) int64 { return int64(i) * 100_000 })
	same.want("a length that is wrong", "missing_same", "missing_bytes=120", "!broke_same")
	wall := broken(func(i int) int64 { return int64(i+1) * 50_000 }, func(i int) int64 { return 65_536 + int64(i)*1000 })
	wall.want("a wall in the size", "!missing_same", "broke_same")
	unknown := broken(func(int) int64 { return -1 }, func(i int) int64 { return int64(i) * 9000 })
	unknown.want("no length announced", "-missing_same", "!broke_same")
	g := newRig(t)
	g.put(visit{code: "upstream.relay-body.short", cut: true, ev: failure.Evidence{Missing: 1}})
	g.want("one is no pattern", "-missing_same", "-broke_same")
}

func TestInterimAnswers(t *testing.T) {
	g := newRig(t)
	g.many(4, time.Second, func(i int) visit { return visit{code: "upstream.await-head.closed", interims: uint8(min(i, 1))} })
	g.want("after hints", "interims")
	g = newRig(t)
	g.many(4, time.Second, func(int) visit { return visit{code: "upstream.await-head.closed"} })
	g.want("without", "!interims")
	g = newRig(t)
	g.put(visit{code: "upstream.connect.refused", number: 0})
	g.want("of no connection nothing is known", "-answer_began")
}

func TestCodedAnswers(t *testing.T) {
	for _, c := range []struct {
		all  bool
		want string
	}{{false, "coded_only"}, {true, "!coded_only"}} {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(20, 200*time.Millisecond, func(i int) visit { return visit{coded: c.all && i%2 == 0} })
		g.many(4, 200*time.Millisecond, func(int) visit { return visit{code: "upstream.relay-body.short", cut: true, coded: true} })
		g.want("compressed", c.want)
	}
	g := newRig(t)
	g.many(4, time.Second, func(int) visit { return visit{code: "upstream.relay-body.short", cut: true, coded: true} })
	g.want("nothing to compare with", "-coded_only")
}

func TestBehindNAT(t *testing.T) {
	for _, c := range []struct{ local, dialled, want string }{
		{"10.1.2.3", "198.51.100.7:443", "behind_nat"},
		{"100.64.7.1", "198.51.100.7:443", "behind_nat"},
		{"203.0.113.5", "198.51.100.7:443", "!behind_nat"},
		{"10.1.2.3", "10.9.9.9:80", "!behind_nat"},
		{"::ffff:10.1.2.3", "[::ffff:198.51.100.7]:443", "behind_nat"},
		{"", "198.51.100.7:443", "-behind_nat"},
	} {
		g := newRig(t)
		var ev failure.Evidence
		if c.local != "" {
			ev.Local = netip.MustParseAddr(c.local)
		}
		g.put(visit{code: "upstream.connect.timeout", dialled: c.dialled, ev: ev})
		g.want(c.local+" to "+c.dialled, c.want)
	}
}

// An address that is written as an IPv6 one may be of IPv4.
func TestOnlyIPv6Fails(t *testing.T) {
	for _, c := range []struct{ bad, good, server, want string }{
		{"[2001:db8::1]:80", "198.51.100.1:80", "app:80", "ipv6_only"},
		{"[2001:db8::1]:80", "[::ffff:198.51.100.1]:80", "app:80", "ipv6_only"},
		{"[::ffff:198.51.100.1]:80", "198.51.100.2:80", "app:80", "!ipv6_only"},
		{"[2001:db8::1]:80", "198.51.100.1:80", "other:80", "!ipv6_only"},
		{"[2001:db8::1]:80", "[2001:db8::2]:80", "app:80", "!ipv6_only"},
	} {
		g := newRig(t).servers("app:80")
		g.many(8, time.Second, func(i int) visit {
			if i%2 == 0 {
				return visit{server: "app:80", code: "upstream.connect.timeout", dialled: c.bad}
			}
			return visit{server: c.server, dialled: c.good}
		})
		g.want(c.bad+" beside "+c.good, c.want)
	}
}

func TestBodiesThatTrickle(t *testing.T) {
	for _, c := range []struct {
		name string
		v    visit
		want string
	}{
		{"the server is slow", visit{out: 3000, wait: 9 * time.Second, relay: 10 * time.Second}, "answer_trickles"},
		{"the client is slow", visit{out: 8000, wait: 6 * time.Second, relay: 60 * time.Second}, "!answer_trickles"},
		{"fast enough", visit{out: 90_000, wait: 9 * time.Second, relay: 10 * time.Second}, "!answer_trickles"},
		{"too short to say", visit{out: 100, relay: time.Millisecond}, "-answer_trickles"},
		{"another server", visit{server: two, out: 3000, wait: 9 * time.Second, relay: 10 * time.Second}, "-answer_trickles"},
	} {
		g := newRig(t).servers("10.0.0.3:80", two)
		g.put(visit{code: "upstream.await-head.timeout"})
		g.many(5, time.Second, func(int) visit { return c.v })
		g.want(c.name, c.want)
	}
	g := newRig(t)
	g.many(5, time.Second, func(int) visit {
		return visit{code: "upstream.relay-body.timeout", cut: true, out: 3000, wait: 30 * time.Second, relay: 30 * time.Second}
	})
	g.want("one silence is none", "-answer_trickles")
}

func TestRuns(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.many(4, time.Second, func(int) visit {
		return visit{software: record.Software{Build: 7, Runs: record.RunsNginx | record.RunsPHP}}
	})
	g.many(4, time.Second, func(int) visit {
		return visit{status: 502, answer: &record.Answer{}, software: record.Software{Build: 8, Runs: record.RunsApache}}
	})
	g.want("what good answers name", "runs=nginx", "runs=php", "!runs=apache")
	g = newRig(t)
	g.put(visit{code: "upstream.await-head.closed"})
	g.want("nobody looked", "-runs", "-changed_build")
}

func TestAnotherBuild(t *testing.T) {
	build := func(n uint32) visit { return visit{software: record.Software{Build: n}} }
	for _, c := range []struct {
		name, want string
		later      func(i int) uint32
	}{
		{"after a deployment", "changed_build", func(int) uint32 { return 2 }},
		{"as before", "!changed_build", func(int) uint32 { return 1 }},
		{"another path", "!changed_build", func(i int) uint32 { return uint32(1 + i%2) }},
		{"seen once", "!changed_build", func(i int) uint32 { return []uint32{2, 1, 1, 1, 1, 1, 1, 1}[i] }},
	} {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(60, time.Second, func(int) visit { return build(1) })
		g.many(8, time.Second, func(i int) visit { return build(c.later(i)) })
		g.put(visit{code: "upstream.await-head.closed"})
		g.want(c.name, c.want)
	}
	g := newRig(t).servers("10.0.0.3:80")
	g.many(20, time.Second, func(int) visit { return build(1) })
	g.many(200, time.Second, func(int) visit { return build(2) })
	g.put(visit{code: "upstream.await-head.closed"})
	g.want("long before", "!changed_build")
	many := newRig(t).servers("10.0.0.3:80")
	many.many(1000, time.Second, func(i int) visit { return build(uint32(i + 1)) })
	many.put(visit{code: "upstream.await-head.closed"})
	many.want("another at each answer", "-changed_build")
}
