// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func framed(message string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

func TestHealthRequest(t *testing.T) {
	if b := appendHealthRequest(nil, ""); !bytes.Equal(b, framed("")) {
		t.Errorf("%q", b)
	}
	if b := appendHealthRequest(nil, "shop.Cart"); !bytes.Equal(b, framed("\x0a\x09shop.Cart")) {
		t.Errorf("%q", b)
	}
}

func TestHealthAnswer(t *testing.T) {
	for in, want := range map[string]health{
		string(framed("")):                 healthUnknown,
		string(framed("\x08\x01")):         healthServing,
		string(framed("\x08\x02")):         healthNotServing,
		string(framed("\x08\x01\x08\x02")): healthNotServing,
		string(framed("\x08\x81\x00")):     healthServing, // not the shortest form, and legal
		string(framed("\x08\x07")):         7,
		// Fields of later versions: bytes, fixed32, fixed64, a varint.
		string(framed("\x12\x02ab\x08\x01\x1d1234\x2112345678\x28\xff\x01")): healthServing,
	} {
		if got, ok := parseHealthAnswer([]byte(in)); !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "\x00\x00\x00\x00", "\x01\x00\x00\x00\x02\x08\x01", "\x00\x00\x00\x00\x03\x08\x01", "\x00\x00\x00\x00\x01\x08\x01",
		string(framed("\x08")), string(framed("\x08\x80")), string(framed("\x00\x01")), string(framed("\x0a\x01\x01")),
		string(framed("\x12\x05ab")), string(framed("\x1d123")), string(framed("\x211234567")), string(framed("\x0b\x0c")),
		string(framed("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), string(framed("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")),
		string(framed("\x88\x80\x80\x80\x80\x01\x01")),
	} {
		if got, ok := parseHealthAnswer([]byte(in)); ok {
			t.Errorf("%q was taken for %v", in, got)
		}
	}
	if got := health(7).String() + healthServing.String(); got != "the status 7SERVING" {
		t.Error(got)
	}
}

// FuzzHealthAnswer: no panic; what is taken is whole, so that no prefix of it is taken
// as well; written again it is read as the same.
func FuzzHealthAnswer(f *testing.F) {
	f.Add(framed("\x08\x01"))
	f.Add(framed("\x12\x02ab\x08\x01\x1d1234\x2112345678\x28\xff\x01"))
	f.Add(framed(""))
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseHealthAnswer(b)
		if !ok {
			return
		}
		for i := range b {
			if _, ok := parseHealthAnswer(b[:i]); ok {
				t.Fatalf("%q is taken, and so is %q", b, b[:i])
			}
		}
		again := framed(string(binary.AppendUvarint([]byte{1 << 3}, uint64(h))))
		if got, ok := parseHealthAnswer(again); !ok || got != h {
			t.Fatalf("%v became %v", h, got)
		}
	})
}
