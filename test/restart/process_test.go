// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/test/harness"
)

// versions are the programs that upgrades change between.
var versions = [2]string{"1.0.0", "2.0.0"}

// built is where binaries put the programs, "" as long as nobody asked.
var built string

// binaries builds the program in both versions, once.
var binaries = sync.OnceValues(func() ([2]string, error) {
	var names [2]string
	dir, err := os.MkdirTemp("", "causey-restart-")
	if err != nil {
		return names, err
	}
	built = dir
	for i, v := range versions {
		names[i] = filepath.Join(dir, v)
		out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version="+v, "-o", names[i], "causey/cmd/causey").CombinedOutput()
		if err != nil {
			return names, fmt.Errorf("%w: %s", err, out)
		}
	}
	return names, nil
})

// running is a gateway in a process of its own, which upgrades change.
type running struct {
	*harness.Gateway
	t      *testing.T
	stderr string // the file that all its processes write to
	first  *exec.Cmd
	pid    int // of the newest
	pids   []int
}

// prepare writes the files of a gateway: its configuration, and version 1.0.0 of the
// program.
func prepare(t *testing.T, c harness.Config) *running {
	t.Helper()
	// The processes that upgrades leave behind are ours to wait for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip("this system has no subreapers: ", err)
	}
	r := &running{Gateway: harness.Elsewhere(t, c), t: t}
	r.stderr = filepath.Join(r.Dir, "stderr")
	r.install(0)
	t.Cleanup(func() {
		for _, pid := range r.pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		for _, pid := range r.pids {
			r.gone(pid)
		}
		if t.Failed() {
			t.Logf("what the gateway said:\n%s", r.said())
		}
	})
	return r
}

// install puts a version of the program in place.
func (r *running) install(version int) {
	r.t.Helper()
	names, err := binaries()
	if err != nil {
		r.t.Fatal(err)
	}
	r.replace(func(to string) error { return os.Link(names[version], to) })
}

// script puts a shell script in the program's place.
func (r *running) script(text string) {
	r.t.Helper()
	r.replace(func(to string) error { return os.WriteFile(to, []byte("#!/bin/sh\n"+text+"\n"), 0o700) })
}

func (r *running) replace(put func(to string) error) {
	r.t.Helper()
	next := r.program() + ".new"
	if err := errors.Join(put(next), os.Rename(next, r.program())); err != nil {
		r.t.Fatal(err)
	}
	_ = os.Remove(next) // a rename of one link of a file onto another does nothing
}

func (r *running) program() string { return filepath.Join(r.Dir, "causey") }

// start starts the gateway and waits until it runs; files are its descriptors from 3.
func (r *running) start(env []string, files []*os.File, wrapper ...string) {
	r.t.Helper()
	args := append(slices.Clone(wrapper), r.program(), "run", "-c", filepath.Join(r.Dir, "causey.yaml"))
	r.first = exec.Command(args[0], args[1:]...)
	r.first.ExtraFiles = files
	r.first.Env = append(append(os.Environ(), "RUNTIME_DIRECTORY="+r.Dir, "STATE_DIRECTORY="+r.Dir), env...)
	f, err := os.OpenFile(r.stderr, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	r.first.Stderr = f
	if err := r.first.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.pid = r.first.Process.Pid
	r.pids = append(r.pids, r.pid)
	r.says("admin     unix:")
	r.Addr = r.listens()[0]
}

// said is what the processes said so far.
func (r *running) said() string {
	text, _ := os.ReadFile(r.stderr)
	return string(text)
}

func (r *running) says(text string) {
	r.t.Helper()
	r.Eventually("word of "+text, func() bool { return strings.Contains(r.said(), text) })
}

var begins = regexp.MustCompile(`(?m)^causey \d`)

var listens = regexp.MustCompile(`listens   (?:https?://)?(\S+)\n`)

// listens is where the newest process says that it listens, addresses first.
func (r *running) listens() []string {
	r.t.Helper()
	text := r.said()
	if all := begins.FindAllStringIndex(text, -1); all != nil {
		text = text[all[len(all)-1][0]:]
	}
	var all []string
	for _, m := range listens.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		r.t.Fatalf("it does not say where it listens:\n%s", text)
	}
	return all
}

// causey runs a subcommand that asks the gateway by its socket.
func (r *running) causey(args ...string) (string, error) {
	names, err := binaries()
	if err != nil {
		r.t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(names[0], append(args, "--socket", filepath.Join(r.Dir, "a.sock"))...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

var upgraded = regexp.MustCompile(`upgraded: process (\d+) \(version (\S+)\) has taken over from process (\d+)`)

// upgrade has the gateway upgraded, and checks who runs then.
func (r *running) upgrade(version string) {
	r.t.Helper()
	text, err := r.causey("upgrade")
	m := upgraded.FindStringSubmatch(text)
	if err != nil || m == nil || m[2] != version || m[3] != fmt.Sprint(r.pid) {
		r.t.Fatalf("upgrade of process %d to %s: %v, %s", r.pid, version, err, text)
	}
	r.follow(m[1])
}

var tookOver = regexp.MustCompile(`another process has taken over" pid=(\d+)`)

// signal has the gateway upgraded by SIGUSR2.
func (r *running) signal() {
	r.t.Helper()
	before := len(tookOver.FindAllString(r.said(), -1))
	if err := unix.Kill(r.pid, unix.SIGUSR2); err != nil {
		r.t.Fatal(err)
	}
	var all [][]string
	r.Eventually("a new process", func() bool {
		all = tookOver.FindAllStringSubmatch(r.said(), -1)
		return len(all) > before
	})
	r.follow(all[len(all)-1][1])
}

// follow makes pid the newest process; it runs the program that is on disk now.
func (r *running) follow(pid string) {
	r.t.Helper()
	fmt.Sscan(pid, &r.pid)
	r.pids = append(r.pids, r.pid)
	disk, err1 := os.Stat(r.program())
	runs, err2 := os.Stat("/proc/" + pid + "/exe")
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(disk, runs) {
		r.t.Fatalf("process %s does not run what is on disk: %v", pid, err)
	}
}

// stop ends the newest process in order and waits for all.
func (r *running) stop() {
	r.t.Helper()
	if err := unix.Kill(r.pid, unix.SIGTERM); err != nil {
		r.t.Error(err)
	}
	for _, pid := range r.pids {
		r.gone(pid)
	}
	for _, name := range []string{"a.sock", "data.sock"} {
		if _, err := os.Lstat(filepath.Join(r.Dir, name)); err == nil {
			r.t.Errorf("%s is left behind", name)
		}
	}
	r.pids = nil
}

// gone waits until a process has ended, and fails the test if not in order. One that a
// living predecessor has for a child becomes ours when that has ended.
func (r *running) gone(pid int) {
	r.t.Helper()
	if r.first != nil && pid == r.first.Process.Pid {
		if err := r.first.Wait(); err != nil && !r.t.Failed() {
			r.t.Errorf("process %d: %v", pid, err)
		}
		r.first = nil
		return
	}
	for end := time.Now().Add(harness.Patience); ; time.Sleep(5 * time.Millisecond) {
		var status unix.WaitStatus
		got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
		switch {
		case got == pid && status.ExitStatus() == 0, errors.Is(err, unix.ECHILD) && unix.Kill(pid, 0) != nil:
			return
		case got == pid:
			if !r.t.Failed() {
				r.t.Errorf("process %d ended with %d, signal %d", pid, status.ExitStatus(), status.Signal())
			}
			return
		case time.Now().After(end):
			r.t.Errorf("process %d does not end", pid)
			return
		}
	}
}
