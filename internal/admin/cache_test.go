// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"strings"
	"testing"
)

// sampleCache is a cache in use, whose disk is in trouble.
var sampleCache = CacheState{
	On: true, Objects: 17, Bytes: 1_234_567, BytesMax: 64 << 20, IncomingBytes: 4096, Kept: 99, Abandoned: 2,
	Disk: &CacheDiskState{Path: "/var/cache/causey", Objects: 40, Bytes: 9_000_000, BytesMax: 1 << 30,
		Loaded: 12, Skipped: 1, Failed: 3, Broken: 1, Trouble: "no space left on device"},
}

func TestPurge(t *testing.T) {
	s := startServer(t, nil)
	ask := func(query string) (*http.Response, string) {
		return s.ask(s.socket, http.MethodPost, "/api/v1/cache/purge?"+query)
	}
	for query, want := range map[string]int{
		"url=http://a/": 200, "tag=t": 200, "host=a": 200, "all=1": 200,
		"": 400, "url=": 400, "url=bad": 400, "all=0": 400, "tag=a&host=b": 400, "tag=a&tag=b": 400, "prefix=/a": 400,
		"tag=" + strings.Repeat("x", purgeLimitBytes+1): 400,
	} {
		resp, body := ask(query)
		s.wantStatus(want, resp, body)
		if want == http.StatusOK && strings.TrimSpace(body) != `{"dropped":3}` {
			t.Errorf("%s: %s", query, body)
		}
	}
	s.opts.Cache = func() CacheState { return CacheState{} }
	resp, body := ask("all=1")
	s.wantStatus(http.StatusConflict, resp, body)
}
