// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"causey/internal/failure"
	"causey/internal/wire"
)

// lines is what both parsers share: it walks a head line by line and remembers
// how far it came.
type lines struct {
	headBytes, lineBytes, targetBytes, maxFields int

	// pos is the start of the current line, scan how far its end was searched.
	pos, scan int
	// started reports that the start line is done.
	started bool
	seen    seen
	// options counts the Connection options.
	options int
}

func (p *lines) reset(l *wire.Limits) {
	*p = lines{
		headBytes:   orDefault(l.HeadBytes, wire.DefaultHeadBytes),
		lineBytes:   orDefault(l.LineBytes, wire.DefaultLineBytes),
		targetBytes: orDefault(l.TargetBytes, wire.DefaultTargetBytes),
		maxFields:   orDefault(l.Fields, wire.DefaultFields),
	}
}

func orDefault(v, d int) int {
	if v <= 0 {
		return d
	}
	return v
}

// step is what lines.next found.
type step uint8

const (
	stepMore  step = iota // the line is not complete
	stepField             // a field line was appended to the head
	stepEnd               // the empty line was found
	stepBad               // see the Reject
)

// next reads one field line, or the empty line.
func (p *lines) next(h *wire.Head, buf []byte) (step, *Reject) {
	end := min(len(buf), p.headBytes, p.pos+p.lineBytes)
	win := buf[:end]
	i := skipText(win, p.scan)
	p.scan = i
	if i+1 >= end {
		// Nothing, or only the CR.
		return p.unfinished(h, win, i, len(buf))
	}
	if win[i] != '\r' || win[i+1] != '\n' {
		return stepBad, p.badByte(win, i)
	}
	start := p.pos
	p.pos, p.scan = i+2, i+2
	if i == start {
		return stepEnd, nil
	}
	// field-line = field-name ":" OWS field-value OWS
	// https://www.rfc-editor.org/rfc/rfc9112#section-5
	j, classes := start, uint8(0)
	for _, c := range win[start : i+1] { // the CR at i ends the loop at the latest
		cl := class[c]
		if cl&isToken == 0 {
			break
		}
		classes |= cl
		j++
	}
	if win[j] != ':' || j == start {
		return stepBad, badName(win, start, j)
	}
	if len(h.Fields) >= p.maxFields {
		return stepBad, rejectLimit(failure.TooManyFields, "field-count", start, p.maxFields).about(win[start:j])
	}
	vs, ve := j+1, i
	if win[vs] == ' ' {
		vs++
	}
	if vs < ve && (isBlank(win[vs]) || isBlank(win[ve-1])) {
		vs, ve = trim(win, vs, ve)
	}
	if classes&isOdd != 0 {
		p.seen |= seenOddName
	}
	// Written in place: a composite literal would be built and copied.
	n := len(h.Fields)
	if n == cap(h.Fields) {
		h.Fields = append(h.Fields, wire.Field{})
	}
	h.Fields = h.Fields[:n+1]
	f := &h.Fields[n]
	f.NameSpan.Start, f.NameSpan.End = uint32(start), uint32(j)
	f.ValueSpan.Start, f.ValueSpan.End = uint32(vs), uint32(ve)
	f.LineSpan.Start, f.LineSpan.End = uint32(start), uint32(i+2)
	f.ID = wire.LookupField(win[start:j])
	f.Hop = hopByHop[f.ID]
	return stepField, nil
}

// endStartLine looks for the CRLF at p.scan, where the text of the start line
// ends, and begins the field lines. bad is the kind for a control byte.
func (p *lines) endStartLine(win []byte, bad failure.Kind) (bool, *Reject) {
	i := p.scan
	switch {
	case i < len(win) && win[i] == '\n':
		return false, reject(failure.BareLF, "start-line-bare-lf", i)
	case i < len(win) && win[i] != '\r':
		return false, reject(bad, "start-line-control-byte", i)
	case i+1 < len(win) && win[i+1] != '\n':
		return false, reject(failure.BareCR, "start-line-bare-cr", i)
	case i+1 < len(win):
		p.started = true
		p.pos, p.scan = i+2, i+2
		return true, nil
	case len(win) == p.headBytes:
		return false, rejectLimit(failure.HeadTooLarge, "head-bytes", len(win)-1, p.headBytes)
	}
	return false, nil
}

// unfinished decides what an incomplete line means: wait, or a limit. i is the
// index of the CR that ends win, or len(win).
func (p *lines) unfinished(h *wire.Head, win []byte, i, received int) (step, *Reject) {
	if i < len(win) && win[i] != '\r' {
		return stepBad, p.badByte(win, i)
	}
	end := len(win)
	switch {
	case end == p.headBytes:
		rej := rejectLimit(failure.HeadTooLarge, "head-bytes", end-1, p.headBytes)
		return stepBad, rej.about(p.largest(h, win))
	case end == p.pos+p.lineBytes:
		rej := rejectLimit(failure.HeadTooLarge, "field-line-bytes", end-1, p.lineBytes)
		return stepBad, rej.about(nameOf(win[p.pos:]))
	}
	return stepMore, nil
}

// largest returns the name of the longest field line, the unfinished one
// included: what to look at when a head is too large.
func (p *lines) largest(h *wire.Head, win []byte) []byte {
	name, size := nameOf(win[p.pos:]), len(win)-p.pos
	for i := range h.Fields {
		if f := &h.Fields[i]; f.LineSpan.Len() > size {
			name, size = win[f.NameSpan.Start:f.NameSpan.End], f.LineSpan.Len()
		}
	}
	return name
}

// nameOf returns the token that line begins with.
func nameOf(line []byte) []byte { return line[:skipClass(line, 0, isToken)] }

// badByte names the control byte at i of a field line. A CR stands before
// something other than LF.
func (p *lines) badByte(win []byte, i int) *Reject {
	name := nameOf(win[p.pos:i])
	kind, site := failure.BadField, "field-control-byte"
	switch {
	case win[i] == '\n':
		kind, site = failure.BareLF, "field-bare-lf"
	case win[i] == '\r':
		kind, site = failure.BareCR, "field-bare-cr"
	default:
		// A control byte inside a framing field is an attempt at the framing.
		switch wire.LookupField(name) {
		case wire.TransferEncoding:
			kind, site = failure.BadTE, "te-control-byte"
		case wire.ContentLength:
			kind, site = failure.BadCL, "cl-control-byte"
		case wire.Host:
			kind, site = failure.BadHost, "host-control-byte"
		}
	}
	return reject(kind, site, i).about(name)
}

// badName says what is wrong with a field line whose name begins at start and
// whose first byte that is no token character is at j.
func badName(win []byte, start, j int) *Reject {
	name := win[start:j]
	switch {
	case j == start && isBlank(win[j]):
		// RFC 9112 section 5.2: "A server that receives an obs-fold in a request
		// message ... MUST either reject the message ...".
		return reject(failure.ObsFold, "obs-fold", start)
	case isBlank(win[j]):
		k := j
		for isBlank(win[k]) {
			k++
		}
		if win[k] == ':' {
			// RFC 9112 section 5.1: "No whitespace is allowed between the field name
			// and colon."
			return reject(failure.BadField, "space-before-colon", j).about(name)
		}
		return reject(failure.BadField, "space-in-name", j).about(name)
	case win[j] == ':':
		return reject(failure.BadField, "empty-name", j)
	case win[j] == '\r':
		return reject(failure.BadField, "no-colon", j).about(name)
	}
	return reject(failure.BadField, "name-byte", j).about(name)
}
