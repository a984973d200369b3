// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import "sync/atomic"

// BudgetOptions bound how much of a group's traffic is repeated.
type BudgetOptions struct {
	// Share of the requests that may be asked for once more, 0.2 for one in five.
	Share float64
	// Least is how many may be per second, whatever the traffic.
	Least float64
}

// Budget keeps repeated requests a bounded share of all. When many requests fail,
// repeating them all would multiply the load of servers that fail for it. A request
// that no server has got costs none, so that it is not counted.
type Budget struct {
	options atomic.Pointer[BudgetOptions]
	// spent counts first tries as good and further ones as bad.
	spent window
}

// Earn counts the first try of a request.
func (b *Budget) Earn(now int64) { b.spent.count(now, true) }

// Spend reports whether one more try may be made, and counts it.
func (b *Budget) Spend(now int64) bool {
	first, more := b.spent.sum(now)
	if float64(more+1) > b.may(first) {
		return false
	}
	b.spent.count(now, false)
	return true
}

// may is how many further tries may be made beside so many first ones.
func (b *Budget) may(first uint32) float64 {
	o := b.options.Load()
	return o.Share*float64(first) + o.Least*(2*windowHalf).Seconds()
}
