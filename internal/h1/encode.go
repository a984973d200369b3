// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"strconv"

	"causey/internal/wire"
)

// What stands around the data of a chunked body (RFC 9112 section 7.1).
const (
	// ChunkEnd follows the data of each chunk.
	ChunkEnd = "\r\n"
	// LastChunk ends the data; trailer lines and an empty line follow it.
	LastChunk = "0\r\n"
)

// AppendChunkHeader appends the size line of a chunk of n bytes; n is positive,
// since a chunk of no bytes ends the body.
func AppendChunkHeader(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, '\r', '\n')
}

// AppendRequestLine appends the request-line, for HTTP/1.1.
func AppendRequestLine(dst, method, path []byte) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, path...)
	return append(dst, " HTTP/1.1\r\n"...)
}

// AppendStatusLine appends the status-line, for HTTP/1.1. An empty reason is
// replaced by the status's own, if it has one.
func AppendStatusLine(dst []byte, status int, reason []byte) []byte {
	if status == 200 && (len(reason) == 0 || string(reason) == "OK") {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendUint(dst, uint64(status), 10)
	dst = append(dst, ' ')
	if len(reason) > 0 {
		dst = append(dst, reason...)
	} else {
		dst = append(dst, Reason(status)...)
	}
	return append(dst, '\r', '\n')
}

// AppendField appends one field line. Neither name nor value may hold CR or LF;
// value is trusted to come from a parsed head or from the gateway itself.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendFieldBytes is AppendField for a value in bytes.
func AppendFieldBytes(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendFields appends every field line of h that does not end at this hop and
// whose ID is not in skip, in the order and spelling received. Lines that follow
// one another are copied at once. A nil skip skips nothing.
func AppendFields(dst []byte, h *wire.Head, skip *[wire.FieldCount]bool) []byte {
	if skip == nil {
		skip = &skipNothing
	}
	var run wire.Span
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Hop || skip[f.ID] {
			continue
		}
		switch {
		case f.LineSpan.Start == run.End && f.LineSpan.End > run.End:
			run.End = f.LineSpan.End
			continue
		case run.End > run.Start:
			dst = append(dst, h.Bytes(run)...)
		}
		if run = f.LineSpan; run.Len() == 0 {
			// The field was not a line, or not one that may go on as it came.
			dst = append(dst, h.Bytes(f.NameSpan)...)
			dst = append(dst, ':', ' ')
			dst = append(dst, h.Bytes(f.ValueSpan)...)
			dst = append(dst, '\r', '\n')
		}
	}
	return append(dst, h.Bytes(run)...)
}

var skipNothing [wire.FieldCount]bool
