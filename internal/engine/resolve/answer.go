// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net/netip"
	"time"
)

// Source says where the addresses of an Answer come from.
type Source uint8

const (
	// SourceHosts: a line of the hosts file.
	SourceHosts Source = iota + 1
	// SourceLoopback: localhost and the names below it (RFC 6761, section 6.3),
	// which no hosts file mentions.
	SourceLoopback
	// SourceDNS: a DNS server, asked for this call or while it waited.
	SourceDNS
	// SourceCache: a DNS server, asked earlier.
	SourceCache
)

var sourceNames = [...]string{"none", "hosts", "loopback", "dns", "cache"}

// String returns the stable short name of s.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "none"
}

// Answer is what a name resolved to. Addrs and Tried are shared between callers
// and must not be changed.
type Answer struct {
	// Name is the name looked up, lower case; a final dot is kept.
	Name string
	// FQDN is the absolute name that had the addresses, after the search list.
	// Empty where DNS was not asked.
	FQDN string
	// CNAME is the end of the alias chain, empty if there was none.
	CNAME string
	// Addrs holds at least one address: of a DNS answer IPv6 before IPv4, each
	// in the order of the reply; of the hosts file in the order of the file.
	Addrs []netip.Addr
	// TTL is how long the answer counted when it was new, after clamping.
	TTL time.Duration
	// ResolvedAt is when the answer came, Expires when it ceases to count.
	ResolvedAt, Expires time.Time
	// Elapsed is how long the lookup took that brought the answer.
	Elapsed time.Duration
	// Server answered. The zero value means that no server was asked.
	Server netip.AddrPort
	// Source says where Addrs come from.
	Source Source
	// Tried lists the tries that failed before the answer came, and the denials
	// of other names of the search list. Empty normally.
	Tried []Try
	// Missing says why one address family is not in Addrs although nobody said
	// that it is empty. Nil normally.
	Missing *Error
	// Stale reports that this is the last good answer and that it could not be
	// refreshed; StaleReason says why not.
	Stale       bool
	StaleReason *Error
}
