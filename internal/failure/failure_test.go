// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"causey/internal/phase"
)

// I1: a code is found by itself and by its name, and its number is its place.
func TestRegistryIsConsistent(t *testing.T) {
	if len(All()) < 45 {
		t.Fatalf("only %d codes are registered", len(All()))
	}
	codes, names := map[Code]bool{}, map[string]bool{}
	for i, e := range All() {
		if codes[e.Code] || names[e.Name] {
			t.Errorf("%s is registered twice", e.Name)
		}
		codes[e.Code], names[e.Name] = true, true
		if e.ID != i {
			t.Errorf("%s has ID %d at place %d", e.Name, e.ID, i)
		}
		if Lookup(e.Code) != e || e.Code.String() != e.Name || e.Code.compose() != e.Name {
			t.Errorf("%s: Lookup gives %v, String %q", e.Name, Lookup(e.Code), e.Code)
		}
		got, ok := ParseCode(" " + e.Name + "\n")
		if !ok || got != e.Code {
			t.Errorf("ParseCode(%q) = %v, %v", e.Name, got, ok)
		}
		if parts := strings.Split(e.Name, "."); len(parts) != 3 || slices.Contains(parts, "") || slices.Contains(parts, "invalid") {
			t.Errorf("%q is not party.phase.kind", e.Name)
		}
	}
}

func TestEntriesAreInOrder(t *testing.T) {
	for i, e := range All()[1:] {
		before := All()[i].Code
		if e.Code.Party < before.Party || e.Code.Party == before.Party && e.Code.Phase < before.Phase {
			t.Errorf("%v stands behind %v", e.Code, before)
		}
	}
}

// I2: a code that has been public is never renamed and never dropped. The list is
// the oldest codes people will have written into alerts; add to it at a release.
func TestCodesStay(t *testing.T) {
	for _, name := range []string{
		"client.read-head.cl-te", "client.read-head.timeout", "client.route.no-site", "client.await-head.closed",
		"upstream.resolve.nxdomain", "upstream.connect.refused", "upstream.connect.timeout",
		"upstream.await-head.closed", "upstream.await-head.closed-reused", "upstream.await-head.timeout",
		"upstream.read-head-up.head-too-large", "upstream.relay-body.short", "gateway.connect.no-ports",
		"gateway.route.loop", "gateway.finish.bug",
	} {
		if _, ok := ParseCode(name); !ok {
			t.Errorf("%s is gone", name)
		}
	}
}

// I3.
func TestNone(t *testing.T) {
	if !None.IsNone() || None.String() != "" || Lookup(None) != nil {
		t.Errorf("None is %q, entry %v", None, Lookup(None))
	}
	if c, ok := ParseCode(""); ok || !c.IsNone() {
		t.Errorf("the empty name parses to %v", c)
	}
	for _, name := range []string{"..", "upstream", "upstream.connect", "upstream.connect.refused.", "Upstream.Connect.Refused"} {
		if c, ok := ParseCode(name); ok || !c.IsNone() {
			t.Errorf("%q parses to %v", name, c)
		}
	}
	for _, e := range All() {
		if e.Code.IsNone() || e.Code.Kind == NoKind || e.Family == NoFamily {
			t.Errorf("%s says nothing", e.Name)
		}
	}
}

func TestUnregisteredCode(t *testing.T) {
	c := Code{Client, phase.Connect, Refused}
	if Lookup(c) != nil || c.String() != "client.connect.refused" {
		t.Errorf("%v has entry %v", c, Lookup(c))
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]Kind{}
	for i := range KindCount {
		k := Kind(i)
		if other, ok := seen[k.String()]; ok {
			t.Errorf("kinds %d and %d are both called %q", k, other, k)
		}
		seen[k.String()] = k
		if (k == NoKind) != (k.String() == "") || strings.Trim(k.String(), "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("kind %d is called %q", k, k)
		}
	}
	if Kind(KindCount).String() != "invalid" {
		t.Error("a number outside the list has a name")
	}
}

// A kind that nothing uses is a word that nothing explains.
func TestKindsAndFamiliesAreUsed(t *testing.T) {
	var kinds [KindCount]bool
	families := make([]bool, len(familyNames))
	for _, e := range All() {
		kinds[e.Code.Kind] = true
		families[e.Family] = true
	}
	for i, used := range kinds[1:] {
		if k := Kind(i + 1); !used {
			t.Errorf("no code has kind %v", k)
		}
	}
	for i, used := range families[1:] {
		if !used {
			t.Errorf("no code has family %v", Family(i+1))
		}
	}
}

// withoutCodes are the phases in which nothing can fail, with the reason.
var withoutCodes = map[phase.Phase]string{
	phase.Guard: "its refusals are verdicts, not failures",
	phase.Cache: "what fails behind the cache is the server's, and keeps its code",
}

func TestPhasesHaveCodes(t *testing.T) {
	var used [phase.Count]bool
	for _, e := range All() {
		used[e.Code.Phase] = true
	}
	for i, used := range used {
		p := phase.Phase(i)
		if _, excused := withoutCodes[p]; used == excused {
			t.Errorf("phase %v: has codes %v, excused %v", p, used, excused)
		}
		if (phaseNotes[p] != "") != used {
			t.Errorf("phase %v: has codes %v, is explained by %q", p, used, phaseNotes[p])
		}
	}
}

func TestError(t *testing.T) {
	e := &Error{Code: Code{Upstream, phase.Connect, Refused}}
	if e.Error() != "upstream.connect.refused" {
		t.Errorf("without details: %q", e)
	}
	e.Site, e.Err = "dial", io.EOF
	if e.Error() != "upstream.connect.refused (dial): EOF" || !errors.Is(e, io.EOF) {
		t.Errorf("with details: %q", e)
	}
}

func TestFirstBytes(t *testing.T) {
	var e Evidence
	if len(e.FirstBytes()) != 0 {
		t.Errorf("the zero value holds %q", e.FirstBytes())
	}
	e.SetFirst([]byte(strings.Repeat("x", FirstBytesMax+1)))
	if len(e.FirstBytes()) != FirstBytesMax {
		t.Errorf("%d bytes are kept", len(e.FirstBytes()))
	}
	e.SetFirst([]byte("SSH"))
	if string(e.FirstBytes()) != "SSH" {
		t.Errorf("kept %q", e.FirstBytes())
	}
}
