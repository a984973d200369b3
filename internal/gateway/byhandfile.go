// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"causey/internal/upstream"
)

// The file of what was decided by hand: JSON with a version, replaced whole, so that
// whoever reads it finds the old or the new and nothing between.
const (
	byHandVersion = 1
	// byHandBytes bounds what is read: some thousand servers.
	byHandBytes = 1 << 20
	// unfinishedFor is how old a file has to be that a writer left behind, to be no
	// other writer's.
	unfinishedFor = time.Minute
	unfinished    = ".servers-*.tmp"
)

type byHandFile struct {
	Version int        `json:"version"`
	Servers []decision `json:"servers"`
}

// load reads the file. One that cannot be understood is kept aside: the gateway has to
// start, and a server that is in service by mistake is seen, but one that the next
// decision overwrites is not.
func (h *byHand) load() {
	h.sweep()
	list, err := readByHand(h.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		aside := h.file + ".unreadable"
		text := "what was decided by hand about servers cannot be read: all are in service as far as they work"
		if moveErr := os.Rename(h.file, aside); moveErr != nil {
			h.log.Warn(text+"; the file could not be kept aside and is replaced by the next decision", "file", h.file, "error", err, "why", moveErr)
			return
		}
		h.log.Warn(text, "error", err, "file", h.file, "kept_as", aside)
	}
	for _, d := range list {
		h.decided[serverKey{d.Upstream, d.Server}] = d
	}
}

// sweep removes what a writer left that was killed before it was done.
func (h *byHand) sweep() {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(h.file), unfinished)) // the pattern is ours
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > unfinishedFor {
			_ = os.Remove(name)
		}
	}
}

// readByHand reads a file strictly: what it does not know is from a version that
// meant something by it.
func readByHand(file string) ([]decision, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, byHandBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > byHandBytes {
		return nil, fmt.Errorf("it is longer than %d bytes", byHandBytes)
	}
	var version struct{ Version int }
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, err
	}
	if version.Version != byHandVersion {
		return nil, fmt.Errorf("it is of version %d, this is a gateway for version %d", version.Version, byHandVersion)
	}
	var all byHandFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&all); err != nil {
		return nil, err
	}
	for i, d := range all.Servers {
		if d.Upstream == "" || d.Server == "" || d.State != upstream.Drain && d.State != upstream.Maintain {
			return nil, fmt.Errorf("servers[%d] names no upstream or server, or a state that is neither drain nor maintenance", i)
		}
	}
	return all.Servers, nil
}

// save replaces the file; h.mu is held.
func (h *byHand) save() error {
	all := byHandFile{Version: byHandVersion, Servers: make([]decision, 0, len(h.decided))}
	for _, d := range h.decided {
		all.Servers = append(all.Servers, d)
	}
	slices.SortFunc(all.Servers, func(a, b decision) int {
		return cmp.Or(cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Server, b.Server))
	})
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(h.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, unfinished) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	// The content has to be on the disk before the name is: else a crash could leave
	// the new name with nothing behind it.
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), h.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

// syncDir brings the names of a directory to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
