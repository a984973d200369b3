// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// DownloadLimitBytes bounds what a source may send. Amazon's list of all its networks
// is the longest, of two million bytes.
const DownloadLimitBytes = 8 << 20

// Parse reads what one of the set's sources has published:
//
//	list    one network a line, as Cloudflare does
//	fastly  {"addresses": [...], "ipv6_addresses": [...]}
//	aws     {"prefixes": [{"ip_prefix", "service"}], "ipv6_prefixes": [...]}, of which
//	        those of the set's service count
//	array   ["192.0.2.1", ...], networks or addresses
//
// It is strict: one bad network refuses the whole, since a list that is not what it was
// may be something else altogether, such as a page that says so.
func (s *Set) Parse(text []byte) ([]netip.Prefix, error) {
	words, err := s.words(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("no networks in it")
	}
	if len(words) > prefixesMax {
		return nil, fmt.Errorf("%d networks, at most %d", len(words), prefixesMax)
	}
	all := make([]netip.Prefix, 0, len(words))
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if a, aerr := netip.ParseAddr(w); aerr == nil && s.Format == "array" && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%.60q is no network", w)
		}
		all = append(all, p)
	}
	return all, checkAll(all)
}

// words takes the networks out of the form they are in.
func (s *Set) words(text []byte) ([]string, error) {
	switch s.Format {
	case "list":
		return strings.Fields(string(text)), nil
	case "array":
		var all []string
		err := unmarshal(text, &all)
		return all, err
	case "fastly":
		var f struct {
			Addresses []string `json:"addresses"`
			IPv6      []string `json:"ipv6_addresses"`
		}
		err := unmarshal(text, &f)
		return append(f.Addresses, f.IPv6...), err
	case "aws":
		type prefix struct {
			V4      string `json:"ip_prefix"`
			V6      string `json:"ipv6_prefix"`
			Service string `json:"service"`
		}
		var f struct {
			V4 []prefix `json:"prefixes"`
			V6 []prefix `json:"ipv6_prefixes"`
		}
		err := unmarshal(text, &f)
		var all []string
		for _, p := range append(f.V4, f.V6...) {
			if p.Service == s.Service {
				all = append(all, p.V4+p.V6)
			}
		}
		return all, err
	}
	return nil, fmt.Errorf("the format %q is not known", s.Format)
}

func unmarshal(text []byte, to any) error {
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("not the JSON that is published there: %w", err)
	}
	return nil
}
