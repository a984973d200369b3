// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"strings"
	"testing"
)

func TestSetServers(t *testing.T) {
	var got []string
	ts := startServer(t, func(o *Options) {
		o.SetServers = func(name string, list []byte) error {
			got = append(got, name+"="+string(list))
			switch {
			case name == "fixed":
				return ErrNotByAPI
			case name == "gone":
				return ErrNoUpstream
			case string(list) == "bad":
				return &ReloadError{Problems: []ReloadProblem{{File: "list", Line: 1, Column: 2, Message: "no address"}}}
			}
			return nil
		}
	})
	name := sampleUpstreams()[0].Name
	ask := func(method, name, body string, fields ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, ts.url+"/api/v1/upstreams/"+name+"/servers", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			req.Header.Set(fields[i], fields[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b := make([]byte, 1<<12)
		n, _ := resp.Body.Read(b)
		return resp.StatusCode, string(b[:n])
	}
	token := []string{"Authorization", "Bearer " + testToken}
	for _, c := range []struct {
		method, name, body string
		status             int
		says               string
	}{
		{"PUT", name, `["a:1"]`, 200, `"name":"` + name + `"`},
		{"DELETE", name, "", 200, `"sources":[`},
		{"PUT", "fixed", "[]", 409, "discover: {api: true}"},
		{"PUT", "gone", "[]", 404, "no upstream"},
		{"PUT", name, "bad", 422, `"line":1,"column":2,"message":"no address"`},
		{"PUT", name, strings.Repeat(" ", serversLimitBytes+1), 413, "longer than 1 MiB"},
		{"POST", name, "", 405, "Use PUT, DELETE here."},
		{"GET", name, "", 405, "Use PUT, DELETE here."},
	} {
		if status, body := ask(c.method, c.name, c.body, token...); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.method, c.name, status, body, c.status, c.says)
		}
	}
	if want := []string{name + `=["a:1"]`, name + "=", "fixed=[]", "gone=[]", name + "=bad"}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("set %q, want %q", got, want)
	}
	got = nil
	if status, _ := ask("PUT", name, "[]"); status != 401 || got != nil { // I3
		t.Errorf("without the token: %d, set %q", status, got)
	}
	if status, _ := ask("PUT", name, "[]", "Authorization", "Bearer "+testToken, "Origin", "http://evil.example"); status != 403 || got != nil {
		t.Errorf("by a page of another origin: %d, set %q", status, got)
	}
}
