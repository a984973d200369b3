// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"causey/internal/failure"
	"causey/internal/wire"
)

// BodyDecoder decodes one message body. It never copies data: pieces are parts
// of the input. It is ready after Reset.
type BodyDecoder struct {
	framing wire.Framing
	state   chunkState
	digits  uint8 // of the current chunk size
	// left is the data still to come: of the body, or of the current chunk.
	left int64

	lineLimit, trailerLimit, fieldLimit int
	// lineBytes counts the current chunk-size line, extBytes the extensions of
	// the whole body.
	lineBytes, extBytes int
	trailer             trailerSection
	// held is a refusal found behind data that was still to be handed out.
	held *Reject
}

// Reset prepares d for a body with the given framing; length counts with
// FramingLength only. Zero fields of l mean the defaults.
func (d *BodyDecoder) Reset(f wire.Framing, length int64, l *wire.Limits) {
	*d = BodyDecoder{
		framing:      f,
		lineLimit:    orDefault(l.ChunkLineBytes, wire.DefaultChunkLineBytes),
		trailerLimit: orDefault(l.TrailerBytes, wire.DefaultTrailerBytes),
		fieldLimit:   orDefault(l.Fields, wire.DefaultFields),
	}
	if f == wire.FramingLength {
		d.left = length
	}
}

// Next consumes a prefix of buf. data is the next piece of the body, a part of
// that prefix, and may be empty; consumed is the length of the prefix; end
// reports that the body and its trailers are complete, and what lies behind the
// prefix belongs to the next message.
//
// Without an end and a Reject, either data is not empty or all of buf is
// consumed: nothing needs to be presented twice, and 0 for an empty buf is the
// only way to make no progress. A Reject comes without data; the bytes before
// the offending one, at Offset, are consumed.
func (d *BodyDecoder) Next(buf []byte) (data []byte, consumed int, end bool, rej *Reject) {
	switch d.framing {
	case wire.FramingLength:
		n := int(min(d.left, int64(len(buf))))
		d.left -= int64(n)
		return buf[:n], n, d.left == 0, nil
	case wire.FramingChunked:
		return d.nextChunked(buf)
	case wire.FramingClose, wire.FramingTunnel:
		return buf, len(buf), false, nil
	}
	return nil, 0, true, nil
}

// Remaining returns the bytes of data still known to come: of the body with
// FramingLength, of the current chunk with FramingChunked, otherwise -1, or 0 if
// there is no body.
func (d *BodyDecoder) Remaining() int64 {
	switch {
	case d.framing == wire.FramingClose || d.framing == wire.FramingTunnel:
		return -1
	case d.framing == wire.FramingChunked && d.state != chunkData:
		return 0
	}
	return d.left
}

// Skip notes that n bytes of data went past outside, such as by splice; at most
// Remaining. With FramingClose any number may.
func (d *BodyDecoder) Skip(n int64) {
	if d.framing == wire.FramingClose || d.framing == wire.FramingTunnel {
		return
	}
	if n < 0 || n > d.Remaining() {
		// Going on would take body bytes for a message.
		panic("h1: Skip of bytes that are not data")
	}
	d.left -= n
	if n > 0 && d.left == 0 && d.framing == wire.FramingChunked {
		d.state = chunkDataCR
	}
}

// EOF tells the decoder that the connection ended. It reports whether the body
// is complete; if not, the Reject's Size is the number of missing bytes: all of
// them with FramingLength, those of the current chunk inside one, else -1.
func (d *BodyDecoder) EOF() (end bool, rej *Reject) {
	switch d.framing {
	case wire.FramingLength:
		if d.left > 0 {
			return false, &Reject{Kind: failure.Short, Site: "eof-in-body", Size: int(d.left)}
		}
	case wire.FramingChunked:
		switch {
		case d.held != nil:
			return false, d.held
		case d.state == chunkDone:
		case d.state == chunkData:
			return false, &Reject{Kind: failure.NoLastChunk, Site: "eof-in-chunk", Size: int(d.left)}
		case d.state >= chunkTrailer:
			return false, &Reject{Kind: failure.NoLastChunk, Site: "eof-in-trailers", Size: -1}
		default:
			return false, &Reject{Kind: failure.NoLastChunk, Site: "eof-before-last-chunk", Size: -1}
		}
	}
	return true, nil
}

// Trailers returns the trailer lines that may be forwarded, each with its CRLF,
// or nil. They are valid until Reset.
func (d *BodyDecoder) Trailers() []byte {
	if len(d.trailer.kept) == 0 {
		return nil
	}
	return d.trailer.kept
}
