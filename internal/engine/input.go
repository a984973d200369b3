// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import "sync"

// The sizes of buffers. A large one takes what a socket gives; a small one keeps
// a head while its exchange waits.
const (
	largeBuf = 32 << 10
	smallBuf = 2 << 10
	// readMin is the least room worth a read.
	readMin = 4 << 10
)

type (
	largeBuffer [largeBuf]byte
	smallBuffer [smallBuf]byte
)

var (
	largePool = sync.Pool{New: func() any { return new(largeBuffer) }}
	smallPool = sync.Pool{New: func() any { return new(smallBuffer) }}
)

// getLarge returns an empty slice with the room of a large buffer.
func getLarge() []byte { return largePool.Get().(*largeBuffer)[:0] }

// getSmall returns an empty slice with the room of a small buffer.
func getSmall() []byte { return smallPool.Get().(*smallBuffer)[:0] }

// putBuf gives back a slice that getLarge or an input made. Others are left to
// the garbage collector.
func putBuf(b []byte) {
	b = b[:cap(b)]
	poison(b)
	switch cap(b) {
	case largeBuf:
		largePool.Put((*largeBuffer)(b))
	case smallBuf:
		smallPool.Put((*smallBuffer)(b))
	}
}

// input is the read buffer of one socket. Bytes before pin are a head in use and
// stay where they are until unpin.
//
//	0 <= pin <= r <= w <= len(b)
type input struct {
	b         []byte
	pin, r, w int
	// brief says that a small buffer will do for what comes next.
	brief bool
}

// bytes returns what was read and not yet consumed.
func (in *input) bytes() []byte { return in.b[in.r:in.w] }

// room returns space to read into, at least readMin bytes where the head in use
// allows it and something brief is not expected. It may move unpinned bytes.
func (in *input) room() []byte {
	switch {
	case in.b == nil && in.brief:
		in.b = getSmall()[:smallBuf]
		return in.b
	case in.b == nil:
		in.b = getLarge()[:largeBuf]
	case in.r == in.w:
		in.r, in.w = in.pin, in.pin
	}
	if len(in.b)-in.w < readMin {
		in.makeRoom()
	}
	return in.b[in.w:]
}

func (in *input) makeRoom() {
	if in.r > in.pin && len(in.b)-(in.w-in.r)-in.pin >= readMin {
		in.w = in.pin + copy(in.b[in.pin:], in.b[in.r:in.w])
		in.r = in.pin
		return
	}
	if in.pin > 0 && len(in.b) > in.w {
		return // the head in use must not move; a short read does no harm
	}
	bigger := make([]byte, 0, max(2*len(in.b), largeBuf))
	if cap(bigger) == largeBuf {
		bigger = getLarge()
	}
	in.moveTo(bigger[:cap(bigger)])
}

// moveTo copies everything from the pin's beginning to a new buffer.
func (in *input) moveTo(b []byte) {
	copy(b, in.b[:in.w])
	old := in.b
	in.b = b
	putBuf(old)
}

// pinHead keeps the first n unread bytes, a head, in place.
func (in *input) pinHead(n int) {
	in.r += n
	in.pin = in.r
}

// settle moves a pinned head with nothing behind it to a small buffer, if it
// fits, and returns the head's new place.
func (in *input) settle() []byte {
	if in.r == in.w && in.pin <= smallBuf && len(in.b) > smallBuf {
		in.moveTo(getSmall()[:smallBuf])
		in.r, in.w = in.pin, in.pin
	}
	return in.b[:in.pin]
}

// unpin lets go of the head and moves what follows to the front.
func (in *input) unpin() {
	if in.b == nil {
		return
	}
	in.w = copy(in.b, in.b[in.r:in.w])
	in.r, in.pin = 0, 0
	in.releaseIfEmpty()
}

// skip consumes n unread bytes before a head begins.
func (in *input) skip(n int) {
	in.r += n
	in.unpin()
}

// shrink leaves no more room than is needed while nothing comes: there may be
// thousands who are in no hurry with the rest of their head.
func (in *input) shrink() {
	switch {
	case in.w == 0:
		in.releaseIfEmpty()
	case in.pin == 0 && in.w <= smallBuf && len(in.b) > smallBuf:
		in.moveTo(getSmall()[:smallBuf])
	}
}

func (in *input) releaseIfEmpty() {
	if in.b != nil && in.w == 0 {
		in.release()
	}
}

func (in *input) release() {
	if in.b != nil {
		putBuf(in.b)
		*in = input{brief: in.brief}
	}
}
