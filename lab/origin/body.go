// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

var errChunk = errors.New("origin: the request's chunking is broken")

// bodyReader reads a request's body, its framing removed, and tells the log. It is never nil.
type bodyReader struct {
	c   *conn
	req *Request

	expects bool  // 100 (Continue) is still owed to the client
	chunked bool  // framed by chunks
	left    int64 // bytes left in the body, or in the current chunk
	inside  bool  // a chunk's data has begun, so its CRLF is to come
	sum     hash.Hash
	err     error // io.EOF at the end
}

// frame decides how the body ends (RFC 9112 section 6.3).
func (b *bodyReader) frame(preferLength bool) {
	b.sum = sha256.New()
	b.expects = b.req.has("Expect", "100-continue")
	length := b.req.contentLength()
	b.chunked = strings.Contains(strings.ToLower(b.req.Get("Transfer-Encoding")), "chunked")
	if b.chunked && preferLength && length >= 0 {
		b.chunked = false
	}
	if !b.chunked {
		b.left = max(length, 0)
	}
	if !b.chunked && b.left == 0 {
		b.finish(nil)
	}
}

// proceed sends the 100 (Continue) that the client asked for, once.
func (b *bodyReader) proceed() {
	if b.expects {
		b.expects = false
		b.c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// Read implements io.Reader. It sends the 100 (Continue) that the client waits for.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err == nil {
		b.proceed()
	}
	if b.err == nil && b.chunked && b.left == 0 {
		b.err = b.nextChunk()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.c.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.sum.Write(p[:n])
	b.c.srv.log.bodySeen(b.req, p[:n])
	switch {
	case err != nil:
		b.err = unexpected(err)
	case b.left == 0 && !b.chunked:
		b.finish(nil)
	}
	return n, nil
}

func (b *bodyReader) finish(trailer []byte) {
	b.err = io.EOF
	b.c.srv.log.completed(b.req, hex.EncodeToString(b.sum.Sum(nil)), trailer)
}

// nextChunk reads up to the data of the next chunk, or to the end of the body.
func (b *bodyReader) nextChunk() error {
	if b.inside {
		line, err := b.line()
		if err != nil {
			return err
		}
		if len(bytes.TrimRight(line, "\r\n")) != 0 {
			return errChunk
		}
	}
	b.inside = true
	line, err := b.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(string(line), ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || n < 0 {
		return errChunk
	}
	b.left = n
	if n > 0 {
		return nil
	}
	var trailer []byte
	for {
		line, err := b.line()
		if err != nil {
			return err
		}
		trailer = append(trailer, line...)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			b.finish(trailer)
			return b.err
		}
		if len(trailer) > b.c.srv.opts.HeadLimit {
			return errChunk
		}
	}
}

// line reads one line that fits the connection's buffer. It is valid until the next read.
func (b *bodyReader) line() ([]byte, error) {
	line, err := b.c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = errChunk
	}
	return line, unexpected(err)
}

// unexpected keeps the end of the connection apart from the end of the body.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// discard reads the rest of the body.
func (b *bodyReader) discard() error {
	var scratch [16 << 10]byte
	for {
		if _, err := b.Read(scratch[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
