// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/cdn"
	"causey/internal/config"
)

// publishers answers in place of those who publish lists, by URL.
type publishers map[string]string

// RoundTrip implements http.RoundTripper.
func (p publishers) RoundTrip(req *http.Request) (*http.Response, error) {
	text, ok := p[req.URL.String()]
	resp := &http.Response{StatusCode: 200, Status: "200 OK", Body: io.NopCloser(strings.NewReader(text)), Request: req}
	if !ok {
		resp.StatusCode, resp.Status = 503, "503 Service Unavailable"
	}
	return resp, nil
}

// TestNetworksUpdate: what is good is kept although something else is not, a list that
// lost most of its networks only by force, and the list shows it.
func TestNetworksUpdate(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	u := updater{dir: dir, now: time.Now(), out: &out, err: &errs, client: &http.Client{Transport: publishers{
		"https://www.cloudflare.com/ips-v4":     "173.245.48.0/20\n203.0.114.0/24\n",
		"https://www.cloudflare.com/ips-v6":     "2400:cb00::/32",
		"https://api.fastly.com/public-ip-list": `{"addresses":["0.0.0.0/0"],"ipv6_addresses":[]}`,
	}}}
	const where = "Lists are kept in "
	err := u.update(t.Context(), []string{"cloudflare", "fastly", "bunny"})
	if err == nil || err.Error() != "3 sets not updated" || out.String() != where+dir+".\n" {
		t.Errorf("%v, %s", err, out.String())
	}
	if got := errs.String(); !strings.Contains(got, "0.0.0.0/0 is too wide") || !strings.Contains(got, "503 Service Unavailable") ||
		!strings.Contains(got, "cloudflare: 3 networks are published now, and most of the 22 that were are not among them") {
		t.Errorf("%s", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%d files", len(entries))
	}
	u.force = true
	out.Reset()
	if err := u.update(t.Context(), []string{"cloudflare"}); err != nil || out.String() != "cloudflare: 3 networks, 1 new, 20 gone\n"+where+dir+".\n" {
		t.Errorf("%v, %s", err, out.String())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	o := &outside{env: map[string]string{"STATE_DIRECTORY": dir + ":/other"}}
	if code := run(t.Context(), []string{"networks"}, o.world()); code != exitOK {
		t.Fatal(code, o.err.String())
	}
	for line := range strings.Lines(o.out.String()) {
		words := strings.Fields(line)
		if words[0] == "cloudflare" && (words[1] != "3" || words[3] != "0" || !strings.HasPrefix(words[5], dir)) || words[0] == "bunny" && words[1] != "0" {
			t.Error(line)
		}
	}
}

// TestNetworksSameDay: an update on the day of the list that is built in is used.
func TestNetworksSameDay(t *testing.T) {
	sets, _ := cdn.Load("", time.Now())
	i := slices.IndexFunc(sets, func(s cdn.Set) bool { return s.Name == "fastly" })
	text, err := json.Marshal(map[string]any{"addresses": append(slices.Clone(sets[i].Prefixes), netip.MustParsePrefix("203.0.114.0/24"))})
	if err != nil {
		t.Fatal(err)
	}
	dir, now := t.TempDir(), sets[i].Retrieved.Add(12*time.Hour)
	u := updater{dir: dir, now: now, out: io.Discard, err: io.Discard,
		client: &http.Client{Transport: publishers{"https://api.fastly.com/public-ip-list": string(text)}}}
	if err := u.update(t.Context(), []string{"fastly"}); err != nil {
		t.Fatal(err)
	}
	if got, problems := cdn.Load(dir, now); len(problems) > 0 || len(got[i].Prefixes) != len(sets[i].Prefixes)+1 {
		t.Errorf("%+v, %v", got[i], problems)
	}
	u.now = now.Add(-24 * time.Hour)
	if err := u.update(t.Context(), []string{"fastly"}); err == nil {
		t.Error("an update that would be ignored is called a success")
	}
}

// TestNetworksWithoutTLS: a list is not even asked for in the clear.
func TestNetworksWithoutTLS(t *testing.T) {
	const url = "http://www.cloudflare.com/ips-v4"
	u := updater{client: &http.Client{Transport: publishers{url: "173.245.48.0/20"}}}
	if text, err := u.get(t.Context(), url); err == nil || text != nil {
		t.Errorf("%q", text)
	}
}

// TestNetworksDirectory: it is that of everything else that has to last.
func TestNetworksDirectory(t *testing.T) {
	for _, env := range []map[string]string{{}, {"HOME": t.TempDir()}, {"XDG_STATE_HOME": t.TempDir(), "HOME": "/nowhere"}, {"STATE_DIRECTORY": t.TempDir(), "XDG_STATE_HOME": "/nowhere"}} {
		o := &outside{env: env}
		dir := config.StateDirectory(o.world().env)
		if len(env) == 0 {
			if dir != "/var/lib/causey" {
				t.Error(dir)
			}
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "networks-bunny.json")
		if err := os.WriteFile(file, []byte(`{"name":"bunny","retrieved":"2025-01-01","prefixes":["203.0.114.0/24"]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if code := run(t.Context(), []string{"networks"}, o.world()); code != exitOK || !strings.Contains(o.out.String(), file) {
			t.Errorf("%v: %d, %s%s", env, code, o.out.String(), o.err.String())
		}
	}
}

// TestNetworksInCheck: a set that is empty or old is a warning.
func TestNetworksInCheck(t *testing.T) {
	o := &outside{stdin: "version: 1\nlisten: [{address: '127.0.0.1:0', proxy_protocol: [bunny]}]\ntrusted_proxies: [cloudflare]\n" +
		"sites: [{host: '*', routes: [{upstream: u}]}]\nupstreams: {u: {servers: [3000]}}\n",
		env: map[string]string{"STATE_DIRECTORY": t.TempDir()}}
	if code := run(t.Context(), []string{"check", "-"}, o.world()); code != exitOK {
		t.Fatal(code, o.out.String(), o.err.String())
	}
	got := o.out.String()
	if !strings.Contains(got, "the set bunny has no networks yet") || !strings.Contains(got, "causey networks update bunny") {
		t.Error(got)
	}
}

func TestNetworksArguments(t *testing.T) {
	o := &outside{}
	if code := run(t.Context(), []string{"networks", "update", "cloudfare"}, o.world()); code != exitUsage || !strings.Contains(o.err.String(), "there are bunny, cloudflare") {
		t.Error(code, o.err.String())
	}
}
