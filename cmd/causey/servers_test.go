// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/internal/testkit"
	"causey/internal/upstream"
	"causey/lab/origin"
)

// TestServers writes the golden answer of the admin side as a table with the reasons
// below it.
func TestServers(t *testing.T) {
	answer, err := os.ReadFile("../../internal/admin/testdata/upstreams.json")
	if err != nil {
		t.Fatal(err)
	}
	var list upstreamList
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := writeServers(&got, list.Upstreams, time.Date(2026, 3, 9, 14, 4, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, "testdata/servers.table", got.Bytes())

	a := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) })
	var compact bytes.Buffer
	if err := json.Compact(&compact, answer); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := causey("servers", "--json", "--admin", a.at.address); code != exitProblem || plainJSON(stdout) != plainJSON(compact.String()+"\n") {
		t.Errorf("--json: exit %d\n%s", code, stdout)
	}
	if code, _, stderr := causey("upstreams"); code != exitUsage || !strings.Contains(stderr, "did you mean servers?") {
		t.Errorf("the old name: exit %d, %s", code, stderr)
	}
}

// plainJSON undoes the escapes of <, > and &, which encoders write or not.
func plainJSON(text string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text)
}

func TestTimesInWords(t *testing.T) {
	now := time.Date(2026, 3, 9, 14, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{-time.Second: "0 s", 90 * time.Second: "90 s", 3 * time.Minute: "3 min", 26 * time.Hour: "26 h", 50 * time.Hour: "2 days"} {
		if got := sinceText(admin.Moment{Time: now.Add(-ago)}, now); got != want {
			t.Errorf("%v: %s, want %s", ago, got, want)
		}
	}
	if got := sinceText(admin.Moment{}, now); got != "-" {
		t.Errorf("unknown: %s", got)
	}
}

// TestChange: what is asked of the gateway, and what is said of its answer.
func TestChange(t *testing.T) {
	active := 3
	var asked, body string
	state, reason, byHand := upstream.Draining, "is drained by hand", true
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		s := admin.UpstreamServer{Name: "unix:/run/a b.sock", State: state, Reason: reason, ByHand: byHand, Share: 1, Connections: admin.Connections{Active: active}}
		if r.Method == http.MethodGet {
			active = max(active-1, 0)
			_ = json.NewEncoder(w).Encode(upstreamList{[]admin.Upstream{{Name: "shop", Servers: []admin.UpstreamServer{s}}}})
			return
		}
		text, _ := io.ReadAll(r.Body)
		asked, body = r.URL.EscapedPath(), string(text)
		_ = json.NewEncoder(w).Encode(admin.Decided{Upstream: "shop", Server: s, Warnings: []string{"a warning\x1b[2J"}})
	})
	run := func(args ...string) (int, string, string) {
		return causey(append(append([]string{"servers"}, args...), "--admin", a.at.address)...)
	}
	code, stdout, stderr := run("drain", "shop", "unix:/run/a b.sock", "--why", "version 2")
	if code != exitOK || stdout != "shop unix:/run/a b.sock: draining; 3 exchanges are still active there\n" || stderr != "causey: a warning\\x1b[2J\n" {
		t.Errorf("drain: exit %d, %q, %q", code, stdout, stderr)
	}
	if asked != "/api/v1/upstreams/shop/servers/unix:%2Frun%2Fa%20b.sock/state" || body != `{"state":"drain","why":"version 2"}` {
		t.Errorf("asked for %s with %s", asked, body)
	}
	code, stdout, _ = run("drain", "shop", "unix:/run/a b.sock", "--wait", "1m")
	if code != exitOK || !strings.HasPrefix(stdout, "shop unix:/run/a b.sock: draining; waiting for 3 exchanges to end\nshop unix:/run/a b.sock: idle after ") {
		t.Errorf("drain --wait: exit %d, %q", code, stdout)
	}
	active = 1000
	if code, _, stderr = run("drain", "shop", "unix:/run/a b.sock", "--wait", "50ms"); code != exitProblem || !strings.Contains(stderr, "exchanges are still active after 50ms") {
		t.Errorf("not in time: exit %d, %q", code, stderr)
	}
	state = upstream.Maintenance
	if code, _, stderr = run("drain", "shop", "unix:/run/a b.sock", "--wait", "1m"); code != exitProblem || !strings.Contains(stderr, "somebody else changed it") {
		t.Errorf("changed meanwhile: exit %d, %q", code, stderr)
	}
	active = 0
	if code, stdout, _ = run("maintenance", "shop", "unix:/run/a b.sock"); code != exitOK || stdout != "shop unix:/run/a b.sock: maintenance; nothing is active there\n" || body != `{"state":"maintenance","why":""}` {
		t.Errorf("maintenance: exit %d, %q, %s", code, stdout, body)
	}
	state, reason, byHand = upstream.Unreachable, "was given back by hand; no connection can be opened: upstream.connect.refused", false
	if code, stdout, _ = run("restore", "shop", "unix:/run/a b.sock"); code != exitOK || !strings.HasSuffix(stdout, ": unreachable: was given back by hand; no connection can be opened: upstream.connect.refused\n") || body != `{"state":"auto","why":""}` {
		t.Errorf("restore: exit %d, %q, %s", code, stdout, body)
	}
	for _, args := range [][]string{{"drain"}, {"drain", "shop"}, {"drain", "a", "b", "c"}, {"drain", "shop", "a:1", "--wait", "0s"}, {"dain", "shop", "a:1"}, {"restore", "shop", "a:1", "--wait", "1s"}} {
		if code, _, stderr := run(args...); code != exitUsage {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}

// TestDeploy is what somebody does who replaces one server after the other: drain,
// wait, stop it, bring it back; and the gateway itself is restarted in between.
func TestDeploy(t *testing.T) {
	dir := t.TempDir()
	one, other := lab(t, origin.Options{Fields: []string{"X-Server: one"}}), lab(t, origin.Options{Fields: []string{"X-Server: other"}})
	configure(t, dir, one)
	file := filepath.Join(dir, "causey.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, strings.Replace(string(text), fmt.Sprintf("[%q]", one), fmt.Sprintf("[%q, %q]", one, other), 1))
	p := start(t, dir, nil, "run", "-c", "causey.yaml")
	site, _ := p.addresses()
	socket := filepath.Join(dir, "admin.sock")
	slow := make(chan error, 8)
	for range cap(slow) {
		go func() {
			status, _, err := fetch(site, "/slow?ms=700")
			if err == nil && status != 200 {
				err = fmt.Errorf("status %d", status)
			}
			slow <- err
		}()
	}
	eventually(t, "requests are with both servers", func() bool {
		_, stdout, _ := causey("servers", "--json", "--socket", socket)
		return strings.Count(stdout, `"active":0`) == 0
	})
	code, stdout, stderr := causey("servers", "drain", "shop", one, "--wait", "20s", "--why", "version 2", "--socket", socket)
	if code != exitOK || !strings.Contains(stdout, "to end\nshop "+one+": idle after ") {
		t.Errorf("drain: exit %d, %s%s", code, stdout, stderr)
	}
	for range cap(slow) {
		if err := <-slow; err != nil {
			t.Errorf("what was under way: %v", err)
		}
	}
	attempts := func() string {
		_, stdout, _ := causey("servers", "--socket", socket)
		for line := range strings.Lines(stdout) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == one {
				return line
			}
		}
		return stdout
	}
	if line := attempts(); !strings.Contains(line, "draining") {
		t.Errorf("drained: %s", line)
	}
	p.stopped()
	p = start(t, dir, nil, "run", "-c", "causey.yaml")
	site, _ = p.addresses()
	for range 10 {
		get(t, site, "/")
	}
	if line := attempts(); !strings.Contains(line, "draining") || !strings.Contains(line, "  0         0       -") {
		t.Errorf("after a restart of the gateway: %s", line)
	}
	p.said("version 2")
	if code, stdout, _ := causey("servers", "restore", "shop", one, "--socket", socket); code != exitOK || !strings.Contains(stdout, "shop "+one+": up") {
		t.Errorf("restore: exit %d, %s", code, stdout)
	}
	if code, _, stderr := causey("servers", "drain", "shpo", one, "--socket", socket); code != exitProblem || !strings.Contains(stderr, `did you mean "shop"?`) {
		t.Errorf("misspelt: exit %d, %s", code, stderr)
	}
}
