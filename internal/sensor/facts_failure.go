// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
)

// evidence is what the wire showed of a failure, nil for a bad answer.
func (s *sample) evidence() *failure.Evidence {
	if s.try.Error == nil {
		return nil
	}
	return &s.try.Error.Evidence
}

// isAcked reports that the server's kernel has all that was sent.
func (s *sample) isAcked() (is, known bool) {
	e := s.evidence()
	if e == nil || e.BytesAcked < 0 || e.BytesWritten <= 0 {
		return false, false
	}
	return e.BytesAcked >= e.BytesWritten, true
}

// unreadLeast is how much lies unread at least where a server does not read: what just came
// is always under way.
const unreadLeast = 32 << 10 // bytes

// isUnread reports that the server did not take what was there for it: that it took long is
// not its client's doing.
func (s *sample) isUnread() bool {
	e := s.evidence()
	return e != nil && e.BytesAcked >= 0 && e.BytesWritten-e.BytesAcked >= unreadLeast
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
		v.words("code", often, "%s", tally(counts[codes[0]], all, "have the code "+codes[0]))
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
			"fin": "ended in a connection that the server closed in order", "rst": "ended in a connection that was reset",
			"open": "ended while the connection stayed open"}[end]))
	}
	v.most("silent", func(s *sample) (bool, bool) {
		e := failure.Lookup(s.try.Failure)
		return e != nil && e.Family == failure.FamilyTimeout, e != nil
	}, "met silence until the gateway's time was up")
	v.most("instant", func(s *sample) (bool, bool) { return s.try.Took < instantMax, s.try.Start >= 0 }, "came within 50 ms")
	v.most("answer_began", func(s *sample) (bool, bool) {
		e := s.evidence()
		return e != nil && e.ResponseBytes > 0, e != nil && e.HasConn
	}, "came after the first bytes of an answer")
	v.most("request_acked", (*sample).isAcked, "came after the server's machine had acknowledged the whole request")
	v.most("retransmits", func(s *sample) (bool, bool) {
		e := s.evidence()
		if e == nil || e.BytesAcked < 0 {
			return false, false
		}
		return e.Retransmits > 0, true
	}, "happened on a connection that had to send packets again")
	if class, n, seen, ok := majority(v.bad, firstBytes); ok {
		v.words("first_bytes", []string{class}, "%s", tally(n, seen, "began with bytes of "+class))
	}
	v.most("interims", func(s *sample) (bool, bool) { return s.try.Interims > 0, s.had() },
		"came after interim answers (1xx)")
	field, n, seen, ok := majority(v.bad, func(s *sample) (string, bool) {
		e := s.evidence()
		if e == nil || e.Field == "" {
			return "", false
		}
		return e.Field, true
	})
	if ok {
		v.words("field", []string{strings.ToLower(field)}, "%s", tally(n, seen, "concerned the field "+field))
	}
}

// seeBroken sees where bodies break off.
func seeBroken(v *view) {
	missing, sorted := middle(v.bad, func(s *sample) (float64, bool) {
		e := s.evidence()
		return float64(missingOf(e)), e != nil && e.Missing > 0
	})
	if len(sorted) > 0 {
		v.number("missing_bytes", missing, "of %s half or more lacked at most %s of what was announced", some(len(sorted), "failure"), bytesText(missing))
	}
	if len(sorted) >= few {
		v.truth("missing_same", clustered(sorted, 0), "of %d cut answers most lacked %s", len(sorted), sizes(sorted))
	}
	_, sorted = middle(v.bad, func(s *sample) (float64, bool) {
		return float64(s.bodyOut), s.evidence() != nil && s.try.Failure.Party == failure.Upstream && s.try.Failure.Phase == phase.RelayBody
	})
	if len(sorted) >= few {
		v.truth("broke_same", clustered(sorted, 4<<10), "of %d answers most broke off after %s of their bodies", len(sorted), sizes(sorted))
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
