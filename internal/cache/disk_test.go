// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// files lists what lies in the cache's directory.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "state" {
			names = append(names, path)
		}
		return nil
	})
	return names
}

func TestDiskOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	disk := DiskOptions{Path: dir}
	o := Options{StaleIfError: time.Hour}
	b := newBench(t, Limits{}, disk, o)
	b.ask("GET /a | X: 1", fresh60+" | Vary: X | ETag: \"1\" | Cache-Tag: t", strings.Repeat("one", 100_000))
	b.ask("GET /a | X: 2", fresh60+" | Vary: X", "two")
	b.ask("GET /b", fresh60, "b")
	b.ask("GET /c", fresh60, "c")
	b.wait(time.Second)
	b.store.PurgeURL("http://a.example/b")
	b.store.PurgeTag("other")
	b.store.Close()

	next := func() *bench {
		b2 := newBench(t, Limits{}, disk, o)
		b2.now = b.now.Add(10 * time.Second)
		waitFor(t, "the files to be found", func() bool { return b2.store.Stats().Disk.Files == 2 })
		return b2
	}
	b = next()
	b.wantBody("a variant", "GET /a | X: 1", strings.Repeat("one", 100_000))
	b.wantBody("another", "GET /a | X: 2", "two")
	b.wantBody("none", "GET /a | X: 3", "")
	b.wantBody("purged", "GET /b", "")
	b.wantBody("not purged", "GET /c", "c")
	if st := b.store.Stats(); st.Disk.Loads != 2 || st.Disk.Broken != 0 {
		t.Errorf("loaded %d, broken %d", st.Disk.Loads, st.Disk.Broken)
	}
	// A purge that nothing in memory knows of holds after a restart too. I4.
	b.store.PurgeTag("t")
	b.store.Close()
	b = next()
	b.wantBody("purged by its tag", "GET /a | X: 1", "")
	b.wantBody("its variant is not", "GET /a | X: 2", "two")
	b.store.Close()
}

func waitFor(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ready(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// What memory has no room for comes from the disk.
func TestDiskIsBehindMemory(t *testing.T) {
	b := newBench(t, Limits{Memory: 100_000, ObjectMax: 20_000}, DiskOptions{Path: t.TempDir()}, Options{})
	defer b.store.Close()
	for i := range 40 {
		b.ask(fmt.Sprintf("GET /%d", i), fresh60, strings.Repeat("x", 10_000))
		waitFor(t, "the disk", func() bool { return b.store.Stats().Disk.Files == int64(i+1) })
	}
	for i := range 40 {
		b.wantBody("one of many", fmt.Sprintf("GET /%d", i), strings.Repeat("x", 10_000))
	}
	if st := b.store.Stats(); st.Bytes > 100_000 || st.Disk.Loads < 20 {
		t.Errorf("%d bytes in memory, %d loaded", st.Bytes, st.Disk.Loads)
	}
}

// I3.
func TestDiskIsBounded(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, Limits{}, DiskOptions{Path: dir, Size: 20 * blockBytes}, Options{})
	for i := range 60 {
		b.ask(fmt.Sprintf("GET /%d", i), fresh60, "x")
	}
	b.store.Close()
	if n := len(files(t, dir)); n == 0 || n > 20 {
		t.Errorf("%d files", n)
	}
	if st := b.store.Stats(); st.Disk.Bytes > 20*blockBytes {
		t.Errorf("%d bytes", st.Disk.Bytes)
	}
}

// I5.
func TestDiskIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	disk := DiskOptions{Path: dir}
	b := newBench(t, Limits{}, disk, Options{})
	b.ask("GET /a", fresh60, "hello")
	b.store.Close()
	path := files(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{
		"empty": {}, "cut": good[:len(good)-1], "another version": append([]byte("causeyC0"), good[len(fileMagic):]...),
		"a flipped bit": flipped(good, len(good)-2), "longer": append(good[:len(good):len(good)], 0),
		"a right sum over nonsense": sealed([]byte("nonsense")),
	} {
		os.WriteFile(path, bad, 0o600)
		b := newBench(t, Limits{}, disk, Options{})
		waitFor(t, "the file", func() bool { return b.store.Stats().Disk.Files == 1 })
		b.wantBody(what, "GET /a", "")
		if st := b.store.Stats(); st.Disk.Broken != 1 || len(files(t, dir)) != 0 {
			t.Errorf("%s: %d broken, files %v", what, st.Disk.Broken, files(t, dir))
		}
		b.store.Close()
	}
	os.WriteFile(path, good, 0o600)
	b = newBench(t, Limits{}, disk, Options{})
	waitFor(t, "the file", func() bool { return b.store.Stats().Disk.Files == 1 })
	b.wantBody("the right one", "GET /a", "hello")
	b.store.Close()
	// Without its state nothing of it is found, and everything goes on.
	os.WriteFile(filepath.Join(dir, "state"), []byte("x"), 0o600)
	b = newBench(t, Limits{}, disk, Options{})
	defer b.store.Close()
	b.wantBody("another seed", "GET /a", "")
	b.ask("GET /a", fresh60, "new")
	b.wantBody("another seed", "GET /a", "new")
}

func flipped(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 4
	return c
}

// sealed makes a file of a content, with the right sum.
func sealed(content []byte) []byte {
	sum := sha256.Sum256(content)
	return append(append([]byte(fileMagic), sum[:]...), content...)
}

// A disk that cannot be written is told once, and the cache goes on.
func TestDiskThatFails(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, Limits{}, DiskOptions{Path: dir}, Options{})
	defer b.store.Close()
	os.RemoveAll(filepath.Join(dir, "tmp"))
	os.WriteFile(filepath.Join(dir, "tmp"), nil, 0o600) // so that no file can be made in it, root or not
	waitFor(t, "a failure", func() bool {
		b.ask("GET /a", "200 OK | Transfer-Encoding: chunked | Cache-Control: max-age=0, stale-if-error=60", "x")
		return b.store.Stats().Disk.Trouble != ""
	})
	b.ask("GET /b", fresh60, "b")
	b.wantBody("in memory", "GET /b", "b")
	if st := b.store.Stats(); st.Disk.Failures == 0 || st.Disk.Skipped == 0 {
		t.Errorf("%d failures, %d skipped", st.Disk.Failures, st.Disk.Skipped)
	}
	os.Remove(filepath.Join(dir, "tmp"))
	os.MkdirAll(filepath.Join(dir, "tmp"), 0o700)
	b.wait(pauseTime)
	b.ask("GET /c", fresh60, "c")
	waitFor(t, "it to work again", func() bool { return b.store.Stats().Disk.Trouble == "" })
}

func TestDiskThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := New(Limits{}, DiskOptions{Path: filepath.Join(file, "cache")}, Env{}); err == nil {
		t.Error("a directory that cannot be made is no error")
	}
}

// I5. Whatever lies on the disk: no panic, and what is taken is within bounds, may be
// sent, and is the same when it is written and read again.
func FuzzDecodeGroup(f *testing.F) {
	b := newBench(f, Limits{}, DiskOptions{}, Options{})
	b.ask("GET /a | X: 1", fresh60+" | Vary: X | ETag: \"1\" | Cache-Tag: t", "one")
	for g := range b.store.memory.Values() {
		var buf bytes.Buffer
		encodeGroup(&buf, g)
		f.Add(buf.Bytes())
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		variants, err := decodeGroup(sealed(content), now)
		if err != nil {
			return
		}
		for _, o := range variants {
			if !keptStatus(o.status) || o.size > int64(len(content)) || len(o.tags) > tagsMax || o.policy.lifetime < 0 {
				t.Fatalf("%+v", o)
			}
			for i := range o.head.Fields {
				line := o.head.Bytes(o.head.Fields[i].LineSpan)
				if bytes.ContainsAny(line[:len(line)-2], "\r\n\x00") || !isName(o.head.Name(i)) {
					t.Fatalf("%q may not be sent", line)
				}
			}
		}
		var one, two bytes.Buffer
		encodeGroup(&one, newGroup(variants))
		again, err := decodeGroup(sealed(one.Bytes()), now)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		encodeGroup(&two, newGroup(again))
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Fatal("written and read again it is another")
		}
	})
}
