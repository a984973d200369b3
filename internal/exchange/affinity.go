// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"hash/maphash"
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

// keySeed makes keys that strangers cannot choose.
var keySeed = maphash.MakeSeed()

// tie fills in what ties the request to a server.
func (x *Exchange) tie() {
	a := &x.route.Affinity
	if a.Cookie != "" {
		if v := cookieValue(&x.req.Head, a.Cookie); v != nil {
			x.want.Bound, _ = strconv.ParseUint(string(v), 36, 64)
		}
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
		x.want.Key = maphash.Bytes(keySeed, b[:])
		return
	}
	x.want.Key = maphash.Bytes(keySeed, text)
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
		if x.client.Arrival().Secure() {
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
