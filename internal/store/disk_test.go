// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/testkit"
)

// mounted, in the environment, says that this process has a mount namespace of its own.
const mounted = "CAUSEY_TEST_STORE_MOUNTS"

// ownMounts runs the calling test in a process with mounts of its own, and reports
// whether this is that process.
func ownMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(mounted) != "" {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	cmd := exec.Command(must(os.Executable()), "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mounted+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skip("no mount namespaces here: ", err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// smallDisk mounts one of so many kilobytes and returns where.
func smallDisk(t *testing.T, kilobytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("causey-test", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kilobytes)); err != nil {
		t.Skip("no mounts here: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(err)
	}
}

// fill leaves no room on the disk of dir and returns what gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filling")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for piece := make([]byte, 4096); ; {
		if _, err := f.Write(piece); errors.Is(err, syscall.ENOSPC) {
			return func() { os.Remove(name) }
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// wantOnce demands that a failure and its end were each said once.
func wantOnce(t *testing.T, log *testkit.Log) {
	t.Helper()
	eventually(t, "that it can be written again is said", func() bool { return log.Count("can be written again") > 0 })
	if log.Count("the store cannot be written") != 1 || log.Count("can be written again") != 1 || log.Count("\n") != 2 {
		t.Errorf("it says %s", log)
	}
}

// TestFullDisk: what cannot be written is kept and told so, reads go on, and it is
// written when there is room; that is said once each. What a full disk refused is on it
// after a restart.
func TestFullDisk(t *testing.T) { // I2, I4
	if !ownMounts(t) {
		return
	}
	dir := smallDisk(t, 2048)
	path := filepath.Join(dir, "causey.db")
	s, log := openAt(t, path)
	putIncident(t, s, incident("before", noon))
	free := fill(t, dir)
	big := incident("big", noon.Add(time.Hour))
	big.Body = []byte(`"` + strings.Repeat("x", 64<<10) + `"`)
	err := result(t, func(done func(error)) error { return s.PutIncident(big, done) })
	if !errors.Is(err, ErrVolatile) {
		t.Fatalf("acknowledged with %v", err)
	}
	for n := range 20 { // told at once, though nothing can be written
		err := result(t, func(done func(error)) error { return s.PutIncident(incident(fmt.Sprint("i", n), noon), done) })
		if err != nil && !errors.Is(err, ErrVolatile) {
			t.Errorf("acknowledged with %v", err)
		}
	}
	if st := s.Stats(); st.Degraded.IsZero() || st.Reason == "" || st.Failures == 0 || st.Waiting == 0 {
		t.Errorf("while the disk is full: %+v", st)
	}
	if got := ids(t, s, Filter{}); got != "before" {
		t.Errorf("while the disk is full there are %q", got)
	}
	free()
	eventually(t, "written again", func() bool { return s.Stats().Degraded.IsZero() })
	if st := s.Stats(); st.Waiting != 0 || st.Dropped != 0 || st.Reason != "" {
		t.Errorf("with room again: %+v", st)
	}
	wantOnce(t, log)
	shut(t, s)
	sound(t, path)
	s, _ = openAt(t, path)
	if n := s.Stats().Rows.Incidents; n != 22 {
		t.Errorf("%d incidents are there", n)
	}
	shut(t, s)
}

// TestFullDiskAtStart: where a disk is full from the start the store works in memory,
// and what it had and was told is in the file when there is room.
func TestFullDiskAtStart(t *testing.T) { // I4
	startsWithoutDisk(t, func(dir string) func() { return fill(t, dir) })
}

// TestReadOnlyAtStart is the same for a directory that cannot be written.
func TestReadOnlyAtStart(t *testing.T) { // I4
	startsWithoutDisk(t, func(dir string) func() {
		remount(t, dir, unix.MS_RDONLY)
		return func() { remount(t, dir, 0) }
	})
}

// startsWithoutDisk opens stores on a disk that spoil makes unusable: one whose process was
// killed and one that was closed in order.
func startsWithoutDisk(t *testing.T, spoil func(dir string) (mend func())) {
	if !ownMounts(t) {
		return
	}
	for _, killed := range []bool{true, false} {
		dir := smallDisk(t, 2048)
		startWithoutDisk(t, filepath.Join(dir, "causey.db"), killed, func() func() { return spoil(dir) })
	}
}

func startWithoutDisk(t *testing.T, path string, killed bool, spoil func() (mend func())) {
	t.Helper()
	cmd, in, lines := child(t, "hurry", path, 0)
	acknowledged := 0
	for acknowledged < 20 && lines.Scan() {
		acknowledged++
	}
	if killed {
		cmd.Process.Kill()
	}
	in.Close()
	for lines.Scan() {
	}
	cmd.Wait()

	mend := spoil()
	s, log := openAt(t, path)
	if list, err := s.Overrides(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("what was decided about servers is not known: %+v %v; it says %s", list, err, log)
	}
	for _, put := range []func(func(error)) error{
		func(done func(error)) error { return s.PutIncident(incident("new", noon.Add(time.Hour)), done) },
		func(done func(error)) error { return s.DeleteOverride("shop", "b:1", done) },
	} {
		if err := result(t, put); !errors.Is(err, ErrVolatile) {
			t.Errorf("acknowledged with %v", err)
		}
	}
	if st := s.Stats(); st.File != "" || st.Degraded.IsZero() || ids(t, s, Filter{}) != "new" {
		t.Errorf("in memory: %+v", st)
	}
	mend()
	eventually(t, "in the file", func() bool { return s.Stats().Degraded.IsZero() })
	wantOnce(t, log)
	shut(t, s)
	sound(t, path)
	s, _ = openAt(t, path)
	if _, err := s.Incident(t.Context(), "new"); err != nil {
		t.Errorf("what was told while there was no disk: %v", err)
	}
	if st := s.Stats(); st.Rows.Incidents < int64(acknowledged)+1 || st.File != path {
		t.Errorf("%d incidents before, and then %+v", acknowledged, st)
	}
	if list := must(s.Overrides(t.Context())); len(list) != 1 || list[0].Server != "a:1" {
		t.Errorf("decided about servers: %+v", list)
	}
	shut(t, s)
}

// TestNoPlace: a path that can never be a file leaves a store in memory, which ends in
// order.
func TestNoPlace(t *testing.T) { // I4
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(file, "state", "causey.db"), t.TempDir()} {
		s, log := openAt(t, path)
		err := result(t, func(done func(error)) error { return s.PutIncident(incident("i1", noon), done) })
		if !errors.Is(err, ErrVolatile) || ids(t, s, Filter{}) != "i1" {
			t.Errorf("%s: acknowledged with %v", path, err)
		}
		eventually(t, "tried again", func() bool { return s.Stats().Failures > 3 })
		if log.Count("the store cannot be written") != 1 || log.Count("\n") != 1 {
			t.Errorf("%s: it says %s", path, log)
		}
	}
}
