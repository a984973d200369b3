// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"causey/internal/upstream"
)

// fileEvery is how often a file is looked at. A look is one stat, which costs less
// than a watch has rules: a watch follows no symbolic link that is exchanged (how
// Kubernetes changes the files of a ConfigMap) and does not exist on network file
// systems.
const fileEvery = time.Second

// fileLimitBytes bounds a file of servers, as that of the configuration is bounded.
const fileLimitBytes = 1 << 20

// File reads the servers from a file whenever it changes.
type File struct {
	path  string
	clock Clock
	parse func(data []byte) ([]upstream.Spec, error)
}

// NewFile reads the file at path; parse makes servers of what is in it.
func NewFile(path string, c Clock, parse func([]byte) ([]upstream.Spec, error)) *File {
	return &File{path: path, clock: c, parse: parse}
}

// LookAgain implements Source. A file that is as it was says what it said.
func (f *File) LookAgain(*upstream.Server) {}

// Run implements Source.
func (f *File) Run(ctx context.Context, found func(Finding)) {
	var s sight
	for {
		if s.look(f.path) {
			n := f.read()
			found(n)
			s.taken = n.Err == nil
		}
		select {
		case <-ctx.Done():
			return
		case <-f.clock.After(fileEvery):
		}
	}
}

// read reads the file and makes servers of it.
func (f *File) read() Finding {
	data, err := readBounded(f.path)
	if err != nil {
		return Finding{Err: err}
	}
	specs, err := f.parse(data)
	if err != nil {
		return Finding{Err: err}
	}
	return Finding{Specs: specs}
}

func readBounded(path string) ([]byte, error) {
	// Without O_NONBLOCK the opening of a pipe without a writer would wait for ever.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is no ordinary file")
	}
	data, err := io.ReadAll(io.LimitReader(file, fileLimitBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", err)
	case len(data) > fileLimitBytes:
		return nil, fmt.Errorf("is larger than %d KiB", fileLimitBytes>>10)
	}
	return data, nil
}

// sight is what was seen of a file when it was looked at last.
type sight struct {
	seen   bool
	taken  bool // what was read then could be used
	settle bool // it was being written
	at     mark
}

// mark tells apart what a file was at different times.
type mark struct {
	device, inode uint64
	size          int64
	changed       time.Time
}

// look looks at the file and reports whether to read it. A file that was exchanged
// whole (a rename) is read at once. One that was written in place may be half written:
// it is read when it has stayed as it is from one look to the next. What could not be
// used is read anew each time; so is a file that cannot be found.
func (s *sight) look(path string) bool {
	var now mark
	if info, err := os.Stat(path); err == nil {
		now.size, now.changed = info.Size(), info.ModTime()
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			now.device, now.inode = uint64(st.Dev), st.Ino
		}
	}
	was := s.at
	first := !s.seen
	s.at, s.seen = now, true
	switch {
	case first || now.device != was.device || now.inode != was.inode:
		s.settle = false
		return true
	case now != was:
		s.settle = true
		return false
	case s.settle:
		s.settle = false
		return true
	}
	return !s.taken
}
