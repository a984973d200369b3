// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
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
