// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func openedIn(t *testing.T, dir string) (*byHand, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	return openByHand(dir, slog.New(slog.NewTextHandler(log, nil))), log
}

// TestByHandIsKept: what was decided is there for the next run, with its reason and
// its time, and for nobody but the owner to read.
func TestByHandIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state") // made when it is needed
	h, _ := openedIn(t, dir)
	for _, d := range []decision{maintain("a:1", "new disk"), maintain("unix:/run/b", ""), {Upstream: "shop", Server: "c:1", State: upstream.Drain, Since: decidedAt}} {
		if err := h.set(d); err != nil {
			t.Fatal(err)
		}
	}
	again := maintain("a:1", "newer disk")
	again.Since = again.Since.Add(time.Hour) // the state goes on
	h.set(again)
	h.set(decision{Upstream: "shop", Server: "c:1", State: upstream.Auto})
	if info, err := os.Stat(h.file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	h, log := openedIn(t, dir)
	wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC: newer disk")
	wantHand(t, h, "unix:/run/b", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
	wantHand(t, h, "c:1", upstream.Auto, "")
	if h.since("shop", "a:1") != decidedAt || log.Len() > 0 {
		t.Errorf("since %v; said %s", h.since("shop", "a:1"), log)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// TestByHandTorn: a file that ends anywhere (a disk that lied, an editor that was
// killed) is kept aside with a warning, and the gateway starts.
func TestByHandTorn(t *testing.T) {
	h, _ := openedIn(t, t.TempDir())
	h.set(maintain("a:1", "new disk"))
	whole, err := os.ReadFile(h.file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) - 1 { // the last byte is a line feed
		dir := t.TempDir()
		file := filepath.Join(dir, "servers.json")
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		h, log := openedIn(t, dir)
		aside, err := os.ReadFile(file + ".unreadable")
		if len(h.decided) != 0 || err != nil || !bytes.Equal(aside, whole[:n]) || !strings.Contains(log.String(), "cannot be read") {
			t.Fatalf("cut at %d: %d decisions, %v, said %s", n, len(h.decided), err, log)
		}
		if err := h.set(maintain("b:1", "")); err != nil {
			t.Fatal(err)
		}
	}
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
		if h, log := openedIn(t, dir); len(h.decided) != 0 || !strings.Contains(log.String(), want) {
			t.Errorf("%.60s: %d decisions, said %s", text, len(h.decided), log)
		}
	}
}

// TestByHandWriterKilled: a writer that was killed before it was done leaves the old
// decisions whole, and what it left is cleared away.
func TestByHandWriterKilled(t *testing.T) {
	dir := t.TempDir()
	h, _ := openedIn(t, dir)
	h.set(maintain("a:1", ""))
	old, young := filepath.Join(dir, ".servers-1.tmp"), filepath.Join(dir, ".servers-2.tmp")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte(`{"version":1,"ser`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	h, log := openedIn(t, dir)
	if len(h.decided) != 1 || log.Len() > 0 {
		t.Errorf("%d decisions, said %s", len(h.decided), log)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("what another writer may be writing is gone: %v", err)
	}
}

// TestByHandNotWritten: a decision holds though it cannot be kept, and says so.
func TestByHandNotWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", filepath.Join(file, "state")} { // a file is no directory
		h, _ := openedIn(t, dir)
		if err := h.set(maintain("a:1", "")); err == nil {
			t.Errorf("%q: it claims to be kept", dir)
		}
		wantHand(t, h, "a:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
	}
}

// TestByHandMissing: a server that is gone is remembered for its time, and so many of
// them at most; one that comes back in time is out as before.
func TestByHandMissing(t *testing.T) {
	dir := t.TempDir()
	h, _ := openedIn(t, dir)
	for i := range missingMost + 10 {
		h.set(maintain(fmt.Sprintf("gone%03d:1", i), ""))
	}
	h.set(maintain("a:1", ""))
	now, member := decidedAt, map[serverKey]bool{{"shop", "a:1"}: true}
	h.sync(member, now)
	if len(h.decided) != missingMost+1 {
		t.Errorf("%d are remembered", len(h.decided))
	}
	h, _ = openedIn(t, dir) // the time goes on over restarts
	member[serverKey{"shop", "gone007:1"}] = true
	h.sync(member, now.Add(missingFor))
	member[serverKey{"shop", "gone007:1"}] = false
	h.sync(member, now.Add(missingFor+time.Hour))
	if len(h.decided) != 2 {
		t.Errorf("%d are remembered, want the member and the one that came back", len(h.decided))
	}
	wantHand(t, h, "gone007:1", upstream.Maintain, "was put into maintenance by hand on 2026-03-09 14:00 UTC")
}
