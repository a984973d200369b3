// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package pattern is the body that every origin of the lab serves: bytes of any length that can be made, and checked,
// at any offset without being kept.
//
// What it is: blocks of 64 KiB. Byte j of a block is j xor 31*(j>>8), and its first 16 bytes are the block's number in
// hex with a newline. A lost, doubled or swapped block therefore shows, which a repeated constant would hide. The same
// ten lines exist in JavaScript, Python and PHP under lab/real/apps.
//
// What it never does: allocate by the length asked for.
//
// Invariants:
//   - I1: byte n depends on n alone; whoever fills in pieces gets the bytes of whoever fills at once.
//   - I2: a Checker that has not complained has seen exactly the first Bytes() bytes.
//
// Where to start reading: Fill.
package pattern

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// BlockBytes is the length of one block.
const BlockBytes = 64 << 10

const markBytes = 16

var block = func() (b [BlockBytes]byte) {
	for j := range b {
		b[j] = byte(j ^ (j>>8)*31)
	}
	return b
}()

// Fill writes the bytes at offset, offset+1, ... into p.
func Fill(p []byte, offset int64) {
	for len(p) > 0 {
		number, start := offset/BlockBytes, int(offset%BlockBytes)
		n := copy(p, block[start:])
		if start < markBytes {
			copy(p[:n], fmt.Appendf(nil, "%015x\n", number)[start:])
		}
		p, offset = p[n:], offset+int64(n)
	}
}

// Reader reads the first n bytes of the pattern and then io.EOF.
type Reader struct{ offset, end int64 }

// NewReader returns a Reader of n bytes.
func NewReader(n int64) *Reader { return &Reader{end: n} }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.offset >= r.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.end-r.offset)]
	Fill(p, r.offset)
	r.offset += int64(len(p))
	return len(p), nil
}

// Sum is the SHA-256 of the first n bytes in lower-case hex.
func Sum(n int64) string {
	h := sha256.New()
	_, _ = io.CopyBuffer(h, struct{ io.Reader }{NewReader(n)}, make([]byte, BlockBytes))
	return hex.EncodeToString(h.Sum(nil))
}

// Checker is a writer that compares what it is given with the pattern. The zero value is ready.
type Checker struct {
	n       int64
	scratch []byte
}

// Write implements io.Writer; it fails at the first piece that differs (I2).
func (c *Checker) Write(p []byte) (int, error) {
	if c.scratch == nil {
		c.scratch = make([]byte, BlockBytes)
	}
	written := len(p)
	for len(p) > 0 {
		want := c.scratch[:min(len(p), len(c.scratch))]
		Fill(want, c.n)
		if !bytes.Equal(want, p[:len(want)]) {
			return 0, fmt.Errorf("pattern: bytes differ between offset %d and %d", c.n, c.n+int64(len(want)))
		}
		c.n += int64(len(want))
		p = p[len(want):]
	}
	return written, nil
}

// Bytes is how many bytes were compared and found equal.
func (c *Checker) Bytes() int64 { return c.n }
