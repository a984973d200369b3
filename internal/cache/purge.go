// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"slices"
	"time"
)

// purgeKey forgets all answers to one target.
func (s *Store) purgeKey(key id, now time.Time) int {
	mu := s.lock(key)
	defer mu.Unlock()
	s.stamps.keys.note(key, now)
	return s.forget(key)
}

func (s *Store) stampTag(tag []byte, now time.Time) {
	sum, _ := s.seed.hash(kindTag, tag, nil)
	s.stamps.tags.end(sum.slot(), now)
}

// PurgeURL forgets the answers to a URL, with and without each query parameter that
// some route ignores. ok is false for what is no http or https URL.
func (s *Store) PurgeURL(url string) (dropped int, ok bool) {
	rest, secure := bytes.CutPrefix([]byte(url), []byte("https://"))
	if !secure {
		if rest, ok = bytes.CutPrefix([]byte(url), []byte("http://")); !ok {
			return 0, false
		}
	}
	rest, _, _ = bytes.Cut(rest, []byte{'#'})
	host, target := rest, []byte("/")
	if i := bytes.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if len(host) == 0 {
		return 0, false
	}
	now := s.env.Now()
	purged := map[id]bool{}
	for _, r := range append(slices.Clone(*s.rules.Load()), &Rule{}) {
		key, _ := s.seed.hash(kindKey, r.opts.appendKey(nil, secure, host, target), nil)
		if !purged[key] {
			purged[key] = true
			dropped += s.purgeKey(key, now)
		}
	}
	s.afterPurge()
	return dropped, true
}

// PurgeTag forgets the answers with a tag, PurgeHost those of a host, PurgeAll all.
func (s *Store) PurgeTag(tag string) (dropped int) {
	s.stampTag([]byte(tag), s.env.Now())
	return s.sweep()
}

// PurgeHost implements what PurgeTag says.
func (s *Store) PurgeHost(host string) (dropped int) {
	sum, _ := s.seed.hash(kindHost, appendLower(nil, hostWithoutPort([]byte(host))), nil)
	s.stamps.hosts.end(sum.slot(), s.env.Now())
	return s.sweep()
}

// PurgeAll implements what PurgeTag says.
func (s *Store) PurgeAll() (dropped int) {
	s.stamps.endAll(s.env.Now())
	return s.sweep()
}

// sweep frees the memory of answers that a stamp has ended, and counts them. They were
// out of use before: the stamp counts, whatever is still there. Those on disk go when
// they are looked for, or with time.
func (s *Store) sweep() (dropped int) {
	for key, g := range s.memory.All() {
		for _, o := range g.variants {
			if s.stamps.ended(o) {
				s.drop(key, o)
				dropped++
			}
		}
	}
	s.afterPurge()
	return dropped
}

// afterPurge makes a purge outlive the process, as the answers on disk do.
func (s *Store) afterPurge() {
	if s.disk != nil {
		s.disk.saveStamps()
	}
}
