// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"container/list"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DiskOptions say where answers outlive the process.
type DiskOptions struct {
	Path string // "" for nowhere
	Size int64  // bound of all files together
}

// defaultDiskSize is the bound if none is given.
const defaultDiskSize = 1 << 30

const (
	// blockBytes is what the smallest file takes of a disk; it bounds their number.
	blockBytes = 4 << 10
	// unwrittenMax bounds the bytes that wait to be written. They may be in memory for
	// nothing else any more.
	unwrittenMax = 32 << 20
	unwrittenLen = 1024
	// pauseTime is how long nothing is written after a failure.
	pauseTime = 30 * time.Second
)

// disk keeps groups in files, one for each key. It knows which files there are; what is
// in one is looked at when it is asked for. Writing is behind: one goroutine does it,
// and what comes faster than the disk takes it is not written.
type disk struct {
	opts  DiskOptions
	store *Store

	mu    sync.Mutex
	files map[id]*list.Element // of fileInfo
	used  *list.List           // the one used last in front
	bytes int64
	// unwritten are groups that are to be written; queue has their keys in order.
	unwritten      map[id]*group
	unwrittenBytes int64
	trouble        string
	pausedUntil    time.Time

	queue chan id
	dirty chan struct{} // the stamps are to be written
	stop  chan struct{}
	ended sync.WaitGroup
}

type fileInfo struct {
	key  id
	size int64
}

// openDisk makes the directory ready and begins to look what is in it.
func openDisk(o DiskOptions, s *Store) (*disk, error) {
	if o.Size <= 0 {
		o.Size = defaultDiskSize
	}
	d := &disk{
		opts: o, store: s, files: map[id]*list.Element{}, used: list.New(), unwritten: map[id]*group{},
		queue: make(chan id, unwrittenLen), dirty: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	// What is left over of writes that were broken off goes.
	if err := os.RemoveAll(d.temp()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.temp(), 0o700); err != nil {
		return nil, err
	}
	if err := d.loadState(); err != nil {
		return nil, err
	}
	d.ended.Go(d.scan)
	d.ended.Go(d.write)
	return d, nil
}

func (d *disk) temp() string { return filepath.Join(d.opts.Path, "tmp") }

// path is where the file of a key lies. Directories of ten thousands of files are slow
// on some file systems.
func (d *disk) path(key id) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(d.opts.Path, name[:2], name[2:])
}

func (d *disk) close() {
	close(d.stop)
	d.ended.Wait()
}

// scan learns which files there are.
func (d *disk) scan() {
	filepath.WalkDir(d.opts.Path, func(path string, e fs.DirEntry, err error) error {
		select {
		case <-d.stop:
			return fs.SkipAll
		default:
		}
		if err != nil || e.IsDir() {
			return nil
		}
		key, ok := keyOfPath(d.opts.Path, path)
		info, err := e.Info()
		if ok && err == nil && info.Mode().IsRegular() {
			d.mu.Lock()
			if d.files[key] == nil {
				d.note(key, info.Size())
			}
			d.mu.Unlock()
		}
		return nil
	})
	d.evict()
}

func keyOfPath(root, path string) (key id, ok bool) {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return key, false
	}
	front, back, _ := strings.Cut(rel, string(filepath.Separator))
	n, err := hex.Decode(key[:], []byte(front+back))
	return key, err == nil && n == len(key) && len(front) == 2
}

// note enters a file. mu is held.
func (d *disk) note(key id, size int64) {
	d.unnote(key)
	size = (size + blockBytes - 1) / blockBytes * blockBytes
	d.files[key] = d.used.PushFront(fileInfo{key, size})
	d.bytes += size
}

// unnote reports whether there was such a file. mu is held.
func (d *disk) unnote(key id) bool {
	e := d.files[key]
	if e == nil {
		return false
	}
	d.bytes -= e.Value.(fileInfo).size
	d.used.Remove(e)
	delete(d.files, key)
	return true
}

// evict removes files until the others are within the bound: those that were not used
// for the longest time.
func (d *disk) evict() {
	for {
		d.mu.Lock()
		last := d.used.Back()
		if d.bytes <= d.opts.Size || last == nil {
			d.mu.Unlock()
			return
		}
		key := last.Value.(fileInfo).key
		d.unnote(key)
		d.mu.Unlock()
		os.Remove(d.path(key))
	}
}

// has reports whether there is a file, or one on its way.
func (d *disk) has(key id) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[key] != nil || d.unwritten[key] != nil
}

// load returns the group of a key, nil if it cannot be had. A file that is not believed
// is removed. I5.
func (d *disk) load(key id) *group {
	d.mu.Lock()
	if g := d.unwritten[key]; g != nil {
		d.mu.Unlock()
		return g
	}
	size := int64(0)
	if e := d.files[key]; e != nil {
		d.used.MoveToFront(e)
		size = e.Value.(fileInfo).size
	}
	d.mu.Unlock()
	// A file takes memory like an answer that comes from a server. I3.
	if !d.store.reserve(size) {
		return nil
	}
	defer d.store.intakes.Add(-size)
	data, err := readFile(d.path(key), d.fileMax())
	if err == nil {
		var variants []*object
		if variants, err = decodeGroup(data, d.store.env.Now()); err == nil {
			d.store.counts.diskLoads.Add(1)
			return newGroup(variants)
		}
	}
	d.remove(key)
	if !errors.Is(err, fs.ErrNotExist) {
		d.store.counts.diskBroken.Add(1)
		d.store.env.Logger.Warn("a file of the cache is not usable and was removed", "file", d.path(key), "problem", err.Error())
	}
	return nil
}

// fileMax bounds what is read: the most that a group can be.
func (d *disk) fileMax() int64 {
	return variantsMax * (d.store.limits.Load().ObjectMax + 2*headMax)
}

// remove removes the file of a key, and what waits to be written.
func (d *disk) remove(key id) (was bool) {
	d.mu.Lock()
	was = d.unnote(key)
	d.settle(key)
	d.mu.Unlock()
	os.Remove(d.path(key))
	return was
}

// settle takes a group out of those that wait. mu is held.
func (d *disk) settle(key id) *group {
	g := d.unwritten[key]
	if g != nil {
		d.unwrittenBytes -= int64(g.cost)
		delete(d.unwritten, key)
	}
	return g
}

func (d *disk) stats() *DiskStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &d.store.counts
	return &DiskStats{
		Path: d.opts.Path, Files: int64(len(d.files)), Bytes: d.bytes, SizeMax: d.opts.Size, Loads: c.diskLoads.Load(),
		Skipped: c.diskSkipped.Load(), Broken: c.diskBroken.Load(), Failures: c.diskWriteFailures.Load(), Trouble: d.trouble,
	}
}
