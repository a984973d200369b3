// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeContainer is a container of a fake daemon.
type fakeContainer struct {
	id, name, ip, state, health string
	labels                      map[string]string
}

// fakeDaemon answers as the Docker Engine API says (docs.docker.com/reference/api/engine),
// on a unix socket.
type fakeDaemon struct {
	t    testing.TB
	path string
	http *http.Server

	mu         sync.Mutex
	containers map[string]*fakeContainer
	listeners  map[chan string]bool
	lists      int
	// instead, if set, answers in place of the daemon.
	instead http.HandlerFunc
}

const fakeVersion = "1.47"

func newFakeDaemon(t testing.TB) *fakeDaemon {
	d := &fakeDaemon{t: t, path: filepath.Join(t.TempDir(), "docker.sock"),
		containers: map[string]*fakeContainer{}, listeners: map[chan string]bool{}}
	d.listen()
	t.Cleanup(func() { d.http.Close() })
	return d
}

func (d *fakeDaemon) listen() {
	ln, err := net.Listen("unix", d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.http = &http.Server{Handler: d}
	go d.http.Serve(ln)
}

// ServeHTTP implements http.Handler.
func (d *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	instead := d.instead
	d.mu.Unlock()
	switch {
	case instead != nil:
		instead(w, r)
	case r.URL.Path == "/_ping":
		w.Header().Set("Api-Version", fakeVersion)
		fmt.Fprint(w, "OK")
	case r.URL.Path == "/v"+fakeVersion+"/containers/json":
		d.list(w, filtersOf(r))
	case r.URL.Path == "/v"+fakeVersion+"/events":
		d.stream(w, r, filtersOf(r))
	default:
		http.Error(w, `{"message":"page not found"}`, http.StatusNotFound)
	}
}

func filtersOf(r *http.Request) map[string][]string {
	var f map[string][]string
	json.Unmarshal([]byte(r.FormValue("filters")), &f)
	return f
}

func (c *fakeContainer) fits(f map[string][]string, words map[string]string) bool {
	for key, want := range f {
		if key == "label" {
			for _, l := range want {
				k, v, _ := strings.Cut(l, "=")
				if c.labels[k] != v {
					return false
				}
			}
		} else if !slices.Contains(want, words[key]) {
			return false
		}
	}
	return true
}

func (d *fakeDaemon) list(w http.ResponseWriter, f map[string][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lists++
	all := []map[string]any{}
	for _, c := range d.containers {
		if c.fits(f, map[string]string{"status": c.state, "health": c.health}) {
			all = append(all, map[string]any{
				"Id": c.id, "Names": []string{"/other/alias", "/" + c.name}, "Image": "app", "State": c.state, "Created": 1468568415,
				"Labels": c.labels, "Ports": []any{map[string]any{"PrivatePort": 3000, "Type": "tcp"}, map[string]any{"IP": "0.0.0.0", "PrivatePort": 3000, "PublicPort": 80, "Type": "tcp"}},
				"HostConfig":      map[string]any{"NetworkMode": "shop_default"},
				"NetworkSettings": map[string]any{"Networks": map[string]any{"shop_default": map[string]any{"IPAddress": c.ip, "IPPrefixLen": 16, "GlobalIPv6Address": ""}}},
			})
		}
	}
	json.NewEncoder(w).Encode(all)
}

func (d *fakeDaemon) stream(w http.ResponseWriter, r *http.Request, f map[string][]string) {
	if !slices.Equal(f["type"], []string{"container"}) {
		d.t.Errorf("events of %v", f)
	}
	lines := make(chan string, 100)
	d.mu.Lock()
	d.listeners[lines] = true
	d.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			d.mu.Lock()
			delete(d.listeners, lines)
			d.mu.Unlock()
			return
		case l := <-lines:
			fmt.Fprint(w, l)
			w.(http.Flusher).Flush()
		}
	}
}

// event sends an event of c, with further attributes in pairs.
func (d *fakeDaemon) event(c *fakeContainer, action string, more ...string) {
	attributes := map[string]string{"image": "app", "name": c.name}
	for i := 0; i < len(more); i += 2 {
		attributes[more[i]] = more[i+1]
	}
	text, _ := json.Marshal(map[string]any{"Type": "container", "Action": action, "status": action, "scope": "local", "time": 1461943101,
		"Actor": map[string]any{"ID": c.id, "Attributes": attributes}})
	d.line(string(text) + "\n")
}

func (d *fakeDaemon) line(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.listeners {
		l <- text
	}
}

// followed waits until somebody follows the events.
func (d *fakeDaemon) followed() {
	d.t.Helper()
	eventually(d.t, "somebody who follows the events", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.listeners) > 0
	})
}

func (d *fakeDaemon) with(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// run starts a container: health is none, starting or healthy.
func (d *fakeDaemon) run(name, ip, health string, labels ...string) *fakeContainer {
	c := &fakeContainer{id: strings.Repeat("0", 40) + name, name: name, ip: ip, state: "running", health: health,
		labels: map[string]string{labelUpstream: "app"}}
	for i := 0; i < len(labels); i += 2 {
		c.labels[labels[i]] = labels[i+1]
	}
	d.with(func() { d.containers[c.id] = c })
	d.event(c, "create")
	d.event(c, "start")
	return c
}

// kill sends a signal, as docker stop and docker kill do first.
func (d *fakeDaemon) kill(c *fakeContainer, signal string) { d.event(c, "kill", "signal", signal) }

// dies ends the process.
func (d *fakeDaemon) dies(c *fakeContainer) {
	d.with(func() { c.state = "exited" })
	d.event(c, "die", "exitCode", "0")
	d.event(c, "stop")
}

func (d *fakeDaemon) turns(c *fakeContainer, health string) {
	d.with(func() { c.health = health })
	d.event(c, "health_status: "+health)
}

// eventually waits for something that takes its time.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still without %s", what)
		}
	}
}
