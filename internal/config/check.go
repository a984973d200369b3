// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// finish does what needs the whole configuration: checks between its parts, and
// the defaults that follow from other values. It runs after problems too, so
// that one reading reports all of them.
func (d *decoder) finish(c *Config) {
	d.finishTimeouts(c)
	d.finishAdmin(c)
	d.finishTLS(c)
	d.checkListen(c)
	d.checkHosts(c)
	for i := range c.Sites {
		d.checkRoutes(i, &c.Sites[i])
	}
	for i := range c.Upstreams {
		d.checkUpstream(c, &c.Upstreams[i])
		d.checkServersOf(&c.Upstreams[i])
	}
	d.checkReferences(c)
	d.checkCache(c)
	if d.noDuplicates("resolver", texts(c.Resolver)); len(c.Resolver) == 0 {
		c.Resolver = nil // [] says the same as no key, which is what JSON has (I3)
	}
	d.checkProxies("trusted_proxies", c.TrustedProxies, "this trusts everybody, so any client can name any client address")
	for i, l := range c.Listen {
		d.checkProxies(fmt.Sprintf("listen[%d].proxy_protocol", i), l.ProxyProtocol,
			"every connection has to begin with a PROXY header, and whoever can connect may name any client address in it")
	}
}

// checkProxies finds networks of proxies that are listed twice, and says what risk
// those are that hold all addresses.
func (d *decoder) checkProxies(path string, list []NetworkOrSet, risk string) {
	d.noDuplicates(path, texts(list))
	for i, n := range list {
		if n.Set == "" && n.Prefix.Bits() == 0 && d.sound("%s[%d]", path, i) {
			d.warn(d.at("%s[%d]", path, i), "name the addresses of your proxies", "%s", risk)
		}
	}
}

// finishTimeouts fills in the timeouts of upstreams and routes.
func (d *decoder) finishTimeouts(c *Config) {
	byName := make(map[string]*Upstream, len(c.Upstreams))
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		byName[u.Name] = u
		u.Timeouts.inherit(c.Timeouts.AttemptTimeouts)
		if u.KeepAlive.IdleTimeout == inherited {
			u.KeepAlive.IdleTimeout = c.Timeouts.UpstreamIdle
		}
	}
	for i := range c.Sites {
		for j := range c.Sites[i].Routes {
			r := &c.Sites[i].Routes[j]
			if u := byName[r.Upstream]; u != nil {
				r.Timeouts.inherit(u.Timeouts)
				r.Retry.inherit(u.Retry.Retry)
			}
		}
	}
}

// checkListen finds addresses that are listened on twice.
func (d *decoder) checkListen(c *Config) {
	for i, l := range c.Listen {
		if !d.listenSound(i) {
			continue
		}
		for j, other := range c.Listen[:i] {
			if !d.listenSound(j) || !overlap(l.Address, other.Address) {
				continue
			}
			d.fail(d.at("listen[%d]", i), inLine(d.at("listen[%d]", j).node.at)+" listens on it already; remove one", "%s is listened on twice%s", l.Address, becauseOf(l.Address, other.Address))
			break
		}
		if overlap(l.Address, c.Admin.Listen) && d.sound("admin") {
			d.fail(d.at("admin.listen"), "give the admin side a port of its own", "%s is listened on for clients too%s", c.Admin.Listen, becauseOf(c.Admin.Listen, l.Address))
			return
		}
	}
}

// inLine names an earlier place.
func inLine(at place) string {
	if at.line == 0 {
		return "another flag"
	}
	return fmt.Sprintf("line %d", at.line)
}

func (d *decoder) listenSound(i int) bool {
	return d.sound("listen[%d]", i) && d.sound("listen[%d].address", i)
}

// becauseOf names the other address if it is written differently.
func becauseOf(a, b ListenAddr) string {
	if a == b {
		return ""
	}
	return ": " + b.String() + " covers it"
}

// overlap reports whether two sockets cannot both be listened on. A wildcard of
// one IP version covers the other version only where it was written without an
// address.
func overlap(a, b ListenAddr) bool {
	if a.Network != b.Network {
		return false
	}
	if a.Network != TCP {
		return a == b && !a.IsZero()
	}
	if a.Port != b.Port || a.Port == 0 {
		return false
	}
	covers := func(a, b ListenAddr) bool {
		return !a.IP.IsValid() || a.IP.IsUnspecified() && b.IP.IsValid() && a.IP.Is4() == b.IP.Is4()
	}
	return a.IP == b.IP || covers(a, b) || covers(b, a)
}

// checkHosts finds hosts that two sites claim.
func (d *decoder) checkHosts(c *Config) {
	first := map[string]place{}
	for i, s := range c.Sites {
		for j, host := range s.Hosts {
			if !d.sound("sites[%d].hosts[%d]", i, j) {
				continue
			}
			at := d.at("sites[%d].hosts[%d]", i, j)
			if where, taken := first[host]; taken {
				d.fail(at, inLine(where)+" has it already; put the routes into one site", "the host %s belongs to two sites", quote(host))
				continue
			}
			first[host] = at.node.at
		}
	}
}

// checkRoutes finds routes of a site that can never be taken.
func (d *decoder) checkRoutes(i int, s *Site) {
	type first struct{ line, index int }
	taken := map[string]first{}
	for j, r := range s.Routes {
		if !d.sound("sites[%d].routes[%d]", i, j) || !d.sound("sites[%d].routes[%d].path", i, j) || !d.sound("sites[%d].routes[%d].methods", i, j) {
			continue
		}
		methods := r.Methods
		if len(methods) == 0 {
			methods = []string{""}
		}
		for _, m := range methods {
			key := m + " " + r.Path
			at := d.at("sites[%d].routes[%d].path", i, j)
			was, twice := taken[key]
			if twice && was.index == j {
				continue // a method written twice: reported as that
			}
			if !twice {
				taken[key] = first{at.node.at.line, j}
				continue
			}
			what := "the path " + quote(r.Path)
			if m != "" {
				what = m + " of " + what
			}
			d.fail(at, fmt.Sprintf("sites[%d].routes[%d] in line %d has it already; remove one", i, was.index, was.line), "%s has two routes", what)
			break
		}
	}
}

// checkUpstream finds servers that are listed twice or are the gateway itself.
func (d *decoder) checkUpstream(c *Config, u *Upstream) {
	d.eachServer(joinPath("upstreams", u.Name)+".servers", u.Servers, func(at cursor, s *Server) {
		for _, l := range c.Listen {
			if reaches(s.Address, l.Address) {
				d.fail(at, "write the address of the application", "the server %s is this gateway itself, which listens there", s.Address)
				break
			}
		}
	})
}

// eachServer calls check with each server of a list whose address could be read, and
// finds those that are listed twice.
func (d *decoder) eachServer(path string, list []Server, check func(at cursor, s *Server)) {
	seen := map[ServerAddr]place{}
	for i := range list {
		s := &list[i]
		if !d.serverSound(path, i) {
			continue
		}
		at := d.at("%s[%d]", path, i)
		if was, twice := seen[s.Address]; twice {
			d.fail(at, inLine(was)+" has it already; remove one", "the server %s is listed twice", s.Address)
		}
		seen[s.Address] = at.node.at
		check(at, s)
	}
}

func (d *decoder) serverSound(path string, i int) bool {
	return d.sound("%s[%d]", path, i) && d.sound("%s[%d].address", path, i)
}

// reaches reports whether a server's address is certainly one that the gateway
// listens on. localhost may be another socket on ::1, so it counts only if the
// gateway listens on every address.
func reaches(s ServerAddr, l ListenAddr) bool {
	if s.Network != l.Network || l.Network == Systemd {
		return false
	}
	if s.Network == Unix {
		return s.Path == l.Path
	}
	if s.Port != l.Port {
		return false
	}
	at, isIP := s.AddrPort()
	if !isIP {
		return s.Host == "localhost" && !l.IP.IsValid()
	}
	ip := at.Addr()
	return l.IP == ip || ip.IsLoopback() && (!l.IP.IsValid() || l.IP.IsUnspecified() && l.IP.Is4() == ip.Is4())
}

// checkReferences joins routes and upstreams.
func (d *decoder) checkReferences(c *Config) {
	written, ok := d.where["upstreams"]
	if !ok || written.node.kind != mapNode || len(written.node.pairs) == 0 {
		return // missing, empty, or not a mapping: reported as that
	}
	names := written.node.keys()
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = false
	}
	for i, s := range c.Sites {
		for j, r := range s.Routes {
			if r.Upstream == "" || !d.sound("sites[%d].routes[%d].upstream", i, j) {
				continue
			}
			if _, is := known[r.Upstream]; is {
				known[r.Upstream] = true
				continue
			}
			if !d.report.full() { // the search for a similar name costs the number of names
				d.fail(d.at("sites[%d].routes[%d].upstream", i, j), didYouMeanOr(r.Upstream, names), "no upstream is called %s", quote(r.Upstream))
			}
		}
	}
	for _, u := range c.Upstreams {
		if !known[u.Name] {
			d.warn(d.at("%s", joinPath("upstreams", u.Name)), "remove it, or name it in a route", "no route uses the upstream %s", quote(u.Name))
		}
	}
}

// noDuplicates reports items of a list that are written twice. They do no harm
// but are never meant.
func (d *decoder) noDuplicates(path string, items []string) {
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		if seen[item] && d.sound("%s[%d]", path, i) {
			d.fail(d.at("%s[%d]", path, i), "remove one", "%s is listed twice", item)
		}
		seen[item] = true
	}
}

// texts gives each value as it is written.
func texts[T any](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = fmt.Sprint(v)
	}
	return all
}

// checkAccessLog finds words that were meant for a stream and name a file.
func checkAccessLog(d *decoder, c cursor, a *AccessLog) {
	base := filepath.Base(a.Path)
	if near := nearest(base, []string{Stdout, Stderr}); near != "" && a.Path != near && !strings.Contains(base, ".") {
		d.warn(d.at("%s.path", c.path), "did you mean "+near+"?", "the access log is written to a file called %s", quote(base))
	}
}

// Upstreams are the upstreams in the order of the text.
type Upstreams []Upstream

// MarshalJSON gives the mapping of names to upstreams, in order.
func (u Upstreams) MarshalJSON() ([]byte, error) {
	return marshalNamed(u, func(u Upstream) (string, any) { return u.Name, u })
}
