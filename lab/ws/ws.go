// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package ws is the little of RFC 6455 that the lab needs: the handshake's answer key and single frames.
//
// What it is: frames in and out as bytes, shared by the origin's /ws and the lab's client, so that a tunnel can be
// proven byte by byte.
//
// What it never does: assemble fragments, negotiate extensions, or judge UTF-8.
//
// Invariants:
//   - I1: ReadFrame never allocates more than its limit.
//   - I2: ReadFrame(AppendFrame(f)) gives f back, masked or not.
//
// Where to start reading: ReadFrame.
package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
)

// Opcodes of RFC 6455 section 5.2 that the lab uses.
const (
	Text   byte = 1
	Binary byte = 2
	Goaway byte = 8 // the Close frame
	Ping   byte = 9
	Pong   byte = 10
)

// ErrTooLarge is a frame above the reader's limit.
var ErrTooLarge = errors.New("ws: frame above the limit")

// Frame is one WebSocket frame, unmasked.
type Frame struct {
	Last    bool // FIN bit: the last fragment of a message
	Opcode  byte
	Payload []byte
}

// AcceptKey is the Sec-WebSocket-Accept that answers key (RFC 6455 section 4.2.2).
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ReadFrame reads one frame of at most limit payload bytes.
func ReadFrame(r io.Reader, limit int) (Frame, error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return Frame{}, err
	}
	f := Frame{Last: b[0]&0x80 != 0, Opcode: b[0] & 0x0f}
	masked, size := b[1]&0x80 != 0, uint64(b[1]&0x7f)
	switch size {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return Frame{}, err
		}
		size = uint64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		if _, err := io.ReadFull(r, b[:8]); err != nil {
			return Frame{}, err
		}
		size = binary.BigEndian.Uint64(b[:8])
	}
	if size > uint64(limit) { // I1
		return Frame{}, ErrTooLarge
	}
	var mask [4]byte
	if masked {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return Frame{}, err
		}
	}
	f.Payload = make([]byte, size)
	if _, err := io.ReadFull(r, f.Payload); err != nil {
		return Frame{}, err
	}
	if masked {
		xor(f.Payload, mask)
	}
	return f, nil
}

// AppendFrame appends f to dst, masked with mask if it is not nil, as a client must (RFC 6455 section 5.3).
func AppendFrame(dst []byte, f Frame, mask *[4]byte) []byte {
	first, second := f.Opcode&0x0f, byte(0)
	if f.Last {
		first |= 0x80
	}
	if mask != nil {
		second = 0x80
	}
	switch n := len(f.Payload); {
	case n < 126:
		dst = append(dst, first, second|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), uint64(n))
	}
	if mask == nil {
		return append(dst, f.Payload...)
	}
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, f.Payload...)
	xor(dst[start:], *mask)
	return dst
}

func xor(p []byte, mask [4]byte) {
	for i := range p {
		p[i] ^= mask[i&3]
	}
}
