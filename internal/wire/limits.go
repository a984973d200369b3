// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package wire

// Limits bounds what a peer may send in one message. The zero value of a field
// means its default.
type Limits struct {
	// HeadBytes bounds a whole head, start line to empty line. nginx allows 4 × 8
	// KiB of a request, HAProxy 16 KiB, Envoy 60 KiB, Node 16 KiB; users suffer
	// from small limits on answers with many cookies.
	HeadBytes int
	// LineBytes bounds one field line.
	LineBytes int
	// TargetBytes bounds the request-target (RFC 9110 section 4.1 asks for at
	// least 8,000 octets).
	TargetBytes int
	// Fields bounds the number of field lines: a head of many tiny fields costs
	// more than its bytes.
	Fields int
	// ChunkLineBytes bounds one chunk-size line with its extensions. An
	// unbounded extension is a way to send for ever without a body byte.
	ChunkLineBytes int
	// TrailerBytes bounds a trailer section.
	TrailerBytes int
	// Interims bounds the 1xx answers to one request.
	Interims int
}

// The defaults of Limits.
const (
	DefaultHeadBytes      = 64 << 10
	DefaultLineBytes      = 32 << 10
	DefaultTargetBytes    = 16 << 10
	DefaultFields         = 128
	DefaultChunkLineBytes = 4 << 10
	DefaultTrailerBytes   = 16 << 10
	DefaultInterims       = 32
)

// WithDefaults returns l with each zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		v *int
		d int
	}{
		{&l.HeadBytes, DefaultHeadBytes}, {&l.LineBytes, DefaultLineBytes},
		{&l.TargetBytes, DefaultTargetBytes}, {&l.Fields, DefaultFields},
		{&l.ChunkLineBytes, DefaultChunkLineBytes}, {&l.TrailerBytes, DefaultTrailerBytes},
		{&l.Interims, DefaultInterims},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	return l
}
