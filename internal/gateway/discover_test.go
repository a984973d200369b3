// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"causey/internal/admin"
)

// discovering is a configuration whose only upstream is what stands for UPSTREAM.
const discovering = `
version: 1
listen: ["127.0.0.1:0"]
admin: {socket: DIR/a.sock}
access_log: {format: json, path: DIR/log}
sites: [{host: "*", routes: [{path: /, upstream: u}]}]
upstreams: {u: UPSTREAM}
`

func upstreamOf(text string) string { return strings.Replace(discovering, "UPSTREAM", text, 1) }

func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still without %s", what)
		}
	}
}

// serversOf are the names of the servers in use.
func serversOf(g *Gateway) string {
	var names []string
	for _, s := range g.upstreams()[0].Servers {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// held starts a request and waits until it waits for a server.
func held(t *testing.T, g *Gateway) <-chan string {
	t.Helper()
	answer := make(chan string, 1)
	go func() { answer <- ask(t, g.Addrs()[0]) }()
	within(t, "the request in line", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.live.groups["u"].Queue.Len() == 1
	})
	return answer
}

// A request that came while there was no server goes to the one that is found. The file
// may be wrong and go away meanwhile.
func TestServersFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "servers.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	g, load := gatewayFor(t, upstreamOf("{discover: {file: "+path+"}, hold: 20s}"))
	answer := held(t, g)
	problem := func() string { return g.upstreams()[0].Sources[0].Problem }
	within(t, "word of the missing file", func() bool { return strings.Contains(problem(), "no such file") })
	one, two := origin(t, "one"), origin(t, "two")
	write("- " + one + "\n")
	if got := <-answer; got != "one" {
		t.Errorf("the request that waited: %q", got)
	}
	write("- " + one + "\n- {address: " + two + ", wieght: 2}\n")
	within(t, "word of the mistake", func() bool { return strings.Contains(problem(), "servers.yaml:2:") })
	if got := ask(t, g.Addrs()[0]); got != "one" || serversOf(g) != one {
		t.Errorf("with a mistake in the file: %q from %s", got, serversOf(g))
	}

	// A reload that builds the group anew keeps what was found.
	load(upstreamOf("{discover: {file: " + path + "}, hold: 0}"))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, g.Addrs()[0]); got != "one" || !strings.Contains(problem(), "servers.yaml:2:") {
		t.Errorf("after a reload: %q, problem %q", got, problem())
	}
	write("- " + two + "\n")
	within(t, "the other server", func() bool { return serversOf(g) == two })
	if got := ask(t, g.Addrs()[0]); got != "two" {
		t.Errorf("after the change: %q", got)
	}
}

func TestServersFromTheAPI(t *testing.T) {
	one, two := origin(t, "one"), origin(t, "two")
	g, load := gatewayFor(t, upstreamOf("{discover: {api: true}, hold: 20s}"))
	answer := held(t, g)
	set := func(list string) error { return g.SetServers("u", []byte(list)) }
	if err := set(`["` + one + `"]`); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "one" {
		t.Errorf("the request that waited: %q", got)
	}
	kept := g.live.groups["u"].Servers()[0]
	if err := set(`[{"address": "` + one + `", "weight": 3}, "` + two + `"]`); err != nil {
		t.Fatal(err)
	}
	if now := g.live.groups["u"].Servers(); len(now) != 2 || now[0] != kept {
		t.Error("the server that stayed is another one")
	}
	var re *admin.ReloadError
	if err := set(`["` + one + `", "x"]`); !errors.As(err, &re) || len(re.Problems) != 1 || re.Problems[0].Line != 1 {
		t.Errorf("a wrong list: %v", err)
	}
	if err := g.SetServers("v", nil); err != admin.ErrNoUpstream {
		t.Errorf("an unknown upstream: %v", err)
	}
	reload := func(text string) {
		t.Helper()
		load(upstreamOf(text))
		if err := g.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	reload(`{discover: {api: true}, servers: ["127.0.0.1:1"]}`)
	if got := serversOf(g); got != one+" "+two {
		t.Errorf("after a reload: %s", got)
	}
	if err := g.SetServers("u", nil); err != nil || serversOf(g) != "127.0.0.1:1" {
		t.Errorf("as configured again: %v, %s", err, serversOf(g))
	}
	reload(`{servers: ["` + one + `"]}`)
	if err := set("[]"); err != admin.ErrNotByAPI || serversOf(g) != one {
		t.Errorf("where it is not allowed: %v, %s", err, serversOf(g))
	}
}

// A reload that changes the list of servers keeps those that stay, with all that is
// known of them.
func TestReloadKeepsTheServersThatStay(t *testing.T) {
	one, two := origin(t, "one"), origin(t, "two")
	g, load := gatewayFor(t, upstreamOf(`{servers: ["`+one+`"]}`))
	kept := g.live.groups["u"].Servers()[0]
	load(upstreamOf(`{servers: ["` + two + `", "` + one + `"]}`))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	now := g.live.groups["u"].Servers()
	if len(now) != 2 || now[1] != kept {
		t.Errorf("%d servers, and the one that stayed is another", len(now))
	}
}

// names is a DNS server on loopback for one name.
type names struct {
	mu    sync.Mutex
	addrs []string
	asked int
}

func (n *names) set(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = addrs
}

// serve answers on a port of its own, with a TTL of an hour.
func (n *names) serve(t *testing.T) string {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			k, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:k]) != nil {
				continue
			}
			n.mu.Lock()
			m.Response, m.Additionals = true, nil
			for _, a := range n.addrs {
				if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
					n.asked++
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 3600},
						Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
					})
				}
			}
			n.mu.Unlock()
			if out, err := m.Pack(); err == nil {
				conn.WriteToUDPAddrPort(out, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// Each address of a name is a server. When they cannot be connected to, the name is
// looked up anew at once, whatever its TTL, and the request that found out goes to the
// server that is there now.
func TestServersByName(t *testing.T) {
	dns := &names{addrs: []string{"127.0.0.2", "127.0.0.3"}}
	_, port, _ := net.SplitHostPort(origin(t, "moved")) // on 127.0.0.1
	g, _ := gatewayFor(t, upstreamOf("{servers: [{address: \"app.test:"+port+"\", discover: dns}], hold: 20s}")+"resolver: [\""+dns.serve(t)+"\"]\n")
	within(t, "a server for each address", func() bool { return serversOf(g) == "127.0.0.2:"+port+" 127.0.0.3:"+port })
	if s := g.upstreams()[0].Sources; len(s) != 1 || s[0].Source != "dns app.test:"+port || s[0].Servers != 2 || s[0].LookedAt.IsZero() {
		t.Errorf("sources %+v", s)
	}
	dns.set("127.0.0.1")
	time.Sleep(time.Second) // a name is looked up once in a second
	if got := ask(t, g.Addrs()[0]); got != "moved" {
		t.Errorf("answered %q", got)
	}
	if got := serversOf(g); got != "127.0.0.1:"+port {
		t.Errorf("servers %s", got)
	}
}

// The labels of containers make servers.
func TestServersFromDocker(t *testing.T) {
	host, port, _ := net.SplitHostPort(origin(t, "contained"))
	socket := filepath.Join(t.TempDir(), "docker.sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	var mu sync.Mutex
	daemon := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, "_ping"):
			w.Header().Set("Api-Version", "1.44")
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case strings.Contains(r.FormValue("filters"), `"causey.upstream=u"`):
			fmt.Fprintf(w, `[{"Id":"1","Names":["/shop-web-1"],"Labels":{"causey.port":%s},"NetworkSettings":{"Networks":{"shop":{"IPAddress":"%s"}}}}]`, strconv.Quote(port), host)
		}
	})}
	go daemon.Serve(ln)
	t.Cleanup(func() { daemon.Close() })
	g, _ := gatewayFor(t, upstreamOf("{discover: {docker: \"unix://"+socket+"\"}, hold: 20s}"))
	if got := ask(t, g.Addrs()[0]); got != "contained" || serversOf(g) != "shop-web-1:"+port {
		t.Errorf("%q from %s", got, serversOf(g))
	}
	if a := g.upstreams()[0].Servers[0].Addresses; len(a) != 1 || a[0] != host+":"+port {
		t.Errorf("addresses %v", a)
	}
	within(t, "somebody who follows the events", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Contains(paths, "/v1.44/containers/json") && slices.Contains(paths, "/v1.44/events")
	})
	g.Stop(nil)
}
