// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/store"
	"causey/internal/testkit"
	"causey/internal/upstream"
)

var decidedAt = time.Date(2026, 3, 9, 14, 0, 0, 0, time.UTC)

func maintain(server, why string) decision {
	return decision{Upstream: "shop", Server: server, State: upstream.Maintain, Why: why, Since: decidedAt}
}

// wantHand demands what of tells of a server.
func wantHand(t *testing.T, h *byHand, server string, state upstream.Hand, why string) {
	t.Helper()
	if got, reason := h.of("shop")(server); got != state || reason != why {
		t.Errorf("%s: %s %q, want %s %q", server, got, reason, state, why)
	}
}

// openedIn opens what was decided, as a gateway with the state directory dir does, and
// returns what ends it.
func openedIn(t *testing.T, dir string) (h *byHand, log *testkit.Log, end func()) {
	t.Helper()
	log = &testkit.Log{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	kept := openStore(dir, logger)
	end = sync.OnceFunc(func() { closeStore(kept, logger) })
	t.Cleanup(end)
	return openByHand(dir, kept, logger), log, end
}

// TestByHandIsKept: what was decided is there for the next run, with its reason and
// its time.
func TestByHandIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state") // made when it is needed
	h, _, end := openedIn(t, dir)
	for _, d := range []decision{maintain("a:1", "new disk"), maintain("unix:/run/b", ""), {Upstream: "shop", Server: "c:1", State: upstream.Drain, Since: decidedAt}} {
		if err := h.set(d)(); err != nil {
			t.Fatal(err)
		}
	}
	again := maintain("a:1", "newer disk")
	again.Since = again.Since.Add(time.Hour) // the state goes on
	h.set(again)()
	if err := h.set(decision{Upstream: "shop", Server: "c:1", State: upstream.Auto})(); err != nil {
		t.Fatal(err)
	}
	end()
	h, log, _ := openedIn(t, dir)
	wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC: newer disk")
	wantHand(t, h, "unix:/run/b", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
	wantHand(t, h, "c:1", upstream.Auto, "")
	if h.since("shop", "a:1") != decidedAt || log.String() != "" {
		t.Errorf("since %v; said %s", h.since("shop", "a:1"), log)
	}
}

// earlier is the file of an earlier version.
const earlier = `{
  "version": 1,
  "servers": [
    {"upstream": "shop", "server": "a:1", "state": "maintenance", "why": "new disk", "since": "2026-03-09T14:00:00Z"},
    {"upstream": "shop", "server": "b:1", "state": "drain", "why": "", "since": "2026-03-09T14:00:00Z", "missing_since": "2026-03-10T14:00:00Z"}
  ]
}
`

// TestByHandTakenOver: the file of an earlier version counts in place of what the store
// has, which that version did not know of, and is renamed once that is on the disk.
func TestByHandTakenOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, byHandName)
	h, _, end := openedIn(t, dir)
	for _, server := range []string{"a:1", "older:1"} {
		if err := h.set(maintain(server, "from the store"))(); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := os.WriteFile(file, []byte(earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"by the run that takes it over", "by the next one"} {
		h, log, end := openedIn(t, dir)
		wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC: new disk")
		wantHand(t, h, "b:1", upstream.Drain, "is drained by hand on 2026-03-09 14:00 UTC")
		wantHand(t, h, "older:1", upstream.Auto, "")
		if got := h.decided[serverKey{"shop", "b:1"}].MissingSince; !got.Equal(decidedAt.AddDate(0, 0, 1)) || len(h.decided) != 2 {
			t.Errorf("%s: missing since %v, said %s", when, got, log)
		}
		text, err := os.ReadFile(file + ".imported")
		if _, gone := os.Stat(file); err != nil || string(text) != earlier || !errors.Is(gone, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", when, err, gone)
		}
		end()
	}
}

// TestByHandNotTakenOver: while the store cannot be written the file stays for the next
// run, and counts all the same.
func TestByHandNotTakenOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, byHandName)
	if err := errors.Join(os.WriteFile(file, []byte(earlier), 0o600), os.Mkdir(filepath.Join(dir, storeFile), 0o700)); err != nil {
		t.Fatal(err)
	}
	h, log, _ := openedIn(t, dir)
	wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC: new disk")
	if _, err := os.Stat(file); err != nil || !strings.Contains(log.String(), "is taken over at the next start") {
		t.Errorf("%v; said %s", err, log)
	}
}

// TestByHandTorn: a file of an earlier version that ends anywhere is kept aside with a
// warning, and the gateway starts.
func TestByHandTorn(t *testing.T) {
	for n := range len(earlier) - 2 { // the last two bytes are a bracket and a line feed
		dir := t.TempDir()
		file := filepath.Join(dir, byHandName)
		if err := os.WriteFile(file, []byte(earlier[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		h, log := takenOverIn(t, dir)
		aside, err := os.ReadFile(file + ".unreadable")
		if len(h.decided) != 0 || err != nil || string(aside) != earlier[:n] || !strings.Contains(log.String(), "cannot be read") {
			t.Fatalf("cut at %d: %d decisions, %v, said %s", n, len(h.decided), err, log)
		}
	}
}

// takenOverIn looks for the file of an earlier version in dir, with a store in memory.
func takenOverIn(t *testing.T, dir string) (*byHand, *testkit.Log) {
	t.Helper()
	h, log, _ := openedIn(t, "")
	h.takeOver(filepath.Join(dir, byHandName))
	return h, log
}

// TestByHandStrange: what another version or another hand wrote is not half believed.
func TestByHandStrange(t *testing.T) {
	for text, want := range map[string]string{
		`{"version":2,"servers":[]}`:          "version 2",
		`{"servers":[]}`:                      "version 0",
		`[]`:                                  "cannot unmarshal",
		`{"version":1,"servers":[],"more":1}`: "unknown field",
		`{"version":1,"servers":[{"upstream":"shop","server":"a:1","state":"up"}]}`:              "servers[0]",
		`{"version":1,"servers":[{"server":"a:1","state":"drain"}]}`:                             "servers[0]",
		`{"version":1,"servers":[{"upstream":"shop","server":"a:1","state":"drain","since":1}]}`: "not a JSON string",
		strings.Repeat(" ", byHandBytes) + `{"version":1}`:                                       "longer than",
		"\x00\xff": "invalid character",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "servers.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if h, log := takenOverIn(t, dir); len(h.decided) != 0 || !strings.Contains(log.String(), want) {
			t.Errorf("%.60s: %d decisions, said %s", text, len(h.decided), log)
		}
	}
}

// TestByHandNotWritten: a decision holds though it cannot be kept, and says so.
func TestByHandNotWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", filepath.Join(file, "state")} { // a file is no directory
		h, _, _ := openedIn(t, dir)
		if err := h.set(maintain("a:1", ""))(); !errors.Is(err, store.ErrVolatile) {
			t.Errorf("%q: it claims to be kept: %v", dir, err)
		}
		wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
	}
}

// TestByHandMissing: a server that is gone is remembered for its time, and so many of
// them at most; one that comes back in time is out as before.
func TestByHandMissing(t *testing.T) {
	dir := t.TempDir()
	h, _, end := openedIn(t, dir)
	for i := range missingMost + 10 {
		h.set(maintain(fmt.Sprintf("gone%03d:1", i), ""))()
	}
	h.set(maintain("a:1", ""))()
	now, member := decidedAt, map[serverKey]bool{{"shop", "a:1"}: true}
	h.sync(member, now)
	if len(h.decided) != missingMost+1 {
		t.Errorf("%d are remembered", len(h.decided))
	}
	end()
	h, _, _ = openedIn(t, dir) // the time goes on over restarts
	member[serverKey{"shop", "gone007:1"}] = true
	h.sync(member, now.Add(missingFor))
	member[serverKey{"shop", "gone007:1"}] = false
	h.sync(member, now.Add(missingFor+time.Hour))
	if len(h.decided) != 2 {
		t.Errorf("%d are remembered, want the member and the one that came back", len(h.decided))
	}
	wantHand(t, h, "gone007:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
}
