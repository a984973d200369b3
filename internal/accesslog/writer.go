// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"errors"
	"os"
	"syscall"
)

// writer is the only one who touches the output. Its fields belong to its
// goroutine.
type writer struct {
	sink *Sink
	// spare is the buffer that is not being filled.
	spare []byte
	// torn is the rest of a line whose beginning is in the output already: it must
	// come first when the output takes bytes again, so that no line is mixed with
	// another.
	torn []byte
	// trouble is the last error reported, 0 while all is well.
	trouble syscall.Errno
	inError bool
	// known is the output of which regular says whether it is a regular file.
	known   *os.File
	regular bool
}

func (w *writer) run() {
	defer close(w.sink.done)
	for range w.sink.wake {
		if w.turn() {
			return
		}
	}
}

// turn writes what is waiting, then changes to a reopened file. It reports
// whether the sink was closed.
func (w *writer) turn() (closed bool) {
	s := w.sink
	s.mu.Lock()
	text, lines, next := s.waiting, s.lines, s.next
	s.waiting, s.lines, s.next = w.spare[:0], 0, nil
	closed = s.closing
	s.mu.Unlock()

	w.write(text, lines)
	w.spare = text
	if next != nil {
		w.replace(next)
	}
	if closed {
		w.replace(nil)
	}
	return closed
}

// replace closes the output and goes on with next. The rest of a torn line stays
// unwritten: its beginning is in the file that is left behind.
func (w *writer) replace(next *os.File) {
	if len(w.torn) > 0 {
		w.torn = w.torn[:0]
		w.sink.dropped.Add(1)
	}
	if err := w.sink.out.Swap(next).Close(); err != nil {
		w.report(err)
	}
}

// write writes text, which holds whole lines, and counts those that are lost.
func (w *writer) write(text []byte, lines int) {
	if len(w.torn) > 0 {
		n, err := w.sink.out.Load().Write(w.torn)
		w.torn = w.torn[:copy(w.torn, w.torn[n:])]
		if err != nil {
			w.report(err)
			w.sink.dropped.Add(uint64(lines))
			return
		}
	}
	if len(text) == 0 {
		return
	}
	n, err := w.put(text)
	if err == nil {
		w.recovered()
		return
	}
	w.report(err)
	rest := text[n:]
	if n > 0 && text[n-1] != '\n' {
		end := bytes.IndexByte(rest, '\n') + 1
		w.torn = append(w.torn[:0], rest[:end]...)
		rest = rest[end:]
	}
	w.sink.dropped.Add(uint64(bytes.Count(rest, []byte{'\n'})))
}

// pieceBytes is what a pipe takes as a whole (PIPE_BUF, pipe(7)).
const pieceBytes = 4096

// put writes whole lines so that they stay whole although another process writes to
// the same output, as the two processes of an upgrade do. A file was opened with
// O_APPEND: each write goes to its end at once. A pipe, or a stream to the journal,
// may mix writes unless they are small.
func (w *writer) put(text []byte) (n int, err error) {
	f := w.sink.out.Load()
	if f != w.known {
		info, err := f.Stat()
		w.known, w.regular = f, err == nil && info.Mode().IsRegular()
	}
	for n < len(text) && err == nil {
		piece := text[n:]
		if !w.regular && len(piece) > pieceBytes {
			end := bytes.LastIndexByte(piece[:pieceBytes], '\n') + 1
			if end == 0 { // one line that is longer
				end = bytes.IndexByte(piece, '\n') + 1
			}
			piece = piece[:end]
		}
		var written int
		written, err = f.Write(piece)
		n += written
	}
	return n, err
}

// report logs an error once, and again when it is another one.
func (w *writer) report(err error) {
	w.sink.errors.Add(1)
	var errno syscall.Errno
	errors.As(err, &errno)
	if w.inError && errno == w.trouble {
		return
	}
	w.inError, w.trouble = true, errno
	w.sink.logger.Warn("the access log cannot be written; lines are dropped and counted until it can",
		"path", w.sink.path, "error", err)
}

func (w *writer) recovered() {
	if !w.inError {
		return
	}
	w.inError = false
	w.sink.logger.Info("the access log is written again", "path", w.sink.path, "lines_dropped", w.sink.dropped.Load())
}
