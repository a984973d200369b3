// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"bytes"
	"testing"
)

// hostile is an answer that costs as much as an answer can: as many fields as are looked at and more, long values, and
// a body in which every unanchored expression has to be looked for at each byte.
func hostile() Answer {
	a := Answer{Status: 503, Length: -1, Body: bytes.Repeat([]byte("<title>5E"), BodyMax)}
	for range 4 * fieldsMax {
		a.Fields = append(a.Fields, Field{"Via", string(bytes.Repeat([]byte("1.1 a, "), valueMaxBytes))})
	}
	return a
}

// I1
func TestHostileAnswerIsBounded(t *testing.T) {
	a := hostile()
	v := a.view()
	if len(v.fields) != fieldsMax || len(v.body) != BodyMax || v.length != -1 {
		t.Errorf("%d fields, %d bytes, length %d are looked at", len(v.fields), len(v.body), v.length)
	}
	many := Answer{Status: 502, Length: -1}
	for range sameNameMax {
		many.Fields = append(many.Fields, Field{"Via", "1.1 a"})
	}
	many.Fields = append(many.Fields, Field{"Via", "1.1 google"})
	if found := Identify(&many); len(found) != 0 {
		t.Errorf("the last of many fields counts: %s", told(found))
	}
	long := Answer{Status: 502, Length: -1, Fields: []Field{{"Via", string(bytes.Repeat([]byte("x"), valueMaxBytes)) + ", 1.1 google"}}}
	if found := Identify(&long); len(found) != 0 {
		t.Errorf("the end of a long value counts: %s", told(found))
	}
}

func BenchmarkIdentify(b *testing.B) {
	Products() // the data is read before the clock runs
	for _, c := range []struct {
		name string
		a    Answer
	}{
		{"nginx", first(b, "nginx")}, {"cloudflare", first(b, "cloudflare")}, {"application", first(b, "application")},
		{"nobody", Answer{Status: 502, Length: -1, Body: []byte("<h1>We will be back</h1>")}}, {"hostile", hostile()},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Identify(&c.a)
			}
		})
	}
}

func first(b *testing.B, product string) Answer {
	for _, p := range pages(b, "pages") {
		if p.product == product {
			return p.answer
		}
	}
	b.Fatalf("no page of %s", product)
	return Answer{}
}
