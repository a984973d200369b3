// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Config says how a Resolver works. The zero value of each field is its default.
type Config struct {
	// Servers are the DNS servers, in the order in which they are asked. Empty:
	// those of ResolvConfPath. If given, resolv.conf is not read at all, so
	// there is no search list: every name is taken as written.
	Servers []netip.AddrPort
	// HostsPath is the hosts file, default /etc/hosts.
	HostsPath string
	// ResolvConfPath is the resolver configuration, default /etc/resolv.conf.
	ResolvConfPath string
	// Timeout of one try at one server. Default: resolv.conf's, else 2 s; the
	// 5 s of the C library is longer than most visitors wait.
	Timeout time.Duration
	// Attempts is how often the list of servers is gone through. Default:
	// resolv.conf's, else 2.
	Attempts int
	// Total bounds one lookup: all candidates, servers and tries together.
	// Default 20 s.
	Total time.Duration
	// MinTTL and MaxTTL clamp what a server says; default 1 s and 1 h.
	MinTTL, MaxTTL time.Duration
	// MaxNegativeTTL is the longest time that NXDOMAIN or NODATA is believed,
	// and an answer that lacks an address family. Default 30 s: a name that is
	// asked for by a gateway is expected to appear.
	MaxNegativeTTL time.Duration
	// FailureTTL is how long any other failure is remembered. Default 1 s
	// (RFC 9520, section 3.2: at least that).
	FailureTTL time.Duration
	// StaleWait is how long a caller waits for a refresh while the last good
	// answer is at hand. Default 500 ms. RFC 8767 section 5 suggests 1.8 s,
	// which is for people, not for a gateway with a visitor behind it.
	StaleWait time.Duration
	// MaxStale is how long after it expired the last good answer is served.
	// Default 72 h (RFC 8767, section 5: one to three days).
	MaxStale time.Duration
	// FamilyWait is how long the slower address family is waited for once the
	// other has settled the matter. Default 250 ms.
	FamilyWait time.Duration
	// ForgetEvery is the least time between two lookups of one name that
	// Forget can cause. Default 1 s.
	ForgetEvery time.Duration
	// MaxNames bounds the cache. Default 4096. When it is full the name that
	// was not used for longest makes room.
	MaxNames int
	// NoIPv6 asks for IPv4 addresses only. The hosts file and localhost are not
	// filtered.
	NoIPv6 bool
	// Now is the clock, default time.Now.
	Now func() time.Time
	// Dial opens a connected socket to a DNS server; network is "udp" or "tcp".
	// Default: a net.Dialer, whose UDP sockets get a fresh random port each.
	Dial func(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error)
}

// Limits that are nobody's to configure (I2, I3).
const (
	// maxLookups is how many lookups run at a time; more wait for a slot. Each
	// needs two sockets, and a start with a thousand upstreams must not need
	// two thousand.
	maxLookups = 64
	// maxTried is how many failed tries a lookup remembers.
	maxTried = 48
	// maxAddrs is how many addresses of one family are kept. Real answers have
	// up to some 30 (Kubernetes headless services may have more).
	maxAddrs = 256
	// fileEvery is the least time between two looks at hosts and resolv.conf.
	fileEvery = 3 * time.Second
	// illFor is how long a silent server is asked last.
	illFor = 30 * time.Second
)

func (c Config) withDefaults() Config {
	setDefault(&c.HostsPath, "/etc/hosts")
	setDefault(&c.ResolvConfPath, "/etc/resolv.conf")
	setDefault(&c.Total, 20*time.Second)
	setDefault(&c.MinTTL, time.Second)
	setDefault(&c.MaxTTL, time.Hour)
	setDefault(&c.MaxNegativeTTL, 30*time.Second)
	setDefault(&c.FailureTTL, time.Second)
	setDefault(&c.StaleWait, 500*time.Millisecond)
	setDefault(&c.MaxStale, 72*time.Hour)
	setDefault(&c.FamilyWait, 250*time.Millisecond)
	setDefault(&c.ForgetEvery, time.Second)
	setDefault(&c.MaxNames, 4096)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = dialServer
	}
	return c
}

// setDefault gives *field the value def if it is not positive or empty.
func setDefault[T int | time.Duration | string](field *T, def T) {
	var zero T
	if *field <= zero {
		*field = def
	}
}

func dialServer(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, server.String())
}

// clampTTL returns ttl within [MinTTL, limit].
func (c *Config) clampTTL(ttl, limit time.Duration) time.Duration {
	return max(min(ttl, limit), c.MinTTL)
}
