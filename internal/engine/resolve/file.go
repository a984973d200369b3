// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// watchedFile is a file that is parsed again after it changed. It is looked at
// on use, at most once per fileEvery, by one caller; the others meanwhile go on
// with what is known.
type watchedFile[T any] struct {
	path       string
	limitBytes int64
	parse      func([]byte) *T

	current atomic.Pointer[T]

	mu   sync.Mutex // guards what follows
	next time.Time  // when to look again
	seen fs.FileInfo
}

// get returns the parsed file; that of a missing file is as of an empty one.
func (w *watchedFile[T]) get(now time.Time) *T {
	cur := w.current.Load()
	if cur == nil {
		w.mu.Lock()
	} else if !w.mu.TryLock() {
		return cur
	}
	defer w.mu.Unlock()
	if cur = w.current.Load(); cur != nil && now.Before(w.next) {
		return cur
	}
	w.next = now.Add(fileEvery)
	data, changed, err := w.read()
	switch {
	case err != nil && cur != nil && !errors.Is(err, fs.ErrNotExist):
		return cur // out of descriptors, say: what was read before still stands
	case err == nil && !changed && cur != nil:
		return cur
	}
	cur = w.parse(data)
	w.current.Store(cur)
	return cur
}

// read returns the content if the file is not the one seen before. A file
// longer than the limit counts up to its last whole line within it.
func (w *watchedFile[T]) read() (data []byte, changed bool, err error) {
	info, err := os.Stat(w.path)
	if err != nil {
		w.seen = nil
		return nil, false, err
	}
	if w.seen != nil && os.SameFile(w.seen, info) &&
		w.seen.ModTime().Equal(info.ModTime()) && w.seen.Size() == info.Size() {
		return nil, false, nil
	}
	f, err := os.Open(w.path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, w.limitBytes+1))
	if err != nil {
		return nil, false, err
	}
	if int64(len(data)) > w.limitBytes {
		data = data[:bytes.LastIndexByte(data[:w.limitBytes], '\n')+1]
	}
	w.seen = info
	return data, true, nil
}

// eachLine calls fn with the fields of each line of data that has some, without
// what follows one of the comment characters.
func eachLine(data []byte, comment string, fn func(fields [][]byte)) {
	for line := range bytes.Lines(data) {
		if i := bytes.IndexAny(line, comment); i >= 0 {
			line = line[:i]
		}
		if fields := bytes.Fields(line); len(fields) > 0 {
			fn(fields)
		}
	}
}
