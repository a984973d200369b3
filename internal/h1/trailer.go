// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import "causey/internal/failure"

// trailerSection collects the trailer lines of a chunked body (RFC 9112 section
// 7.1.2), which may come in any pieces. It copies them, since the input is gone
// when the body ends; the copy is bounded by the limit.
type trailerSection struct {
	// kept holds the lines to forward and, from start on, the line being read.
	kept         []byte
	start        int
	bytes, lines int
	// sawCR reports that the line's CR was read and its LF is due.
	sawCR bool
}

// read reads a part of the section from b and returns how much; done reports
// that the empty line is there. With a Reject the offending byte is the one
// behind what was read, for a whole line its LF.
func (t *trailerSection) read(b []byte, limit, fields int) (n int, done bool, rej *Reject) {
	if t.sawCR {
		if b[0] != '\n' {
			return 0, false, reject(failure.BadTrailer, "trailer-bare-cr", 0)
		}
		t.sawCR = false
		if len(t.kept) == t.start {
			return 1, true, nil
		}
		if rej := t.endLine(fields); rej != nil {
			return 0, false, rej
		}
		return 1, false, nil
	}
	n = skipText(b[:min(len(b), limit-t.bytes+1)], 0)
	if t.bytes += n; t.bytes > limit {
		return n - 1, false, rejectLimit(failure.TrailersTooLarge, "trailer-bytes", 0, limit)
	}
	t.kept = append(t.kept, b[:n]...)
	if n == len(b) {
		return n, false, nil
	}
	if b[n] != '\r' {
		return n, false, reject(failure.BadTrailer, "trailer-byte", 0)
	}
	t.sawCR = true
	return n + 1, false, nil
}

// endLine judges the line that is now complete, and drops it if it must not be
// forwarded.
func (t *trailerSection) endLine(fields int) *Reject {
	line := t.kept[t.start:]
	if t.lines++; t.lines > fields {
		return rejectLimit(failure.TrailersTooLarge, "trailer-count", 0, fields)
	}
	end := skipClass(line, 0, isToken)
	switch {
	case end == 0 && isBlank(line[0]):
		return reject(failure.BadTrailer, "trailer-fold", 0)
	case end == 0 || end == len(line) || line[end] != ':':
		return reject(failure.BadTrailer, "trailer-name", 0).about(line[:end])
	}
	if forbiddenTrailer(line[:end]) {
		t.kept = t.kept[:t.start]
		return nil
	}
	t.kept = append(t.kept, '\r', '\n')
	t.start = len(t.kept)
	return nil
}
