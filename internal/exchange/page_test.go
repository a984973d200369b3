// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/route"
)

var anID = record.ID{Epoch: 1, Seq: 2}

// The form follows Accept (RFC 9110 section 12.5.1), text where nothing fits.
func TestFormOfPages(t *testing.T) {
	const html, text, problem = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/problem+json"
	e := entry(t, "upstream.connect.refused")
	for accept, want := range map[string]string{
		"":                                  text,
		"*/*":                               text,
		"text/html":                         html,
		"TEXT/HTML;charset=utf-8":           html,
		"application/xhtml+xml":             html,
		"application/json":                  problem,
		"application/problem+json, */*":     problem,
		"text/plain":                        text,
		"text/html;q=0.5, application/json": problem,
		"application/json;q=0.5,text/html":  html,
		"application/json ; q=0.4 , text/html ; q=0.5": html,
		"text/html;q=0":                                   text,
		"text/html;q=0.0, application/json;q=0":           text,
		"text/html, application/json":                     html,
		"application/json, text/html":                     problem,
		"text/plain, text/html;q=0.9":                     text,
		"text/html;q=2":                                   text,
		"text/html;q=-1":                                  text,
		"text/html;q=NaN":                                 text,
		"text/html;q=":                                    text,
		"text/html;level=1;q=0.3, application/json;q=0.2": html,
		"image/png, image/*;q=0.8":                        text,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": html,
		strings.Repeat("a/b,", 40) + "text/html":                                     text,
		",,,text/html":                                                               html,
		";;;=,=;q":                                                                   text,
	} {
		var p exchange.Pages
		if got := p.Render(e, anID, []byte(accept)).ContentType; got != want {
			t.Errorf("Accept %q: %s, want %s", accept, got, want)
		}
	}
}

func entry(t *testing.T, name string) *failure.Entry {
	t.Helper()
	c, ok := failure.ParseCode(name)
	if !ok {
		t.Fatalf("no code %s", name)
	}
	return failure.Lookup(c)
}

// For every code that is answered: whole, small, in words, and without anything
// that strangers need not know.
func TestEveryPage(t *testing.T) {
	var p exchange.Pages
	titles := map[failure.Party]map[string]bool{failure.Client: {}, failure.Upstream: {}, failure.Gateway: {}}
	for _, e := range failure.All() {
		if e.Status == 499 {
			continue
		}
		status := strconv.Itoa(e.Status)
		page := p.Render(e, anID, []byte("text/html"))
		html := string(page.Body)
		if len(html) >= 4096 {
			t.Errorf("%s: a page of %d bytes", e.Name, len(html))
		}
		if strings.Contains(html, "{{") || strings.Contains(html, "}}") {
			t.Errorf("%s: a placeholder is left", e.Name)
		}
		if strings.Contains(html, e.Name) {
			t.Errorf("%s: the page shows the code", e.Name)
		}
		if !strings.Contains(html, "Error "+status) || !strings.Contains(html, anID.String()) {
			t.Errorf("%s: the page lacks status or reference", e.Name)
		}
		_, rest, _ := strings.Cut(html, "<style>")
		style, _, ok := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		if want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !ok || page.Policy != want {
			t.Errorf("%s: the policy is %q, the style needs %q", e.Name, page.Policy, want)
		}
		for _, needs := range []string{"style=", "<script", "src=", "href=", "<img", "onclick"} {
			if strings.Contains(html, needs) {
				t.Errorf("%s: the page holds %q, which its policy forbids", e.Name, needs)
			}
		}

		var problem struct {
			Type, Title, Detail, Reference string
			Status                         int
		}
		page = p.Render(e, anID, []byte("application/json"))
		if err := json.Unmarshal(page.Body, &problem); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if problem.Type != "about:blank" || problem.Status != e.Status || problem.Title == "" || problem.Detail == "" || problem.Reference != anID.String() {
			t.Errorf("%s: %+v", e.Name, problem)
		}
		if !strings.Contains(html, "<h1>"+problem.Title+"</h1>") || !strings.Contains(html, "<p>"+problem.Detail+"</p>") {
			t.Errorf("%s: the forms differ in words", e.Name)
		}
		text := string(p.Render(e, anID, nil).Body)
		if text != status+" "+problem.Title+"\n"+problem.Detail+"\nReference: "+anID.String()+"\n" {
			t.Errorf("%s: %q", e.Name, text)
		}
		titles[e.Code.Party][problem.Title] = true

		// The side with the trouble is the one that the code blames.
		bad := strings.Count(html, `class="bad"`)
		side := map[failure.Party]string{failure.Client: "<b>You</b>", failure.Upstream: "<b>Site</b>", failure.Gateway: "<b>Gateway</b>"}[e.Code.Party]
		switch {
		case e.Status == 404 || e.Status == 421 || e.Status == 405:
			if bad != 0 {
				t.Errorf("%s: somebody is blamed", e.Name)
			}
		case bad != 1 || !strings.Contains(html, `class="bad">`+side):
			t.Errorf("%s: %d sides are blamed, want %s", e.Name, bad, side)
		}
	}
	for a, mine := range titles {
		for b, others := range titles {
			for title := range mine {
				if a != b && others[title] {
					t.Errorf("%q is said of two sides", title)
				}
			}
		}
	}
}

// An owner's page comes before ours, by status before by class, for HTML only.
func TestCustomPages(t *testing.T) {
	p := exchange.Pages{
		Custom:  map[int][]byte{502: []byte("<p>{{status}} {{title}} {{reference}} {{text}} {{{{status}}}}")},
		ByClass: map[int][]byte{5: []byte("five"), 4: []byte("four")},
	}
	for code, want := range map[string]string{
		"upstream.connect.refused": "<p>502 The site is not answering properly " + anID.String() + " {{text}} {{502}}",
		"upstream.connect.timeout": "five", "client.route.no-route": "four",
	} {
		page := p.Render(entry(t, code), anID, []byte("text/html"))
		if string(page.Body) != want || page.Policy != "" || page.ContentType != "text/html; charset=utf-8" {
			t.Errorf("%s: %+v", code, page)
		}
		if page = p.Render(entry(t, code), anID, nil); strings.HasPrefix(want, string(page.Body)) || page.ContentType[:10] != "text/plain" {
			t.Errorf("%s: plain text is %q", code, page.Body)
		}
	}
}

// The site's pages are used where the site is known, the plan's elsewhere; what
// the request holds never comes back in them.
func TestPagesOfSites(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Pages = &exchange.Pages{ByClass: map[int][]byte{4: []byte("nobody's")}}
		g.route.Pages = &exchange.Pages{ByClass: map[int][]byte{4: []byte("the site's"), 5: []byte("the site's")}}
		g.routes(route.Rule{Host: "site.example", Path: "/api", Route: g.route})
		g.group.servers[0].dials = []failure.Kind{failure.Refused}
		for target, code := range map[string]string{"/api": "upstream.connect.refused", "/else": "client.route.no-route"} {
			c := g.send("GET "+target, "Accept: text/html")
			if got := g.readAll(c); got != "the site's" {
				t.Errorf("%s: %q", target, got)
			}
			g.wantEnd(target, record.Answered, code)
		}
		c := g.send("GET /", "Host: other.example", "Accept: text/html")
		if got := g.readAll(c); got != "nobody's" {
			t.Errorf("no site: %q", got)
		}
		g.wantEnd("no site", record.Answered, "client.route.no-site")

		g.plan.Pages, g.route.Pages = &exchange.Pages{}, nil
		for _, accept := range []string{"text/html", "application/json", "text/plain"} {
			c := g.send("GET /api?<script>alert(1)</script>", "Host: site.example", "User-Agent: <b>ua</b>", "Accept: "+accept+", <i>", "X-Request-Id: <u>")
			g.arrives("sent").bytes("SSH-2.0-x\r\n")
			if got := g.readAll(c); strings.Contains(got, "alert") || strings.Contains(got, "<b>ua") || strings.Contains(got, "<u>") {
				t.Errorf("the request comes back: %q", got)
			}
			g.wantEnd("hostile", record.Answered, "upstream.read-head-up.other-protocol")
		}
	})
}
