// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/lab/client"
	"causey/lab/origin"
)

// Case is one reproducer.
type Case struct {
	code string
	// as tells several reproducers of one code apart.
	as string

	// timeouts, limits and top are configuration: the inside of the two mappings, and more keys of the top level.
	timeouts, limits, top string
	// servers are the upstream's; none is the origin.
	servers []string
	// upstream holds more keys of the upstream; text replaces sites and upstreams.
	upstream, text string

	// listen is where the gateway listens; none is a free port.
	listen []string

	// origin is what the origin does before a request, and network what it listens on: "" is tcp, "none" is no origin.
	origin  origin.Options
	network string
	// dns answers for names; the configuration's resolver points to it.
	dns dnsAnswer

	place place
	// joined has the parts of a gateway joined by the test; see joined_test.go.
	joined bool
	// untrusted makes clients no trusted proxies.
	untrusted bool
	// prepare is called before the gateway starts, and may change the case's configuration.
	prepare func(*stage, *Case)
	// play makes the failure and returns what the client whose exchange failed got.
	play func(*stage) client.Result

	seen     seen
	evidence evidence
	// attempts is how many the record has to have, 0 for any number.
	attempts int
}

// name is the case's name as a subtest.
func (c *Case) name() string { return strings.TrimSuffix(c.code+":"+c.as, ":") }

// overTLS reports that the gateway listens with TLS.
func (c *Case) overTLS() bool {
	return slices.ContainsFunc(c.listen, func(l string) bool { return strings.Contains(l, "tls: true") })
}

// place is where a case runs.
type place string

const (
	here place = ""
	// network is a process in a network namespace of its own, where there is nothing but what the case makes.
	network place = "network"
	// alone is a process of its own, for what cannot be undone or would hurt the others.
	alone place = "alone"
)

// seen is what the client must have seen.
type seen int

const (
	// answered: an answer of the gateway with the registry's status, Proxy-Status and the reference.
	answered seen = iota
	// cut: the server's answer, which must not look complete.
	cut
	// whole: the server's answer, complete.
	whole
	// left: the client did not wait for an answer.
	left
	// broken: a tunnel that was broken off.
	broken
	// quiet: a tunnel that was closed for its silence.
	quiet
	// shut: a connection that was closed before there was anything to answer with.
	shut
)

// table is every reproducer.
func table() []Case {
	var all []Case
	for _, part := range [][]Case{proxyCases(), clientHeadCases, clientCases(), resolveCases(), connectCases(), sendCases(),
		answerHeadCases(), answerBodyCases(), gatewayCases(), stopCases(), strangers(), tlsClientCases(), tlsUpstreamCases()} {
		all = append(all, part...)
	}
	return all
}

// TestEachCode runs every reproducer.
func TestEachCode(t *testing.T) {
	for _, c := range table() {
		t.Run(c.name(), func(t *testing.T) {
			if c.place != here && !inside(c.place) {
				t.Parallel()
				runApart(t, c.place)
				return
			}
			if c.place == here {
				t.Parallel()
			}
			run(t, &c)
		})
	}
}

// unreproduced are codes for which this lab has no reproducer, with the reason.
var unreproduced = map[string]string{}

// TestEveryCodeIsReproduced: I1.
func TestEveryCodeIsReproduced(t *testing.T) {
	have := map[string]bool{}
	names := map[string]bool{}
	for _, c := range table() {
		have[c.code] = true
		if names[c.name()] {
			t.Errorf("two cases are called %s", c.name())
		}
		names[c.name()] = true
		if _, ok := failure.ParseCode(c.code); !ok {
			t.Errorf("%s is no code of the registry", c.code)
		}
	}
	for _, e := range failure.All() {
		if _, excused := unreproduced[e.Name]; have[e.Name] == excused {
			t.Errorf("%s: has a reproducer: %v, is excused: %v", e.Name, have[e.Name], excused)
		}
	}
}

// pattern matches the one subtest of that name.
func pattern(name string) string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	return strings.Join(parts, "/")
}
