// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/upstream"
)

const two = "10.0.0.4:80" // another server

func TestServerThatDied(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80", two)
	g.calm(20 * time.Second)
	for i := range 4 { // what it had in hand dies with it
		g.pass(10 * time.Millisecond)
		g.put(visit{code: "upstream.await-head.reset", reused: true, number: 4, took: 80 * time.Millisecond, saved: i > 0})
	}
	g.want("it died with requests in hand", "in_flight_died", "burst", "worked_before", "!silent", "!took_clustered")
	g = newRig(t).servers("10.0.0.3:80", two)
	g.calm(20 * time.Second)
	g.many(20, 200*time.Millisecond, func(i int) visit {
		if i%2 == 0 {
			return visit{server: two, dialled: two}
		}
		return visit{code: "upstream.connect.refused", saved: true, ev: failure.Evidence{Errno: syscall.ECONNREFUSED}}
	})
	g.want("it refuses", "errno=111", "code=upstream.connect.refused", "all_fail", "one_server", "!all_servers", "servers=2", "servers_failing=1",
		"instant", "!ipv6", "port=80", "!unix", "!public", "!named", "-tls_alert", "!recovered", "episodes=1", "!staircase")
	g.calm(10 * time.Second)
	g.want("it is back", "recovered", "recovered_after=3.6")
}

func TestIdleConnectionsThatAreClosed(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.many(80, 250*time.Millisecond, func(i int) visit {
		v := visit{reused: i%4 > 0, number: uint32(1 + i%4), idle: time.Duration(i%4) * time.Second, method: "GET"}
		if i > 40 && i%8 == 0 {
			v = visit{code: "upstream.await-head.reset-reused", reused: true, number: 7, idle: 4950*time.Millisecond + time.Duration(i)*time.Millisecond,
				method: "POST", body: 300, took: 2 * time.Millisecond}
		}
		return v
	})
	g.want("idle race", "reused_share=1", "reused_only", "!fresh_failed", "idle_clustered", "idle_median=5", "idle_long", "unsafe_only", "instant", "!all_fail")
}

func TestWorkersThatAreKilled(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(20 * time.Second)
	g.many(24, 300*time.Millisecond, func(i int) visit {
		if i%4 == 0 {
			return visit{path: "/report", code: "upstream.await-head.closed", took: 30*time.Second + time.Duration(i)*10*time.Millisecond}
		}
		return ordinary(i)
	})
	g.want("a wall in time", "took_clustered", "took_median=30.1", "one_path", "path_always", "!many_paths", "completing", "!burst")
}

func TestLongBodiesAreRefused(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(10 * time.Second)
	g.many(20, 300*time.Millisecond, func(i int) visit {
		if i%5 == 0 {
			return visit{path: "/upload", method: "POST", status: 413, answer: &record.Answer{Head: []byte("HTTP/1.1 413 Too Large\r\nServer: nginx")}, body: 2 << 20}
		}
		return visit{path: "/upload", method: "POST", body: 100_000}
	})
	g.want("a wall in size", "big_body_only", "body_wall=2097152", "!big_head_only", "!chunked_only", "status=413", "!retry_after", "!answer_cached")
}

func TestBigHeads(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(10 * time.Second)
	g.many(20, 300*time.Millisecond, func(i int) visit {
		if i%5 == 0 {
			return visit{status: 431, answer: &record.Answer{}, head: 17_000, client: "198.51.100.7"}
		}
		return ordinary(i)
	})
	g.want("one visitor's cookies", "big_head_only", "one_client", "!one_network", "!big_body_only")
}

func TestWhatRequestsAskFor(t *testing.T) {
	for fact, asks := range map[string]record.Asks{"chunked_only": record.AsksChunked, "expect_only": record.AsksContinue, "upgrade_only": record.AsksUpgrade} {
		g := newRig(t).servers("10.0.0.3:80")
		g.calm(10 * time.Second)
		g.many(4, time.Second, func(int) visit { return visit{code: "upstream.await-head.timeout", asks: asks} })
		g.want(fact, fact)
	}
}

func TestNamesAndAddresses(t *testing.T) {
	g := newRig(t).servers("app:80")
	ev := failure.Evidence{Errno: syscall.ECONNREFUSED, ResolvedLen: 1}
	ev.ResolvedNow[0] = netip.MustParseAddr("10.0.0.77")
	g.many(4, time.Second, func(int) visit { return visit{server: "app:80", code: "upstream.connect.refused", ev: ev} })
	g.want("the name is elsewhere", "named", "dotless", "address_moved", "!localhost", "!worked_before")
	g = newRig(t).servers("localhost:80")
	g.many(8, time.Second, func(i int) visit {
		if i%2 == 0 {
			return visit{server: "localhost:80", code: "upstream.connect.refused", dialled: "[::1]:80"}
		}
		return visit{server: "localhost:80", dialled: "127.0.0.1:80"}
	})
	g.want("one family", "localhost", "loopback", "ipv6", "ipv6_only")
	g = newRig(t).servers("unix:/run/app.sock")
	g.put(visit{server: "unix:/run/app.sock", code: "upstream.connect.no-socket"})
	g.want("a unix socket", "unix", "!named")
}

func TestHandshakes(t *testing.T) {
	g := newRig(t).servers("https://10.0.0.3:443")
	tls := &failure.TLS{Alert: -1, Subject: "CN=shop.example", Issuer: "CN=R11,O=Let's Encrypt", Missing: "R11", ServerName: "shop.example", HasClock: true}
	g.many(3, time.Second, func(int) visit {
		return visit{server: "https://10.0.0.3:443", code: "upstream.up-handshake.chain-incomplete", ev: failure.Evidence{TLS: tls}}
	})
	g.want("a chain that is short", "over_tls", "cert_issuer_missing", "cert_issuer_public", "!cert_self_signed", "!cert_expired", "sni_sent", "!clock_off", "-tls_alert")
	g = newRig(t).servers("https://10.0.0.3:443")
	alert := &failure.TLS{Alert: 112}
	g.put(visit{server: "https://10.0.0.3:443", code: "upstream.up-handshake.sni-unknown", ev: failure.Evidence{TLS: alert}})
	g.want("an alert", "tls_alert=112", "!alert_sent", "!sni_sent")
}

func TestFirstBytes(t *testing.T) {
	for text, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2": "ssh", "\x15\x03\x01\x00\x02\x02\x0a": "tls", "220 mail ESMTP": "smtp", "-ERR unknown": "redis",
		"J\x00\x00\x00\x0a8.0.3": "mysql", "\x00\x00\x12\x04\x00\x00\x00\x00\x00": "http2", "<html>": "html", "plain words": "text",
		"\x01\x06\x00\x01\x00\x10\x00\x00": "fastcgi", "\x80\x81\x82": "binary", "HTTP/1.1 400 Bad": "http",
	} {
		var ev failure.Evidence
		ev.SetFirst([]byte(text))
		g := newRig(t)
		g.put(visit{code: "upstream.read-head-up.not-http", ev: ev})
		g.want(text, "first_bytes="+want)
	}
}

func TestConnectsThatLoseTheirFirstPacket(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.many(20, 200*time.Millisecond, func(i int) visit {
		v := visit{connect: time.Millisecond}
		if i%4 == 0 {
			v.connect = 1020*time.Millisecond + time.Duration(i)*time.Millisecond
		}
		return v
	})
	g.put(visit{code: "upstream.connect.timeout", took: 3 * time.Second})
	g.want("steps", "connect_steps", "connect_slow_share=0.25", "silent")
}

func TestServersInTurn(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80", two)
	g.calm(20 * time.Second)
	for _, server := range []string{"10.0.0.3:80", two} {
		g.many(5, 200*time.Millisecond, func(int) visit {
			return visit{server: server, dialled: server, code: "upstream.connect.refused", saved: true}
		})
		g.many(5, 200*time.Millisecond, func(int) visit { return visit{server: server, dialled: server} })
	}
	g.want("a staircase", "staircase", "all_servers", "!one_server")
}

func TestOtherUpstreams(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	visitAll := func(fail func(up string) bool) {
		for i := range 40 {
			g.pass(200 * time.Millisecond)
			for n, up := range []string{"app", "blog", "mail", "wiki"} {
				host := fmt.Sprintf("10.0.0.%d:80", n+1)
				if n == 3 {
					host = "10.9.0.1:80"
				}
				v := visit{upstream: up, server: host, dialled: host, site: up + ".example"}
				if i > 20 && fail(up) {
					v.code, v.took = "upstream.await-head.timeout", time.Second
				}
				g.put(v)
			}
		}
	}
	visitAll(func(up string) bool { return up != "wiki" })
	c := g.the(ModeSilent)
	for _, c := range g.s.cases {
		if c.Upstream != "app" {
			c.First = c.First.Add(time.Millisecond)
		}
	}
	if c.Upstream != "app" {
		t.Logf("looking at %s", c.Upstream)
	}
	g.want("three of four, of one network", "upstreams=4", "upstreams_failing=3", "!all_upstreams", "same_network", "!same_host", "sites_failing=3")
	g = newRig(t).servers("10.0.0.3:80")
	visitAll(func(string) bool { return true })
	g.want("all", "all_upstreams", "!same_network")
}

// What is usual is known where a few of many requests fail always, and what is slow while
// some fail does not become usual.
func TestUsualWaits(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	minute := func(took time.Duration, failing int) {
		for second := range 60 {
			g.many(5, 200*time.Millisecond, func(i int) visit {
				v := visit{took: took}
				if i == 0 && second < failing {
					v.code = "upstream.await-head.timeout"
				}
				return v
			})
			g.tick()
		}
	}
	for range 3 {
		minute(20*time.Millisecond, 2)
	}
	p := g.s.pools["app"]
	if p.usual < 19*time.Millisecond || p.usual > 21*time.Millisecond {
		t.Fatalf("usual is %v", p.usual)
	}
	for range 10 {
		minute(400*time.Millisecond, 3)
	}
	if p.usual > 30*time.Millisecond {
		t.Errorf("usual became %v while some failed", p.usual)
	}
	many := newRig(t).servers("10.0.0.3:80")
	g = many
	minute(20*time.Millisecond, 60)
	minute(20*time.Millisecond, 60)
	if u := many.s.pools["app"].usual; u != 0 {
		t.Errorf("a fifth fails, and %v is taken for usual", u)
	}
}

// Where nothing is slow, that files are fast says nothing.
func TestFilesAmongFastAnswers(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.ticking(90 * time.Second)
	g.many(4, time.Second, func(int) visit { return visit{code: "upstream.await-head.closed"} })
	g.want("all is fast", "!slow_paths", "!slow_everything", "-files_fast")
}

// That rare failures come here and there is chance; that they come together is not.
func TestRareFailuresElsewhere(t *testing.T) {
	for _, c := range []struct {
		apart time.Duration
		want  string
	}{{100 * time.Millisecond, "upstreams_failing=2"}, {9 * time.Second, "upstreams_failing=1"}} {
		g := newRig(t).servers("10.0.0.3:80")
		for range 6 {
			for _, up := range []string{"blog", "app"} {
				for i := range 40 {
					g.pass(c.apart/80 + 100*time.Millisecond)
					one := ordinary(i)
					one.upstream = []string{"app", "blog"}[i%2]
					g.put(one)
				}
				g.put(visit{upstream: up, code: "upstream.await-head.timeout"})
				if c.apart < time.Second && up == "blog" {
					g.put(visit{upstream: "app", code: "upstream.await-head.timeout"})
				}
			}
		}
		var f cause.Facts
		g.s.Each(func(one *Case) {
			if one.Upstream == "blog" {
				f = g.s.Facts(one, g.look, g.now)
			}
		})
		if n := f["upstreams_failing"].Num; fmt.Sprintf("upstreams_failing=%.0f", n) != c.want {
			t.Errorf("%v apart: %v upstreams fail, want %s", c.apart, n, c.want)
		}
	}
}

func TestWhatServersHaveInHand(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(10 * time.Second)
	g.look.Servers[0].Waiting = 8
	for range 8 {
		g.many(4, 250*time.Millisecond, func(i int) visit {
			if i == 0 {
				return visit{code: "upstream.await-head.timeout", took: 5 * time.Second}
			}
			return visit{took: 3 * time.Second}
		})
		g.tick()
	}
	g.want("a pool of workers that is full", "waiting_flat", "waiting_level=8", "completing", "!stalled")
	for range 8 {
		g.pass(time.Second)
		g.put(visit{code: "upstream.await-head.timeout", took: 5 * time.Second})
		g.tick()
	}
	g.want("nothing is answered any more", "stalled", "!completing", "!waiting_flat")
}

func TestSlowAnswersBefore(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	for range 100 {
		g.many(4, 250*time.Millisecond, ordinary)
		g.tick()
	}
	g.many(60, 250*time.Millisecond, func(i int) visit {
		v := ordinary(i)
		if i%4 != 0 { // files stay fast
			v.took = 900 * time.Millisecond
		}
		return v
	})
	g.many(4, 250*time.Millisecond, func(int) visit {
		return visit{path: "/product/1", code: "upstream.await-head.timeout", took: 5 * time.Second}
	})
	g.want("a slow database", "slow_before", "files_fast", "slow_paths", "!slow_everything", "!rate_up")
}

func TestLoadAndWhoCauses(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(5 * time.Minute)
	g.many(1200, 10*time.Millisecond, func(i int) visit {
		v := visit{client: "203.0.113.9", path: fmt.Sprintf("/search?q=%d", i), took: 400 * time.Millisecond}
		if i%10 == 0 {
			v.code = "upstream.await-head.timeout"
		}
		return v
	})
	f := g.facts()
	g.want("one client floods", "rate_up", "!assets_asked", "attempts_ratio=1")
	if f["top_client_share"].Num < 0.9 || f["top_path_share"].Num < 0.9 || f["distinct_share"].Num < 0.9 || f["rate_ratio"].Num < 10 {
		t.Errorf("client %+v, path %+v, distinct %+v, rate %+v", f["top_client_share"], f["top_path_share"], f["distinct_share"], f["rate_ratio"])
	}
}

func TestWhatWasChanged(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80", two)
	g.calm(20 * time.Second)
	g.tick()
	g.s.ConfigChanged(g.now)
	g.look.Servers[0].State, g.look.Servers[0].CheckedAt = upstream.Failing, 1
	g.many(4, time.Second, func(int) visit { return visit{code: "upstream.connect.refused", saved: true} })
	g.want("after a change", "changed_config", "!changed_servers", "check_fails", "!check_passes", "left_out", "!all_left_out")
	g.calm(5 * time.Minute)
	g.put(visit{code: "upstream.connect.refused"})
	g.want("long after", "!changed_config")
}

func TestBadAnswers(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(10 * time.Second)
	page := &record.Answer{Head: []byte("HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nAge: 12"), Body: []byte("<h1>down</h1>")}
	g.many(5, time.Second, func(i int) visit {
		return visit{status: 503, answer: page, path: fmt.Sprintf("/p/%c", 'a'+i), took: 2 * time.Millisecond}
	})
	g.want("a page for all", "status=503", "retry_after", "answer_cached", "answer_same", "answer_fast", "many_paths", "!location_self", "-code", "-errno")
}

func TestGatewayItself(t *testing.T) {
	g := newRig(t)
	g.put(visit{code: "gateway.connect.no-ports"})
	g.want("no ports", "own_ports", "!own_files", "!loop_seen")
}

// A sign of a server that cannot be reached is there before the requests that wait.
func TestSigns(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(10 * time.Second)
	err := &failure.Error{Code: code(t, "upstream.connect.refused"), Evidence: failure.Evidence{Errno: syscall.ECONNREFUSED}}
	for range 20 {
		g.pass(100 * time.Millisecond)
		g.s.Sign("app", "10.0.0.3:80", err, g.now)
	}
	g.want("known by signs", "errno=111", "worked_before", "-took_median")
	g.many(40, 50*time.Millisecond, func(int) visit { return visit{server: two, dialled: two} })
	c := g.the("")
	g.s.Each(func(*Case) {
		if list := g.s.Scopes(c); len(list) != 0 && list[0].Level != "server" {
			t.Errorf("scopes %+v", list)
		}
	})
	if ids := c.Exemplars(9); len(ids) > 0 || c.Clients() > 0 {
		t.Errorf("exemplars %v, %d clients", ids, c.Clients())
	}
	if c.Failed+c.Saved != 0 || len(c.bad.since(time.Time{})) > 3 {
		t.Errorf("%d failed, %d samples", c.Failed, len(c.bad.since(time.Time{})))
	}
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		name, level, value string
		bad                func(i int) visit
	}{
		{"path", "path", "/checkout", func(int) visit { return visit{path: "/checkout"} }},
		{"server", "server", "10.0.0.3:80", ordinary},
		{"client", "client", "198.51.100.7", func(i int) visit { v := ordinary(i); v.client = "198.51.100.7"; return v }},
		{"network", "network", "198.51.100.0/24", func(i int) visit { v := ordinary(i); v.client = fmt.Sprintf("198.51.100.%d", i); return v }},
		{"site", "site", "b.example", func(i int) visit { v := ordinary(i); v.site = "b.example"; return v }},
		{"none", "", "", func(i int) visit { v := ordinary(i); v.server = []string{"10.0.0.3:80", two}[i%2]; return v }},
	} {
		g := newRig(t).servers("10.0.0.3:80", two)
		g.calm(20 * time.Second)
		g.many(60, 200*time.Millisecond, func(i int) visit {
			if i%2 == 0 {
				v := ordinary(i)
				v.server, v.dialled = two, two
				return v
			}
			v := c.bad(i)
			v.code = "upstream.await-head.closed"
			return v
		})
		var got []Share
		one := g.the("")
		g.s.Each(func(*Case) { got = g.s.Scopes(one) })
		found := c.level == "" && len(got) == 0
		for _, s := range got {
			found = found || s.Level == c.level && s.Value == c.value
		}
		if !found {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// I2: a fact of which nothing was observed is not there.
func TestNothingIsGuessed(t *testing.T) {
	g := newRig(t)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("one failure alone", "-reused_only", "-idle_median", "-took_clustered", "-burst", "-one_path", "-one_client", "-unsafe_only", "-errno",
		"-request_acked", "-tls_alert", "-big_body_only", "-rate_up", "-slow_before", "-check_fails", "-status")
}

// What comes one by one is looked at together.
func TestRareFailures(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(time.Minute)
	for i := range 6 {
		g.put(visit{code: "upstream.await-head.reset-reused", reused: true, number: 5, idle: 5*time.Second + time.Duration(i)*20*time.Millisecond, method: "POST", body: 300})
		g.calm(9 * time.Second)
	}
	c := g.the("")
	if !c.Rare() || c.Recovered(g.now) {
		t.Errorf("rare %v, recovered %v", c.Rare(), c.Recovered(g.now))
	}
	g.want("six in a minute", "idle_clustered", "unsafe_only", "reused_share=1", "episodes=1", "!burst", "rare_fail")
	g.calm(2 * time.Minute)
	if !c.Recovered(g.now) {
		t.Error("it has not recovered after two minutes")
	}
}

// A name that several people ask for was forgotten; robots try out names and addresses.
func TestNamesThatNobodyServes(t *testing.T) {
	for _, c := range []struct {
		why  string
		of   func(i int) visit
		want string
	}{
		{"people", func(i int) visit { return visit{host: "www.shop.example", client: fmt.Sprintf("192.0.%d.1", i%4)} }, "one_name"},
		{"one client", func(int) visit { return visit{host: "www.shop.example"} }, "!one_name"},
		{"robots", func(i int) visit {
			return visit{host: "www.shop.example", client: fmt.Sprintf("192.0.%d.1", i%4), agent: "Mozilla/5.0 (compatible; SomeBot/1.0)"}
		}, "!one_name"},
		{"by address", func(i int) visit { return visit{host: "192.0.2.7:8080", client: fmt.Sprintf("192.0.%d.1", i%4)} }, "!one_name"},
		{"many names", func(i int) visit {
			return visit{host: fmt.Sprintf("a%d.example", i), client: fmt.Sprintf("192.0.%d.1", i%4)}
		}, "!one_name"},
		{"none", func(i int) visit { return visit{client: fmt.Sprintf("192.0.%d.1", i%4)} }, "!one_name"},
	} {
		g := newRig(t)
		g.many(8, time.Second, func(i int) visit {
			v := c.of(i)
			v.upstream, v.code = "-", "client.route.no-site"
			return v
		})
		g.want(c.why, c.want)
	}
}
