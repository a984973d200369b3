// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseServers(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"- 10.0.0.5:3000\n- {address: app:3000, weight: 2, zone: eu-1}\n", "10.0.0.5:3000/1/, app:3000/2/eu-1, "},
		{`["https://a:1", {"address": "unix:/run/b.sock"}]`, "https://a:1/1/, unix:/run/b.sock/1/, "},
		{"10.0.0.5:3000", "10.0.0.5:3000/1/, "},
		{"[]", ""},
		{"", "servers.yaml: is empty"},
		{"# nothing\n", "servers.yaml: is empty"},
		{"- a:1\n- b:1\n- a:1\n", "servers.yaml:3:3: [2]: the server a:1 is listed twice"},
		{"- a:1\n- b\n", "servers.yaml:2:3: [1]: the port of \"b\" is missing"},
		{"- {address: a:1, wieght: 2}\n", "servers.yaml:1:18: [0].wieght: unknown key \"wieght\""},
		{"- {address: a:1, discover: dns}\n", "a list of servers names servers, and nothing to discover more by"},
		{"- _http._tcp.a.example\n", "a list of servers names servers, and nothing to discover more by"},
		{"- [a:1", "servers.yaml:1:3: "},
		{"servers:\n  - a:1\n", "servers.yaml:1:1: "},
		{"- a:1\n- \xff\n", "this byte is not UTF-8"},
		{"[" + strings.Repeat("a:1,", maxServers) + "a:1]", "the list has 10001 items, at most 10000"},
	} {
		list, err := ParseServers("servers.yaml", []byte(c.text))
		got := ""
		for _, s := range list {
			got += fmt.Sprintf("%s/%d/%s, ", s.Address, s.Weight, s.Zone)
		}
		if err != nil {
			if got = err.Error(); strings.Contains(got, c.want) {
				got = c.want
			}
		}
		if got != c.want {
			t.Errorf("%.60q gave\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

// Two addresses that cannot be read are two mistakes, and no server that is listed twice.
func TestParseServersReportsEachMistakeOnce(t *testing.T) {
	_, err := ParseServers("servers.yaml", []byte("- {address: a}\n- {address: b}\n"))
	var all Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Errorf("%d mistakes, want 2: %v", len(all), err)
	}
}

// FuzzParseServers: a list of servers is read or refused with places, is bounded, and
// names no server twice.
func FuzzParseServers(f *testing.F) {
	f.Add([]byte("- 10.0.0.5:3000\n- {address: app:3000, weight: 2}\n"))
	f.Add([]byte("[]"))
	f.Add([]byte("- &a b:1\n- *a\n"))
	f.Add([]byte("_http._tcp.a.b"))
	f.Add([]byte(`["[::1]:80", {"address": "unix:@x", "max_connections": 3}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseServers("servers.yaml", data)
		var all Errors
		if err != nil && (list != nil || !errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("%d servers with %T %v", len(list), err, err)
		}
		seen := map[ServerAddr]bool{}
		for _, s := range list {
			if seen[s.Address] || s.Discover != "" || s.Address.Network == TCP && s.Address.Port == 0 {
				t.Errorf("server %+v", s)
			}
			seen[s.Address] = true
		}
		if len(list) > maxServers {
			t.Errorf("%d servers", len(list))
		}
	})
}
