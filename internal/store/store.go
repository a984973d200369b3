// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept unless Options say otherwise, in bytes. They are those of the
// rows; a file is a little larger while its log is.
const (
	fileBytesMost   = 1 << 30
	memoryBytesMost = 32 << 20
)

// Options is what a Store needs from outside.
type Options struct {
	// Path is the file, "" for memory alone. Its directory is made if it is not there.
	Path string
	// BytesMost bounds the file, 0 for 1 GiB. The oldest rows go first: exemplars and
	// evidence, then incidents.
	BytesMost int64
	// Now and After are the clock: time.Now and time.After.
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
	Logger *slog.Logger
}

// ErrVolatile is in the acknowledgement of a write that was taken and is not on the
// disk. It is kept in memory, and written when that is possible again; the error that is
// wrapped with it says why it is not now.
var ErrVolatile = errors.New("not on the disk")

// errNoFile is why nothing is on the disk where no file was asked for.
var errNoFile = errors.New("there is no state directory")

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	opts  Options
	queue *queue
	// db is what is written to and read from. The writer alone exchanges it.
	db      atomic.Pointer[database]
	suspect chan struct{} // a reader found the file damaged
	quit    chan struct{} // closed by Close: write what is there and end
	done    chan struct{}
	life    context.Context
	kill    context.CancelFunc

	used              atomic.Int64 // bytes of the rows
	written, failures atomic.Uint64

	mu       sync.Mutex
	rows     Rows
	degraded time.Time
	reason   error
}

// Open returns a store that works in any case: on its file, or on a new one beside what
// could not be used, or in memory until the file can be written. What it had to do
// is logged.
func Open(o Options) *Store {
	s := &Store{
		opts: o, queue: newQueue(), suspect: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.life, s.kill = context.WithCancel(context.Background())
	if o.Path != "" {
		if path, err := filepath.Abs(o.Path); err == nil {
			s.opts.Path = path
		}
	}
	w := &writer{Store: s}
	w.begin()
	go w.run()
	return s
}

// Rows counts the rows of each table.
type Rows struct{ Incidents, Evidence, Exemplars, Rules, Overrides int64 }

// Stats says how a store does.
type Stats struct {
	// File is where it is kept, "" while it is in memory.
	File string
	// Bytes is what the file takes with its log, or what the rows in memory take.
	Bytes int64
	// Rows are those of the last count, a minute ago at most.
	Rows Rows
	// Waiting is how many writes are not committed yet.
	Waiting int
	// Written counts writes that were committed, Dropped those that were not taken for
	// want of room, Failures attempts to write that failed.
	Written, Dropped, Failures uint64
	// Degraded is since when nothing reaches the disk, zero if it does; Reason says why.
	Degraded time.Time
	Reason   string
}

// Stats returns how the store does. It asks no disk for more than the size of files.
func (s *Store) Stats() Stats {
	st := Stats{File: s.db.Load().file, Bytes: s.used.Load(), Written: s.written.Load(), Failures: s.failures.Load()}
	st.Waiting, st.Dropped = s.queue.stats()
	if st.File != "" {
		st.Bytes = 0
		for _, name := range []string{st.File, st.File + walSuffix} {
			if info, err := os.Stat(name); err == nil {
				st.Bytes += info.Size()
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Rows, st.Degraded = s.rows, s.degraded
	if s.reason != nil {
		st.Reason = s.reason.Error()
	}
	return st
}

// Close writes what waits and closes the file, until ctx is done: the error then says
// that it was not finished. Writes and reads fail from now on.
func (s *Store) Close(ctx context.Context) error {
	if again := s.queue.close(); !again {
		close(s.quit)
	}
	defer s.kill()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the store's last writes were not finished in time: %w", ctx.Err())
	}
}
