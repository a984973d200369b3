// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

func TestSoftwareThatAnswersName(t *testing.T) {
	for fields, want := range map[string]string{
		"":                                   "",
		"Server: nginx/1.27":                 "nginx",
		"Server: Apache-Coyote/1.1":          "tomcat",
		"Server: Apache/2.4.62 (Debian)":     "apache",
		"Server: nginx|X-Powered-By: PHP/8":  "nginx php",
		"server: GUNICORN":                   "gunicorn",
		"x-powered-by: Express":              "node",
		"Set-Cookie: PHPSESSID=1; path=/":    "php",
		"Set-Cookie: my-phpsessid=1":         "",
		"X-Version: nginx":                   "nginx",
		"Server: Phusion Passenger(R) 6.0":   "passenger",
		"Set-Cookie: JSESSIONID=A":           "tomcat",
		"Server: Microsoft-IIS/10.0|X-Foo: ": "iis",
	} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			if r := answeredWith(g, fields); strings.Join(r.Runs.Names(), " ") != want || r.Build == 0 {
				t.Errorf("%q: %v, build %x; want %q", fields, r.Runs.Names(), r.Build, want)
			}
		})
	}
}

// What is not of the software leaves the build as it is.
func TestBuilds(t *testing.T) {
	builds := map[string]uint32{}
	for name, fields := range map[string]string{
		"one": "Server: app/1", "same": "X-Other: 2|Server: app/1|Set-Cookie: a=b", "two": "Server: app/2", "release": "Server: app/1|X-Release: 7",
	} {
		onBoth(t, func(_ *testing.T, g *testGateway) { builds[name] = answeredWith(g, fields).Build })
	}
	if builds["one"] != builds["same"] || builds["one"] == builds["two"] || builds["one"] == builds["release"] {
		t.Errorf("%v", builds)
	}
}

func answeredWith(g *testGateway, fields string) record.Software {
	g.pass(time.Second) // another slot
	g.send("GET /")
	lines := []string{"HTTP/1.1 200 OK", "Content-Length: 0"}
	if fields != "" {
		lines = append(lines, strings.Split(fields, "|")...)
	}
	g.arrives("asked").answer(lines...)
	return g.wantEnd("good", record.Relayed, "").Attempts[0].Software
}

// Of many answers a few are read.
func TestSoftwareIsLookedAtNowAndThen(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.pass(time.Second)
		looked := 0
		for range 20 {
			g.send("GET /")
			g.arrives("asked").ok("")
			if g.wantEnd("good", record.Relayed, "").Attempts[0].Software.Build != 0 {
				looked++
			}
		}
		if looked != 2 {
			t.Errorf("%d of 20 were looked at in one moment", looked)
		}
	})
}

func TestWhatAttemptsTellOfAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.send("GET /")
		g.arrives("asked").answer("HTTP/1.1 103 Early Hints").answer("HTTP/1.1 102 Processing").
			answer("HTTP/1.1 200 OK", "Content-Encoding: br", "Content-Length: 0")
		if a := g.wantEnd("good", record.Relayed, "").Attempts[0]; a.Interims != 2 || !a.Coded {
			t.Errorf("%d interim answers, coded %v", a.Interims, a.Coded)
		}
		g.send("GET /")
		g.arrives("asked").ok("hello")
		if a := g.wantEnd("good", record.Relayed, "").Attempts[0]; a.Interims != 0 || a.Coded {
			t.Errorf("%d interim answers, coded %v", a.Interims, a.Coded)
		}
	})
}

// The time in which a body did not come is known, but for an event stream.
func TestWaitForBodies(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, c := range []struct {
			media string
			want  time.Duration
		}{{"text/html", 6 * time.Second}, {"text/event-stream; charset=utf-8", 0}} {
			g.send("GET /")
			o := g.arrives("asked").answer("HTTP/1.1 200 OK", "Content-Type: "+c.media, "Transfer-Encoding: chunked")
			for i := range 3 {
				g.pass(2 * time.Second)
				o.body(fmt.Sprint(i))
			}
			o.end()
			if r := g.wantEnd("slow", record.Relayed, ""); r.BodyWait != c.want {
				t.Errorf("%s: waited %v, want %v", c.media, r.BodyWait, c.want)
			}
		}
	})
}
