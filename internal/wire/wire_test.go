// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"testing"
)

func TestLookupField(t *testing.T) {
	for id := 1; id < FieldCount; id++ {
		name := fieldNames[id]
		if len(name) > maxKnownName {
			t.Errorf("%q is longer than maxKnownName", name)
		}
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if got := LookupField([]byte(spelled)); got != FieldID(id) {
				t.Errorf("%q is %d, want %d", spelled, got, id)
			}
		}
		// One byte changed, taken away or added is another name.
		for i := range name {
			for _, c := range []byte{name[i] ^ 0x20, name[i] + 1, name[i] ^ 0x40, 0, 0x80 | name[i], '_'} {
				b := []byte(name)
				b[i] = c
				want := Other
				if strings.EqualFold(string(b), name) && c < 0x80 {
					want = FieldID(id)
				}
				if got := LookupField(b); got != want {
					t.Errorf("%q is %d, want %d", b, got, want)
				}
			}
		}
		for _, near := range []string{name[1:], name[:len(name)-1], name + "x", "x" + name, name + " "} {
			if got := LookupField([]byte(near)); got != Other && fieldNames[got] != near {
				t.Errorf("%q is %q", near, fieldNames[got])
			}
		}
	}
	for _, name := range []string{"", "h", "x-any", strings.Repeat("a", 300)} {
		if got := LookupField([]byte(name)); got != Other {
			t.Errorf("%q is %d", name, got)
		}
	}
	if FieldID(Host).String() != "host" || Other.String() != "" {
		t.Error("String does not return the name")
	}
}

func TestEqualFold(t *testing.T) {
	for _, c := range []struct {
		b, lower string
		want     bool
	}{
		{"", "", true}, {"A-b", "a-b", true}, {"ab", "a", false}, {"a\rb", "a-b", false}, {"@", "`", false}, {"[", "{", false},
		{"\xc1", "a", false}, {"9", "9", true}, {"\x19", "9", false},
	} {
		if got := EqualFold([]byte(c.b), c.lower); got != c.want {
			t.Errorf("%q and %q: %v", c.b, c.lower, got)
		}
	}
}

func TestMethods(t *testing.T) {
	for m := GET; m <= CONNECT; m++ {
		if got := LookupMethod([]byte(m.String())); got != m {
			t.Errorf("%s is %s", m, got)
		}
		if LookupMethod([]byte(strings.ToLower(m.String()))) != OtherMethod {
			t.Errorf("%s is found without its case", m)
		}
	}
	if LookupMethod([]byte("PURGE")) != OtherMethod || LookupMethod(nil) != OtherMethod {
		t.Error("an unknown method has a number")
	}
	for _, m := range []Method{POST, PATCH, CONNECT, OtherMethod} {
		if m.Idempotent() {
			t.Errorf("%s is said to be idempotent", m)
		}
	}
	for _, m := range []Method{GET, HEAD, PUT, DELETE, OPTIONS, TRACE} {
		if !m.Idempotent() {
			t.Errorf("%s is said not to be idempotent", m)
		}
	}
}

func TestWithDefaults(t *testing.T) {
	got := Limits{HeadBytes: 5, Fields: -1}.WithDefaults()
	want := Limits{
		HeadBytes: 5, LineBytes: DefaultLineBytes, TargetBytes: DefaultTargetBytes, Fields: DefaultFields,
		ChunkLineBytes: DefaultChunkLineBytes, TrailerBytes: DefaultTrailerBytes, Interims: DefaultInterims,
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// I1: spans index Buf, so that moving the bytes is replacing Buf. I2: a head keeps
// its memory, and nothing else, from one message to the next.
func TestHeadIsReused(t *testing.T) {
	fill := func(h *Head) {
		h.Buf = []byte("A: b\r\n")
		h.Fields = append(h.Fields, Field{
			NameSpan: Span{0, 1}, ValueSpan: Span{3, 4}, LineSpan: Span{0, 6}, ID: Via, Hop: true,
		})
		h.Version, h.Framing, h.ContentLength, h.Close, h.Trailers = 11, FramingLength, 7, true, true
	}
	req := Request{Method: GET, HostSpan: Span{1, 2}, Upgrade: true, Expect100: true, TETrailers: true, Form: AsteriskForm, QueryStart: 9}
	fill(&req.Head)
	req.Buf = append([]byte(nil), req.Buf...)
	if string(req.Name(0)) != "A" || string(req.Get(Via)) != "b" || req.Find(Date) != -1 || req.Get(Date) != nil || !req.HasBody() {
		t.Error("the field is not found in the moved bytes")
	}
	memory := &req.Fields[:1][0]
	req.Reset()
	if len(req.Fields) != 0 || &req.Fields[:1][0] != memory {
		t.Error("Reset did not keep the fields' memory")
	}
	if req.Buf != nil || req.Method != OtherMethod || req.HostSpan != (Span{}) || req.Upgrade || req.Expect100 || req.TETrailers ||
		req.Form != OriginForm || req.QueryStart != 0 || req.ContentLength != -1 || req.HasBody() || req.Close || req.Trailers || req.Version != 0 {
		t.Errorf("Reset left something behind: %+v", req)
	}
	res := Response{Status: 200, ReasonSpan: Span{1, 2}, UpgradeSpan: Span{1, 2}, KeepAliveTimeout: 5}
	fill(&res.Head)
	res.Reset()
	if res.Status != 0 || res.ReasonSpan != (Span{}) || res.UpgradeSpan != (Span{}) || res.KeepAliveTimeout != -1 || res.ContentLength != -1 {
		t.Errorf("Reset left something behind: %+v", res)
	}
}

func TestResponseInterim(t *testing.T) {
	for status, want := range map[int]bool{100: true, 101: false, 103: true, 199: true, 200: false} {
		if got := (&Response{Status: status}).Interim(); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}

func TestPath(t *testing.T) {
	r := Request{PathSpan: Span{4, 8}, QueryStart: 6}
	r.Buf = []byte("GET /a?b HTTP/1.1")
	if got := string(r.Path()); got != "/a" {
		t.Errorf("%q", got)
	}
}

// I3: framings have names for tests and logs, and nothing here decides one.
func TestFramingNames(t *testing.T) {
	for f, want := range map[Framing]string{
		FramingNone: "none", FramingLength: "length", FramingChunked: "chunked", FramingClose: "close", FramingTunnel: "tunnel",
	} {
		if f.String() != want {
			t.Errorf("%d is %q", f, f)
		}
	}
}
