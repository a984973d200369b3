// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"causey/internal/failure"
)

// I1. What the loader finds wrong it says with its place.
func TestLoaderFindsMistakes(t *testing.T) {
	const good = `- id: a.b
  number: F001
  layer: tcp
  title: A title
  meaning: A sentence.
  prior: common
  explains: [upstream.connect.refused]
  evidence: [{if: all_fail, yes: 1}]
  fixes: [{stack: any, text: "Do ` + "`this`" + `."}]
  lab: raw
`
	read := func(text string) error {
		_, err := load(fstest.MapFS{"c/x.yaml": {Data: []byte(text)}}, "c")
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"id: a.b", "id: A", "want an id such as"},
		{"F001", "1", "want a number such as"},
		{"layer: tcp", "layer: moon", `no layer "moon"`},
		{"A title", "A title.", "without a full stop"},
		{"A sentence.", "no sentence", "whole sentences"},
		{"prior: common", "prior: often", `no prior "often"`},
		{"connect.refused", "connect.refsued", `no failure "upstream.connect.refsued"`},
		{"all_fail", "all_fial", `no fact "all_fial"`},
		{"if: all_fail", "if: all_fail=3", "want NAME"},
		{"yes: 1", "yes: 9", "want weights from"},
		{"yes: 1", "yes: 0", "want weights from"},
		{"stack: any", "stack: docker", "no fix is for any stack"},
		{"stack: any", "stack: cobol", `no stack "cobol"`},
		{"this`", "this", "backquotes are pairs"},
		{"lab: raw", "lab: maybe", "lab: want"},
		{"prior:", "priro: common\n  prior:", "unknown field"},
		{"lab: raw", "lab: raw\n  twins: [{id: c.d, ask: Which?}]", `no other cause "c.d"`},
		{"lab: raw", "lab: raw\n  leads_to: [a.b]", `no other cause "a.b"`},
		{"lab: raw", "lab: raw\n  experiments: [magic]", `no "magic"`},
		{"lab: raw", "lab: raw\n  answers: [50]", "want a status"},
		{"lab: raw\n", "lab: raw\n" + good, "twice"},
	} {
		if err := read(strings.Replace(good, c.old, c.new, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v", c.new, c.old, err)
		}
	}
}

func TestPredicates(t *testing.T) {
	f := Facts{
		"all_fail": {True: true}, "unix": {}, "errno": {Num: 111}, "share": {Num: 0.5}, "made_by": {Words: []string{"nginx", "php-fpm"}}, "tells": {},
	}
	for text, want := range map[string]string{
		"all_fail": "yes", "!all_fail": "no", "unix": "no", "!unix": "yes", "loopback": "unknown", "!loopback": "unknown",
		"errno": "yes", "errno=111": "yes", "errno=13,111": "yes", "errno=13": "no", "!errno=13": "yes", "errno=100..120": "yes", "errno>111": "no", "errno>110": "yes", "errno<112": "yes",
		"share=0.4..0.6": "yes", "share<0.5": "no", "made_by": "yes", "made_by=nginx": "yes", "made_by=caddy": "no", "made_by=php*": "yes", "!made_by=caddy": "yes", "tells": "no",
	} {
		p, err := parsePredicate(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "unknown" // I2
		if is, known := p.holds(f); known && is {
			got = "yes"
		} else if known {
			got = "no"
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, bad := range []string{"", "nothing", "all_fail=1", "errno=", "errno=x", "errno=5..3", "made_by>1", "!!unix", "errno<"} {
		if _, err := parsePredicate(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// I3, I4: whatever is observed, no line weighs more than the bound, confidences are
// shares of one whole, and the same facts give the same ranking.
func TestRankingHoldsForAnyFacts(t *testing.T) {
	c := catalogue(t)
	r := rand.New(rand.NewPCG(1, 2))
	all := failure.All()
	for range 300 {
		f := Facts{}
		for _, fact := range facts {
			if r.IntN(2) == 0 {
				f[fact.Name] = Value{True: r.IntN(2) == 0, Num: r.Float64() * 200, Words: []string{"nginx"}}
			}
		}
		s := Symptom{Codes: []failure.Code{all[r.IntN(len(all))].Code, all[r.IntN(len(all))].Code}, Statuses: []int{400 + r.IntN(200)}}
		one := c.Rank(s, f)
		if two := c.Rank(s, f); !reflect.DeepEqual(one, two) {
			t.Fatal("two rankings of the same facts differ")
		}
		sum := one.Unknown
		for i, x := range one.Causes {
			sum += x.Confidence
			if i > 0 && x.Score > one.Causes[i-1].Score {
				t.Fatal("it is not in order")
			}
			total := priorScores[x.Cause.Prior]
			for _, l := range x.Lines {
				total += l.Weight
				if math.Abs(l.Weight) > WeightMax {
					t.Fatalf("%s: %s weighs %g", x.Cause.ID, l.Fact, l.Weight)
				}
			}
			if math.Abs(total-x.Score) > 1e-9 {
				t.Fatalf("%s: its lines make %g and its score is %g", x.Cause.ID, total, x.Score)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("confidences add up to %g", sum)
		}
	}
}

func TestCatalogueIsWhole(t *testing.T) {
	c := catalogue(t)
	if n := len(c.All()); n != 144 {
		t.Errorf("%d entries", n)
	}
	for i, e := range c.All() {
		if want := fmt.Sprintf("F%03d", i+1); e.Number != want {
			t.Errorf("%s is %s, want %s", e.ID, e.Number, want)
		}
		if len(e.Explains)+len(e.Answers) == 0 {
			t.Errorf("%s: no failure and no answer can come from it", e.ID)
		}
		if len(e.Evidence) == 0 {
			t.Errorf("%s has no evidence", e.ID)
		}
		if c.Lookup(strings.ToUpper(e.Number)) != e || c.Lookup(" "+strings.ToUpper(e.ID)) != e {
			t.Errorf("%s is not found by its names", e.ID)
		}
	}
	// Each failure of the site has causes: an owner who looks one up finds what to do.
	for _, f := range failure.All() {
		if f.Code.Party != failure.Client && len(c.ForCode(f.Code)) == 0 && !withoutCause[f.Name] {
			t.Errorf("no cause explains %s", f.Name)
		}
	}
}

// withoutCause are failures that need no cause: we were told to stop.
var withoutCause = map[string]bool{
	"gateway.handshake.shutdown": true, "gateway.connect.shutdown": true, "gateway.send-body.shutdown": true, "gateway.await-head.shutdown": true,
	"gateway.read-head-up.shutdown": true, "gateway.relay-body.shutdown": true, "gateway.tunnel.shutdown": true,
}

// hurts finds advice that could do damage.
var hurts = regexp.MustCompile(`rm -rf|--force( |$)|kill -9|chmod 777|0\.0\.0\.0/0|InsecureSkipVerify|verify[_ ]?(peer)?[:= ]+(off|none|0)|setenforce 0|ufw disable|iptables -F|DROP TABLE|FLUSHALL`)

func TestTextsHelp(t *testing.T) {
	for _, e := range catalogue(t).All() {
		texts := []string{e.Title, e.Meaning}
		for _, f := range e.Fixes {
			texts = append(texts, f.Text)
			if m := hurts.FindString(f.Text); m != "" {
				t.Errorf("%s: the advice %q could hurt: %s", e.ID, m, f.Text)
			}
		}
		for _, s := range texts {
			if strings.Contains(s, "  ") || strings.TrimSpace(s) != s {
				t.Errorf("%s: spaces in %q", e.ID, s)
			}
		}
		if n := len(strings.Fields(e.Title)); n < 2 || n > 11 {
			t.Errorf("%s: a title of %d words: %s", e.ID, n, e.Title)
		}
	}
}

func FuzzPredicate(f *testing.F) {
	for _, s := range []string{"all_fail", "!unix", "errno=13,111", "share=0.4..0.6", "made_by=php*", "errno>3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePredicate(s)
		if err != nil {
			return
		}
		if _, known := p.holds(Facts{}); known {
			t.Fatalf("%q is known of nothing", s)
		}
		p.holds(Facts{p.fact.Name: {True: true, Num: 1, Words: []string{"a"}}})
	})
}

func BenchmarkRank(b *testing.B) {
	c := catalogue(b)
	refused, _ := failure.ParseCode("upstream.await-head.closed")
	f := Facts{}
	for _, fact := range facts {
		f[fact.Name] = Value{True: true, Num: 1}
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Rank(Symptom{Codes: []failure.Code{refused}}, f)
	}
}

// A fact is there once: whoever lists all of them lists it once.
func TestFactsAreThereOnce(t *testing.T) {
	if len(factByName) != len(AllFacts()) {
		t.Errorf("%d facts have %d names", len(AllFacts()), len(factByName))
	}
}
