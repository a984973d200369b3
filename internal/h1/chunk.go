// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"math"

	"causey/internal/failure"
)

// chunkState is where the decoder of a chunked body is (RFC 9112 section 7.1):
//
//	chunked-body = *chunk last-chunk trailer-section CRLF
//	chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
type chunkState uint8

const (
	chunkSize    chunkState = iota // digits of a size
	chunkBlank                     // blanks between size and ";"
	chunkExt                       // behind ";"
	chunkSizeLF                    // CR of the size line seen
	chunkData                      // left bytes of data
	chunkDataCR                    // behind the data
	chunkDataLF                    // CR behind the data seen
	chunkTrailer                   // lines of the trailer section
	chunkDone                      // the empty line was there
	chunkRefused                   // held says why
)

// extFactor bounds the extensions of a whole body, in lines of the greatest
// allowed length: an extension per byte of data is a way to make a gateway work
// for nothing.
const extFactor = 16

// nextChunked hands out at most one piece of data, and reads the framing before
// and behind it.
func (d *BodyDecoder) nextChunked(buf []byte) (data []byte, consumed int, end bool, rej *Reject) {
	i := 0
	for i < len(buf) && d.state < chunkDone {
		if d.state == chunkData {
			if data != nil {
				return data, i, false, nil
			}
			n := int(min(d.left, int64(len(buf)-i)))
			data = buf[i : i+n : i+n]
			i += n
			if d.left -= int64(n); d.left == 0 {
				d.state = chunkDataCR
			}
			continue
		}
		n, rej := d.frame(buf[i:])
		i += n
		if rej != nil {
			d.state, d.held = chunkRefused, rej
		}
	}
	if d.state == chunkRefused && data == nil {
		d.held.Offset = i
		return nil, i, false, d.held
	}
	return data, i, d.state == chunkDone, nil
}

// frame reads framing from b, which is not empty, and returns how much. With a
// Reject the offending byte is the one behind that.
func (d *BodyDecoder) frame(b []byte) (int, *Reject) {
	c := b[0]
	switch d.state {
	case chunkSize, chunkBlank:
		return d.frameSize(c)
	case chunkExt:
		return d.frameExt(b)
	case chunkSizeLF:
		if c != '\n' {
			return 0, reject(failure.BadChunk, "chunk-size-bare-cr", 0)
		}
		d.lineBytes, d.digits = 0, 0
		d.state = chunkData
		if d.left == 0 {
			d.state = chunkTrailer
		}
	case chunkDataCR:
		if c != '\r' {
			return 0, reject(failure.BadChunk, "chunk-data-end", 0)
		}
		d.state = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return 0, reject(failure.BadChunk, "chunk-data-end", 0)
		}
		d.state = chunkSize
	case chunkTrailer:
		n, done, rej := d.trailer.read(b, d.trailerLimit, d.fieldLimit)
		if done {
			d.state = chunkDone
		}
		return n, rej
	}
	return 1, nil
}

// maxSizeDigits bounds a chunk size with its leading zeros.
const maxSizeDigits = 16

// frameSize reads one byte of the size, or of the blanks behind it.
//
// RFC 9112 section 7.1: "A recipient MUST anticipate potentially large
// hexadecimal numerals and prevent parsing errors due to integer conversion
// overflows". Blanks are bad whitespace before an extension and nothing else: a
// size followed by blanks alone is refused.
func (d *BodyDecoder) frameSize(c byte) (int, *Reject) {
	if d.state == chunkSize {
		v := hexValue[c]
		if v >= 0 {
			if d.digits++; d.digits > maxSizeDigits {
				return 0, reject(failure.BadChunk, "chunk-size-digits", 0)
			}
			if d.left > math.MaxInt64>>4 {
				return 0, reject(failure.BadChunk, "chunk-size-overflow", 0)
			}
			d.left = d.left<<4 | int64(v)
			d.lineBytes++
			return 1, nil
		}
		if d.digits == 0 {
			return 0, reject(failure.BadChunk, "chunk-size-missing", 0)
		}
		if c == '\r' {
			d.state = chunkSizeLF
			return 1, nil
		}
	}
	switch {
	case c == ';':
		d.state = chunkExt
	case isBlank(c):
		d.state = chunkBlank
	default:
		return 0, reject(failure.BadChunk, "chunk-size-byte", 0)
	}
	if rej := d.countExt(1); rej != nil {
		return 0, rej
	}
	return 1, nil
}

// frameExt reads a chunk extension up to its CR. Its grammar is not looked at,
// since it ends here (RFC 9112 section 7.1.1: "A recipient MUST ignore
// unrecognized chunk extensions"), but no control byte may hide in it: a bare LF
// that another recipient takes for the end of the line is a smuggled chunk.
func (d *BodyDecoder) frameExt(b []byte) (int, *Reject) {
	// One byte past the limit is enough to see that it is passed.
	room := min(d.lineLimit-d.lineBytes, extFactor*d.lineLimit-d.extBytes) + 1
	n := skipText(b[:min(len(b), room)], 0)
	if rej := d.countExt(n); rej != nil {
		return n - 1, rej
	}
	if n == len(b) {
		return n, nil
	}
	if b[n] != '\r' {
		return n, reject(failure.BadChunk, "chunk-ext-byte", 0)
	}
	d.state = chunkSizeLF
	return n + 1, nil
}

// countExt counts n more bytes between a chunk's size and its CR.
func (d *BodyDecoder) countExt(n int) *Reject {
	d.lineBytes += n
	d.extBytes += n
	switch {
	case d.lineBytes > d.lineLimit:
		return rejectLimit(failure.ChunkExtTooLarge, "chunk-line-bytes", 0, d.lineLimit)
	case d.extBytes > extFactor*d.lineLimit:
		return rejectLimit(failure.ChunkExtTooLarge, "chunk-ext-total", 0, extFactor*d.lineLimit)
	}
	return nil
}

// hexValue holds the value of each hexadecimal digit, -1 for other bytes.
var hexValue = func() (t [256]int8) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9':
			t[c] = int8(c - '0')
		case 'a' <= c && c <= 'f':
			t[c] = int8(c - 'a' + 10)
		case 'A' <= c && c <= 'F':
			t[c] = int8(c - 'A' + 10)
		default:
			t[c] = -1
		}
	}
	return t
}()
