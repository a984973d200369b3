// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"net/netip"
	"testing"

	"causey/internal/exchange"
	"causey/internal/guard"
)

// hooks is what the data path calls, by its interface as it does there.
type hooks interface {
	exchange.Guard
	Accept(netip.AddrPort) exchange.Verdict
}

// pass calls the three points of one connection with one request, and reports
// whether all let it pass.
func pass(h hooks, peer netip.AddrPort, x *exchange.Exchange) bool {
	return h.Accept(peer).Refusal == nil && h.AfterRoute(x).Refusal == nil && h.Admit(x).Refusal == nil
}

// I1: Open never refuses and never allocates.
func TestOpen(t *testing.T) {
	var h hooks = guard.Open{}
	x := exchange.New(&exchange.Env{})
	for _, peer := range []netip.AddrPort{{}, netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("[2001:db8::1]:1")} {
		if !pass(h, peer, x) {
			t.Errorf("%s was refused", peer)
		}
	}
	if n := testing.AllocsPerRun(100, func() { pass(h, netip.AddrPort{}, x) }); n != 0 {
		t.Errorf("%v allocations in three hooks", n)
	}
}

// The cost of the three hooks while nothing stands in them.
func BenchmarkGuardHooks(b *testing.B) {
	var h hooks = guard.Open{}
	x := exchange.New(&exchange.Env{})
	peer := netip.MustParseAddrPort("192.0.2.1:1")
	b.ReportAllocs()
	for b.Loop() {
		if !pass(h, peer, x) {
			b.Fatal("refused")
		}
	}
}
