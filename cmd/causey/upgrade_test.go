// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestProgram: a symbolic link by which we were started is followed anew at an
// upgrade; a name that leads elsewhere, as any caller may give one, is not.
func TestProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link, other := filepath.Join(dir, "current"), filepath.Join(dir, "other")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	writeFile(t, other, "#!/bin/sh\n")
	for _, c := range []struct{ named, want string }{
		{"", self}, {"causey", self}, {"./causey", self}, {self, self}, {link, link}, {other, self}, {dir, self}, {"/no/such/causey", self},
	} {
		if got, err := program([]string{c.named, "run"}); err != nil || got != c.want {
			t.Errorf("started as %q: %q, %v, want %q", c.named, got, err, c.want)
		}
	}
	if got, err := program(nil); err != nil || got != self {
		t.Errorf("started without a name: %q, %v", got, err)
	}
}

// TestSuccessorVariableOfAStranger: what cannot be meant is not guessed at.
func TestSuccessorVariableOfAStranger(t *testing.T) {
	t.Setenv("CAUSEY_HANDOVER", "7x")
	code, _, stderr := causey("run", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1")
	if code != exitProblem || stderr != "causey: CAUSEY_HANDOVER=\"7x\" is no descriptor; unset it: only a gateway that upgrades itself sets it\n" {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
