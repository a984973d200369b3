// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

// TestReadyDuringReload: a reload that waits for a collector, or reads for long, holds
// up neither readiness nor metrics nor what else the admin side tells.
func TestReadyDuringReload(t *testing.T) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer collector.Close()
	defer close(release)
	g, load := gatewayFor(t, plain+"tracing: "+collector.URL+"/v1/traces\n", "ORIGIN", origin(t, "one"))
	addr := g.Addrs()[0]
	var rec record.Record
	rec.Reset()
	rec.Trace.ID, rec.Trace.Sampled = [16]byte{1}, true
	g.tracer.Load().Consume([]record.Record{rec})
	load(plain)
	done := make(chan error)
	go func() { done <- g.Reload(context.Background()) }()
	<-arrived // the old exporter sends what it has, and waits
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if !g.ready().Ready || len(g.snapshot().Servers) != 1 || len(g.upstreams()) != 1 || len(g.configJSON()) < 100 || len(g.Listening()) != 1 {
			t.Error("nothing is there")
		}
		if ask(t, addr) != "one" {
			t.Error("nothing is served")
		}
	}()
	select {
	case <-answered:
	case err := <-done:
		t.Errorf("the reload ended before readiness and metrics answered: %v", err)
		return
	}
	// One by one: the second waits for the first.
	second := make(chan error)
	go func() { second <- g.Reload(context.Background()) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-second:
		t.Error("the second reload overtook the first")
		<-done
		return
	case <-time.After(10 * time.Second):
		t.Fatal("the reload does not end")
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// A reload that changes the servers of an upstream keeps what is known of those that
// stay, and sends who waits for a server to one that has come.
func TestReloadKeepsWhatIsKnownOfServers(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	gone := dead.Addr().String()
	g, load := gatewayFor(t, plain, "ORIGIN", gone)
	addr := g.Addrs()[0]
	answers := make(chan string, 1)
	go func() { answers <- ask(t, addr) }()
	eventually(t, "the request waits", func() bool { return g.live.groups["u"].Queue.Len() == 1 })
	group, lost := g.live.groups["u"], g.live.groups["u"].Servers()[0]
	load(strings.Replace(plain, `"ORIGIN"`, `"`+gone+`", "`+origin(t, "alive")+`"`, 1))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := <-answers; got != "alive" {
		t.Errorf("who waited got %q", got)
	}
	if now := g.live.groups["u"]; now != group || now.Servers()[0] != lost || len(now.Lost(0)) != 1 {
		t.Error("what was known of the lost server is forgotten")
	}
}
