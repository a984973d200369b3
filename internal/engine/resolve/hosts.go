// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"net/netip"
	"slices"
)

// hostsLimitBytes bounds the hosts file; the block lists that people put there
// have up to some 5 MB.
const hostsLimitBytes = 16 << 20

// hostsTable maps names (lower case, no final dot) to their addresses.
type hostsTable map[string][]netip.Addr

// parseHosts reads hosts(5): an address, then its names. A line that does not
// begin with an address is left out, as everybody does.
func parseHosts(data []byte) *hostsTable {
	table := hostsTable{}
	eachLine(data, "#", func(fields [][]byte) {
		addr, err := netip.ParseAddr(string(fields[0]))
		if err != nil {
			return
		}
		addr = addr.Unmap()
		for _, field := range fields[1:] {
			name := string(bytes.ToLower(bytes.TrimSuffix(field, []byte("."))))
			if have := table[name]; len(have) < 2*maxAddrs && !slices.Contains(have, addr) {
				table[name] = append(have, addr)
			}
		}
	})
	return &table
}
