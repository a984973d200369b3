// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/record"
)

// DefaultBufferBytes is how much text waits for the output at most: about ten
// thousand lines. Two such buffers exist, one being filled, one being written.
const DefaultBufferBytes = 4 << 20

// linesPerLock is how many lines are encoded before the writer gets a chance to
// take the buffer.
const linesPerLock = 32

// Options says where the log goes and how it looks.
type Options struct {
	Format Format
	// Path is "stdout", "stderr" or the path of a file, which is created with
	// mode 0640 if it is missing and appended to if not.
	Path string
	// BufferBytes bounds the waiting text, 0 for DefaultBufferBytes.
	BufferBytes int
	// Logger hears of trouble with the output. It must not be nil.
	Logger *slog.Logger
}

// Sink is a record.Sink that writes the access log. Between Consume and the
// output stands a goroutine of its own with two buffers that change places: one
// is filled while the other is written (I3).
type Sink struct {
	max    int
	path   string
	enc    *Encoder // owned by the caller of Consume
	logger *slog.Logger
	wake   chan struct{}
	done   chan struct{}

	out     atomic.Pointer[os.File] // set by the writer alone
	dropped atomic.Uint64
	errors  atomic.Uint64

	mu      sync.Mutex
	waiting []byte   // whole lines only
	lines   int      // in waiting
	next    *os.File // reopened, not yet in use
	closing bool
}

// Open opens the output and starts the goroutine that writes to it.
func Open(o Options) (*Sink, error) {
	f, err := openOutput(o.Path)
	if err != nil {
		return nil, err
	}
	if o.BufferBytes <= 0 {
		o.BufferBytes = DefaultBufferBytes
	}
	s := &Sink{
		max: o.BufferBytes, path: o.Path, enc: NewEncoder(o.Format), logger: o.Logger,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.out.Store(f)
	go (&writer{sink: s}).run()
	return s, nil
}

// Consume encodes a batch and leaves it to the writer. It never waits for the
// output (I3).
func (s *Sink) Consume(batch []record.Record) {
	for len(batch) > 0 {
		n := min(len(batch), linesPerLock)
		s.add(batch[:n])
		s.signal()
		batch = batch[n:]
	}
}

func (s *Sink) add(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		n := len(s.waiting)
		if s.closing || n >= s.max {
			s.dropped.Add(uint64(len(batch) - i))
			return
		}
		s.waiting = s.enc.AppendLine(s.waiting, &batch[i])
		if len(s.waiting) > s.max {
			s.waiting = s.waiting[:n]
			s.dropped.Add(1)
			continue
		}
		s.lines++
	}
}

func (s *Sink) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Dropped returns how many lines were dropped since Open because the output was
// too slow or failed.
func (s *Sink) Dropped() uint64 { return s.dropped.Load() }

// WriteErrors returns how many writes failed since Open.
func (s *Sink) WriteErrors() uint64 { return s.errors.Load() }

// Reopen opens the path again, as is done after the file was renamed. What was
// consumed before still goes to the old file, which ends with a whole line (I4).
// On an error the old file stays in use. Standard output and error stay as they
// are.
func (s *Sink) Reopen() error {
	if isStandard(s.path) {
		return nil
	}
	f, err := openOutput(s.path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	superseded := s.next
	s.next = f
	if s.closing {
		superseded, s.next = f, nil
	}
	s.mu.Unlock()
	if superseded != nil {
		_ = superseded.Close() // nothing was written to it
	}
	s.signal()
	return nil
}

// Close writes what is waiting and closes the file, or gives up when ctx is done.
// It must be called once, after the last Consume.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.signal()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	// A write to a pipe of our own opening can be called back; one to an inherited
	// stream cannot, and its goroutine ends with the process.
	if f := s.out.Load(); f != nil && f.SetWriteDeadline(longAgo) == nil {
		<-s.done
	}
	return fmt.Errorf("access log %s: the output takes no more: %w", s.path, ctx.Err())
}

// longAgo as a deadline makes a write that waits return.
var longAgo = time.Unix(1, 0)

func isStandard(path string) bool { return path == "stdout" || path == "stderr" }

// openOutput opens path. A standard stream is duplicated: a write to descriptor 1
// or 2 that finds its reader gone would end the process with SIGPIPE, and a
// gateway does not die of its log.
func openOutput(path string) (*os.File, error) {
	switch path {
	case "stdout":
		return duplicate(syscall.Stdout, path)
	case "stderr":
		return duplicate(syscall.Stderr, path)
	}
	// O_NONBLOCK: opening a named pipe that nobody reads fails at once instead of
	// waiting for a reader. Regular files ignore it.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("access log %s: a named pipe that nobody reads; start its reader first: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return f, nil
}

func duplicate(standard int, name string) (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(standard), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("access log %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
