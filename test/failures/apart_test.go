// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// What a process of its own is told by its parent.
const (
	envPlace   = "CAUSEY_FAILURES_PLACE"
	envProgram = "CAUSEY_FAILURES_PROGRAM"
)

func TestMain(m *testing.M) {
	if inside(network) {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "ip link set lo up: %v: %s\n", err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// inside reports whether this process is the one that a place asks for.
func inside(p place) bool { return os.Getenv(envPlace) == string(p) }

// apart bounds the processes at a time.
var apart = make(chan struct{}, 2)

// runApart runs the present subtest in a process of its own.
func runApart(t *testing.T, p place) {
	t.Helper()
	apart <- struct{}{}
	defer func() { <-apart }()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern(t.Name()), "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), envPlace+"="+string(p), envProgram+"="+program(t))
	if p == network {
		if _, err := exec.LookPath("ip"); err != nil {
			t.Skip("needs ip, of the package iproute2")
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Logf("%s", out)
	case p == network && !asExit(err, &exit):
		t.Skipf("this machine lets nobody make a network namespace: %v", err)
	default:
		t.Errorf("%v\n%s", err, out)
	}
}

func asExit(err error, e **exec.ExitError) bool {
	x, ok := err.(*exec.ExitError)
	*e = x
	return ok
}

// built is the program, made once.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// program returns the path of causey, built from this tree.
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(envProgram); path != "" {
		return path
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "cf"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "causey/cmd/causey").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build causey/cmd/causey: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "causey")
}
