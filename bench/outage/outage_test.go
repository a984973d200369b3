// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"causey/lab/shop"
)

// Every scenario can be staged, and tells shops only what they understand.
func TestScenariosAreSound(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios {
		k, ok := kinds[s.origin]
		switch {
		case names[s.name]:
			t.Errorf("two scenarios named %s", s.name)
		case !ok || k.start == nil || !strings.HasPrefix(k.page, "/"):
			t.Errorf("%s: the origin is %q", s.name, s.origin)
		case s.servers < 1 || s.doc == "" || s.length(10) < 10*time.Second:
			t.Errorf("%+v", s)
		case s.origin == "nginx" && s.posts > 0:
			t.Errorf("%s: nginx takes no forms", s.name)
		}
		names[s.name] = true
	}
	if len(scenarios) < 15 {
		t.Errorf("%d scenarios", len(scenarios))
	}
	if _, err := selected(options{scenarios: "kill,thunder"}); err == nil {
		t.Error("a scenario that is not there is selected")
	}
	if list, err := selected(options{}); err != nil || len(list) != len(scenarios) {
		t.Errorf("%d scenarios by default, %v", len(list), err)
	}
}

// Without a gateway, visitors of the first server feel its death, and the journals say
// the same: what the command prints is what happened.
func TestDirectVisitorsFeelTheOutage(t *testing.T) {
	var out bytes.Buffer
	o := options{scenarios: "calm,kill,silence,moved", contenders: "direct,no-such-gateway", rate: 100, seconds: 2.5, patience: 2 * time.Second}
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	cells := map[string]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 2 && words[1] == "direct" {
			cells[words[0]] = strings.Join(words[2:], " ")
		}
	}
	if !strings.HasPrefix(cells["calm"], "0 / 0 / 0 / ") {
		t.Errorf("calm: %s\n%s", cells["calm"], text)
	}
	for _, name := range []string{"kill", "silence"} {
		if cells[name] == "" || strings.HasPrefix(cells[name], "0 / ") {
			t.Errorf("%s: nobody felt it: %s\n%s", name, cells[name], text)
		}
	}
	for _, want := range []string{
		"no-such-gateway is not installed and is left out\n",
		"GET failed: refused", "GET failed: no patience left", " / never / ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// What scripts tell shops is understood, wherever it stands in the list.
func TestOrdersOfScriptsAreUnderstood(t *testing.T) {
	s, err := shop.Start("127.0.0.1:0", shop.Options{Journal: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, sc := range scenarios {
		if sc.ill == "" {
			continue
		}
		if err := s.Tell(sc.ill); err != nil {
			t.Errorf("%s: %v", sc.name, err)
		}
		if sc.origin != "shop" || sc.script != nil {
			t.Errorf("%s: nobody tells its servers", sc.name)
		}
	}
}
