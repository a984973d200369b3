// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// headLimitBytes is more than any contender's answer has before its body.
const headLimitBytes = 4 << 10

// answer reads one answer after the other from a connection: status 200 with a
// Content-Length, which is all that the benchmark's origin sends. Anything else
// is an error, since it would not be the work that is measured.
type answer struct {
	head []byte // what came so far, until the empty line is there
	// left is how much of the body is missing once the head was read.
	left   int64
	inBody bool
	// closes: the gateway announced that it will close the connection.
	closes bool
}

var (
	errTrailing = errors.New("bytes after the end of the answer")
	errLongHead = errors.New("the head of the answer is too long")
	errNoLength = errors.New("the answer has no Content-Length")
)

// feed takes the next bytes and reports whether the answer is complete.
func (a *answer) feed(b []byte) (done bool, err error) {
	if !a.inBody {
		// The end may be split between two reads.
		from := max(0, len(a.head)-3)
		a.head = append(a.head, b...)
		end := bytes.Index(a.head[from:], []byte("\r\n\r\n"))
		if end < 0 {
			if len(a.head) > headLimitBytes {
				return false, errLongHead
			}
			return false, nil
		}
		end += from + 4
		if err := a.parse(a.head[:end]); err != nil {
			return false, err
		}
		b = a.head[end:]
		a.inBody = true
	}
	a.left -= int64(len(b))
	if a.left < 0 {
		return false, errTrailing
	}
	return a.left == 0, nil
}

// next prepares for the next answer.
func (a *answer) next() { *a = answer{head: a.head[:0]} }

// parse reads the head, the empty line included.
func (a *answer) parse(head []byte) error {
	status, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("the answer is %q", status)
	}
	a.left = -1
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.ParseInt(string(value), 10, 63)
			if err != nil || n < 0 {
				return fmt.Errorf("content length %q", value)
			}
			a.left = n
		case bytes.EqualFold(name, []byte("connection")) && bytes.EqualFold(value, []byte("close")):
			a.closes = true
		}
	}
	if a.left < 0 {
		return errNoLength
	}
	return nil
}
