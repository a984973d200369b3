// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
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

// TestNetworksUpdate: what is good is kept although something else is not, and the
// list shows it.
func TestNetworksUpdate(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	u := updater{dir: dir, now: time.Now(), out: &out, err: &errs, client: &http.Client{Transport: publishers{
		"https://www.cloudflare.com/ips-v4":     "173.245.48.0/20\n203.0.114.0/24\n",
		"https://www.cloudflare.com/ips-v6":     "2400:cb00::/32",
		"https://api.fastly.com/public-ip-list": `{"addresses":["0.0.0.0/0"],"ipv6_addresses":[]}`,
	}}}
	err := u.update(t.Context(), []string{"cloudflare", "fastly", "bunny"})
	if err == nil || err.Error() != "2 sets not updated" {
		t.Errorf("%v", err)
	}
	if got := out.String(); got != "cloudflare: 3 networks, 1 new, 20 gone\n" {
		t.Errorf("%s", got)
	}
	if got := errs.String(); !strings.Contains(got, "0.0.0.0/0 is too wide") || !strings.Contains(got, "503 Service Unavailable") {
		t.Errorf("%s", got)
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
