// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

// Chunks of a body of unknown length grow with it.
const (
	chunkMin = 4 << 10
	chunkMax = 256 << 10
)

// intake collects the body of an answer that is being relayed. Its bytes count against
// a bound for all intakes together, so that a thousand slow answers cannot fill the
// memory before one of them is kept. I3.
type intake struct {
	o *object
	// expected is the length that was announced, -1 if none.
	expected int64
	max      int64
	store    *Store
	reserved int64
}

// write takes a piece; it reports false if there is no room for it.
func (in *intake) write(piece []byte) bool {
	if in.o.size+int64(len(piece)) > in.max {
		return false
	}
	for len(piece) > 0 {
		last := len(in.o.body) - 1
		if last < 0 || len(in.o.body[last]) == cap(in.o.body[last]) {
			if !in.grow() {
				return false
			}
			last++
		}
		c := in.o.body[last]
		n := min(cap(c)-len(c), len(piece))
		in.o.body[last] = append(c, piece[:n]...)
		in.o.size += int64(n)
		piece = piece[n:]
	}
	return true
}

// grow adds a chunk: as long as what is still to come, if that is known and fits into
// one, else as long as everything so far.
func (in *intake) grow() bool {
	size := min(max(in.o.size, chunkMin), chunkMax)
	if rest := in.expected - in.o.size; rest > 0 {
		size = min(rest, chunkMax)
	}
	if !in.store.reserve(size) {
		return false
	}
	in.reserved += size
	in.o.body = append(in.o.body, make([]byte, 0, size))
	return true
}

// release ends the intake, whose object is kept or dropped. What the last chunk has too
// much is cut off.
func (in *intake) release() {
	in.store.intakes.Add(-in.reserved)
	in.reserved = 0
	if last := len(in.o.body) - 1; last >= 0 && len(in.o.body[last]) < cap(in.o.body[last]) {
		in.o.body[last] = append(make([]byte, 0, len(in.o.body[last])), in.o.body[last]...)
	}
}
