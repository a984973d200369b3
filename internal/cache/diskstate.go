// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
)

// The file "state" has the seed, without which nothing else can be found, and the
// stamps of purges, which go on to hold.

const stateBytes = len(seed{}) + 8*(1+2*stampSlots)

func (d *disk) statePath() string { return filepath.Join(d.opts.Path, "state") }

// loadState reads the state, or begins anew: then nobody finds the old files, which go
// as they get in the way.
func (d *disk) loadState() error {
	data, err := readFile(d.statePath(), int64(fileHeader+stateBytes))
	if err == nil {
		data, err = checked(data)
		if err == nil && len(data) == stateBytes {
			d.useState(data)
			return nil
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.store.env.Logger.Warn("the state of the cache on disk is not usable; it begins anew, and what is there is not used",
			"file", d.statePath())
	}
	return d.writeState()
}

func (d *disk) useState(data []byte) {
	data = data[copy(d.store.seed[:], data):]
	next := func() int64 {
		v := int64(binary.LittleEndian.Uint64(data))
		data = data[8:]
		return v
	}
	d.store.stamps.all.Store(next())
	for _, t := range d.store.stamps.lasting() {
		for i := range t {
			t[i].Store(next())
		}
	}
}

func (d *disk) writeState() error {
	_, err := d.writeFile(d.statePath(), func(w io.Writer) error {
		b := append(make([]byte, 0, stateBytes), d.store.seed[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(d.store.stamps.all.Load()))
		for _, t := range d.store.stamps.lasting() {
			for i := range t {
				b = binary.LittleEndian.AppendUint64(b, uint64(t[i].Load()))
			}
		}
		_, err := w.Write(b)
		return err
	})
	return err
}

// saveStamps has the stamps written soon.
func (d *disk) saveStamps() {
	select {
	case d.dirty <- struct{}{}:
	default:
	}
}
