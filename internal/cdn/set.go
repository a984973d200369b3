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

// Load returns all sets, sorted by name: those built in, each with the networks of a
// file in dir that is of the same day or newer. "" is no directory. What is wrong with
// a file there is in problems (I2).
func Load(dir string, now time.Time) (sets []Set, problems []error) {
	sets = slices.Clone(builtIn())
	if dir == "" {
		return sets, nil
	}
	for i := range sets {
		err := sets[i].renew(file(dir, sets[i].Name), now)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return sets, problems
}

// kept is what a file in the directory holds. All else about a set is of the program:
// a file does not say whom it is about, nor where the next one comes from.
type kept struct {
	Name     string         `json:"name"`
	Day      string         `json:"retrieved"`
	Prefixes []netip.Prefix `json:"prefixes"`
}

// renew takes day and networks from a file, unless it is older than s or cannot be
// used.
func (s *Set) renew(name string, now time.Time) error {
	k, day, err := read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
	case k.Name != s.Name:
		err = fmt.Errorf("it is a list of %.60q", k.Name)
	case day.After(now):
		// It would never be old, and no update would be newer.
		err = fmt.Errorf("it is of %s, which is yet to come", k.Day)
	case day.Before(s.Retrieved):
		return nil
	default:
		s.Day, s.Retrieved, s.Prefixes, s.File = k.Day, day, k.Prefixes, name
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func file(dir, name string) string { return filepath.Join(dir, "networks-"+name+".json") }

func read(name string) (k kept, day time.Time, err error) {
	f, err := os.Open(name)
	if err != nil {
		return k, day, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileLimitBytes+1))
	if err == nil && len(text) > fileLimitBytes {
		err = errors.New("is larger than 1 MiB")
	}
	if err != nil {
		return k, day, err
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return k, day, fmt.Errorf("%.200s", err) // it quotes what it met
	}
	if day, err = time.Parse(dayLayout, k.Day); err != nil {
		return k, day, fmt.Errorf("%.60q is no day", k.Day)
	}
	if len(k.Prefixes) == 0 {
		return k, day, errors.New("no networks in it")
	}
	return k, day, checkAll(k.Prefixes)
}

// decode reads and checks a list that is built in.
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

// Save writes new networks of s with the day of now into dir, whole or not at all. It
// refuses what Load would not use.
func (s *Set) Save(dir string, prefixes []netip.Prefix, now time.Time) error {
	if len(prefixes) == 0 {
		return errors.New("an empty list would trust nobody; the old one is kept")
	}
	k := kept{s.Name, now.UTC().Format(dayLayout), prefixes}
	if k.Day < s.Day {
		return fmt.Errorf("this machine's clock says %s, and the list that is in use is of %s", k.Day, s.Day)
	}
	if err := checkAll(prefixes); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&k, "", "  ")
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
