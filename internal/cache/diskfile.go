// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"causey/internal/wire"
)

// This file is what a file of the cache looks like. Nothing in one is believed: it may
// be of another version, half written, or changed by a bad disk. I5.

var (
	errForm     = errors.New("it is not of this version")
	errChecksum = errors.New("its checksum is wrong")
	errContent  = errors.New("its content makes no sense")
	errLong     = errors.New("it is longer than any could be")
)

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, errLong
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// checked returns the content of a file whose hash is right.
func checked(data []byte) ([]byte, error) {
	if len(data) < fileHeader || string(data[:len(fileMagic)]) != fileMagic {
		return nil, errForm
	}
	if sum := sha256.Sum256(data[fileHeader:]); !bytes.Equal(sum[:], data[len(fileMagic):fileHeader]) {
		return nil, errChecksum
	}
	return data[fileHeader:], nil
}

// Flags of a policy.
const (
	flagNoCache = 1 << iota
	flagStrict
	flagShared
)

// encodeGroup writes the content of a file.
func encodeGroup(w io.Writer, g *group) error {
	b := binary.AppendUvarint(nil, uint64(len(g.variants)))
	for _, o := range g.variants {
		b = appendObject(b, o)
		if _, err := w.Write(b); err != nil {
			return err
		}
		for _, c := range o.body {
			if _, err := w.Write(c); err != nil {
				return err
			}
		}
		b = b[:0]
	}
	return nil
}

// appendObject appends everything of o but its body.
func appendObject(b []byte, o *object) []byte {
	b = binary.AppendUvarint(b, uint64(o.status))
	b = appendBytes(b, o.head.Bytes(o.reason))
	b = binary.AppendUvarint(b, uint64(len(o.head.Fields)))
	for i := range o.head.Fields {
		b = appendBytes(appendBytes(b, o.head.Name(i)), o.head.Value(i))
	}
	for _, n := range []int64{
		o.asked.UnixNano(), o.born.UnixNano(),
		int64(o.policy.lifetime), int64(o.policy.whileRevalidate), int64(o.policy.ifError),
	} {
		b = binary.AppendVarint(b, n)
	}
	flags := byte(0)
	for bit, is := range map[byte]bool{flagNoCache: o.policy.noCache, flagStrict: o.policy.strict, flagShared: o.policy.shared} {
		if is {
			flags |= bit
		}
	}
	b = append(b, flags)
	b = appendBytes(appendBytes(b, o.vary), o.selecting)
	b = binary.AppendUvarint(b, uint64(o.host))
	b = binary.AppendUvarint(b, uint64(len(o.tags)))
	for _, s := range o.tags {
		b = binary.AppendUvarint(b, uint64(s))
	}
	return binary.AppendUvarint(b, uint64(o.size))
}

func appendBytes(b, v []byte) []byte { return append(binary.AppendUvarint(b, uint64(len(v))), v...) }

// reader takes values off the front of a content. The first mistake makes bad true, and
// everything after it is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

// number reads a number that is at most limit.
func (r *reader) number(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(limit uint64) []byte {
	n := r.number(min(limit, uint64(len(r.b))))
	if uint64(len(r.b)) < n {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// decodeGroup reads a file. The bodies are parts of data.
func decodeGroup(data []byte, now time.Time) ([]*object, error) {
	content, err := checked(data)
	if err != nil {
		return nil, err
	}
	r := &reader{b: content}
	variants := make([]*object, 0, 2)
	for n := r.number(variantsMax); n > 0 && !r.bad; n-- {
		if o := r.object(now); o != nil {
			variants = append(variants, o)
		}
	}
	if r.bad || len(r.b) > 0 || len(variants) == 0 {
		return nil, errContent
	}
	return variants, nil
}

// fieldsMax bounds the fields of a head on disk.
const fieldsMax = 10_000

func (r *reader) object(now time.Time) *object {
	o := &object{status: int(r.number(999))}
	w := headWriter{}
	o.setReason(&w, r.text(headMax))
	for n := r.number(fieldsMax); n > 0 && !r.bad; n-- {
		name, value := r.text(headMax), r.text(headMax)
		if !isName(name) || !mayBeKept(wire.LookupField(name)) || len(w.buf) > headMax {
			r.fail()
			break
		}
		w.add(name, value, wire.LookupField(name))
	}
	o.asked, o.born = time.Unix(0, r.signed()), time.Unix(0, r.signed())
	p := &o.policy
	p.lifetime, p.whileRevalidate, p.ifError = r.duration(), r.duration(), r.duration()
	flags := r.number(flagNoCache | flagStrict | flagShared)
	p.noCache, p.strict, p.shared = flags&flagNoCache != 0, flags&flagStrict != 0, flags&flagShared != 0
	o.vary, o.selecting = r.bytes(varyNamesMax), r.bytes(selectMax)
	o.host = uint32(r.number(stampSlots - 1))
	for n := r.number(tagsMax); n > 0 && !r.bad; n-- {
		o.tags = append(o.tags, uint32(r.number(stampSlots-1)))
	}
	body := r.bytes(1 << 40)
	if o.size = int64(len(body)); o.size > 0 {
		o.body = [][]byte{body}
	}
	// An answer of tomorrow was asked for by a clock that was wrong.
	if r.bad || !keptStatus(o.status) || o.asked.After(now) {
		r.fail()
		return nil
	}
	o.finishHead(&w, o.asked)
	return o
}

// duration reads a time that is not negative and not beyond what seconds can say.
func (r *reader) duration() time.Duration {
	d := time.Duration(r.signed())
	if d < 0 || d > secondsMax*time.Second {
		r.fail()
		return 0
	}
	return d
}

// text reads bytes that may stand in a line of a head.
func (r *reader) text(limit uint64) []byte {
	v := r.bytes(limit)
	if bytes.ContainsAny(v, "\r\n\x00") {
		r.fail()
		return nil
	}
	return v
}

func isName(b []byte) bool {
	for _, c := range b {
		if !isToken(c) {
			return false
		}
	}
	return len(b) > 0
}
