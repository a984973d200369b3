// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func init() {
	shop, blog := get("10.0.1.2:80", "/"), get("10.0.2.2:80", "/")
	small := func(*Stage) string { return "10.0.4.2:53" }
	name := lookup(small, "app.site1.test.", dnsmessage.TypeA)
	bigUp := func(addr string) look {
		return func(s *Stage) string {
			cookie := "Cookie: a=" + strings.Repeat("x", 6000)
			return request(s, addr, "GET /search HTTP/1.1\r\nHost: shop.test\r\n"+cookie+"\r\n\r\n", connectPatience)
		}
	}
	maps.Copy(netSymptoms, map[string][]symptom{
		"net.loss": {{opening("10.0.1.2:80"), "at once", ""}, {mixed(40, opening("10.0.1.2:80")), "", "a step late, at once"},
			{mixed(40, opening("10.0.2.2:80")), "", "a step late, at once"}},
		"net.rst_middlebox": {{get("10.0.1.2:80", "/search?q=1"), "200", "await: connection reset by peer"},
			{shop, "200", "200"}},
		"net.idle_drop": {{afterIdle("10.0.1.2:80", 200*time.Millisecond), "", "200"},
			{afterIdle("10.0.1.2:80", 2500*time.Millisecond), "", "await: silence"}, {shop, "", "200"}},
		"net.mtu_blackhole:up": {{bigUp("10.0.1.2:80"), "200", "await: silence"}, {shop, "200", "200"},
			{bigUp("10.0.2.2:80"), "200", "200"}},
		"net.mtu_blackhole:down": {{shop, "200", "await: silence"}, {get("10.0.1.2:80", "/search"), "200", "200"},
			{bigUp("10.0.1.2:80"), "200", "200"}, {blog, "200", "200"}},
		"sys.provider_outage": {{shop, "200", "connect: silence"}, {get("10.0.1.3:80", "/"), "200", "connect: silence"},
			{blog, "200", "200"}, {name, "Success 10.0.1.2", "Success 10.0.1.2"}},
		"gw.network_down:link": {{shop, "200", "connect: network is unreachable"},
			{blog, "200", "connect: network is unreachable"},
			{name, "Success 10.0.1.2", "network is unreachable"}},
		"gw.network_down:silent": {{shop, "200", "connect: silence"}, {blog, "200", "connect: silence"},
			{name, "Success 10.0.1.2", "silence"}},
		"cdn.origin_blocks_cdn": {{patientAnswer("10.0.1.2:80"), "200 by cloudflare", "522 by cloudflare"},
			{blog, "200", "200"}},
	})
}

// afterIdle asks twice over one connection, which is idle for so long in between.
func afterIdle(addr string, idle time.Duration) look {
	const ask = "GET /search HTTP/1.1\r\nHost: shop.test\r\n\r\n"
	return func(s *Stage) string {
		c, err := connect(s, addr, connectPatience)
		if err != nil {
			return "connect: " + short(err)
		}
		defer c.Close()
		if got, _ := over(c, ask); got != "200" {
			return fmt.Sprint("first: ", got)
		}
		time.Sleep(idle) // it is the idleness that is looked at
		got, _ := over(c, ask)
		return got
	}
}

// patientAnswer is the status and the field Server.
func patientAnswer(addr string) look {
	return func(s *Stage) string {
		c, err := connect(s, addr, connectPatience)
		if err != nil {
			return "connect: " + short(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(4 * time.Second))
		resp, err := exchange(c, "GET / HTTP/1.1\r\nHost: www.test\r\n\r\n")
		if err != nil {
			return short(err)
		}
		return fmt.Sprint(resp.StatusCode, " by ", resp.Header.Get("Server"))
	}
}
