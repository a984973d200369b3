// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind says in which way a lookup failed.
//
// The order is a ranking: where tries, families or candidate names failed in
// different ways, the greatest Kind is the one reported, because it explains
// the most. A denial is the least: it counts only if everybody agrees on it.
type Kind uint8

const (
	// NXDomain: the name does not exist (rcode 3).
	NXDomain Kind = iota + 1
	// NoData: the name exists and has neither an IPv4 nor an IPv6 address.
	NoData
	// Timeout: no answer within the time there was.
	Timeout
	// Unreachable: the network or the kernel said so (ICMP port unreachable,
	// ENETUNREACH, EPERM from a packet filter, a reset TCP connection); Errno.
	Unreachable
	// Malformed: something came that is no answer to the question; Site.
	Malformed
	// OtherRcode: an rcode that has no Kind of its own; Rcode.
	OtherRcode
	// Refused: the server declines to answer us (rcode 5).
	Refused
	// ServFail: the server could not find out (rcode 2).
	ServFail
	// Exhausted: this machine had no socket, port or memory for the query, or the
	// resolver no room for the name.
	Exhausted
	// BadName: what was looked up is no host name (empty, too long, an IP
	// address, a character no host name has). Nobody was asked.
	BadName
	// Canceled: the caller left, or the resolver was closed.
	Canceled
)

var kindNames = [...]string{
	"none", "nxdomain", "nodata", "timeout", "unreachable", "malformed",
	"rcode", "refused", "servfail", "exhausted", "badname", "canceled",
}

// String returns the stable short name of k.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "none"
}

// denies reports whether k is an answer about the name rather than a failure to
// get one. Only such an answer replaces the last good one (I5).
func (k Kind) denies() bool { return k == NXDomain || k == NoData }

// silent reports whether k means that the server said nothing at all.
func (k Kind) silent() bool { return k == Timeout || k == Unreachable }

// Try is one query that brought no address.
type Try struct {
	// Server was asked, over Network ("udp" or "tcp").
	Server  netip.AddrPort
	Network string
	// FQDN was asked for, in Type ("A", "AAAA" or "SRV").
	FQDN, Type string
	// Kind, Rcode, Site and Errno are as in Error.
	Kind  Kind
	Rcode int
	Site  string
	Errno syscall.Errno
	// Elapsed is the time from opening the socket to the failure.
	Elapsed time.Duration
}

// Error is why a name has no addresses. It is shared between callers and must
// not be changed.
type Error struct {
	// Name is the name looked up; FQDN the absolute name at which the lookup
	// failed, which differs from Name by the search list. FQDN is empty where
	// nobody was asked.
	Name, FQDN string
	// Kind is never zero.
	Kind Kind
	// Rcode is the response code if one came, with EDNS extension (RFC 6891).
	Rcode int
	// InfoCode is the reason the server gave (RFC 8914), if HasInfoCode.
	InfoCode    uint16
	HasInfoCode bool
	// Site is a short stable name of the rule that a reply or name broke, or of
	// the limit that was met. Empty where Kind says it all.
	Site string
	// Errno is what the kernel said, zero if it did not.
	Errno syscall.Errno
	// Server said it, or failed to. The zero value: none was asked.
	Server netip.AddrPort
	// At is when the lookup failed; an error may be some seconds old when it is
	// returned, since failures are remembered too.
	At time.Time
	// Elapsed is how long the lookup took.
	Elapsed time.Duration
	// Tried lists the tries that brought no address, oldest first, and TriedMore counts those
	// beyond the room there is for them.
	Tried     []Try
	TriedMore int
}

// Denied reports that this is an answer: the name has no addresses. Any other error is
// a failure to get one.
func (e *Error) Denied() bool { return e.Kind.denies() }

// Error is for humans; programs look at the fields.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("resolve ")
	b.WriteString(strconv.QuoteToASCII(e.Name))
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	if e.Kind == OtherRcode {
		b.WriteString(" " + strconv.Itoa(e.Rcode))
	}
	if e.Site != "" {
		b.WriteString(" (" + e.Site + ")")
	}
	if e.Errno != 0 {
		b.WriteString(": " + e.Errno.Error())
	}
	if e.FQDN != "" && e.FQDN != e.Name {
		b.WriteString(", asked as " + e.FQDN)
	}
	if e.Server.IsValid() {
		b.WriteString(", server " + e.Server.String())
	}
	return b.String()
}

// Unwrap returns the errno, or the context error that Timeout and Canceled stand
// for.
func (e *Error) Unwrap() error {
	switch {
	case e.Errno != 0:
		return e.Errno
	case e.Kind == Canceled:
		return context.Canceled
	case e.Kind == Timeout:
		return context.DeadlineExceeded
	}
	return nil
}
