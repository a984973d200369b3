// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of resolv.conf(5). The C library has the same, but for the length of
// the search list, which it does not bound any more.
const (
	resolvConfLimitBytes = 64 << 10
	maxConfServers       = 3
	maxSearch            = 32
	maxNdots             = 15
	maxConfTimeout       = 30
	maxConfAttempts      = 5
	dnsPort              = 53
)

const (
	defaultTimeout  = 2 * time.Second
	defaultAttempts = 2
)

// settings is what a lookup needs to know, from Config and resolv.conf.
type settings struct {
	servers  []netip.AddrPort
	search   []string // absolute, each with its final dot
	ndots    int
	timeout  time.Duration
	attempts int
	tcpOnly  bool
	noIPv6   bool
}

// parseResolvConf reads resolv.conf(5). What it does not know is left out;
// "rotate" is left out too, since the order of the servers is evidence.
func parseResolvConf(data []byte) *settings {
	s := &settings{ndots: 1, timeout: defaultTimeout, attempts: defaultAttempts}
	eachLine(data, "#;", func(fields [][]byte) {
		args := fields[1:]
		switch string(fields[0]) {
		case "nameserver":
			if len(args) > 0 && len(s.servers) < maxConfServers {
				if addr, err := netip.ParseAddr(string(args[0])); err == nil {
					s.servers = append(s.servers, netip.AddrPortFrom(addr.Unmap(), dnsPort))
				}
			}
		case "domain":
			// The last of "domain" and "search" counts.
			s.search = searchList(args[:min(1, len(args))])
		case "search":
			s.search = searchList(args)
		case "options":
			for _, option := range args {
				s.setOption(string(option))
			}
		}
	})
	if len(s.servers) == 0 {
		s.servers = []netip.AddrPort{
			netip.AddrPortFrom(loopback[1], dnsPort),
			netip.AddrPortFrom(loopback[0], dnsPort),
		}
	}
	return s
}

func searchList(args [][]byte) []string {
	var list []string
	for _, arg := range args {
		suffix, site := canonical(string(bytes.TrimSuffix(arg, []byte("."))))
		if site != "" || len(list) == maxSearch || slices.Contains(list, suffix+".") {
			continue // also "search .": a name as it is gets its turn in any case
		}
		list = append(list, suffix+".")
	}
	return list
}

func (s *settings) setOption(option string) {
	name, text, _ := strings.Cut(option, ":")
	value, err := strconv.Atoi(text)
	number := err == nil && value >= 0
	switch {
	case name == "ndots" && number:
		s.ndots = min(value, maxNdots)
	case name == "timeout" && number:
		s.timeout = time.Duration(min(max(value, 1), maxConfTimeout)) * time.Second
	case name == "attempts" && number:
		s.attempts = min(max(value, 1), maxConfAttempts)
	case name == "use-vc":
		s.tcpOnly = true
	case name == "no-aaaa":
		s.noIPv6 = true
	}
}

// override lets what the owner configured go before what the machine says.
func (s settings) override(c *Config) settings {
	if c.Timeout > 0 {
		s.timeout = c.Timeout
	}
	if c.Attempts > 0 {
		s.attempts = c.Attempts
	}
	s.noIPv6 = s.noIPv6 || c.NoIPv6
	return s
}
