// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"time"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// Longest bounds an experiment, from the name to the outcome. I4.
const Longest = 2 * time.Second

// experiment is one of them. fact is what it finds out; try returns false where it
// could not be observed. I5.
type experiment struct {
	fact string
	// asks is what path it asks for, none for no request.
	asks path
	// open says that it is of use only where connections open.
	open bool
	// fits reports that it can be tried; nil is always.
	fits func(*subject) bool
	try  func(context.Context, *subject) (cause.Value, bool)
}

// path is what a request is for.
type path uint8

const (
	noPath path = iota
	rootPath
	failingPath
)

// experiments are all there are, the cheapest first: of two that tell as much the first
// is tried.
var experiments = []experiment{
	{fact: "try_connect", try: tryConnect},
	{fact: "try_resolve", fits: isNamed, try: tryResolve},
	{fact: "try_resolver", fits: hasResolver, try: tryResolver},
	{fact: "try_uplink", fits: isOffHost, try: tryUplink},
	{fact: "try_ping", fits: isOffHost, try: tryPing},
	{fact: "try_idle", open: true, try: tryIdle},
	{fact: "try_tls", open: true, fits: isOverTLS, try: tryTLS},
	{fact: "try_sni", open: true, fits: hasOtherName, try: trySNI},
	{fact: "try_secure", open: true, fits: isOverPlain, try: trySecure},
	{fact: "try_plain", open: true, asks: rootPath, fits: isOverTLS, try: tryPlain},
	{fact: "try_http2", open: true, try: tryHTTP2},
	{fact: "try_fastcgi", open: true, fits: isOverPlain, try: tryFastCGI},
	{fact: "try_root", asks: rootPath, try: tryRoot},
	{fact: "try_get", asks: failingPath, try: tryGet},
	{fact: "try_small", open: true, asks: failingPath, try: trySmall},
	{fact: "try_padded", open: true, asks: rootPath, try: tryPadded},
	{fact: "try_proxy_header", open: true, asks: rootPath, fits: isOverTCP, try: tryProxyHeader},
	{fact: "try_other_family", asks: failingPath, fits: hasOtherFamily, try: tryOtherFamily},
	{fact: "try_other_server", asks: failingPath, fits: hasOtherServer, try: tryOtherServer},
	{fact: neighbours, fits: isOverTCP, try: tryNeighbours},
}

// neighbours is the one that the owner has to allow.
const neighbours = "try_neighbours"

// opens reports whether connections to the servers open, by how they fail and by what
// was tried.
func opens(m sensor.Mode, f cause.Facts) bool {
	if v, tried := f["try_connect"]; tried {
		return v.True
	}
	return m != sensor.ModeResolve && m != sensor.ModeConnect && m != sensor.ModeUnheard
}

// mayAsk reports that the path that x asks for harms nobody. I2.
func (x *experiment) mayAsk(s *subject, poisoned bool) bool {
	switch {
	case !poisoned || x.asks == noPath:
		return true
	case x.asks == failingPath:
		return false
	}
	return !s.rootFails
}

// derive adds what follows from what was tried: that nothing at all can be reached.
func derive(f cause.Facts) {
	uplink, known := f["try_uplink"]
	switch resolver, also := f["try_resolver"]; {
	case known && uplink.True:
		f["own_network"] = cause.Value{Say: uplink.Say}
	case known && also && !resolver.True:
		f["own_network"] = cause.Value{True: true, Say: uplink.Say}
	}
}
