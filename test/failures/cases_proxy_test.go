// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"strings"

	"causey/lab/client"
)

// proxyCases are connections whose PROXY header is missing, wrong, or not believed. No server is ever asked.
func proxyCases() []Case {
	const half = "PROXY TCP4 192.0.2.7 198.5"
	expecting := []string{"{address: 127.0.0.1:0, proxy_protocol: [127.0.0.0/8]}"}
	proxied := func(c Case) Case {
		c.listen, c.network, c.servers = expecting, "none", []string{"127.0.0.1:1"}
		return c
	}
	// leaves ends the connection when a part of the header was seen: before, there is nothing to tell.
	leaves := func(how client.How) func(*stage) client.Result {
		return func(s *stage) client.Result {
			c := s.dial()
			c.Send([]byte(half))
			s.eventually("connection", func() bool {
				return strings.Contains(string(s.ask("/metrics")), "causey_connections{state=\"idle\"} 1\n")
			})
			return c.Leave(how)
		}
	}
	none := evidence{"reused": absent, "dialled": absent}
	all := []Case{
		proxied(Case{code: "client.accept.no-proxy-header", play: ask(get("/")), evidence: evidence{"first_bytes": begins("GET / HTTP/1.1")}}),
		proxied(Case{code: "client.accept.bad-proxy-header", play: ask("PROXY TCP4 192.0.2.7 198.51.100.1 051234 443\r\n" + get("/")),
			evidence: evidence{"first_bytes": begins("PROXY TCP4 ")}}),
		proxied(Case{code: "client.accept.timeout", timeouts: "proxy_header: 150ms", play: ask(half), evidence: evidence{"end": "open", "first_bytes": half}}),
		proxied(Case{code: "client.accept.closed", seen: left, play: leaves(client.FIN), evidence: evidence{"end": "fin", "errno": absent}}),
		proxied(Case{code: "client.accept.reset", seen: left, play: leaves(client.RST), evidence: evidence{"end": "rst"}}),
	}
	for _, c := range []struct{ as, networks, header string }{
		{"v1", "192.0.2.0/24", "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"},
		{"v2", "192.0.2.0/24", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x22\x01\xbb"},
		{"v1 where nobody is expected", "", "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"},
	} {
		untrusted := proxied(Case{code: "client.accept.proxy-untrusted", as: c.as, play: ask(c.header + get("/"))})
		untrusted.listen = []string{"{address: 127.0.0.1:0, proxy_protocol: [" + c.networks + "]}"}
		all = append(all, untrusted)
	}
	for i := range all {
		if all[i].evidence == nil {
			all[i].evidence = evidence{}
		}
		for name, v := range none {
			all[i].evidence[name] = v
		}
	}
	return all
}
