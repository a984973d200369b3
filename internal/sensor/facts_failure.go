// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
)

// evidence is what the wire showed of a failure, nil for a bad answer.
func (s *sample) evidence() *failure.Evidence {
	if s.try.Error == nil {
		return nil
	}
	return &s.try.Error.Evidence
}

// instantMax is how long a failure may take that came at once.
const instantMax = 50 * time.Millisecond

// seeFailure sees what failed.
func seeFailure(v *view) {
	codes, counts, all := shares(v.bad, func(s *sample) (string, bool) { return s.try.Failure.String(), !s.try.Failure.IsNone() })
	var often []string
	for _, c := range codes {
		if 3*counts[c] >= all {
			often = append(often, c)
		}
	}
	if all > 0 {
		v.words("code", often, "%d failures, most of them %s", all, codes[0])
	}
	errno, n, seen, ok := majority(v.bad, func(s *sample) (int, bool) {
		e := s.evidence()
		return int(errnoOf(e)), e != nil && e.Errno != 0
	})
	if ok {
		v.number("errno", float64(errno), "%s", tally(n, seen, "came with "+unix.ErrnoName(unix.Errno(errno))))
	}
	end, n, seen, ok := majority(v.bad, func(s *sample) (string, bool) {
		e := s.evidence()
		if e == nil || !e.HasConn {
			return "", false
		}
		return e.End.String(), true
	})
	if ok {
		v.words("ended", []string{end}, "%s", tally(n, seen, map[string]string{
			"fin": "are of connections that the server closed in order", "rst": "are of connections that were reset",
			"open": "are of connections that stayed open"}[end]))
	}
	v.most("silent", func(s *sample) (bool, bool) {
		e := failure.Lookup(s.try.Failure)
		return e != nil && e.Family == failure.FamilyTimeout, e != nil
	}, "are silence until our time was over")
	v.most("instant", func(s *sample) (bool, bool) { return s.try.Took < instantMax, s.try.Start >= 0 }, "came within 50 ms")
	v.most("answer_began", func(s *sample) (bool, bool) {
		e := s.evidence()
		return e != nil && e.ResponseBytes > 0, e != nil && e.HasConn
	}, "came after the first bytes of an answer")
	v.most("request_acked", func(s *sample) (bool, bool) {
		e := s.evidence()
		if e == nil || e.BytesAcked < 0 || e.BytesWritten <= 0 {
			return false, false
		}
		return e.BytesAcked >= e.BytesWritten, true
	}, "are of requests that the server's machine had acknowledged whole")
	v.most("retransmits", func(s *sample) (bool, bool) {
		e := s.evidence()
		if e == nil || e.BytesAcked < 0 {
			return false, false
		}
		return e.Retransmits > 0, true
	}, "are of connections that had to send segments again")
	if class, n, seen, ok := majority(v.bad, firstBytes); ok {
		v.words("first_bytes", []string{class}, "%s", tally(n, seen, "began with bytes of "+class))
	}
	missing, sorted := middle(v.bad, func(s *sample) (float64, bool) {
		e := s.evidence()
		return float64(missingOf(e)), e != nil && e.Missing > 0
	})
	if len(sorted) > 0 {
		v.number("missing_bytes", missing, "%.0f announced bytes never came, in the middle of %d failures", missing, len(sorted))
	}
	field, n, seen, ok := majority(v.bad, func(s *sample) (string, bool) {
		e := s.evidence()
		if e == nil || e.Field == "" {
			return "", false
		}
		return e.Field, true
	})
	if ok {
		v.words("field", []string{strings.ToLower(field)}, "%s", tally(n, seen, "name the field "+field))
	}
}

func errnoOf(e *failure.Evidence) unix.Errno {
	if e == nil {
		return 0
	}
	return e.Errno
}

func missingOf(e *failure.Evidence) int64 {
	if e == nil {
		return 0
	}
	return e.Missing
}

// firstBytes says what an answer that is none begins with.
func firstBytes(s *sample) (class string, known bool) {
	e := s.evidence()
	if e == nil || s.try.Failure.Party != failure.Upstream {
		return "", false
	}
	b := e.FirstBytes()
	switch {
	case len(b) == 0:
		return "", false
	case bytes.HasPrefix(b, []byte("HTTP/")):
		return "http", true
	case b[0] == 0x15 && len(b) > 1 && b[1] == 3, b[0] == 0x16 && len(b) > 1 && b[1] == 3:
		return "tls", true
	case bytes.HasPrefix(b, []byte("SSH-")):
		return "ssh", true
	case bytes.HasPrefix(b, []byte("220")):
		return "smtp", true
	case bytes.HasPrefix(b, []byte("-ERR")), bytes.HasPrefix(b, []byte("+OK")), bytes.HasPrefix(b, []byte("-DENIED")):
		return "redis", true
	case len(b) > 5 && b[3] == 0 && b[4] == 10, bytes.Contains(b, []byte("mysql_native")), bytes.Contains(b, []byte("MariaDB")):
		return "mysql", true
	case len(b) > 8 && b[3] == 4 && b[0] == 0 && b[1] == 0:
		return "http2", true
	case b[0] == 1 && len(b) > 7 && b[1] <= 11 && b[2] == 0:
		return "fastcgi", true
	}
	b = bytes.TrimLeft(b, " \t\r\n")
	switch {
	case len(b) > 0 && b[0] == '<':
		return "html", true
	case utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' }) < 0:
		return "text", true
	}
	return "binary", true
}

// seeAddress sees where it was dialled, and what its name has to do with it.
func seeAddress(v *view) {
	v.most("unix", func(s *sample) (bool, bool) { return strings.HasPrefix(s.try.Server, "unix:"), s.try.Server != "" }, "are of a unix socket")
	dialled := func(s *sample) (netip.AddrPort, bool) {
		a := s.try.Dialled
		if e := s.evidence(); !a.IsValid() && e != nil {
			a = e.Dialled
		}
		return a, a.IsValid()
	}
	of := func(is func(netip.Addr) bool) func(*sample) (bool, bool) {
		return func(s *sample) (bool, bool) {
			a, ok := dialled(s)
			return ok && is(a.Addr().Unmap()), ok
		}
	}
	isPublic := func(a netip.Addr) bool { return !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() }
	isIPv6 := func(a netip.Addr) bool { return a.Is6() }
	v.most("loopback", of(netip.Addr.IsLoopback), "dialled this machine itself")
	v.most("public", of(isPublic), "dialled a public address")
	v.most("ipv6", of(isIPv6), "dialled an IPv6 address")
	if six, all := v.count(of(isIPv6)); all > 0 {
		four := 0
		for _, g := range v.during {
			if a, ok := dialled(g); ok && a.Addr().Unmap().Is4() {
				four++
			}
		}
		v.truth("ipv6_only", six == all && four > 0, "%d of %d failures dialled IPv6, and %d attempts over IPv4 went well", six, all, four)
	}
	if port, n, all, ok := majority(v.bad, func(s *sample) (uint16, bool) { a, ok := dialled(s); return a.Port(), ok }); ok {
		v.number("port", float64(port), "%d of %d failures dialled port %d", n, all, port)
	}
	host := func(s *sample) string {
		h := strings.TrimPrefix(strings.TrimPrefix(s.try.Server, "https://"), "http://")
		if i := strings.LastIndexByte(h, ':'); i >= 0 {
			h = h[:i]
		}
		return h
	}
	named := func(s *sample) (bool, bool) {
		h := host(s)
		if h == "" || strings.HasPrefix(s.try.Server, "unix:") {
			return false, h != ""
		}
		_, err := netip.ParseAddr(strings.Trim(h, "[]"))
		return err != nil, true
	}
	v.most("named", named, "are of servers given by name")
	v.most("localhost", func(s *sample) (bool, bool) { return host(s) == "localhost", s.try.Server != "" }, "are of servers given as localhost")
	v.most("dotless", func(s *sample) (bool, bool) {
		is, known := named(s)
		return is && !strings.Contains(host(s), ".") && host(s) != "localhost", known
	}, "are of a name without a dot")
	rcode, n, all, ok := majority(v.bad, func(s *sample) (int, bool) {
		e := s.evidence()
		if e == nil || !e.DNSServer.IsValid() {
			return 0, false
		}
		return e.Rcode, true
	})
	if ok {
		v.number("rcode", float64(rcode), "%d of %d failures had the resolver's answer code %d", n, all, rcode)
	}
	v.most("address_moved", func(s *sample) (bool, bool) {
		e := s.evidence()
		if e == nil || e.ResolvedLen == 0 || !e.Dialled.IsValid() {
			return false, false
		}
		for _, a := range e.ResolvedNow[:e.ResolvedLen] {
			if a.Unmap() == e.Dialled.Addr().Unmap() {
				return false, true
			}
		}
		return true, true
	}, "dialled an address that the name no longer has")
	v.most("dns_stale", func(s *sample) (bool, bool) {
		e := s.evidence()
		return e != nil && e.DNSStale, e != nil && (e.DNSServer.IsValid() || e.DNSStale)
	}, "used an address of an earlier answer")
}
