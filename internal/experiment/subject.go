// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"causey/internal/incident"
	"causey/internal/upstream"
)

// subject is what is tried: one failing server, as requests reach it.
type subject struct {
	*Options
	up     *Upstream
	server *upstream.Server
	// address is what failed when it was dialled; invalid for a unix socket and where it
	// did not come to that.
	address netip.AddrPort
	// host is what the visitor asked for, path what is asked for of what failed.
	host, path string
	rootFails  bool
	// other is another server that should be well, nil for none; otherAddress is an
	// address of the server in the other family, invalid for none.
	other        *upstream.Server
	otherAddress netip.AddrPort
	// onset is when it began to fail.
	onset time.Time
	// resolver is the one in use, all are the upstreams.
	resolver Resolver
	all      []Upstream
}

// newSubject finds what a doubt is about. It returns nil if there is nothing to ask.
func newSubject(o *Options, d *incident.Doubt) *subject {
	s := &subject{Options: o, all: o.Upstreams(), host: d.Wanted.Host, path: d.Wanted.Path, onset: d.Onset, rootFails: d.Wanted.Root || d.Wanted.Path == "/", resolver: o.Resolver()}
	if s.path == "" {
		s.path = "/"
	}
	i := slices.IndexFunc(s.all, func(u Upstream) bool { return u.Name == d.Upstream })
	if i < 0 {
		return nil
	}
	s.up = &s.all[i]
	states := map[string]*upstream.ServerDescription{}
	described := s.up.Describe()
	for j := range described.Servers {
		states[described.Servers[j].Name] = &described.Servers[j]
	}
	ours := slices.DeleteFunc(slices.Clone(s.up.Servers()), func(sv *upstream.Server) bool { // I3
		return states[sv.Name] == nil || states[sv.Name].Hand == upstream.Maintain
	})
	failing := d.Servers
	if len(failing) == 0 { // nobody was asked any more: those that were left out
		for _, sv := range ours {
			if states[sv.Name].State != upstream.Up {
				failing = append(failing, sv.Name)
			}
		}
	}
	for _, name := range failing {
		if j := slices.IndexFunc(ours, func(sv *upstream.Server) bool { return sv.Name == name }); j >= 0 {
			s.server = ours[j]
			break
		}
	}
	if s.server == nil {
		return nil
	}
	if len(d.Servers) > 0 && s.server.Name == d.Servers[0] {
		s.address = d.Dialled
	}
	s.findOthers(ours, func(sv *upstream.Server) bool {
		return states[sv.Name].State == upstream.Up && states[sv.Name].Hand == upstream.Auto && !slices.Contains(failing, sv.Name)
	})
	return s
}

// findOthers looks for another server, and for another address of this one.
func (s *subject) findOthers(ours []*upstream.Server, isWell func(*upstream.Server) bool) {
	if i := slices.IndexFunc(ours, isWell); i >= 0 {
		s.other = ours[i]
	}
	if s.server.Host == "" {
		if a := s.server.Addr; a.Addr().IsLoopback() { // the other address of localhost
			s.otherAddress = netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
			if a.Addr().Is6() {
				s.otherAddress = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
			}
		}
		return
	}
	answer, ok := s.resolver.Known(s.server.Host)
	if !ok {
		return
	}
	if !s.address.IsValid() && len(answer.Addrs) > 0 {
		s.address = netip.AddrPortFrom(answer.Addrs[0], s.server.Addr.Port())
	}
	for _, a := range answer.Addrs {
		if s.address.IsValid() && a.Unmap().Is4() != s.address.Addr().Unmap().Is4() {
			s.otherAddress = netip.AddrPortFrom(a, s.address.Port())
			return
		}
	}
}

// target is where to dial sv.
func (s *subject) target(sv *upstream.Server) (network, address string, ok bool) {
	switch {
	case sv.Path != "":
		return "unix", sv.Path, true
	case sv == s.server && s.address.IsValid():
		return "tcp", s.address.String(), true
	case sv.Host == "":
		return "tcp", sv.Addr.String(), true
	}
	answer, known := s.resolver.Known(sv.Host)
	if !known || len(answer.Addrs) == 0 {
		return "", "", false
	}
	return "tcp", netip.AddrPortFrom(answer.Addrs[0], sv.Addr.Port()).String(), true
}

// hostOf is what sv is asked for, as requests ask.
func (s *subject) hostOf(sv *upstream.Server) string {
	switch {
	case s.up.HostOfServer:
		return sv.Authority
	case s.up.Host != "":
		return s.up.Host
	case s.host != "":
		return s.host
	}
	return sv.Authority
}

// site is the name that the visitor asked for, "" if it is no name.
func (s *subject) site() string {
	name := s.host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name[0] == '[' {
		return ""
	}
	return name
}

func isOverTLS(s *subject) bool      { return s.server.TLS }
func isOverPlain(s *subject) bool    { return !s.server.TLS }
func isOverTCP(s *subject) bool      { return s.server.Path == "" }
func isNamed(s *subject) bool        { return s.server.Host != "" }
func hasOtherServer(s *subject) bool { return s.other != nil }
func hasOtherFamily(s *subject) bool { return s.otherAddress.IsValid() }
func hasResolver(s *subject) bool    { return len(s.resolver.Nameservers()) > 0 }

// isOffHost reports that the way to the server leaves this machine.
func isOffHost(s *subject) bool {
	return s.server.Path == "" && !(s.address.IsValid() && s.address.Addr().IsLoopback()) &&
		!(s.server.Host == "" && s.server.Addr.Addr().IsLoopback())
}

// hasOtherName reports that a handshake would go otherwise if the site's name were asked
// for.
func hasOtherName(s *subject) bool {
	return s.server.TLS && s.site() != "" && s.site() != s.up.TLS.Config(s.server, s.Now).ServerName
}
