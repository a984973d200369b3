// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "bytes"

// parseDictionary reads CDN-Cache-Control, a dictionary of structured fields
// (RFC 9213 section 2.2, RFC 9651 section 3.2), whose lines were joined. A field
// that cannot be read as one must be ignored as a whole: ok is false.
func (d *directives) parseDictionary(field []byte) (ok bool) {
	s := scanner{b: field}
	s.spaces()
	if s.done() {
		return false // "If the field is ... empty, it is ignored"
	}
	for {
		e, ok := s.member()
		if !ok {
			return false
		}
		d.take(e)
		s.spaces()
		if s.done() {
			return true
		}
		if !s.next(',') {
			return false
		}
		s.spaces()
		if s.done() { // a comma at the end
			return false
		}
	}
}

// scanner reads structured fields, as much of them as caching needs.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) done() bool { return s.i >= len(s.b) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) next(c byte) bool {
	if s.peek() != c || s.done() {
		return false
	}
	s.i++
	return true
}

func (s *scanner) spaces() {
	for !s.done() && isSpace(s.b[s.i]) {
		s.i++
	}
}

// while moves on over the bytes that are in and returns them.
func (s *scanner) while(in func(byte) bool) []byte {
	start := s.i
	for !s.done() && in(s.b[s.i]) {
		s.i++
	}
	return s.b[start:s.i]
}

func isKeyChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '*'
}

// member reads a key and what it stands for.
func (s *scanner) member() (e element, ok bool) {
	if c := s.peek(); (c < 'a' || c > 'z') && c != '*' {
		return e, false
	}
	e.name = s.while(isKeyChar)
	if s.next('=') {
		if e.hasValue = true; !s.item(&e) {
			return e, false
		}
		if string(e.value) == "?1" && !e.quoted {
			e.value, e.hasValue = nil, false
		}
	}
	return e, s.parameters()
}

// item reads a bare item, or an inner list, which no directive has.
func (s *scanner) item(e *element) bool {
	start := s.i
	switch c := s.peek(); {
	case c == '"':
		v, ok := s.text()
		e.value, e.quoted = v, true
		return ok
	case c == '?':
		s.i++
		if !s.next('0') && !s.next('1') {
			return false
		}
	case isDigit(c) || c == '-':
		s.next('-')
		if len(s.while(isDigit)) == 0 {
			return false
		}
		if s.next('.') && len(s.while(isDigit)) == 0 {
			return false
		}
	case c == ':':
		s.i++
		s.while(func(c byte) bool { return isToken(c) || c == '/' || c == '=' })
		if !s.next(':') {
			return false
		}
	case c == '(':
		return s.innerList(e)
	case isToken(c) && !isDigit(c):
		s.while(func(c byte) bool { return isToken(c) || c == ':' || c == '/' })
	default:
		return false
	}
	e.value = s.b[start:s.i]
	return true
}

// text reads a string. Its escapes stay: no directive has use for them.
func (s *scanner) text() (v []byte, ok bool) {
	s.i++
	start := s.i
	for ; !s.done(); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], true
		case c == '\\':
			if s.i++; s.done() || s.b[s.i] != '"' && s.b[s.i] != '\\' {
				return nil, false
			}
		case c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

func (s *scanner) innerList(e *element) bool {
	s.i++
	for e.bad = true; ; {
		s.while(func(c byte) bool { return c == ' ' })
		if s.next(')') {
			return true
		}
		var inner element
		if s.peek() == '(' || !s.item(&inner) || !s.parameters() {
			return false
		}
		if c := s.peek(); c != ' ' && c != ')' {
			return false
		}
	}
}

// parameters reads over the parameters of a member.
func (s *scanner) parameters() bool {
	for s.next(';') {
		s.while(func(c byte) bool { return c == ' ' })
		if c := s.peek(); (c < 'a' || c > 'z') && c != '*' {
			return false
		}
		s.while(isKeyChar)
		if s.next('=') {
			var e element
			if s.peek() == '(' || !s.item(&e) {
				return false
			}
		}
	}
	return true
}

// eachString calls f with each string of a list of strings (RFC 9651 section 3.1), as
// Cache-Groups has it (RFC 9875 section 2). It reports false, and has called nothing,
// if the field is no such list.
func eachString(field []byte, f func(s []byte)) bool {
	for _, call := range []bool{false, true} {
		s := scanner{b: bytes.TrimSpace(field)}
		for !s.done() {
			if s.peek() != '"' {
				return false
			}
			v, ok := s.text()
			if !ok || !s.parameters() {
				return false
			}
			if call {
				f(v)
			}
			s.spaces()
			if s.done() {
				break
			}
			if !s.next(',') {
				return false
			}
			if s.spaces(); s.done() {
				return false
			}
		}
	}
	return true
}
