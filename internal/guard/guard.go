// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package guard holds the three points where floods are met: accept, after
// route, and admission to the upstream.
//
// What it is: today the guard that lets everything pass, so that the three hooks
// exist on the data path and their cost is measured.
//
// What it never does: no I/O, no clock; it keeps nothing per client.
//
// Invariants:
//
//	I1. Open never refuses and never allocates.
//
// Start reading with Open.
package guard

import (
	"net/netip"

	"causey/internal/exchange"
)

// Open lets everything pass.
type Open struct{}

// Accept judges a new connection.
func (Open) Accept(netip.AddrPort) exchange.Verdict { return exchange.Verdict{} }

// AfterRoute judges a request whose route is known.
func (Open) AfterRoute(*exchange.Exchange) exchange.Verdict { return exchange.Verdict{} }

// Admit judges whether the upstream may be asked now.
func (Open) Admit(*exchange.Exchange) exchange.Verdict { return exchange.Verdict{} }
