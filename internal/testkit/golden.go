// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what tests compare with anew: golden files and generated documents")

// Updating reports that the test was run with -update. Most want Golden instead.
func Updating() bool { return *update }

// Golden compares got with a file, or writes the file with -update.
func Golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if Updating() {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not current: run this test with -update and look at the difference; now it begins\n%.4000s", path, got)
	}
}

// Tables checks that each row of the tables in a Markdown document has as many cells as
// its head, and returns how many rows there are.
func Tables(t *testing.T, doc string) (rows int) {
	t.Helper()
	cells := 0
	for line := range strings.Lines(doc) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		rows++
		n := strings.Count(line, "|")
		if cells != 0 && n != cells {
			t.Errorf("%d cell borders, not %d: %s", n, cells, line)
		}
		cells = n
	}
	return rows
}
