// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
)

// TestSetServers: what is asked of the gateway, and what is said of its answer.
func TestSetServers(t *testing.T) {
	var asked string
	refuse := false
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.EscapedPath() + " " + string(body)
		if refuse {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"status":422,"detail":"The list was refused.","problems":[{"file":"list","line":1,"column":3,"message":"no port"}]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(admin.Upstream{Name: "shop", Servers: make([]admin.UpstreamServer, 2)})
	})
	run := func(args ...string) (int, string, string) {
		return causey(append(append([]string{"servers", "set"}, args...), "--admin", a.at.address)...)
	}
	for args, want := range map[string]string{
		"shop a:1 https://b:2": `PUT /api/v1/upstreams/shop/servers ["a:1","https://b:2"]`,
		"a/b --none":           `PUT /api/v1/upstreams/a%2Fb/servers []`,
		"shop --configured":    `DELETE /api/v1/upstreams/shop/servers null`,
	} {
		if code, stdout, stderr := run(strings.Fields(args)...); code != exitOK || stdout != "shop: 2 servers\n" || asked != want {
			t.Errorf("%s: exit %d, %q, %q, asked %s", args, code, stdout, stderr, asked)
		}
	}
	refuse = true
	if code, _, stderr := run("shop", "a"); code != exitProblem || !strings.Contains(stderr, "The list was refused.\n  list:1:3: no port") {
		t.Errorf("refused: exit %d, %q", code, stderr)
	}
	for _, args := range []string{"", "shop", "shop a:1 --none", "shop a:1 --configured", "shop --none --configured"} {
		if code, _, stderr := run(strings.Fields(args)...); code != exitUsage {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}

// What is wrong where servers are found stands below the table.
func TestServersTellsOfSources(t *testing.T) {
	var got bytes.Buffer
	err := writeServers(&got, []admin.Upstream{{Name: "shop", Sources: []admin.UpstreamSource{
		{Source: "dns app:3000", Servers: 2}, {Source: "docker unix:///x", Problem: "the Docker daemon cannot be asked\x1b"}}}}, time.Now())
	if text := got.String(); err != nil || !strings.Contains(text, "\nServers are not found as they should be\n  shop docker unix:///x: the Docker daemon cannot be asked\\x1b\n") ||
		strings.Contains(text, "dns") || !strings.Contains(text, "shop: no server is in service") {
		t.Errorf("%v\n%s", err, text)
	}
}
