// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"causey/internal/upstream"
)

// hurry is how much faster the clock of these tests goes than that on the wall:
// sockets are real in them.
const hurry = 150

func fastClock() Clock {
	began := time.Now()
	return Clock{
		Now:   func() time.Time { return began.Add(time.Since(began) * hurry) },
		After: func(d time.Duration) <-chan time.Time { return time.After(d / hurry) },
	}
}

// port watches a fake daemon.
func port(t *testing.T, d *fakeDaemon, grace time.Duration) *stage {
	s := &stage{t: t}
	s.feed = NewFeed(Options{Upstream: "app", Clock: fastClock(), Tell: func(e Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, e.Text)
	}})
	t.Cleanup(s.feed.Close)
	s.change(grace, Wanted{Name: "docker", Key: "1", New: func() Source {
		return NewDocker(DockerOptions{Host: "unix://" + d.path, Upstream: "app", Clock: fastClock()})
	}})
	s.feed.Start()
	d.followed()
	return s
}

// becomes waits until the servers are those with these names.
func (s *stage) becomes(why, names string) {
	s.t.Helper()
	last := ""
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		last = namesOf(s.used)
		s.mu.Unlock()
		if last == names {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: servers %q, want %q", why, last, names)
		}
	}
}

// stays wants that the servers are not changed for d on the tests' clock.
func (s *stage) stays(why, names string, d time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(d / hurry); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		last := namesOf(s.used)
		s.mu.Unlock()
		if last != names {
			s.t.Fatalf("%s: servers %q, want %q", why, last, names)
		}
	}
}

func (s *stage) hears(what string) {
	s.t.Helper()
	eventually(s.t, "word of "+what, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(strings.Join(s.told, "\n"), what)
	})
}

// A deployment: a container goes at the signal, before its process ends, and one with
// a health check comes when it is healthy.
func TestDockerDeployment(t *testing.T) {
	d := newFakeDaemon(t)
	one := d.run("one", "172.18.0.2", "none", labelWeight, "3")
	d.run("other", "172.18.0.9", "none")
	d.containers[strings.Repeat("0", 40)+"other"].labels[labelUpstream] = "other"
	s := port(t, d, time.Hour)
	s.becomes("what runs already", "one:3000")
	s.mu.Lock()
	got := s.used[0]
	s.mu.Unlock()
	if got.Addr.String() != "172.18.0.2:3000" || got.Weight != 3 || got.Authority != "172.18.0.2:3000" || got.TLS {
		t.Errorf("server %+v", got)
	}
	two := d.run("two", "172.18.0.3", "starting")
	s.stays("not healthy yet", "one:3000", 10*time.Second)
	d.turns(two, "healthy")
	s.becomes("healthy", "one:3000 two:3000")
	d.kill(one, "15")
	s.becomes("at the signal, while it runs", "two:3000")
	s.stays("and not back by a list", "two:3000", leaveMost/2)
	d.dies(one)
	d.kill(two, "1")
	s.stays("a signal to load anew", "two:3000", 10*time.Second)
	d.kill(two, "15")
	s.becomes("I2: the last one, seen to go", "")
	d.dies(two)
	d.with(func() { two.state, two.health = "running", "starting" })
	d.event(two, "start")
	s.stays("started, not healthy", "", 10*time.Second)
	d.with(func() { two.health = "healthy" })
	d.event(two, "health_status", "health_status", "healthy") // as later versions say it
	s.becomes("healthy again", "two:3000")
}

// A container that fails its health check goes at once; where it is the last one, after
// the grace.
func TestDockerHealth(t *testing.T) {
	d := newFakeDaemon(t)
	one, two := d.run("one", "172.18.0.2", "healthy"), d.run("two", "172.18.0.3", "healthy")
	s := port(t, d, 10*time.Minute)
	s.becomes("both", "one:3000 two:3000")
	d.turns(one, "unhealthy")
	s.becomes("one ails", "two:3000")
	d.turns(two, "unhealthy")
	s.stays("the last one ails", "two:3000", 2*time.Minute)
	d.turns(two, "healthy")
	s.hears("has its servers again")
	d.turns(one, "healthy")
	s.becomes("both are well", "one:3000 two:3000")
	d.with(func() { one.state = "paused" })
	d.event(one, "pause")
	s.becomes("one is paused", "two:3000")
	d.with(func() { one.state = "running" })
	d.event(one, "unpause")
	s.becomes("it goes on", "one:3000 two:3000")
	d.kill(one, "10")
	d.kill(one, "28") // a signal that means the end to some, and not to this one
	s.becomes("a signal", "two:3000")
	s.becomes("it runs on for long", "one:3000 two:3000")
}

// I1: a daemon that is away changes nothing, and is asked anew when it is back.
func TestDockerReconnects(t *testing.T) {
	d := newFakeDaemon(t)
	d.run("one", "172.18.0.2", "none")
	s := port(t, d, time.Minute)
	s.becomes("one", "one:3000")
	d.http.Close()
	s.hears("what was found before stays: 1 server")
	os.Remove(d.path)
	d.with(func() { clear(d.listeners) })
	s.stays("the daemon is away", "one:3000", 5*time.Minute)
	d.run("two", "172.18.0.3", "none")
	d.listen()
	s.becomes("it is back", "one:3000 two:3000")
	d.followed()
	d.with(func() { clear(d.containers) })
	s.feed.LookAgain(&upstream.Server{}) // no event tells
	s.hears("has no servers any more")
	s.becomes("I2: without an event, after the grace", "")
}

func TestDockerTellsOfLabelsThatAreWrong(t *testing.T) {
	d := newFakeDaemon(t)
	d.run("good", "172.18.0.2", "none", labelScheme, "https", labelPort, "8443")
	s := port(t, d, 0)
	s.becomes("good", "https://good:8443")
	for _, c := range []struct{ label, value, want string }{
		{labelPort, "http", `has the label causey.port: "http"; it is a number from 1 to 65535`},
		{labelWeight, "0", `has the label causey.weight: "0"; it is a number from 1 to 1000`},
		{labelScheme, "ftp", `has the label causey.scheme: "ftp"; it is http or https`},
		{labelNetwork, "lan", `is in no network "lan"; it is in shop_default`},
	} {
		bad := d.run("bad", "172.18.0.3", "none", c.label, c.value)
		s.hears("the container bad " + c.want)
		d.kill(bad, "9")
		d.dies(bad)
		s.hears("is in order again")
		s.mu.Lock()
		s.told = nil
		s.mu.Unlock()
	}
	d.run("bad", "", "none")
	s.hears("the container bad has no address in its network")
}

// Whatever answers at the socket, the last list stays and nothing grows. I1, I3.
func TestDockerHostileAnswers(t *testing.T) {
	ping := func(then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/_ping" {
				w.Header().Set("Api-Version", fakeVersion)
				return
			}
			if strings.HasSuffix(r.URL.Path, "/events") {
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			then(w, r)
		}
	}
	says := func(text string) http.HandlerFunc {
		return ping(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	endless := func(piece string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for range 64 << 20 / len(piece) {
				if _, err := fmt.Fprint(w, piece); err != nil {
					return
				}
			}
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no Docker":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "does not say a version"},
		"a version's path": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1/../..") }, "does not say a version"},
		"refused":          {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"too old"}`, 400) }, `answers 400: "too old"`},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}, "answers 302"},
		"garbage":      {says("\x00\xff{{{{"), "cannot be read"},
		"no list":      {says(`{"message":"x"}`), "it is no list"},
		"cut":          {says(`[{"Id":"a"}`), "cannot be read"},
		"another type": {says(`[{"Id":"a","Ports":[{"PrivatePort":"x"}]}]`), "cannot be read"},
		"too many": {ping(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "["+strings.Repeat("{},", MaxServers+1)+"{}]")
		}), "more than 10000 containers"},
		"too long": {ping(endless("[")), "cannot be read"},
		"one too long": {ping(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `[{"Id":"`)
			endless(strings.Repeat("x", 1<<16))(w, r)
		}), "cannot be read"},
		"event too long": {func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/_ping":
				w.Header().Set("Api-Version", fakeVersion)
			case strings.HasSuffix(r.URL.Path, "/events"):
				endless(strings.Repeat("x", 1<<16))(w, r)
			default:
				fmt.Fprint(w, "null")
			}
		}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFakeDaemon(t)
			d.run("one", "172.18.0.2", "none")
			s := port(t, d, 0)
			s.becomes("one", "one:3000")
			d.with(func() { d.instead = c.answer })
			d.http.Close() // the session ends
			os.Remove(d.path)
			d.listen()
			eventually(t, "the problem "+c.want, func() bool {
				return strings.Contains(s.feed.Status()[0].Problem, c.want)
			})
			s.stays("I1", "one:3000", time.Second)
		})
	}
}
