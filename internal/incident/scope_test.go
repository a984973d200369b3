// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"strings"
	"testing"
	"time"
)

// Each planted scope is found: what fails is confined to it, and everything else goes on.
func TestPlantedScopes(t *testing.T) {
	const silent, refused, closed = "upstream.await-head.timeout", "upstream.connect.refused", "upstream.await-head.closed"
	for _, c := range []struct {
		name         string
		upstreams    []string
		ill          func(w *town, v *visit) string
		level, value string
		reach        string
	}{
		{"one path", []string{"shop"}, func(_ *town, v *visit) string { return when(v.path == "/cart", closed) }, "path", "/cart", isolated},
		{"one server", []string{"shop"}, func(w *town, v *visit) string { return when(v.server == w.server("shop", 0), refused) }, "server", "10.4.1.1:80", isolated},
		{"one client", []string{"shop"}, func(_ *town, v *visit) string { return when(v.client == 3, closed) }, "client", "192.0.3.1", isolated},
		{"one network of clients", []string{"shop"}, func(_ *town, v *visit) string { return when(v.client >= 30 && v.client < 40, closed) }, "network", "", isolated},
		{"one of two sites", []string{"shop"}, func(_ *town, v *visit) string { return when(v.site == "b.example", closed) }, "site", "b.example", isolated},
		{"one upstream of three", []string{"shop", "blog2", "wiki33"}, func(_ *town, v *visit) string { return when(v.upstream == "shop", closed) }, "upstream", "shop", isolated},
		{"a database behind three of four", []string{"a", "bb", "ccc", "dddd"},
			func(_ *town, v *visit) string {
				return when(v.upstream != "dddd" && v.path != "/static/site.css", silent)
			}, "site", "", shared},
		{"one address of three upstreams", []string{"a", "bb", "ccc", "dddd"}, func(_ *town, v *visit) string { return when(strings.HasPrefix(v.server, "10.99.0.1:"), refused) }, "host", "", shared},
		{"one network of servers", []string{"a", "bb", "ccc", "dddd"}, func(_ *town, v *visit) string { return when(strings.HasPrefix(v.server, "10.98.0."), refused) }, "network", "", shared},
		{"everything", []string{"a", "bb", "ccc"}, func(*town, *visit) string { return "upstream.connect.timeout" }, "everything", "", systemic},
		{"the gateway itself", []string{"shop"}, func(_ *town, v *visit) string { return when(v.client%2 == 0, "gateway.connect.no-ports") }, "gateway", "", shared},
		{"one file type of one path", []string{"shop"}, func(_ *town, v *visit) string { return when(v.path == "/static/site.css", "upstream.relay-body.short") }, "path", "/static/site.css", isolated},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTown(t, c.upstreams...)
			switch c.name {
			case "one network of clients":
				w.place = func(v *visit) {
					if v.client >= 30 {
						v.addr = [4]byte{198, 51, 100, byte(v.client)}
					}
				}
			case "one of two sites":
				w.place = func(v *visit) {
					if v.site = "a.example"; v.client%3 == 0 {
						v.site = "b.example"
					}
				}
			case "one address of three upstreams":
				w.place = func(v *visit) {
					if v.upstream != "dddd" {
						v.server = "10.99.0.1:8" + strings.Repeat("0", len(v.upstream))
					}
				}
			case "one network of servers":
				w.place = func(v *visit) {
					if v.upstream != "dddd" {
						v.server = "10.98.0." + string('0'+rune(len(v.upstream))) + ":80"
					}
				}
			}
			w.live(2*time.Minute, 20)
			w.ill = func(v *visit) (string, bool) {
				code := c.ill(w, v)
				if code != "" {
					v.took = 2 * time.Second
				}
				return code, false
			}
			w.live(25*time.Second, 20)
			i := w.the(c.name)
			if i.Scope.Level != c.level || c.value != "" && i.Scope.Value != c.value || i.Scope.Reach != c.reach || i.Scope.Says == "" {
				t.Errorf("scope %+v, want %s %s, %s", i.Scope, c.level, c.value, c.reach)
			}
		})
	}
}

// when is code if is, else nothing.
func when(is bool, code string) string {
	if is {
		return code
	}
	return ""
}
