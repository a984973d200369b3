// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"cmp"
	"slices"
	"strings"
)

// Means is what a fault is made with.
type Means string

// The means, from the best proof on.
const (
	Real     Means = "real"     // the software that owners have
	Raw      Means = "raw"      // a raw server, byte by byte
	Kernel   Means = "kernel"   // rules, routes and limits of the kernel, in namespaces
	Emulated Means = "emulated" // only what it looks like from a gateway
)

// Fault is one way to make one root cause happen.
type Fault struct {
	// Cause is the truth: the id of a root cause, such as "tcp.refused.down".
	Cause string
	// Name tells several faults of one cause apart; "" for the only one.
	Name  string
	Means Means
	// Scope is the smallest thing that the fault is confined to: client, path, server,
	// upstream, site, network, gateway or everything.
	Scope string
	// Twins are causes that nobody can tell from this one with what a gateway sees here,
	// and Why says why. Naming one of them is right too. Most faults have none.
	Twins []string
	Why   string

	// Set brings the servers up and fills in what the gateway is told.
	Set func(*Stage) error
	// Break makes it happen. nil: it is there from the start, as a wrong port is.
	Break func(*Stage) error
	// Mend ends it. nil where the end of the stage is the end of it.
	Mend func(*Stage) error
}

// ID is the fault's own name, unique: "ops.restart" or "ops.restart:node".
func (f *Fault) ID() string { return strings.TrimSuffix(f.Cause+":"+f.Name, ":") }

// ownSide are causes of the gateway's machine and configuration whose names do not say so.
var ownSide = []string{"ops.health_check_wrong", "sec.egress_denied", "sec.selinux", "tcp.refused.wrong_port", "tmo.gateway_too_short", "tmo.inverted"}

// Side is whose side a cause lies on: client, gateway or upstream.
func Side(cause string) string {
	switch kind, _, _ := strings.Cut(cause, "."); {
	case kind == "cli", kind == "atk":
		return "client"
	case kind == "gw", slices.Contains(ownSide, cause):
		return "gateway"
	}
	return "upstream"
}

// All returns every fault, by ID.
func All() []*Fault {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b *Fault) int { return cmp.Compare(a.ID(), b.ID()) })
	return all
}

// lists are filled by the files of the faults.
var lists [][]*Fault

// ErrNeeds says what a machine lacks for a fault.
type ErrNeeds struct{ What string }

func (e ErrNeeds) Error() string { return "needs " + e.What }
