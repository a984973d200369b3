// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// Elsewhere prepares the files of a gateway that runs in a process of its own: its
// configuration is causey.yaml in Dir. Lines and Eventually are about these files; the
// process is the caller's.
func Elsewhere(t testing.TB, c Config) *Gateway {
	t.Helper()
	dir, err := os.MkdirTemp("", "cz") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	writePKI(dir)
	g := &Gateway{Dir: dir, t: t}
	g.Write(c)
	return g
}

// Write writes c as the file that a gateway elsewhere reads.
func (g *Gateway) Write(c Config) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.Dir, "causey.yaml"), []byte(c.yaml(g.Dir)), 0o600); err != nil {
		g.t.Fatal(err)
	}
}
