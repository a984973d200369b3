// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package phase is the spine of Causey: the closed, ordered list of the places
// where an exchange can be.
//
// What it is: one enumeration. Code, timings, failures, metrics, logs, docs and
// the admin page all use this list and these names.
//
// What it never does: it holds no state, does no I/O, knows no clock.
//
// Invariants:
//
//	I1. The numeric order is the order in which an exchange can pass through.
//	I2. Names are part of the public interface (failure codes, metric labels,
//	    log fields) and are never renamed.
//
// Start reading here; package failure builds codes from a phase.
package phase

// Phase is a place in the life of one exchange. From SendHead on, the request
// side and the response side each have a phase and their timings overlap; a
// failure carries the phase of the side that failed.
type Phase uint8

// The phases in order.
const (
	// Accept: the client's connection is taken from the listener.
	Accept Phase = iota
	// Handshake: TLS with the client.
	Handshake
	// ReadHead: the request head is being received, first byte to empty line.
	ReadHead
	// Route: site and route are chosen.
	Route
	// Guard: the guard judges the request after its route is known.
	Guard
	// Cache: a stored answer is looked for.
	Cache
	// Queue: admission to the upstream, and the choice of a server.
	Queue
	// Resolve: the server's name is turned into addresses.
	Resolve
	// Connect: a TCP or unix connection to the server is opened.
	Connect
	// UpHandshake: TLS with the server.
	UpHandshake
	// SendHead: the request head is handed to the server.
	SendHead
	// SendBody: the request body flows from client to server.
	SendBody
	// AwaitHead: the request is sent, no byte of the answer has come.
	AwaitHead
	// ReadHeadUp: the head of the answer is being received.
	ReadHeadUp
	// RelayBody: the body of the answer flows from server to client.
	RelayBody
	// Tunnel: bytes of an upgraded connection flow both ways.
	Tunnel
	// Finish: the exchange is over and its record is written.
	Finish

	// Count is the number of phases, for arrays indexed by Phase.
	Count = int(Finish) + 1
)

var names = [Count]string{
	"accept", "handshake", "read-head", "route", "guard", "cache", "queue",
	"resolve", "connect", "up-handshake", "send-head", "send-body",
	"await-head", "read-head-up", "relay-body", "tunnel", "finish",
}

// String returns the phase's stable name, or "invalid".
func (p Phase) String() string {
	if int(p) < Count {
		return names[p]
	}
	return "invalid"
}

// Parse returns the phase called name.
func Parse(name string) (Phase, bool) {
	for i, n := range names {
		if n == name {
			return Phase(i), true
		}
	}
	return 0, false
}
