// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"hash/fnv"
	"math/bits"
	"strconv"

	"causey/internal/wire"
)

// Affinity says what ties requests to servers. The zero value ties none.
type Affinity struct {
	// By is what Want.Key is made of; Name is that of the cookie, or that of the field
	// in lower case.
	By   AffinityBy
	Name string
	// Cookie is the name of the cookie by which clients are bound to servers, "" for
	// none.
	Cookie string
}

// AffinityBy is what a key is made of.
type AffinityBy uint8

// What keys are made of. Where a request lacks the cookie or the field, its client's
// address counts.
const (
	ByNothing AffinityBy = iota
	ByAddress
	ByPath
	ByCookie
	ByField
)

// keyOf hashes b. It is the same in every process and on every machine, as
// the servers' numbers are: what a server keeps for its keys stays worth something
// over a restart, and behind a second gateway. Strangers can choose keys that meet on
// one server; there the bound on a server's load spreads them.
func keyOf(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// parseTag reads a number as bind writes it; 0 is none.
func parseTag(b []byte) (tag uint64) {
	for _, c := range b {
		d := uint64(c)
		switch {
		case c >= '0' && c <= '9':
			d -= '0'
		case c >= 'a' && c <= 'z':
			d -= 'a' - 10
		default:
			return 0
		}
		hi, lo := bits.Mul64(tag, 36)
		if hi != 0 || lo+d < lo {
			return 0
		}
		tag = lo + d
	}
	return tag
}

// tie fills in what ties the request to a server.
func (x *Exchange) tie() {
	a := &x.route.Affinity
	if a.Cookie != "" {
		x.want.Bound = parseTag(cookieValue(&x.req.Head, a.Cookie))
	}
	if a.By == ByNothing {
		return
	}
	var text []byte
	switch a.By {
	case ByPath:
		text = x.req.Path()
	case ByCookie:
		text = cookieValue(&x.req.Head, a.Name)
	case ByField:
		text = named(&x.req.Head, a.Name)
	}
	if len(text) == 0 {
		b := x.rec.Client.As16()
		x.want.Key = keyOf(b[:])
		return
	}
	x.want.Key = keyOf(text)
}

// bind tells the client which server it is bound to, if that is a new one.
func (x *Exchange) bind() {
	name := x.route.Affinity.Cookie
	if name == "" || x.want.Chosen == 0 || x.want.Chosen == x.want.Bound {
		return
	}
	x.add("Set-Cookie", func(b []byte) []byte {
		b = append(append(b, name...), '=')
		b = strconv.AppendUint(b, x.want.Chosen, 36)
		b = append(b, "; Path=/; HttpOnly; SameSite=Lax"...)
		if x.client.Arrival().Secure() || x.cameByHTTPS() {
			b = append(b, "; Secure"...)
		}
		return b
	})
}

// cookieValue returns the value of the first cookie called name (RFC 6265 section
// 4.2), or nil.
func cookieValue(h *wire.Head, name string) []byte {
	for i := range h.Fields {
		if !wire.EqualFold(h.Name(i), "cookie") {
			continue
		}
		for rest := h.Value(i); len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte{';'})
			if k, v, ok := bytes.Cut(bytes.TrimSpace(pair), []byte{'='}); ok && string(k) == name {
				return v
			}
		}
	}
	return nil
}

// named returns the value of the first field called name, or nil.
func named(h *wire.Head, name string) []byte {
	for i := range h.Fields {
		if wire.EqualFold(h.Name(i), name) {
			return h.Value(i)
		}
	}
	return nil
}
