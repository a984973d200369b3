// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"causey/internal/upstream"
)

// Earlier versions kept what was decided by hand in a file of its own: JSON with a version.
const (
	byHandName    = "servers.json"
	byHandVersion = 1
	// byHandBytes bounds what is read: some thousand servers.
	byHandBytes = 1 << 20
)

type byHandFile struct {
	Version int        `json:"version"`
	Servers []decision `json:"servers"`
}

// takeOver reads the file of an earlier version, if there is one, puts its decisions in
// place of the store's, which are older then, and renames it when they are on the disk. One
// that cannot be understood is kept aside: the gateway has to start, and a server that is
// in service by mistake is seen.
func (h *byHand) takeOver(file string) {
	list, err := readByHand(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		aside := file + ".unreadable"
		attrs := []any{"error", err, "file", file, "kept_as", aside}
		if moveErr := os.Rename(file, aside); moveErr != nil {
			attrs = []any{"error", err, "file", file, "not_kept_aside", moveErr}
		}
		h.log.Warn("what an earlier version kept about servers that were taken out by hand cannot be read", attrs...)
		return
	}
	var waits []func() error
	for _, d := range h.decided {
		d.State = upstream.Auto
		waits = append(waits, h.keep(d))
	}
	clear(h.decided)
	for _, d := range list {
		h.decided[serverKey{d.Upstream, d.Server}] = d
		waits = append(waits, h.keep(d))
	}
	for _, wait := range waits {
		if err = wait(); err != nil {
			break
		}
	}
	if err == nil {
		err = os.Rename(file, file+".imported")
	}
	if err != nil {
		h.log.Warn("what an earlier version kept about servers holds, and is taken over at the next start", "file", file, "error", err)
		return
	}
	h.log.Info("what an earlier version kept about servers is in the store now", "servers", len(list), "file", file, "kept_as", file+".imported")
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
