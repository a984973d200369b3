// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bufio"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
)

// save has a group written, unless more waits already than may.
func (d *disk) save(key id, g *group) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(key)
	if d.unwrittenBytes+int64(g.cost) > unwrittenMax || d.store.env.Now().Before(d.pausedUntil) {
		d.store.counts.diskSkipped.Add(1)
		return
	}
	select {
	case d.queue <- key:
		d.unwritten[key] = g
		d.unwrittenBytes += int64(g.cost)
	default:
		d.store.counts.diskSkipped.Add(1)
	}
}

// write is the goroutine that writes.
func (d *disk) write() {
	for {
		select {
		case key := <-d.queue:
			d.writeNext(key)
		case <-d.dirty:
			d.report(d.writeState())
		case <-d.stop:
			for { // what waits was promised
				select {
				case key := <-d.queue:
					d.writeNext(key)
				case <-d.dirty:
					d.report(d.writeState())
				default:
					return
				}
			}
		}
	}
}

// writeNext writes the group that waits for a key; none waits if it was removed, or
// came twice and was written at the first time.
func (d *disk) writeNext(key id) {
	d.mu.Lock()
	g := d.unwritten[key]
	d.mu.Unlock()
	if g == nil {
		return
	}
	size, err := d.writeFile(d.path(key), func(w io.Writer) error { return encodeGroup(w, g) })
	d.mu.Lock()
	wanted := d.unwritten[key] == g
	if wanted {
		d.settle(key)
	}
	if err == nil && wanted {
		d.note(key, size)
	}
	newer := d.unwritten[key] != nil
	d.mu.Unlock()
	if err == nil && !wanted && !newer { // removed meanwhile
		os.Remove(d.path(key))
	}
	d.report(err)
	d.evict()
}

// report says when writing begins to fail and when it works again. A full disk must not
// fill the log too.
func (d *disk) report(err error) {
	d.mu.Lock()
	before := d.trouble
	d.trouble = ""
	if err != nil {
		d.trouble, d.pausedUntil = err.Error(), d.store.env.Now().Add(pauseTime)
		d.store.counts.diskWriteFailures.Add(1)
	}
	now := d.trouble
	d.mu.Unlock()
	switch {
	case now != "" && before == "":
		d.store.env.Logger.Error("the cache cannot write to its disk; it goes on in memory, and tries again from time to time",
			"path", d.opts.Path, "problem", now)
	case now == "" && before != "":
		d.store.env.Logger.Info("the cache writes to its disk again", "path", d.opts.Path)
	}
}

// Every file begins with its form and the hash of the rest.
const (
	fileMagic  = "causeyC2"
	fileHeader = len(fileMagic) + sha256.Size
)

// writeFile writes a file whole or not at all: under another name first. It is not
// synced, since the hash tells what a crash has left half.
func (d *disk) writeFile(path string, content func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(d.temp(), "")
	if err != nil {
		return 0, err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(make([]byte, fileHeader)); err != nil {
		return 0, err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10)
	if err = content(buffered); err != nil {
		return 0, err
	}
	if err = buffered.Flush(); err != nil {
		return 0, err
	}
	if _, err = f.WriteAt(sum.Sum([]byte(fileMagic)), 0); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(f.Name(), path)
}
