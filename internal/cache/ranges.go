// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"

	"causey/internal/wire"
)

// span is a part of a body, from inclusive to end exclusive.
type span struct{ from, end int64 }

// rangeOutcome is what a Range field comes to on a body that is here.
type rangeOutcome uint8

const (
	// wholeBody: there is no range that we serve; "A server MAY ignore the Range
	// header field" (RFC 9110 section 14.2), and does for several at once.
	wholeBody rangeOutcome = iota
	partOfBody
	notSatisfiable
)

// positionMax is beyond what a body can have.
const positionMax = 1 << 56

// resolveRange finds the part of a body of size bytes that a Range asks for.
func resolveRange(field []byte, size int64) (s span, r rangeOutcome) {
	unit, set, ok := bytes.Cut(field, []byte{'='})
	if !ok || !wire.EqualFold(bytes.TrimSpace(unit), "bytes") || bytes.IndexByte(set, ',') >= 0 {
		return s, wholeBody
	}
	first, last, ok := bytes.Cut(bytes.TrimSpace(set), []byte{'-'})
	if !ok {
		return s, wholeBody
	}
	from, hasFrom := digits(first, positionMax)
	to, hasTo := digits(last, positionMax)
	switch {
	case len(first) == 0 && hasTo: // the last so many
		if to == 0 {
			return s, notSatisfiable
		}
		s = span{max(size-to, 0), size}
	case hasFrom && len(last) == 0:
		s = span{from, size}
	case hasFrom && hasTo && from <= to:
		s = span{from, min(to, size-1) + 1}
	default:
		return s, wholeBody
	}
	if s.from >= size {
		return s, notSatisfiable
	}
	return s, partOfBody
}
