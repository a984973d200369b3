// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/upstream"
)

// parseLines reads a name a line, the last one with a newline.
func parseLines(data []byte) ([]upstream.Spec, error) {
	text := string(data)
	if text != "" && !strings.HasSuffix(text, "\n") || strings.Contains(text, "!") {
		return nil, fmt.Errorf("1:1: %q is no name", text)
	}
	return specsOf(text), nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "servers")
	synctest.Test(t, func(t *testing.T) {
		s := watch(t, 10*time.Second, NewFile(path, testClock, parseLines))
		time.Sleep(fileEvery / 2) // between two looks from here on
		s.wantTold("not there yet", "it cannot be opened: no such file or directory")
		write(t, path, "a\nb\n")
		time.Sleep(2 * time.Second)
		s.want("it came", "a b")

		write(t, path, "a\nb\nc\nd") // half written: no newline
		time.Sleep(time.Second)
		write(t, path, "a\nb\nc\nd\ne\n")
		time.Sleep(time.Second)
		s.want("it is being written", "a b")
		time.Sleep(time.Second)
		s.want("it has been", "a b c d e")

		s.forgetTold()
		write(t, path, "oops!\n")
		time.Sleep(10 * time.Second)
		s.want("I1: what cannot be read", "a b c d e")
		s.wantTold("once", `it 1:1: "oops!\n" is no name; what was found before stays: 5 servers`)
		replace(t, path, "f\n")
		time.Sleep(time.Second)
		s.want("exchanged whole: at once", "f")

		os.Remove(path)
		time.Sleep(10 * time.Second)
		s.want("I1: it is gone", "f")
		write(t, path, strings.Repeat("x", fileLimitBytes+1))
		time.Sleep(10 * time.Second)
		s.want("I3: too large", "f")
		os.Remove(path)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		s.want("a directory", "f")
		if st := s.feed.Status(); st[0].Problem != "is no ordinary file" {
			t.Errorf("status %+v", st)
		}
		os.Remove(path)
		write(t, path, "")
		time.Sleep(8 * time.Second)
		s.want("I2: an empty list", "f")
		time.Sleep(5 * time.Second)
		s.want("I2: for long", "")
	})
}

// A Kubernetes ConfigMap is changed by exchanging a symbolic link on the way.
func TestFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, v, "servers"), v+"\n")
	}
	link := func(to string) {
		os.Symlink(to, filepath.Join(dir, "new"))
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "data")); err != nil {
			t.Fatal(err)
		}
	}
	link("v1")
	synctest.Test(t, func(t *testing.T) {
		s := watch(t, 0, NewFile(filepath.Join(dir, "data", "servers"), testClock, parseLines))
		s.want("the first", "v1")
		link("v2")
		time.Sleep(time.Second)
		s.want("the second", "v2")
	})
}
