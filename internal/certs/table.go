// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
)

// table says which slots serve which name. It is never changed once in use (I2).
type table struct {
	exact map[string]*entry
	// wild is keyed by what follows "*.".
	wild map[string]*entry
	// any serves names that no site lists, nil if "*" has no files.
	any *entry
	// bare serves clients that name no host: the owner's choice, else any, else the
	// first file of all sites.
	bare *entry
	// addresses: some hosts are IP addresses.
	addresses bool
	// files are the slots of certificate files, in the order of the sites.
	files []*slot
	// hosts lists what each slot serves, for people.
	hosts map[*slot][]string
}

// entry is what one host name has: certificates of different key types, or one
// that is obtained.
type entry struct {
	slots []*slot
}

// build makes the table of o. pairs holds their loaded files; managed
// gives the slot of a name that is obtained, nil if it is not.
func build(o Options, pairs map[Pair]*slot, managed func(host string) *slot) *table {
	t := &table{exact: map[string]*entry{}, wild: map[string]*entry{}, hosts: map[*slot][]string{}}
	for _, site := range o.Sites {
		for _, host := range site.Hosts {
			var slots []*slot
			for _, p := range site.Files {
				slots = append(slots, pairs[p])
			}
			slots = covering(slots, host)
			if len(site.Files) == 0 {
				if s := managed(host); s != nil {
					slots = append(slots, s)
				}
			}
			t.add(host, slots)
		}
		for _, p := range site.Files {
			if s := pairs[p]; !slices.Contains(t.files, s) {
				t.files = append(t.files, s)
			}
		}
	}
	t.bare = t.any
	switch first := pairs[o.Default]; {
	case first != nil:
		if !slices.Contains(t.files, first) {
			t.files = append(t.files, first)
		}
		t.bare = &entry{slots: []*slot{first}}
	case t.bare == nil && len(t.files) > 0:
		t.bare = &entry{slots: t.files[:1]}
	}
	return t
}

// add serves a host with some slots. A host without any is left out, so that a
// wildcard beside it may serve it. A host that two sites list, which may share it
// by path, has the certificates of both.
func (t *table) add(host string, slots []*slot) {
	if len(slots) == 0 {
		return
	}
	e := t.entry(host)
	for _, s := range slots {
		if !slices.Contains(e.slots, s) {
			e.slots = append(e.slots, s)
			t.hosts[s] = append(t.hosts[s], host)
		}
	}
}

// entry returns the entry of a host, a new one if there was none.
func (t *table) entry(host string) *entry {
	if host == "*" {
		if t.any == nil {
			t.any = &entry{}
		}
		return t.any
	}
	in, key := t.exact, host
	if parent, ok := strings.CutPrefix(host, "*."); ok {
		in, key = t.wild, parent
	} else if addr, err := netip.ParseAddr(host); err == nil {
		key, t.addresses = addr.Unmap().String(), true
	}
	if in[key] == nil {
		in[key] = &entry{}
	}
	return in[key]
}

// find returns the entry of a normal name, nil if there is none (I1).
func (t *table) find(name string) *entry {
	if e := t.exact[name]; e != nil {
		return e
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		if e := t.wild[name[i+1:]]; e != nil {
			return e
		}
	}
	return t.any
}

// covering leaves out the certificates that do not name host, unless none does:
// a site of several hosts may have a file for each of them.
func covering(slots []*slot, host string) []*slot {
	var fit []*slot
	for _, s := range slots {
		if covers(s.cert.Load().Leaf, host) {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return slots
	}
	return fit
}

// covers reports whether a certificate names host. For a wildcard a name below it
// stands in.
func covers(leaf *x509.Certificate, host string) bool {
	if parent, ok := strings.CutPrefix(host, "*."); ok {
		host = "any." + parent
	}
	return host == "*" || leaf.VerifyHostname(host) == nil
}
