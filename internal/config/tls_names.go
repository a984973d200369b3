// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

// nameSet is a set of names as certificates have them, in lower case: a name,
// *.name for one label below it, or an IP address without brackets.
type nameSet map[string]bool

// Names lists what the certificate is for, in lower case: names, *.name, and IP
// addresses.
func (p *CertificatePair) Names() []string {
	if p.pair.Leaf == nil {
		return nil // it could not be read, which was reported
	}
	var names []string
	for _, n := range p.pair.Leaf.DNSNames {
		if n = strings.ToLower(strings.TrimSuffix(n, ".")); n != "*" { // which no client takes for a name
			names = append(names, n)
		}
	}
	for _, ip := range p.pair.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// namesOf is what some certificates are for.
func namesOf(list []CertificatePair) nameSet {
	set := nameSet{}
	for i := range list {
		for _, n := range list[i].Names() {
			set[n] = true
		}
	}
	return set
}

// has reports whether a host of a site is in the set.
func (s nameSet) has(host string) bool {
	host = strings.Trim(host, "[]")
	if s[host] {
		return true
	}
	_, parent, below := strings.Cut(host, ".")
	_, err := parseIP(host)
	return below && err != nil && s["*."+parent]
}

// hostSet is the hosts of some sites.
type hostSet struct {
	hosts nameSet // as written, without brackets
	above nameSet // what is above each name
}

func (s *hostSet) add(hosts []string) {
	if s.hosts == nil {
		s.hosts, s.above = nameSet{}, nameSet{}
	}
	for _, h := range hosts {
		h = strings.Trim(h, "[]")
		s.hosts[h] = true
		if _, parent, below := strings.Cut(h, "."); below {
			s.above[parent] = true
		}
	}
}

// wants reports whether a certificate serves any of the hosts.
func (s *hostSet) wants(p *CertificatePair) bool {
	return s.hosts["*"] || slices.ContainsFunc(p.Names(), func(name string) bool {
		if parent, wild := strings.CutPrefix(name, "*."); s.hosts[name] || wild && s.above[parent] {
			return true
		}
		for rest := name; ; {
			var below bool
			if _, rest, below = strings.Cut(rest, "."); !below {
				return false
			}
			if s.hosts["*."+rest] {
				return true
			}
		}
	})
}

// checkNames finds hosts that have no certificate, and certificates that have no
// host.
func (d *decoder) checkNames(c *Config) {
	var all hostSet
	for i := range c.Sites {
		all.add(c.Sites[i].Hosts)
	}
	for i := range c.TLS.Certificates {
		// The first one has a use beside: clients that name no host see it.
		if p := &c.TLS.Certificates[i]; !all.wants(p) && (i > 0 || len(c.TLS.Certificates) == 1) {
			d.warnUseless(d.at("tls.certificates[%d]", i), p, "any site", "add its hosts to a site, or remove it")
		}
	}
	top := namesOf(c.TLS.Certificates)
	for i := range c.Sites {
		if len(c.Sites[i].TLS.Certificates) > 0 {
			d.checkOwnNames(i, &c.Sites[i])
			continue
		}
		for j, host := range c.Sites[i].Hosts {
			if !top.has(host) && !c.TLS.Automatic.Covers(host) && d.sound("sites[%d].hosts[%d]", i, j) {
				d.warnUncertified(c, host, d.at("sites[%d].hosts[%d]", i, j), len(all.hosts))
			}
		}
	}
}

// warnUseless reports a certificate that names no host of what could use it.
func (d *decoder) warnUseless(at cursor, p *CertificatePair, of, hint string) {
	const most = 4
	names := p.Names()
	if len(names) == 0 {
		d.warn(at, "get one that has: nobody reads the common name any more (RFC 9525)", "this certificate names no host at all: it has no subjectAltName")
		return
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	for i, n := range names {
		names[i] = quoteless(n)
	}
	d.warn(at, hint, "this certificate names no host of %s: it is for %s", of, strings.Join(names, ", ")+more)
}

// checkOwnNames compares the hosts of a site with its own certificates, which are
// used whatever they name.
func (d *decoder) checkOwnNames(i int, s *Site) {
	var hosts hostSet
	hosts.add(s.Hosts)
	useful := 0
	for j := range s.TLS.Certificates {
		p := &s.TLS.Certificates[j]
		if hosts.wants(p) {
			useful++
			continue
		}
		d.warnUseless(d.at("sites[%d].tls.certificates[%d]", i, j), p, "this site", "give one that names its hosts, or remove this one")
	}
	named := namesOf(s.TLS.Certificates)
	for j, host := range s.Hosts {
		if useful > 0 && host != "*" && !named.has(host) && d.sound("sites[%d].hosts[%d]", i, j) {
			d.warn(d.at("sites[%d].hosts[%d]", i, j), "give one that does, or put the host into a site of its own", "no certificate of this site names %s, so browsers refuse it", quote(host))
		}
	}
}

// warnUncertified says why a host has no certificate.
func (d *decoder) warnUncertified(c *Config, host string, at cursor, hosts int) {
	const give = "give certificates in tls, or in the site's tls"
	name, wild := strings.CutPrefix(host, "*.")
	_, notIP := parseIP(strings.Trim(host, "[]"))
	switch a := &c.TLS.Automatic; {
	case host == "*" && (hosts > 1 || len(c.TLS.Certificates) > 0 || a.Enabled && a.Ask != ""):
		// Whatever no other site has may go without, or is asked for.
	case !a.Enabled:
		d.warn(at, give, "no certificate names %s, so it cannot be reached over TLS", quote(host))
	case host == "*":
		d.warn(at, "name the hosts, or "+give, "certificates are obtained for names, and %s is none, so nothing can be reached over TLS", quote(host))
	case notIP == nil:
		d.warn(at, give, "certificates are obtained for names only, not for the address %s, so it cannot be reached over TLS", quoteless(host))
	case wild && a.certifies(name):
		d.warn(at, "write tls.automatic.dns, or "+give, "a CA certifies %s only by a record of the zone, so it cannot be reached over TLS", quote(host))
	default:
		d.warn(at, give, "no public CA certifies %s, so it cannot be reached over TLS", quote(host))
	}
}

// localSuffixes are names that no public CA certifies (RFC 6761, RFC 8375, RFC 9476
// and what is used like them).
var localSuffixes = []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".alt", ".test", ".invalid"}

// Covers reports whether a certificate for the host is obtained automatically.
func (a *Automatic) Covers(host string) bool {
	name, wild := strings.CutPrefix(host, "*.")
	return a.Enabled && (!wild || a.DNS.Provider != "") && a.certifies(name)
}

// certifies reports whether the CA may give a certificate for a name. What a CA of
// the owner's own certifies is not known, so it may give one for any.
func (a *Automatic) certifies(name string) bool {
	if _, err := parseIP(name); err == nil || name == "*" || strings.ContainsAny(name, ":[_") {
		return false
	}
	for _, public := range caNames {
		if a.CA == public {
			return strings.Contains(name, ".") && !slices.ContainsFunc(localSuffixes, func(s string) bool { return strings.HasSuffix(name, s) })
		}
	}
	return true
}
