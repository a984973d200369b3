// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"causey/internal/record"
)

// flood puts requests that fail now and then: 100 a second.
func (g *rig) flood(n int, v func(i int) visit) *rig {
	g.many(n, 10*time.Millisecond, func(i int) visit {
		one := v(i)
		if i%20 == 0 {
			one.code = "upstream.await-head.timeout"
		}
		return one
	})
	return g
}

func TestRobots(t *testing.T) {
	for agent, want := range map[string]bool{
		"Mozilla/5.0 (compatible; Googlebot/2.1)": true, "curl/8.5.0": true, "Go-http-client/1.1": true, "SomeCrawler": true,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": false, "": false,
	} {
		if got := isRobot([]byte(agent)); got != want {
			t.Errorf("%q: %v", agent, got)
		}
		f := newRig(t).flood(500, func(int) visit { return visit{agent: agent} }).facts()
		if share := f["bots_share"].Num; share != map[bool]float64{true: 1, false: 0}[want] {
			t.Errorf("%q: a share of %v", agent, share)
		}
	}
}

func TestRequestsFromACDN(t *testing.T) {
	for peer, want := range map[string]string{"203.0.113.7": "from_cdn", "198.51.100.7": "!from_cdn"} {
		g := newRig(t)
		g.s.KnowCDN(func(a netip.Addr) bool { return netip.MustParsePrefix("203.0.113.0/24").Contains(a) })
		g.flood(500, func(i int) visit { return visit{peer: peer, client: fmt.Sprintf("192.0.2.%d", i%200)} })
		g.want(peer, want)
	}
	g := newRig(t)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("too few", "-from_cdn", "-bots_share", "-top_client_share")
}

// I4: failures are all kept and others are not; shares of the requests are even so those
// of the traffic.
func TestSharesAreThoseOfTheTraffic(t *testing.T) {
	g := newRig(t)
	g.flood(2000, func(i int) visit {
		if i%20 == 0 {
			return visit{client: "198.51.100.1"} // all of its requests fail
		}
		return visit{client: fmt.Sprintf("192.0.2.%d", i%200)}
	})
	if share := g.facts()["top_client_share"].Num; share > 0.25 {
		t.Errorf("one of twenty requests is of a client that is said to have sent %.2f of them", share)
	}
}

func TestRepetitions(t *testing.T) {
	story := func(wait time.Duration, client func(i int) string, failed visit) float64 {
		g := newRig(t)
		g.many(20, 100*time.Millisecond, func(i int) visit {
			one := failed
			one.client, one.path = client(i), fmt.Sprintf("/%c", 'a'+i)
			return one
		})
		g.pass(wait)
		g.many(20, 100*time.Millisecond, func(i int) visit { return visit{client: client(19 - i), path: fmt.Sprintf("/%c", 't'-i)} })
		g.pass(time.Second)
		g.put(visit{code: "upstream.await-head.timeout", path: "/other"})
		return g.facts()["repeats_share"].Num
	}
	timeout, left := visit{code: "upstream.await-head.timeout"}, visit{left: true}
	same := func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }
	next := 0
	other := func(int) string { next++; return fmt.Sprintf("192.0.2.%d", 50+next) }
	if share := story(4*time.Second, same, timeout); share < 0.45 {
		t.Errorf("all ask again: %v", share)
	}
	if share := story(4*time.Second, same, left); share < 0.45 {
		t.Errorf("all gave up and ask again: %v", share)
	}
	if share := story(4*time.Second, other, timeout); share != 0 {
		t.Errorf("others ask: %v", share)
	}
	if share := story(20*time.Second, same, timeout); share != 0 {
		t.Errorf("they come back later: %v", share)
	}
	if share := story(4*time.Second, same, visit{}); share != 0 {
		t.Errorf("nothing had failed: %v", share)
	}
}

func TestTheCacheAnswersLess(t *testing.T) {
	story := func(later record.Cache) *rig {
		g := newRig(t)
		g.many(600, 200*time.Millisecond, func(i int) visit { return visit{cache: []record.Cache{record.CacheHit, record.CacheMiss}[i%2]} })
		g.many(100, 200*time.Millisecond, func(i int) visit {
			v := visit{cache: []record.Cache{later, record.CacheMiss}[i%2]}
			if i%20 == 1 {
				v.code = "upstream.await-head.timeout"
			}
			return v
		})
		return g
	}
	story(record.CacheMiss).want("misses", "hits_fell")
	story(record.CacheHit).want("as before", "!hits_fell")
	g := newRig(t)
	g.calm(2 * time.Minute)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("there is no cache", "-hits_fell")
}

// A gateway that has just begun does not know what is usual.
func TestRatesNeedAPast(t *testing.T) {
	g := newRig(t)
	g.flood(1000, ordinary)
	g.want("after ten seconds", "-rate_ratio", "-rate_up")
	g.flood(1000, ordinary)
	g.want("after twenty", "!rate_up", "rate_ratio=1")
	g.pass(3 * time.Hour)
	g.flood(300, ordinary)
	g.want("after a pause nothing of before counts", "-rate_up")
}

// What a request waited for in the attempt before is not the server's that answered.
func TestWaitsAreOfOneAttempt(t *testing.T) {
	g := newRig(t)
	g.many(10, time.Second, func(int) visit { return visit{code: "upstream.await-head.timeout", took: 5 * time.Second, saved: true} })
	if w := g.s.pools["app"].secs.sum(g.now.Unix()-20, g.now.Unix()); w.good != 10 || w.waited > 50*time.Millisecond {
		t.Errorf("%+v", w)
	}
}
