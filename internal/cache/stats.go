// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "sync/atomic"

// counts is what a store counts beside the records of exchanges.
type counts struct {
	kept, abandoned   atomic.Uint64 // answers taken into the store, and given up on the way
	diskLoads         atomic.Uint64
	diskSkipped       atomic.Uint64 // not written, for lack of time or room
	diskBroken        atomic.Uint64 // files that were not believed
	diskWriteFailures atomic.Uint64
}

// Stats is the state of a store.
type Stats struct {
	// Objects counts the targets in memory, Bytes what they take of BytesMax.
	Objects, Bytes, BytesMax int64
	// Filling is the bytes of answers on their way in.
	Filling int64
	// Kept counts answers that were taken in, Abandoned those given up on the way: they
	// were too long, or cut, or there was no room.
	Kept, Abandoned uint64
	Disk            *DiskStats // nil without a disk
}

// DiskStats is the state of what is on disk.
type DiskStats struct {
	Path                  string
	Files, Bytes, SizeMax int64
	Loads                 uint64
	// Skipped counts answers that were not written since the disk is slower than they
	// come, Broken files that were not believed, Failures writes that failed.
	Skipped, Broken, Failures uint64
	// Trouble is why nothing is written just now, "" if all is well.
	Trouble string
}

// Stats returns the present state.
func (s *Store) Stats() Stats {
	st := Stats{
		Objects: int64(s.memory.EstimatedSize()), Bytes: int64(s.memory.WeightedSize()), BytesMax: s.limits.Load().Memory,
		Filling: s.intakes.Load(), Kept: s.counts.kept.Load(), Abandoned: s.counts.abandoned.Load(),
	}
	if s.disk != nil {
		st.Disk = s.disk.stats()
	}
	return st
}
