// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// answering returns an admin side that is h.
func answering(t *testing.T, h http.HandlerFunc) *adminSide {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return dialledAt(place{"tcp", s.Listener.Addr().String()}, "the token")
}

// TestFollowReadsEvents: comments and unknown fields are skipped, an event ends at
// an empty line, one that breaks off is none.
func TestFollowReadsEvents(t *testing.T) {
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "before" || r.URL.RawQuery != "replay=3" || r.Header.Get("Authorization") != "Bearer the token" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		fmt.Fprint(w, "retry: 2000\nevent: hello\ndata: {}\n\n: still here\n\nid: one\nevent: failure\ndata: {\"a\":\"b: c\"}\nnew: field\n\ndata: nameless\n\nevent: failure\ndata: cut")
	})
	var got []string
	err := a.follow(t.Context(), "replay=3", "before", func(e event) error {
		got = append(got, e.id+"|"+e.name+"|"+string(e.data))
		return nil
	})
	if want := []string{"|hello|{}", `one|failure|{"a":"b: c"}`}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q %v", got, err)
	}
	stop := errors.New("stop")
	if err := a.follow(t.Context(), "replay=3", "before", func(event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestFollowBoundsALine: nobody fills our memory with one line.
func TestFollowBoundsALine(t *testing.T) {
	a := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "data: "+strings.Repeat("x", eventLimitBytes)+"\n\n")
	})
	if err := a.follow(t.Context(), "", "", func(event) error { return nil }); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestNoGateway: what answers is something else.
func TestNoGateway(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) },
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "nonsense")
		},
	} {
		a := answering(t, answer)
		var into struct{}
		err := a.get(t.Context(), "/api/v1/failures", &into)
		if err == nil || !strings.Contains(err.Error(), "gateway of this version") {
			t.Errorf("%v", err)
		}
	}
}

// TestReloadProblems: each problem stands behind its place.
func TestReloadProblems(t *testing.T) {
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/reload" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"status":422,"detail":"Refused.","problems":[{"file":"a.yaml","line":3,"column":7,"message":"no \u001b key"},{"file":"b","message":"gone"},{"message":"in use"}]}`)
	})
	err := a.reload(t.Context())
	if want := "Refused.\n  a.yaml:3:7: no \\x1b key\n  b: gone\n  in use"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}
