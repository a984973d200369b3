// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"causey/internal/record"
	"causey/internal/upstream"
)

// TestDecide: a decision reaches the gateway as it was meant, whatever the server is
// called, and from nobody without the socket or the token (I3).
func TestDecide(t *testing.T) {
	var got []Decision
	ups := sampleUpstreams()
	ts := startServer(t, func(o *Options) {
		o.Upstreams = func() []Upstream { return ups }
		o.Decide = func(d Decision) ([]string, error) {
			got = append(got, d)
			if d.Why == "too early" {
				return nil, ErrUpgrading
			}
			if d.Server == "app2.internal:9000" {
				return nil, fmt.Errorf("app2.internal:9000: %w any more", ErrNoServer)
			}
			ups[0].Servers[0].State = upstream.Maintenance
			return []string{"it is not kept"}, nil
		}
	})
	const unix = "/api/v1/upstreams/shop/servers/unix:%2Frun%2Fapp3.sock/state"
	resp, body := ts.ask(ts.socket, http.MethodPost, unix, "body", `{"state":"drain","why":"version 2"}`)
	ts.wantStatus(200, resp, body)
	if want := (Decision{"shop", "unix:/run/app3.sock", upstream.Drain, "version 2"}); len(got) != 1 || got[0] != want {
		t.Fatalf("the gateway was asked for %+v", got)
	}
	var answer Decided
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Upstream != "shop" || answer.Server.Name != "unix:/run/app3.sock" ||
		fmt.Sprint(answer.Warnings) != "[it is not kept]" {
		t.Errorf("answered %s (%v)", body, err)
	}
	resp, body = ts.ask(ts.socket, http.MethodPost, unix, "body", `{"state":"drain","why":"too early"}`)
	ts.wantStatus(409, resp, body)
	// The last server of an upstream.
	_, body = ts.ask(ts.socket, http.MethodPost, "/api/v1/upstreams/blog/servers/blog.internal:80/state", "body", `{"state":"maintenance"}`)
	if !strings.Contains(body, "no server of blog is in service now") {
		t.Errorf("no warning: %s", body)
	}
	_, body = ts.ask(ts.socket, http.MethodPost, "/api/v1/upstreams/blog/servers/blog.internal:80/state", "body", `{"state":"auto"}`)
	if strings.Contains(body, "no server of blog") {
		t.Errorf("giving back is no reason to warn: %s", body)
	}
	resp, body = ts.ask(http.DefaultClient, http.MethodPost, unix, "body", `{"state":"drain"}`)
	ts.wantStatus(401, resp, body)
	resp, body = ts.ask(http.DefaultClient, http.MethodPost, unix, "body", `{"state":"drain"}`, "Authorization", "Bearer "+testToken)
	ts.wantStatus(200, resp, body)
	resp, body = ts.ask(ts.socket, http.MethodGet, unix)
	ts.wantStatus(405, resp, body)
	resp, body = ts.ask(ts.socket, http.MethodPost, "/api/v1/upstreams/shop/servers/app2.internal:9000/state", "body", `{"state":"drain"}`)
	ts.wantStatus(404, resp, body)
}

// TestDecideNamesWhatWasMeant: a wrong name is told with the right one.
func TestDecideNamesWhatWasMeant(t *testing.T) {
	ts := startServer(t, func(o *Options) {
		o.Decide = func(d Decision) ([]string, error) { t.Errorf("%+v was decided", d); return nil, nil }
	})
	for _, c := range []struct{ path, want string }{
		{"shpo/servers/app.internal:9000", `There is no upstream \"shpo\"; did you mean \"shop\"? A server of this name is in shop.`},
		{"nothing/servers/x", `There is no upstream \"nothing\"; there are blog, shop, tools.`},
		{"shop/servers/app.internal:900", `The upstream \"shop\" has no server \"app.internal:900\"; did you mean \"app.internal:9000\"?`},
		{"shop/servers/run%2Fapp3.sock", `did you mean \"unix:/run/app3.sock\"?`},
		{"blog/servers/app.internal:9000", `The upstream \"blog\" has no server \"app.internal:9000\"; there are blog.internal:80. A server of this name is in shop.`},
	} {
		resp, body := ts.ask(ts.socket, http.MethodPost, "/api/v1/upstreams/"+c.path+"/state", "body", `{"state":"drain"}`)
		if ts.wantStatus(404, resp, body); !strings.Contains(body, c.want) {
			t.Errorf("%s: %s, want %s", c.path, body, c.want)
		}
	}
	for _, sent := range []string{``, `{}`, `{"state":"up"}`, `{"state":"drain","wy":"x"}`, `{"state":"drain"}{}`, `[]`,
		`{"state":"drain","why":"a\nb"}`, `{"state":"drain","why":"\u001b[2J"}`, `{"state":"drain","why":"` + strings.Repeat("x", whyMax+1) + `"}`} {
		resp, body := ts.ask(ts.socket, http.MethodPost, "/api/v1/upstreams/shop/servers/app.internal:9000/state", "body", sent)
		ts.wantStatus(400, resp, body)
	}
}

func TestEvents(t *testing.T) {
	l := &EventLog{}
	ts := startServer(t, func(o *Options) { o.Events = l })
	if _, body := ts.get("/api/v1/events"); body != "{\"events\":[]}\n" {
		t.Errorf("before any: %s", body)
	}
	for i := range eventsKept + 40 {
		l.Put(Event{Upstream: []string{"shop", "blog"}[i%2], Server: fmt.Sprintf("s%d", i%4), To: "up"})
	}
	const last = eventsKept + 40
	for _, c := range []struct {
		query             string
		n, newest, oldest uint64
	}{
		{"", 50, last, last - 49}, {"?limit=256", eventsKept, last, 41}, {"?upstream=blog&limit=256", eventsKept / 2, last, 42},
		{"?server=s0&limit=2", 2, last - 3, last - 7}, {"?after=290&limit=256", 6, last, 291}, {"?after=296", 0, 0, 0}, {"?upstream=nobody", 0, 0, 0},
	} {
		_, body := ts.get("/api/v1/events" + c.query)
		var got struct{ Events []Event }
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Events) != int(c.n) {
			t.Errorf("%s: %d events (%v), want %d", c.query, len(got.Events), err, c.n)
			continue
		}
		if c.n > 0 && (got.Events[0].Number != c.newest || got.Events[c.n-1].Number != c.oldest) {
			t.Errorf("%s: from %d down to %d, want %d and %d", c.query, got.Events[0].Number, got.Events[c.n-1].Number, c.newest, c.oldest)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=257", "?after=-1", "?what=1", "?server=a&server=b"} {
		resp, body := ts.get("/api/v1/events" + query)
		ts.wantStatus(400, resp, body)
	}
}

// TestSavedAreKept: what was saved is counted by upstream and means, and no flood of
// ordinary exchanges pushes it out (I1).
func TestSavedAreKept(t *testing.T) {
	s := newStore(sampleStart, [laneCount]int{2, 2, 2, 2})
	by := func(seq int, upstream string, means record.Saved) record.Record {
		return sample(seq, 0, goes("s", upstream), answered(record.Relayed, 200, 200, 1), tries("a:1", "", "", false), saved(means))
	}
	s.Consume([]record.Record{by(1, "shop", record.ByRetry), by(2, "shop", record.ByRetry|record.ByHold), by(3, "blog", record.ByStale), by(4, "blog", record.ByHedge)})
	put(s, good, 10, 500)
	if got := s.summary().Saved; got != (SavedCounts{4, 2, 1, 1, 1}) {
		t.Errorf("in all %+v", got)
	}
	ups := []Upstream{{Name: "shop"}, {Name: "blog"}, {Name: "new"}}
	s.addCounts(ups)
	if ups[0].Saved != (SavedCounts{2, 2, 1, 0, 0}) || ups[1].Saved != (SavedCounts{2, 0, 0, 1, 1}) || ups[2].Saved != (SavedCounts{}) {
		t.Errorf("by upstream %+v", ups)
	}
	if found, _ := s.find(query{saved: true, limit: 9}); len(found) != 2 || found[0].ID.Seq != 4 || s.kept().Saved != 2 {
		t.Errorf("kept are %d, %+v", len(found), s.kept())
	}
}
