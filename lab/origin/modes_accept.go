// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"io"
	"slices"
	"time"
)

// AcceptMode is what a server does with every connection from its accept on.
type AcceptMode struct {
	Name string // for Options.Accept
	Doc  string
	Arg  bool        // it takes a number, as NAME=N
	run  func(*conn) // nil: never accepts
}

var acceptModes = slices.Concat(
	[]AcceptMode{
		{"serve", "serves requests; the paths decide", false, (*conn).serve},
		{"hold", "accepts, and neither reads nor writes", false, func(c *conn) { c.end(Stall) }},
		{"fin", "accepts and sends FIN", false, func(c *conn) { c.end(FIN) }},
		{"close", "accepts and closes at once (RST once the request arrives)", false, func(c *conn) { c.end(Close) }},
		{"rst", "accepts and sends RST", false, func(c *conn) { c.end(RST) }},
		{"full-backlog", "never accepts, and its listen queue is full: connects hang, or EAGAIN on a unix socket", false, nil},
	},
	tlsModes, acceptBanners())

// AcceptModes lists the values of Options.Accept.
func AcceptModes() []AcceptMode { return slices.Clone(acceptModes) }

func findAcceptMode(name string) (AcceptMode, bool) {
	i := slices.IndexFunc(acceptModes, func(m AcceptMode) bool { return m.Name == name })
	if i < 0 {
		return AcceptMode{}, false
	}
	return acceptModes[i], true
}

func acceptBanners() []AcceptMode {
	var list []AcceptMode
	for _, b := range banners {
		when := "at the accept"
		if !b.first {
			when = "at the first byte"
		}
		list = append(list, AcceptMode{b.name, b.doc + ", which speaks " + when, false, func(c *conn) { c.speak(b) }})
	}
	return list
}

// speak plays a server of another protocol until the peer goes. What comes in is read and not understood.
func (c *conn) speak(b banner) {
	if b.first {
		c.write([]byte(b.bytes))
	}
	if c.peek(time.Time{}) != arrived {
		return
	}
	if !b.first {
		c.write([]byte(b.bytes))
	}
	if b.then == FIN {
		c.end(FIN)
		return
	}
	_, _ = io.Copy(io.Discard, c.in)
}
