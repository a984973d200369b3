// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mode is one thing that the origin does when asked by path.
type Mode struct {
	// Name is the element after /lab/ or, for a route, the first element of the path.
	Name string
	// Doc says in one line what is sent.
	Doc string
	// Params are the parameters with their defaults: "at=100 then=rst". The default shows the kind: a number, a
	// duration (50ms; a bare number given for one is milliseconds) or text.
	Params string
	// Sound means that a gateway has to relay the answer faithfully; anything else is a fault to be named.
	Sound bool
	// Early means that the answer begins before the request's body has been read.
	Early bool

	run func(*exchange) End
}

// labModes are the tables under /lab/, each in the file of its concern.
var labModes = slices.Concat(endModes, statusModes, fieldModes, framingModes, bodyModes, chunkModes, sizeModes,
	paceModes, interimModes, upgradeModes, foreignModes, earlyModes, rawModes)

var (
	modeByName  = byName(labModes)
	routeByName = byName(routes)
)

func byName(table []Mode) map[string]*Mode {
	m := make(map[string]*Mode, len(table))
	for i := range table {
		if _, twice := m[table[i].Name]; twice {
			panic("origin: two modes named " + table[i].Name)
		}
		m[table[i].Name] = &table[i]
	}
	return m
}

// Modes lists what /lab/NAME can do.
func Modes() []Mode { return slices.Clone(labModes) }

// Routes lists what the paths outside /lab/ do.
func Routes() []Mode { return slices.Clone(routes) }

// fixed is a mode that sends exactly these bytes and ends as given, or as the parameter "then" asks.
func fixed(name, doc, bytes string, then End) Mode {
	return Mode{Name: name, Doc: doc, Params: "then=" + string(then), run: func(x *exchange) End {
		x.send(bytes)
		return x.params.then()
	}}
}

// sound is a fixed mode whose answer is correct.
func sound(name, doc, bytes string, then End) Mode {
	m := fixed(name, doc, bytes, then)
	m.Sound = true
	return m
}

// answer finds what the path asks for and does it.
func (x *exchange) answer() End {
	path, query := x.req.path()
	if choose := x.c.srv.opts.Target; choose != nil {
		if target := choose(*x.req); target != "" {
			path, query, _ = strings.Cut(target, "?")
		}
	}
	mode, arg := lookUp(path)
	if mode == nil {
		return x.reject(fmt.Sprintf("there is no mode for %q; there are: %s", path, names()))
	}
	var err error
	if x.params, err = parseParams(mode.Params, query); err != nil {
		return x.reject(fmt.Sprintf("%v; %s takes: %s", err, mode.Name, mode.Params))
	}
	x.arg = arg
	if !mode.Early {
		switch err := x.body.discard(); {
		case errors.Is(err, errChunk):
			return x.reject("the request's chunking is broken")
		case err != nil:
			return Close
		}
	}
	return mode.run(x)
}

func lookUp(path string) (mode *Mode, arg string) {
	path = strings.TrimPrefix(path, "/")
	if name, ok := strings.CutPrefix(path, "lab/"); ok {
		return modeByName[name], ""
	}
	name, arg, _ := strings.Cut(path, "/")
	return routeByName[name], arg
}

func names() string {
	var b strings.Builder
	for _, m := range routes {
		b.WriteString("/" + m.Name + " ")
	}
	for _, m := range labModes {
		b.WriteString("/lab/" + m.Name + " ")
	}
	return b.String()
}
