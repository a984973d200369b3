// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"regexp"
	"strings"
)

// BodyMax is how many bytes of a body are looked at. Every known page says who made it before that.
const BodyMax = 1024

// Limits of what else is looked at (I1). Servers and CDNs send two dozen fields at most on an error, and no mark needs
// more of a value.
const (
	fieldsMax     = 64
	valueMaxBytes = 256
	sameNameMax   = 8 // fields of one name
)

// Answer is what is kept of an answer, in the order and spelling of the wire. It is only read. An answer to HEAD has no
// body to judge and is not worth asking about.
type Answer struct {
	Status int
	Fields []Field
	// Body is the first bytes, decoded if it was plain; at most BodyMax of them count. It is empty if the body had a
	// content coding.
	Body []byte
	// Length is the Content-Length in bytes, -1 if unknown.
	Length int64
}

// Field is one header field: its name as on the wire, and its value.
type Field struct{ Name, Value string }

// view is the bounded part of an answer that marks are held against.
type view struct {
	status int
	fields []Field
	body   []byte
	length int64 // of the whole body, -1 unknown
}

func (a *Answer) view() view {
	v := view{status: a.Status, length: a.Length}
	v.fields = a.Fields[:min(len(a.Fields), fieldsMax)]
	v.body = a.Body[:min(len(a.Body), BodyMax)]
	if v.length < 0 && len(a.Body) < BodyMax && !v.has("Content-Encoding") {
		v.length = int64(len(a.Body))
	}
	return v
}

// has reports whether a field is there.
func (v *view) has(name string) bool {
	for i := range v.fields {
		if strings.EqualFold(v.fields[i].Name, name) {
			return true
		}
	}
	return false
}

// match returns the value, as far as it is looked at, of a field of that name that the expression takes. Of several, the
// first counts.
func (v *view) match(name string, value *regexp.Regexp) (text string, ok bool) {
	same := 0
	for i := range v.fields {
		f := &v.fields[i]
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		if text = f.Value[:min(len(f.Value), valueMaxBytes)]; value.MatchString(text) {
			return text, true
		}
		if same++; same == sameNameMax {
			break
		}
	}
	return "", false
}

// inOrder reports whether all the names are there and the first field of each comes after those of the names before it.
func (v *view) inOrder(names []string) bool {
	at := 0
	for _, name := range names {
		for at < len(v.fields) && !strings.EqualFold(v.fields[at].Name, name) {
			at++
		}
		if at == len(v.fields) {
			return false
		}
		at++
	}
	return true
}

// only reports whether no other field than these is there.
func (v *view) only(names []string) bool {
	for i := range v.fields {
		known := false
		for _, name := range names {
			known = known || strings.EqualFold(v.fields[i].Name, name)
		}
		if !known {
			return false
		}
	}
	return true
}
