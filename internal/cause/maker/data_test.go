// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"strings"
	"testing"
)

func TestDataIsSound(t *testing.T) {
	if _, err := decode(text); err != nil {
		t.Error(err)
	}
}

// What decode must refuse, each shown by a small mistake in data that is otherwise sound.
func TestDataChecker(t *testing.T) {
	const sound = `
version: 1
tells:
- {id: maintenance, says: It is.}
products:
- id: a
  name: A
  kind: proxy
  says: It is A.
  look: [Read its log.]
  makes: 500-502
  codes:
  - {id: "502", means: it is down, tells: maintenance}
  marks:
  - {made: its page, weight: 90, tells: maintenance, body: '^a'}
  - {carried: its field, weight: 50, fields: {Server: '^a$'}}
`
	if _, err := decode([]byte(sound)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"version: 1", "version: 2", "version is 2"},
		{"name: A", "title: A", "unknown field"},
		{"weight: 90, tells", "weihgt: 90, tells", "unknown field"},
		{"weight: 90", "weight: 100", "weight 100"},
		{"weight: 90", "weight: 0", "weight 0"},
		{"made: its page", "carried: its page", "belong together"},
		{"made: its page", "made: its page, carried: too", "either made or carried"},
		{"makes: 500-502", "makes: 502-500", "502 is above 500"},
		{"makes: 500-502", "makes: some", "no range"},
		{"body: '^a'", "body: 'a(b'", "missing closing"},
		{"body: '^a'", "body: '(?s)ab'", "neither is anchored"},
		{"body: '^a'", "body: '^.{600}a'", "instructions"},
		{"body: '^a'", "has: [error]", "too short"},
		{"body: '^a'", "status: 500", "neither fields nor a body"},
		{"{Server: '^a$'}", "{Server: 'a$'}", "not anchored"},
		{"tells: maintenance, body", "tells: rain, body", "no tell"},
		{"means: it is down, tells: maintenance", "means: it is down, tells: rain", "no tell"},
		{"kind: proxy", "kind: toaster", "no kind"},
		{"look: [Read its log.]", "look: []", "lacks a part"},
		{"- id: a", "- id: A", "small letters"},
		{"- {id: maintenance, says: It is.}", "- {id: maintenance, says: It is.}\n- {id: maintenance, says: It is.}", "twice"},
		{"products:", "products:\n- {id: a}", "a is there twice"},
		{`- {id: "502", means: it is down, tells: maintenance}`, "- {id: x, means: y}\n  - {id: x, means: y}", "code \"x\" is there twice"},
	} {
		if !strings.Contains(sound, c.from) {
			t.Fatalf("%q is not in the sound data", c.from)
		}
		_, err := decode([]byte(strings.Replace(sound, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, not %q", c.to, c.from, err, c.want)
		}
	}
}

func TestRanges(t *testing.T) {
	p := Products()[0]
	if got := p.Makes.String(); got != "400-431 494-497 500-508" {
		t.Errorf("%s makes %q", p.ID, got)
	}
	for n, want := range map[int64]bool{399: false, 400: true, 431: true, 432: false, 502: true, -1: false} {
		if p.Makes.Has(n) != want {
			t.Errorf("%d: %v", n, !want)
		}
	}
}
