// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/record"
	"causey/internal/testkit"
)

func open(t *testing.T, path string, buffer int) (*Sink, *testkit.Log) {
	t.Helper()
	h := new(testkit.Log)
	s, err := Open(Options{Path: path, BufferBytes: buffer, Logger: slog.New(slog.NewTextHandler(h, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

func closeSink(t *testing.T, s *Sink) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// numbered returns n records numbered from first.
func numbered(first, n int) []record.Record {
	out := make([]record.Record, n)
	for i := range out {
		out[i] = *ordinary()
		out[i].Exchanges = uint32(first + i)
	}
	return out
}

// numbers reads lines back and returns their numbers; each must be whole (I4).
func numbers(t *testing.T, text []byte) []int {
	t.Helper()
	var got []int
	for l := range bytes.Lines(text) {
		var v struct {
			Exchange int `json:"exchange"`
		}
		if err := json.Unmarshal(l, &v); err != nil || l[len(l)-1] != '\n' {
			t.Fatalf("torn line (%v): %q", err, l)
		}
		got = append(got, v.Exchange)
	}
	return got
}

// wantRun demands the numbers first, first+1, … of n lines.
func wantRun(t *testing.T, got []int, first, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d lines, want %d", len(got), n)
	}
	for i, g := range got {
		if g != first+i {
			t.Fatalf("line %d has number %d, want %d", i, g, first+i)
		}
	}
}

// eventually polls until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func TestFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	for i := range 2 {
		s, _ := open(t, path, 0)
		s.Consume(numbered(i*500, 500))
		closeSink(t, s)
		if s.Dropped() != 0 || s.WriteErrors() != 0 {
			t.Errorf("%d dropped, %d errors", s.Dropped(), s.WriteErrors())
		}
	}
	wantRun(t, numbers(t, mustRead(t, path)), 0, 1000)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the log is open to everybody: %v %v", info.Mode(), err)
	}
}

func TestEachBatchIsFlushed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	s, _ := open(t, path, 0)
	defer closeSink(t, s)
	s.Consume(numbered(0, 1))
	eventually(t, "a single line reaches the file", func() bool { return len(mustRead(t, path)) > 0 })
}

// TestReopenUnderLoad renames the file again and again while lines flow: none is
// lost, none is torn, and each file's lines come before those of the next (I4).
func TestReopenUnderLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	s, _ := open(t, path, 64<<20)
	const batches, size, turns = 400, 50, 20
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range batches {
			s.Consume(numbered(i*size, size))
			sent.Add(1)
		}
	}()
	for i := range turns {
		eventually(t, "lines flow", func() bool { return sent.Load() >= int64(i*batches/turns) })
		if err := os.Rename(path, fmt.Sprintf("%s.%02d", path, i)); err != nil {
			t.Fatal(err)
		}
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	closeSink(t, s)
	old, err := filepath.Glob(path + ".*")
	if err != nil || len(old) != turns {
		t.Fatalf("%d old files, %v", len(old), err)
	}
	var all []int
	for _, name := range append(old, path) {
		all = append(all, numbers(t, mustRead(t, name))...)
	}
	if s.Dropped() != 0 {
		t.Errorf("%d lines dropped", s.Dropped())
	}
	wantRun(t, all, 0, batches*size)
}

func TestReopenFailureKeepsTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, filepath.Join(dir, "access.log"), 0)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Reopen: %v", err)
	}
	s.Consume(numbered(0, 3))
	closeSink(t, s)
	wantRun(t, numbers(t, mustRead(t, filepath.Join(dir+".away", "access.log"))), 0, 3)
	if err := s.Reopen(); err == nil {
		t.Error("Reopen of a missing folder succeeds after Close")
	}
}

// pipeBytes is what a test's pipe holds: less than six lines.
const pipeBytes = 4096

// fifo makes a named pipe and returns its reader, which reads nothing by itself.
func fifo(t *testing.T) (path string, reader *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	control(t, reader, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeBytes)
		return err
	})
	return path, reader
}

// control runs do on the descriptor of f, without making it blocking as Fd would.
func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var done error
	if err = c.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil || done != nil {
		t.Fatal(err, done)
	}
}

// TestBlockedOutputDropsAndCounts: nobody reads the pipe. Consume returns all the
// same, what fits is kept, the rest is counted, and memory is bounded (I3).
func TestBlockedOutputDropsAndCounts(t *testing.T) {
	path, reader := fifo(t)
	s, _ := open(t, path, 256<<10)
	const batches, size = 100, 100
	for i := range batches {
		s.Consume(numbered(i*size, size)) // would not return if it waited
	}
	s.mu.Lock()
	waiting := cap(s.waiting)
	s.mu.Unlock()
	if waiting > 512<<10 {
		t.Errorf("%d bytes wait, the bound is 256 KiB", waiting)
	}
	if s.Dropped() == 0 {
		t.Fatal("nothing was dropped, so the pipe was not blocked")
	}
	text := make(chan []byte)
	go func() { b, _ := io.ReadAll(reader); text <- b }()
	closeSink(t, s)
	got := numbers(t, <-text)
	if len(got)+int(s.Dropped()) != batches*size {
		t.Errorf("%d written + %d dropped, want %d", len(got), s.Dropped(), batches*size)
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Fatalf("line %d comes after %d", got[i], got[i-1])
		}
	}
}

func TestCloseGivesUpOnABlockedOutput(t *testing.T) {
	path, _ := fifo(t)
	s, _ := open(t, path, 1<<20)
	s.Consume(numbered(0, 1000)) // more than a pipe holds
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	select {
	case <-s.done:
	default:
		t.Error("the writer still runs")
	}
	if s.Dropped() == 0 {
		t.Error("lost lines are not counted")
	}
	s.Consume(numbered(0, 1)) // after Close: dropped, not kept
}

func TestPipeNobodyReadsIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Path: path, Logger: slog.Default()}); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("Open: %v", err)
	}
}

// TestFailedWriteTearsNoLine interrupts a write in the middle of a line. When the
// output takes bytes again the line is completed first (I4).
func TestFailedWriteTearsNoLine(t *testing.T) {
	path, reader := fifo(t)
	s, h := open(t, path, 1<<20)
	long := numbered(0, linesPerLock)
	for i := range long {
		long[i].Site = strings.Repeat("x", pieceBytes) // a pipe takes shorter ones whole, or not
	}
	s.Consume(long)
	eventually(t, "the pipe is full", func() bool {
		n := 0
		control(t, reader, func(fd int) (err error) {
			n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
			return err
		})
		return n == pipeBytes
	})
	pipe := s.out.Load()
	_ = pipe.SetWriteDeadline(longAgo)
	eventually(t, "the write fails", func() bool { return s.WriteErrors() == 1 })
	_ = pipe.SetWriteDeadline(time.Time{})
	if n := h.Count("cannot be written"); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
	lost := s.Dropped()
	text := make(chan []byte)
	go func() { b, _ := io.ReadAll(reader); text <- b }()
	s.Consume(numbered(1000, 10))
	closeSink(t, s)
	got := numbers(t, <-text)
	if lost == 0 || lost != s.Dropped() || len(got)+int(lost) != linesPerLock+10 || got[len(got)-1] != 1009 {
		t.Errorf("%d lines, %d lost then %d", len(got), lost, s.Dropped())
	}
	if n := h.Count("written again"); n != 1 {
		t.Errorf("%d notes that it works again, want 1", n)
	}
}

// TestTwoWriters: the two processes of an upgrade write to one output. Of a pipe that
// is read slowly, and of a file, each line comes whole (I4).
func TestTwoWriters(t *testing.T) {
	pipe, reader := fifo(t)
	file := filepath.Join(t.TempDir(), "log")
	const each = 2000
	text := make(chan []byte, 1)
	for _, path := range []string{pipe, file} {
		one, _ := open(t, path, 4<<20)
		two, _ := open(t, path, 4<<20)
		if path == pipe { // which ends at once as long as nobody writes
			go func() { b, _ := io.ReadAll(reader); text <- b }()
		}
		for i := range each / 100 {
			one.Consume(numbered(i*100, 100))
			two.Consume(numbered(i*100, 100))
		}
		closeSink(t, one)
		closeSink(t, two)
		var got []byte
		if path == pipe {
			got = <-text
		} else if b, err := os.ReadFile(file); err == nil {
			got = b
		}
		if n := len(numbers(t, got)); n != 2*each {
			t.Errorf("%s: %d lines, want %d", path, n, 2*each)
		}
	}
}

func TestErrorsAreReportedOnceAndWhenTheyChange(t *testing.T) {
	s, h := open(t, "/dev/full", 0)
	for i := range 3 {
		s.Consume(numbered(i, 1))
		eventually(t, "the write fails", func() bool { return s.WriteErrors() == uint64(i+1) })
	}
	if n := h.Count("no space left"); n != 1 {
		t.Errorf("%d warnings about the full device, want 1", n)
	}
	// The same sink now meets a pipe whose reader has gone.
	path, reader := fifo(t)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	_ = s.out.Swap(f).Close()
	s.Consume(numbered(3, 1))
	eventually(t, "the write fails", func() bool { return s.WriteErrors() == 4 })
	if n := h.Count("broken pipe"); n != 1 {
		t.Errorf("%d warnings about the broken pipe, want 1", n)
	}
	closeSink(t, s)
	if s.Dropped() != 4 {
		t.Errorf("%d dropped, want 4", s.Dropped())
	}
}

// TestStandardStreamsAreDuplicated: closing the log must not close the process's
// own stream, and Reopen has nothing to do.
func TestStandardStreamsAreDuplicated(t *testing.T) {
	s, _ := open(t, "stderr", 0)
	if fd := s.out.Load().Fd(); fd <= 2 {
		t.Errorf("the log writes to descriptor %d itself", fd)
	}
	if err := s.Reopen(); err != nil {
		t.Error(err)
	}
	closeSink(t, s)
	if _, err := os.Stderr.Stat(); err != nil {
		t.Error(err)
	}
}

// TestGoneReaderOfStdout: `causey run | head` must not end the gateway when head
// is done, as a write to descriptor 1 would. The process under test is a child.
func TestGoneReaderOfStdout(t *testing.T) {
	const survivor = "CAUSEY_TEST_STDOUT"
	if os.Getenv(survivor) != "" {
		s, h := open(t, "stdout", 0)
		s.Consume(numbered(0, 1))
		eventually(t, "the write fails", func() bool { return h.Count("broken pipe") == 1 })
		closeSink(t, s)
		_, _ = os.Stderr.WriteString("alive\n")
		os.Exit(0) // without a word on stdout
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	var said bytes.Buffer
	cmd := exec.Command(os.Args[0], "-test.run=^TestGoneReaderOfStdout$")
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), survivor+"=1"), w, &said
	if err := cmd.Run(); err != nil || said.String() != "alive\n" {
		t.Errorf("the child ended with %v and said %q", err, said.String())
	}
	_ = w.Close()
}

// BenchmarkSink takes batches as a busy gateway's ring gives them to a file. The
// figure that counts is cpu-ns/line: encoding and writing, on both goroutines.
func BenchmarkSink(b *testing.B) {
	s, err := Open(Options{Path: filepath.Join(b.TempDir(), "access.log"), Logger: slog.Default()})
	if err != nil {
		b.Fatal(err)
	}
	batch := mixed(512)
	before, lines := cpuTime(b), 0
	for b.Loop() {
		for range 4 {
			s.Consume(batch)
			lines += len(batch)
		}
		for waiting := 1; waiting > 0; time.Sleep(time.Millisecond) { // spinning would be counted
			s.mu.Lock()
			waiting = len(s.waiting)
			s.mu.Unlock()
		}
	}
	if err := s.Close(context.Background()); err != nil || s.Dropped() > 0 {
		b.Fatal(err, s.Dropped())
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(lines), "cpu-ns/line")
}

func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
