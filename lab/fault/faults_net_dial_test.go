// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"maps"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func init() {
	// patient waits until the kernel gives an address up.
	patient := func(addr string) look {
		return func(s *Stage) string {
			return request(s, addr, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n", 5*time.Second)
		}
	}
	const gone = "connect: no route to host"
	near, far, beside := get("10.0.0.11:80", "/"), get("10.0.1.2:80", "/"), get("10.0.2.2:80", "/")
	other := symptom{get("10.0.0.11:8080", "/"), "200", "200"}
	maps.Copy(netSymptoms, map[string][]symptom{
		"tcp.filtered_drop": {{near, "200", "connect: silence"}, other, {keptOpen("10.0.0.11:80"), "200", "200"}},
		"tcp.filtered_drop:all": {{near, "200", "connect: silence"}, other,
			{keptOpen("10.0.0.11:80"), "200", "await: silence"}},
		"tcp.filtered_reject:icmp":  {{near, "200", "connect: no route to host"}, other},
		"tcp.filtered_reject:reset": {{near, "200", "connect: connection refused"}, other},
		"tcp.host_down:link":        {{patient("10.0.0.11:80"), "200", gone}, {get("10.0.0.12:80", "/"), "200", "200"}},
		"tcp.host_down:address":     {{patient("10.0.0.11:80"), "200", gone}, {get("10.0.0.12:80", "/"), "200", "200"}},
		"tcp.filtered_drop:one":     {{get("10.0.0.12:80", "/"), "200", "connect: silence"}, {near, "200", "200"}},
		"tcp.host_down:one":         {{patient("10.0.0.12:80"), "200", gone}, {near, "200", "200"}},
		"tcp.host_down:routed":      {{far, "200", "connect: silence"}, {beside, "200", "200"}},
		"tcp.no_route":              {{far, "200", "connect: network is unreachable"}, {beside, "200", "200"}},
		"tcp.backlog_overflow": {{opening("10.0.0.11:80"), "at once", ""},
			{mixed(16, opening("10.0.0.11:80")), "", "a step late, at once"}},
		"gw.ports_exhausted": {{mixed(30, far), "200", "200, connect: cannot assign requested address"},
			{beside, "200", "200"}},
		"net.snat_exhausted": {{mixed(30, far), "200", "200, connect: silence"}, {mixed(30, beside), "200", "200"}},
		"gw.conntrack_full": {{far, "200", "connect: silence"}, {beside, "200", "connect: silence"},
			{lookup(func(*Stage) string { return "10.0.1.2:53" }, "app.shop.test.", dnsmessage.TypeA),
				"Success 10.0.1.2", "send: operation not permitted"}},
		"sec.selinux":   {{get("10.0.0.11:3000", "/"), "", "connect: permission denied"}, {near, "", "200"}},
		"atk.syn_flood": {{far, "200", "connect: silence"}},
	})
}

// keptOpen asks over the connection that the first look opened.
func keptOpen(addr string) look {
	return func(s *Stage) string {
		for {
			c, fresh, err := held(s, addr)
			if err != nil {
				return "connect: " + short(err)
			}
			said, closes := over(c, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
			if fresh && closes { // as a shop does now and then
				release(s)
				continue
			}
			// Whether the kernel still takes the bytes is left to chance.
			return strings.Replace(said, "send: silence", "await: silence", 1)
		}
	}
}

// opening says how long a connection takes to open: a first packet that is lost is sent again after a second.
func opening(addr string) look {
	return func(s *Stage) string {
		began := time.Now()
		c, err := connect(s, addr, 5*time.Second)
		if err != nil {
			return short(err)
		}
		defer c.Close()
		if time.Since(began) > 900*time.Millisecond {
			return "a step late"
		}
		return "at once"
	}
}
