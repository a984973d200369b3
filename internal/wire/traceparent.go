// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/hex"

// TraceContext is what a field traceparent says (W3C Trace Context, level 1):
// which trace a request belongs to, and which span asked.
type TraceContext struct {
	TraceID [16]byte
	Parent  [8]byte
	// Sampled says that whoever asked may keep the trace.
	Sampled bool
}

// The form of version 00: version "-" trace-id "-" parent-id "-" trace-flags.
const (
	traceIDAt, parentAt, flagsAt = 3, 36, 53
	traceparentLen               = 55
	sampledFlag                  = 0x01
)

// ParseTraceparent reads the value of a traceparent field.
//
// https://www.w3.org/TR/trace-context/#traceparent-header-field-values: digits are
// in lower case, "all bytes as zero is considered an invalid value" for both ids,
// and "Version ff is invalid". https://www.w3.org/TR/trace-context/#versioning-of-traceparent:
// of a higher version the same first fields are read, and more may follow behind a
// dash; of version 00 there is nothing more.
func ParseTraceparent(v []byte) (t TraceContext, ok bool) {
	if len(v) < traceparentLen || v[traceIDAt-1] != '-' || v[parentAt-1] != '-' || v[flagsAt-1] != '-' {
		return TraceContext{}, false
	}
	var version, flags [1]byte
	if !decodeLowerHex(version[:], v[:2]) || version[0] == 0xff ||
		!decodeLowerHex(t.TraceID[:], v[traceIDAt:]) ||
		!decodeLowerHex(t.Parent[:], v[parentAt:]) ||
		!decodeLowerHex(flags[:], v[flagsAt:]) {
		return TraceContext{}, false
	}
	if len(v) > traceparentLen && (version[0] == 0 || v[traceparentLen] != '-') {
		return TraceContext{}, false
	}
	if t.TraceID == [16]byte{} || t.Parent == [8]byte{} {
		return TraceContext{}, false
	}
	// "The behavior of other flags … is not defined": they are not carried on.
	t.Sampled = flags[0]&sampledFlag != 0
	return t, true
}

// Append appends the value of the field in version 00.
func (t *TraceContext) Append(b []byte) []byte {
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, t.TraceID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, t.Parent[:])
	if t.Sampled {
		return append(b, "-01"...)
	}
	return append(b, "-00"...)
}

// decodeLowerHex fills dst from twice as many digits at the front of src.
func decodeLowerHex(dst, src []byte) bool {
	for i := range dst {
		hi, lo := lowerHex[src[2*i]], lowerHex[src[2*i+1]]
		if hi|lo > 15 {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// lowerHex gives the value of a digit, 0xff for what is none.
var lowerHex = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = uint8(i)
	}
	return t
}()
