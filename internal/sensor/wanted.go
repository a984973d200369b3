// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"net/netip"
	"time"

	"causey/internal/record"
)

// wantedMax bounds, in bytes, each of the two texts of a Wanted.
const wantedMax = 512

// Wanted is what visitors asked for and did not get, as far as it may be asked for again: the
// newest request by GET or HEAD of the case.
type Wanted struct {
	// Host is the Host field of the request for Path, of the newest failure if that is "".
	Host string
	// Path is without a query, / for one with a part that is another for each thing it
	// names, "" if nothing failed by GET or HEAD.
	Path string
	// Root says that the path / failed.
	Root bool
}

// note takes in a failed request.
func (a *Wanted) note(r *record.Record) {
	host := r.Text(record.Host)
	if len(host) > 0 && !isPlain(host) || r.TextCut(record.Host) {
		return
	}
	path, _, _ := bytes.Cut(r.Text(record.Target), []byte("?"))
	a.Root = a.Root || string(path) == "/"
	m := string(r.Text(record.Method))
	again := (m == "GET" || m == "HEAD") && isPlain(path) && path[0] == '/' && !r.TextCut(record.Target)
	if !again && a.Path != "" {
		return // the two belong together
	}
	if !bytes.Equal(host, []byte(a.Host)) {
		a.Host = string(host)
	}
	if shape := shape(path); again && bytes.IndexByte(shape.text[:shape.n], '*') >= 0 {
		path = []byte("/") // what has a part for one visitor only may be a key, and is left alone
	}
	if again && !bytes.Equal(path, []byte(a.Path)) {
		a.Path = string(path)
	}
}

// isPlain reports a text that can stand in a head as it is.
func isPlain(text []byte) bool {
	return len(text) > 0 && len(text) <= wantedMax && !bytes.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

// Wanted returns what visitors asked for and did not get.
func (c *Case) Wanted() Wanted { return c.wanted }

// Newest returns the names of the servers with failures in the present episode, that of
// the newest first, and the address that the newest failure of that one dialled, invalid
// where none was.
func (c *Case) Newest() (servers []string, dialled netip.AddrPort) {
	seen := map[string]bool{}
	list := c.present()
	for i := len(list) - 1; i >= 0; i-- {
		try := &list[i].try
		if try.Server == "" {
			continue
		}
		if !seen[try.Server] {
			seen[try.Server] = true
			servers = append(servers, try.Server)
		}
		if try.Server == servers[0] && !dialled.IsValid() {
			dialled = try.Dialled
		}
	}
	return servers, dialled
}

// LastGood returns when a server last answered well, zero for never or if that is not
// known.
func (s *Sensor) LastGood(upstream, server string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pools[upstream]; p != nil && p.servers[server] != nil {
		return p.servers[server].lastGood
	}
	return time.Time{}
}
