// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// I1.
func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "golden")
	defer func(is bool) { *update = is }(*update)
	*update = true
	Golden(t, path, []byte("one"))
	*update = false
	Golden(t, path, []byte("one"))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	Golden(t, path, []byte("one"))
	if now, err := os.Stat(path); err != nil || !now.ModTime().Equal(info.ModTime()) {
		t.Errorf("it was written again: %v", err)
	}
	*update = true
	Golden(t, path, []byte("two"))
	if text, err := os.ReadFile(path); err != nil || string(text) != "two" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTables(t *testing.T) {
	if n := Tables(t, "text\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n"); n != 5 {
		t.Errorf("%d rows", n)
	}
}

func TestLog(t *testing.T) {
	var l Log
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_, _ = l.Write([]byte("a line\n"))
			}
		})
	}
	wg.Wait()
	if n := l.Count("line\n"); n != 400 {
		t.Errorf("%d lines", n)
	}
	if l.Reset(); l.String() != "" {
		t.Errorf("left: %q", l.String())
	}
}
