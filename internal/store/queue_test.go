// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"testing"
)

// told is a write whose acknowledgements are counted in n.
func told(key string, n *int) *write {
	return &write{key: key, bytes: writeBytes, done: []func(error){func(error) { *n++ }}}
}

// TestQueueIsBounded by writes and by bytes; what does not fit is counted, and what
// takes another's place fits always.
func TestQueueIsBounded(t *testing.T) { // I2, I3
	q := newQueue()
	for n := range queueMost {
		if err := q.put(&write{key: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.put(&write{key: "more"}); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if err := q.put(&write{key: "7"}); err != nil {
		t.Errorf("a newer one: %v", err)
	}
	if err := q.put(&write{key: "7", bytes: queueBytesMost + 1}); !errors.Is(err, ErrFull) {
		t.Errorf("too many bytes: %v", err)
	}
	if waiting, dropped := q.stats(); waiting != queueMost || dropped != 2 {
		t.Errorf("%d wait, %d dropped", waiting, dropped)
	}
	for len(q.take()) > 0 {
	}
	if q.bytes != 0 || len(q.byKey) != 0 {
		t.Errorf("empty, and %d bytes, %d keys", q.bytes, len(q.byKey))
	}
}

// TestLatestWins: of several writes about one thing the last one is written, at the
// place of the first, and all are told.
func TestLatestWins(t *testing.T) {
	q := newQueue()
	var a, b, c int
	for _, w := range []*write{told("i1", &a), told("", &b), told("", &b), told("i1", &c)} {
		w.bytes += len(q.waiting)
		if err := q.put(w); err != nil {
			t.Fatal(err)
		}
	}
	batch := q.take()
	if len(batch) != 3 || batch[0].key != "i1" || batch[0].bytes != writeBytes+3 {
		t.Fatalf("%+v", batch)
	}
	// One that came while the batch failed is newer than the one that is put back.
	if err := q.put(told("i1", &c)); err != nil {
		t.Fatal(err)
	}
	q.putBack(batch)
	if q.bytes != 3*writeBytes+1+2 {
		t.Errorf("%d bytes", q.bytes)
	}
	for _, done := range q.untold() {
		done(nil)
	}
	if a != 1 || b != 2 || c != 2 || len(q.untold()) != 0 {
		t.Errorf("told %d, %d, %d", a, b, c)
	}
	if batch = q.take(); len(batch) != 3 || batch[2].key != "i1" {
		t.Errorf("%+v", batch)
	}
}
