// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNamesThatCannotBe(t *testing.T) {
	r := newTestResolver(t, testConfig(t))
	label := strings.Repeat("a", 63)
	for name, site := range map[string]string{
		"":          "empty",
		".":         "empty",
		"a..b":      "empty-label",
		".a":        "empty-label",
		"a..":       "empty-label",
		label + "a": "label-too-long",
		strings.Repeat(label+".", 3) + label[:62]: "name-too-long",
		"127.0.0.1":        "numeric",
		"10.0.0.256":       "numeric",
		"127.1.":           "numeric",
		"8080":             "numeric",
		"::1":              "character",
		"app.test:80":      "character",
		"app test":         "character",
		"app\x00.test":     "character",
		"*.test":           "character",
		"b\u00fccher.test": "character",
		"\u212aelvin.test": "character", // whose lower case would be ASCII
	} {
		_, err := r.Lookup(t.Context(), name)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v", name, err)
		}
		want(t, name+": kind", e.Kind, BadName)
		want(t, name+": site", e.Site, site)
	}
	for _, name := range []string{
		"a", "a.", "_srv.app.test", "my_app", "web-1", "1a", "xn--bcher-kva.test", "3.web", "web.1",
		strings.Repeat(label+".", 3) + label[:61], strings.Repeat(label+".", 3) + label[:61] + ".",
	} {
		if _, site := canonical(name); site != "" {
			t.Errorf("%q is refused: %s", name, site)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	want(t, "hosts", c.HostsPath, "/etc/hosts")
	want(t, "resolv.conf", c.ResolvConfPath, "/etc/resolv.conf")
	want(t, "total", c.Total, 20*time.Second)
	want(t, "names", c.MaxNames, 4096)
	c = Config{StaleWait: -1, HostsPath: "x"}.withDefaults()
	want(t, "less than nothing is the default", c.StaleWait, 500*time.Millisecond)
	want(t, "what is given stays", c.HostsPath, "x")
}

func TestCandidatesStayWithinTheLengthOfAName(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Repeat(label+".", 3) + label[:61]
	got := candidates(long, []string{"test."}, 1)
	want(t, "only the name itself", strings.Join(got, " "), long+".")
}

// The names are read by people and programs outside: they never change.
func TestNamesOfKindsAndSources(t *testing.T) {
	for k, name := range map[Kind]string{
		0: "none", NXDomain: "nxdomain", NoData: "nodata", Timeout: "timeout", Unreachable: "unreachable",
		Malformed: "malformed", OtherRcode: "rcode", Refused: "refused", ServFail: "servfail",
		Exhausted: "exhausted", BadName: "badname", Canceled: "canceled", Canceled + 1: "none",
	} {
		want(t, "kind", k.String(), name)
	}
	for s, name := range map[Source]string{
		0: "none", SourceHosts: "hosts", SourceLoopback: "loopback", SourceDNS: "dns", SourceCache: "cache", SourceCache + 1: "none",
	} {
		want(t, "source", s.String(), name)
	}
}

func TestErrorForHumans(t *testing.T) {
	for want, e := range map[string]*Error{
		`resolve "app": nxdomain, asked as app.test., server 192.0.2.1:53`: {
			Name: "app", FQDN: "app.test.", Kind: NXDomain, Server: newFakeNet().add("192.0.2.1:53", nil).addr},
		`resolve "a\x00b": badname (character)`:                       {Name: "a\x00b", Kind: BadName, Site: "character"},
		`resolve "app": rcode 9`:                                      {Name: "app", Kind: OtherRcode, Rcode: 9},
		`resolve "app": unreachable: ` + syscall.ECONNREFUSED.Error(): {Name: "app", Kind: Unreachable, Errno: syscall.ECONNREFUSED},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	want(t, "a denial is no context error", errors.Is(&Error{Kind: NXDomain}, context.Canceled), false)
}
