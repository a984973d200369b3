// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"sync"
	"testing"
	"time"
)

func called(t *Ticket) bool {
	select {
	case <-t.Turn:
		return true
	default:
		return false
	}
}

func queueFor(most int64) *Queue {
	q := &Queue{}
	q.most.Store(most)
	return q
}

func budgetOf(o BudgetOptions) *Budget {
	b := &Budget{}
	b.options.Store(&o)
	return b
}

// First come, first served, and no more than there is room for.
func TestQueue(t *testing.T) {
	q := queueFor(3)
	var tickets []*Ticket
	for range 3 {
		tickets = append(tickets, q.Join(1))
	}
	if q.Join(1) != nil || q.Len() != 3 {
		t.Errorf("a fourth place of three: %d wait", q.Len())
	}
	q.Leave(tickets[1])
	q.Leave(tickets[1]) // again does no harm
	tickets = append(tickets, q.Join(1))
	q.Wake(2)
	if !called(tickets[0]) || called(tickets[1]) || !called(tickets[2]) || called(tickets[3]) {
		t.Error("those who came first are not those who were called")
	}
	q.Leave(tickets[0])
	q.Wake(10)
	if !called(tickets[3]) || q.Len() != 0 {
		t.Errorf("%d are left", q.Len())
	}
	q.Wake(1)
	if (&Queue{}).Join(1) != nil {
		t.Error("a place where there are none")
	}
}

// One client may have all places while nobody else wants one, and makes room when
// others do, down to equal parts.
func TestQueueIsFair(t *testing.T) {
	q := queueFor(10)
	var many []*Ticket
	for range 10 {
		many = append(many, q.Join(1))
	}
	for i := range 5 {
		if q.Join(2) == nil {
			t.Fatalf("the other client's request %d finds no place", i)
		}
	}
	if q.Join(2) != nil || q.Join(1) != nil {
		t.Error("one displaced the other though they have equally many")
	}
	for i, ticket := range many {
		if lost := called(ticket) && ticket.Lost(); lost != (i >= 5) {
			t.Errorf("request %d of ten lost its place: %v", i, lost)
		}
	}
	if q.Len() != 10 {
		t.Errorf("%d wait", q.Len())
	}
}

func TestQueueAtOnce(t *testing.T) {
	q := queueFor(50)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				if ticket := q.Join(uint64(w)); ticket != nil && i%2 == 0 {
					q.Wake(1)
					q.Leave(ticket)
				} else if ticket != nil {
					q.Wake(2)
					q.Leave(ticket)
				}
			}
		})
	}
	wg.Wait()
	if q.Len() != 0 {
		t.Errorf("%d are left", q.Len())
	}
	for i, n := range q.parts {
		if n != 0 {
			t.Errorf("part %d counts %d", i, n)
		}
	}
}

// When much fails, only the share is repeated.
func TestBudget(t *testing.T) {
	b := budgetOf(BudgetOptions{Share: 0.2, Least: 1})
	now := int64(time.Hour)
	repeated, all := 0, 0
	for range 6000 { // 20 s at 300 a second; half of it fails
		now += int64(time.Second) / 300
		b.Earn(now)
		if all++; all%2 == 0 && b.Spend(now) {
			repeated++
		}
	}
	if share := float64(repeated) / float64(all); share > 0.21 || share < 0.18 {
		t.Errorf("%d of %d were repeated, want a fifth", repeated, all)
	}
	// All that is in flight when a server dies may be.
	quiet := budgetOf(BudgetOptions{Share: 0.2, Least: 1})
	for range 1500 {
		now += int64(time.Second) / 300
		quiet.Earn(now)
	}
	n := 0
	for quiet.Spend(now) {
		n++
	}
	if n < 300 {
		t.Errorf("%d at a stroke after 5 s of 300 a second", n)
	}
	// A quiet site has a few.
	n = 0
	for few := budgetOf(BudgetOptions{Share: 0.2, Least: 1}); few.Spend(now); {
		n++
	}
	if n != 10 {
		t.Errorf("%d without traffic, want 10 in ten seconds", n)
	}
	if budgetOf(BudgetOptions{}).Spend(now) {
		t.Error("the zero budget repeats")
	}
}

func TestRecent(t *testing.T) {
	var r recent
	now := int64(time.Hour)
	for i := range 100 {
		r.count(now, i%4 != 0)
	}
	if good, bad := r.sum(now); good+bad != 64 || bad != 16 {
		t.Errorf("%d good, %d bad of the last 64", good, bad)
	}
	now += int64(11 * time.Second)
	if good, bad := r.sum(now); good+bad != 0 {
		t.Errorf("%d good, %d bad after 11 s", good, bad)
	}
	r.count(now, false)
	if good, bad := r.sum(now); good != 0 || bad != 1 {
		t.Errorf("then %d good, %d bad", good, bad)
	}
}

// Whoever is called has a place: none is called without, a newcomer takes it from
// nobody, and one who does not want it any more passes it on.
func TestQueueGivesPlaces(t *testing.T) {
	var l Limit
	l.setRules(LimitOptions{Most: 1})
	q := &Queue{limit: &l}
	q.most.Store(3)
	l.Take()
	a, b := q.Join(1), q.Join(2)
	q.Wake(2)
	if called(a) || called(b) {
		t.Error("called without a place")
	}
	l.Give()
	q.Wake(2)
	if !called(a) || called(b) || l.Take() {
		t.Error("the place is not that of the first one")
	}
	q.Leave(a) // its client left in this moment
	if !called(b) || !q.Place(b) || q.Place(b) {
		t.Error("the place was not passed on, or twice")
	}
	q.Leave(b) // took it: it stays taken
	if l.State().InHand != 1 {
		t.Errorf("%d places taken, want 1", l.State().InHand)
	}
}
