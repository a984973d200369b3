// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"

	"causey/internal/wire"
)

// directive is a set of directives without an argument, or whose argument is kept
// elsewhere.
type directive uint16

const (
	noStore directive = 1 << iota
	noCache           // without field names
	private           // without field names
	public
	mustRevalidate
	proxyRevalidate
	mustUnderstand
	onlyIfCached
	anyStale // max-stale without an argument
)

// absent is the number of seconds of a directive that was not there.
const absent = -1

// directives is what the lines of Cache-Control (RFC 9111 section 5.2), or of a
// field like it, say together.
type directives struct {
	set directive
	// Seconds, absent if not there. One that is there with an argument that is no
	// number is 0: "caches are encouraged to consider responses that have invalid
	// freshness information to be stale" (section 4.2.1).
	maxAge, sMaxAge, maxStale, minFresh int64
	whileRevalidate, ifError            int64 // RFC 5861
	// noCacheFields and privateFields are lists of the fields that must not be kept.
	noCacheFields, privateFields []byte
}

func (d *directives) reset() {
	*d = directives{maxAge: absent, sMaxAge: absent, maxStale: absent, minFresh: absent, whileRevalidate: absent, ifError: absent}
}

func (d *directives) has(x directive) bool { return d.set&x != 0 }

// parse adds what one field line says. An element that is malformed counts by its
// name if it has one: what forbids must not be lost by a slip behind it.
func (d *directives) parse(line []byte) {
	for len(line) > 0 {
		var e element
		e, line = nextElement(line)
		d.take(e)
	}
}

// parseSurrogate adds what a line of Surrogate-Control says, the forerunner of
// RFC 9213: an element may be meant for one surrogate, and a lifetime may have a
// time behind it in which the answer may be stale.
func (d *directives) parseSurrogate(line []byte) {
	for len(line) > 0 {
		var e element
		e, line = nextElement(line)
		if e.target != nil && !wire.EqualFold(e.target, self) {
			continue
		}
		if i := bytes.IndexByte(e.value, '+'); i > 0 && !e.quoted {
			e.value = e.value[:i]
		}
		d.take(e)
	}
}

// element is one directive as it was written.
type element struct {
	name, value []byte
	// target is what follows a ";", nil if nothing does.
	target []byte
	// hasValue reports a "=", quoted that its value stood in quotes, bad that it was
	// malformed.
	hasValue, quoted, bad bool
}

// nextElement takes the first element of a list. Its name is empty if there is none.
func nextElement(line []byte) (e element, rest []byte) {
	i := 0
	for i < len(line) && (line[i] == ',' || isSpace(line[i])) {
		i++
	}
	start := i
	for i < len(line) && isToken(line[i]) {
		i++
	}
	e.name = line[start:i]
	if i < len(line) && line[i] == '=' {
		e.hasValue = true
		i++
		e.value, i, e.quoted, e.bad = value(line, i)
	}
	for i < len(line) && isSpace(line[i]) {
		i++
	}
	if i < len(line) && line[i] == ';' {
		end := endOfElement(line, i)
		e.target = bytes.TrimSpace(line[i+1 : end])
		i = end
	}
	if i < len(line) && line[i] != ',' {
		e.bad = true
		i = endOfElement(line, i)
	}
	return e, line[i:]
}

// value reads a token or a quoted string (RFC 9110 section 5.6) that begins at i.
func value(line []byte, i int) (v []byte, next int, quoted, bad bool) {
	start := i
	if i < len(line) && line[i] == '"' {
		for i++; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' {
				i++
			}
		}
		if i >= len(line) {
			return nil, len(line), true, true
		}
		return line[start+1 : i], i + 1, true, false
	}
	for i < len(line) && (isToken(line[i])) {
		i++
	}
	return line[start:i], i, false, i == start
}

// endOfElement returns where the element that goes on at i ends; a comma in quotes
// does not end it.
func endOfElement(line []byte, i int) int {
	for inQuotes := false; i < len(line); i++ {
		switch {
		case inQuotes && line[i] == '\\':
			i++
		case line[i] == '"':
			inQuotes = !inQuotes
		case line[i] == ',' && !inQuotes:
			return i
		}
	}
	return len(line)
}

// take adds one directive.
func (d *directives) take(e element) {
	is := func(name string) bool { return wire.EqualFold(e.name, name) }
	switch {
	case len(e.name) == 0:
	case is("no-store"):
		d.set |= noStore
	case is("no-cache"):
		d.fieldsOr(noCache, &d.noCacheFields, e)
	case is("private"):
		d.fieldsOr(private, &d.privateFields, e)
	case is("public"):
		d.set |= public
	case is("must-revalidate"):
		d.set |= mustRevalidate
	case is("proxy-revalidate"):
		d.set |= proxyRevalidate
	case is("must-understand"):
		d.set |= mustUnderstand
	case is("only-if-cached"):
		d.set |= onlyIfCached
	case is("max-stale") && !e.hasValue:
		d.set |= anyStale
	case is("max-age"):
		shorter(&d.maxAge, e)
	case is("s-maxage"):
		shorter(&d.sMaxAge, e)
	case is("max-stale"):
		shorter(&d.maxStale, e)
	case is("min-fresh"):
		shorter(&d.minFresh, e)
	case is("stale-while-revalidate"):
		shorter(&d.whileRevalidate, e)
	case is("stale-if-error"):
		shorter(&d.ifError, e)
	}
}

// fieldsOr takes a directive that speaks of some fields, or, without an argument,
// of the answer. A list of fields that cannot be read speaks of the answer.
func (d *directives) fieldsOr(whole directive, fields *[]byte, e element) {
	switch {
	case !e.hasValue || e.bad || len(e.value) == 0:
		d.set |= whole
	case *fields == nil:
		*fields = e.value
	default:
		*fields = append(append((*fields)[:len(*fields):len(*fields)], ','), e.value...)
	}
}

// shorter takes seconds. Of two that differ the smaller counts: the RFC has the first
// one, or none.
func shorter(dst *int64, e element) {
	n := int64(0)
	if !e.bad {
		if v, ok := seconds(e.value); ok {
			n = v
		}
	}
	if *dst == absent || n < *dst {
		*dst = n
	}
}

// secondsMax is how far a number of seconds counts: "If a cache receives a
// delta-seconds value greater than the greatest integer it can represent, or if any
// of its subsequent calculations overflows, the cache MUST consider the value to be
// 2147483648" (RFC 9111 section 1.2.2).
const secondsMax = 1 << 31

// seconds reads delta-seconds, which is digits only.
func seconds(b []byte) (n int64, ok bool) { return digits(b, secondsMax) }

// digits reads a number of digits only; one that is above most is most.
func digits(b []byte, most int64) (n int64, ok bool) {
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), most)
	}
	return n, len(b) > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// isToken reports a character of a token (RFC 9110 section 5.6.2).
func isToken(c byte) bool { return tokenChars[c] }

var tokenChars = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

// listed reports whether a comma-separated list names a field, in any case.
func listed(list, name []byte) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, comma)
		if bytes.EqualFold(bytes.TrimSpace(item), name) {
			return true
		}
	}
	return false
}

var comma = []byte{','}
