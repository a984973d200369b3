// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// OldAfter is the age at which a list is doubted. Cloudflare and Fastly have changed
// theirs about once in two years; half a year bounds how long a new network goes
// unnoticed.
const OldAfter = 180 * 24 * time.Hour

const (
	// prefixesMax bounds one list. The longest of those built in has some dozens.
	prefixesMax = 4096
	// fileLimitBytes bounds a list in the directory.
	fileLimitBytes = 1 << 20
	dayLayout      = "2006-01-02"
)

// Set is a named list of networks.
type Set struct {
	Name     string         `json:"name"`
	Title    string         `json:"title"`
	Sources  []string       `json:"sources"`
	Format   string         `json:"format"`
	Service  string         `json:"service,omitempty"`
	Day      string         `json:"retrieved,omitempty"`
	Note     string         `json:"note"`
	Prefixes []netip.Prefix `json:"prefixes"`

	// Retrieved is Day as a time, zero for a list that ships empty.
	Retrieved time.Time `json:"-"`
	// File is where the list was read, "" for one that is built in.
	File string `json:"-"`
}

// Empty reports a list that cannot be used.
func (s *Set) Empty() bool { return len(s.Prefixes) == 0 }

// Age is the time since the list was published as it is.
func (s *Set) Age(now time.Time) time.Duration { return now.Sub(s.Retrieved) }

// Old reports a list that should be updated before it is believed.
func (s *Set) Old(now time.Time) bool { return !s.Empty() && s.Age(now) > OldAfter }

//go:embed sets/*.json
var files embed.FS

// builtIn are the lists of the program, by name. One that is wrong is a mistake of
// ours that no test run can miss.
var builtIn = sync.OnceValue(func() []Set {
	entries, err := fs.ReadDir(files, "sets")
	if err != nil {
		panic("cdn: " + err.Error())
	}
	var sets []Set
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("sets", e.Name()))
		if err != nil {
			panic("cdn: " + err.Error())
		}
		s, err := decode(text)
		if err != nil {
			panic("cdn: " + e.Name() + ": " + err.Error())
		}
		sets = append(sets, s)
	}
	return sets
})

// Names returns the names of all sets, sorted.
func Names() []string {
	var names []string
	for _, s := range builtIn() {
		names = append(names, s.Name)
	}
	return names
}

// Load returns all sets, sorted by name: those built in, each replaced by a newer one
// from dir. "" is no directory. What is wrong with a file there is in problems (I2).
func Load(dir string) (sets []Set, problems []error) {
	sets = slices.Clone(builtIn())
	if dir == "" {
		return sets, nil
	}
	for i := range sets {
		own := &sets[i]
		newer, err := read(file(dir, own.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, err)
		case newer.Name != own.Name:
			problems = append(problems, fmt.Errorf("%s holds the set %q", newer.File, newer.Name))
		case newer.Retrieved.After(own.Retrieved):
			sets[i] = newer
		}
	}
	return sets, problems
}

func file(dir, name string) string { return filepath.Join(dir, "networks-"+name+".json") }

func read(name string) (Set, error) {
	f, err := os.Open(name)
	if err != nil {
		return Set{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileLimitBytes+1))
	if err == nil && len(text) > fileLimitBytes {
		err = errors.New("is larger than 1 MiB")
	}
	s, derr := decode(text)
	if err == nil {
		err = derr
	}
	if err != nil {
		return Set{}, fmt.Errorf("%s: %w", name, err)
	}
	s.File = name
	return s, nil
}

// decode reads and checks one list.
func decode(text []byte) (Set, error) {
	var s Set
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Set{}, err
	}
	if len(s.Prefixes) == 0 {
		return s, nil
	}
	var err error
	if s.Retrieved, err = time.Parse(dayLayout, s.Day); err != nil {
		return Set{}, err
	}
	return s, checkAll(s.Prefixes)
}

// Save writes s with new prefixes and the day of now into dir, whole or not at all.
func (s Set) Save(dir string, prefixes []netip.Prefix, now time.Time) error {
	if len(prefixes) == 0 {
		return errors.New("an empty list would trust nobody; the old one is kept")
	}
	s.Prefixes, s.Day = prefixes, now.UTC().Format(dayLayout)
	s.Note = "Downloaded from the sources."
	if err := checkAll(prefixes); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".networks-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file(dir, s.Name))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// checkAll holds a list to I1.
func checkAll(prefixes []netip.Prefix) error {
	if len(prefixes) > prefixesMax {
		return fmt.Errorf("%d networks, at most %d", len(prefixes), prefixesMax)
	}
	for _, p := range prefixes {
		a := p.Addr()
		widest := 8
		if a.Is6() {
			widest = 16
		}
		switch {
		case !p.IsValid() || a.Is4In6():
			return fmt.Errorf("%v is no network", p)
		case p != p.Masked():
			return fmt.Errorf("%v has bits outside its mask", p)
		case p.Bits() < widest:
			return fmt.Errorf("%v is too wide to be one company's", p)
		case a.IsPrivate() || a.IsLoopback() || !a.IsGlobalUnicast():
			return fmt.Errorf("%v is not of the public internet", p)
		}
	}
	return nil
}
