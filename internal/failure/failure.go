// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package failure holds the words for everything that goes wrong with an
// exchange: which party, in which phase, with which kind, and the evidence.
//
// What it is: Code (party × phase × kind), the registry with one entry per legal
// code, the Evidence taken from the wire, and the typed Error that carries both.
//
// What it never does: it guesses nothing, does no I/O, knows no clock and never
// looks at error text. The root cause behind a failure is another package's
// business; a failure is an observed fact.
//
// Invariants:
//
//	I1. Every Code that reaches a record has a registry entry; status, retry rule,
//	    RFC 9209 type, metric labels, docs and `causey explain` all read that entry.
//	I2. Codes are never renamed.
//	I3. The zero Code means "no failure".
//
// Start reading with Code, then Entry; the entries themselves stand in registry_*.go.
//
// Decisions: docs/adr/0001.
package failure

import (
	"strings"

	"causey/internal/phase"
)

// Party is who failed.
type Party uint8

// The parties. The gateway's own configuration counts as the gateway.
const (
	NoParty Party = iota
	Client
	Upstream
	Gateway
)

var partyNames = [...]string{"", "client", "upstream", "gateway"}

// String returns the stable name used in codes.
func (p Party) String() string { return partyNames[p] }

// Code names one observed failure. It is deliberately not an error: whoever has
// one must say what happened by building an Error.
type Code struct {
	Party Party
	Phase phase.Phase
	Kind  Kind
}

// None is the zero Code: no failure.
var None Code

// IsNone reports whether c means "no failure".
func (c Code) IsNone() bool { return c.Party == NoParty }

// String returns the stable form, such as "upstream.connect.refused", or "" for
// None.
func (c Code) String() string {
	if c.IsNone() {
		return ""
	}
	if e := Lookup(c); e != nil {
		return e.Name
	}
	return c.compose()
}

func (c Code) compose() string {
	return c.Party.String() + "." + c.Phase.String() + "." + c.Kind.String()
}

// ParseCode returns the registered code called name.
func ParseCode(name string) (Code, bool) {
	e := byName[strings.TrimSpace(name)]
	if e == nil {
		return None, false
	}
	return e.Code, true
}

// Error is a failure on its way from the place that saw it to the one function
// that ends the exchange.
type Error struct {
	Code Code
	// Site names the line that rejected, for maintainers ("chunk-size-overflow").
	Site string
	// Err is the underlying error, for humans only. It may be nil.
	Err error
	// Evidence is what the wire showed.
	Evidence Evidence
}

// Error formats the failure for logs of developers; product texts come from the
// registry.
func (e *Error) Error() string {
	s := e.Code.String()
	if e.Site != "" {
		s += " (" + e.Site + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }
