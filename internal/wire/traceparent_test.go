// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"strings"
	"testing"
)

const goodTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTraceparent(t *testing.T) {
	for v, sampled := range map[string]bool{
		goodTraceparent: true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00":          false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02":          false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff":          true,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":          true,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-now": true,
		"fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-":         false,
	} {
		got, ok := ParseTraceparent([]byte(v))
		if !ok || got.Sampled != sampled || string(got.Append(nil)[:53]) != "00"+v[2:53] {
			t.Errorf("%s is read as %+v, %v", v, got, ok)
		}
	}
	change := func(at int, c string) string { return goodTraceparent[:at] + c + goodTraceparent[at+len(c):] }
	for what, v := range map[string]string{
		"empty":                       "",
		"short":                       goodTraceparent[:54],
		"long for version 00":         goodTraceparent + "-x",
		"a space behind":              goodTraceparent + " ",
		"version ff":                  change(0, "ff"),
		"capitals in the version":     change(0, "0A"),
		"capitals in the trace id":    change(3, "4BF"),
		"capitals in the parent":      change(36, "0A"),
		"no digit in the flags":       change(53, "0g"),
		"no trace id":                 change(3, strings.Repeat("0", 32)),
		"no parent":                   change(36, strings.Repeat("0", 16)),
		"another separator, first":    change(2, "_"),
		"another separator, second":   change(35, "_"),
		"another separator, third":    change(52, "_"),
		"higher version, no dash":     change(0, "01") + "x",
		"higher version, but shorter": change(0, "01")[:53],
		"two values":                  goodTraceparent + "," + goodTraceparent,
	} {
		if got, ok := ParseTraceparent([]byte(v)); ok || got != (TraceContext{}) {
			t.Errorf("%s: %q is read as %+v, %v", what, v, got, ok)
		}
	}
}

// FuzzTraceparent: no panic; what is accepted has no zero id, and comes back the
// same from what is sent on; of version 00 the ids stand in the text as they are.
func FuzzTraceparent(f *testing.F) {
	for _, v := range []string{"", goodTraceparent, "cc" + goodTraceparent[2:] + "-x", "ff" + goodTraceparent[2:], strings.ToUpper(goodTraceparent)} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		got, ok := ParseTraceparent(v)
		if !ok {
			return
		}
		if got.TraceID == [16]byte{} || got.Parent == [8]byte{} {
			t.Fatalf("%q has a zero id", v)
		}
		sent := got.Append(nil)
		if again, ok := ParseTraceparent(sent); !ok || again != got {
			t.Fatalf("%q is sent as %q and read as %+v", v, sent, again)
		}
		if !bytes.Equal(sent[2:53], v[2:53]) {
			t.Fatalf("%q is sent as %q", v, sent)
		}
	})
}
