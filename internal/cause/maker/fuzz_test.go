// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzIdentify: whatever the answer holds, Identify does not panic, says the same twice (I2), names a maker only for a
// status that the product makes (I3), keeps its order, and does not look beyond its limits (I1).
func FuzzIdentify(f *testing.F) {
	for _, p := range pages(f, "pages") {
		var head strings.Builder
		for _, field := range p.answer.Fields {
			head.WriteString(field.Name + ": " + field.Value + "\n")
		}
		f.Add(p.answer.Status, head.String(), p.answer.Body, p.answer.Length)
	}
	f.Fuzz(func(t *testing.T, status int, head string, body []byte, length int64) {
		a := Answer{Status: status, Body: body, Length: length}
		for line := range strings.Lines(head) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			a.Fields = append(a.Fields, Field{name, strings.TrimSpace(value)})
		}
		found := Identify(&a)
		if again := Identify(&a); !reflect.DeepEqual(found, again) {
			t.Fatalf("%s, then %s", told(found), told(again))
		}
		for i, m := range found {
			checkMatch(t, &a, m)
			if i > 0 && !found[i-1].Made && m.Made {
				t.Errorf("a carrier stands before a maker: %s", told(found))
			}
		}
		beyond := a
		beyond.Length = a.view().length
		beyond.Fields = append(padding(fieldsMax, a.Fields), Field{"Server", "nginx"})
		beyond.Body = append(append([]byte(nil), body[:min(len(body), BodyMax)]...), strings.Repeat(" ", BodyMax)...)[:max(BodyMax, len(body))]
		bounded := beyond
		bounded.Fields = beyond.Fields[:fieldsMax]
		bounded.Body = beyond.Body[:BodyMax]
		if with, without := told(Identify(&beyond)), told(Identify(&bounded)); with != without {
			t.Errorf("what is beyond the limits counts: %s, not %s", with, without)
		}
	})
}

// padding is n fields: those given, as far as they go, and others that mean nothing.
func padding(n int, fields []Field) []Field {
	all := append([]Field(nil), fields[:min(len(fields), n)]...)
	for len(all) < n {
		all = append(all, Field{"X-Padding", "1"})
	}
	return all
}

func checkMatch(t *testing.T, a *Answer, m Match) {
	t.Helper()
	switch {
	case m.Product == nil || len(m.Marks) == 0:
		t.Errorf("a match without product or marks: %+v", m)
	case m.Score < scoreMin || m.Score > 1:
		t.Errorf("%s has the score %v", m.Product.ID, m.Score)
	case m.Made && !m.Product.Makes.Has(int64(a.Status)):
		t.Errorf("%s made a %d, which it does not make", m.Product.ID, a.Status)
	case !m.Made && m.Code != nil:
		t.Errorf("%s only carried the answer, and gave it the code %s", m.Product.ID, m.Code.ID)
	}
}
