// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

func init() {
	a, aaaa := dnsmessage.TypeA, dnsmessage.TypeAAAA
	inTown := func(s *Stage) string { return s.kept.(*town).names.Addr() }
	inYard := func(*Stage) string { return "10.0.1.2:53" }
	blog := func(s *Stage) string {
		t := s.kept.(*town)
		return get(net.JoinHostPort(t.blog.String(), t.port), "/")(s)
	}
	// says is the response code for a name, and for those of a town how many addresses: they are chosen by chance.
	says := func(name, code string) symptom { return symptom{lookup(inTown, name, a), "", code} }
	maps.Copy(netSymptoms, map[string][]symptom{
		"dns.nxdomain":          {says("app.blog.test.", "NameError")},
		"dns.servfail:zone":     {says("app.blog.test.", "ServerFailure")},
		"dns.servfail:resolver": {says("app.blog.test.", "ServerFailure"), says("app.shop.test.", "ServerFailure")},
		"dns.servfail:refused":  {says("app.blog.test.", "Refused"), says("app.shop.test.", "Refused")},
		"dns.timeout:silent":    {says("app.blog.test.", "silence")},
		"dns.timeout:filtered":  {{lookup(inYard, "app.test.", a), "", "silence"}, {get("10.0.1.2:80", "/"), "", "200"}},
		"dns.stale:refused":     {{blog, "200", "connect: connection refused"}},
		"dns.stale:stranger":    {{blog, "200", "404"}},
		"dns.v6_dead:silent": {
			{lookup(inYard, "app.test.", aaaa), "", "Success fd00:1::2"},
			{get("[fd00:1::2]:80", "/"), "", "connect: silence"},
			{get("10.0.1.2:80", "/"), "", "200"},
		},
		"dns.v6_dead:unrouted": {
			{lookup(inYard, "app.test.", aaaa), "", "Success 2001:db8::80"},
			{get("[2001:db8::80]:80", "/"), "", "connect: network is unreachable"},
			{get("10.0.1.2:80", "/"), "", "200"},
		},
		"dns.search_domain": {
			{lookup(inYard, "api.isp.test.", a), "Success 203.0.113.80", "Success 203.0.113.80"},
			{get("203.0.113.80:8080", "/"), "404", "404"},
			{get("10.0.1.2:8080", "/"), "200", "200"},
			{shortName, "200", "404"},
		},
		"dns.empty":         {says("app.blog.test.", "Success")},
		"dns.empty:unready": {{countAddresses(inTown), "1", "0"}},
	})
}

// countAddresses is how many addresses blog has.
func countAddresses(server func(*Stage) string) look {
	return func(s *Stage) string {
		return strconv.Itoa(len(strings.Fields(lookup(server, "app.blog.test.", dnsmessage.TypeA)(s))) - 1)
	}
}

// shortName asks for http://api:8080/ as a program of the gateway's machine would.
func shortName(s *Stage) string {
	out, err := inside(s, "curl", "-s", "-o", filepath.Join(s.Dir, "page"), "-m", "2",
		"-w", "%{http_code}", "http://api:8080/")
	if err != nil {
		return err.Error()
	}
	return out
}
