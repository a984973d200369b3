// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Routes is a routing table: which device leads to which network.
type Routes []Route

// Route is one line of it. A network of no bits is the default route.
type Route struct {
	To     netip.Prefix
	Device string
}

// The flags of a route (linux/route.h).
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// ReadRoutes reads what Linux says below /proc/net. The error is that of reading the
// table of IPv4; without one of IPv6 there are no such routes.
func ReadRoutes() (Routes, error) {
	four, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil, err
	}
	six, _ := os.ReadFile("/proc/net/ipv6_route")
	return append(parseRoutes4(string(four)), parseRoutes6(string(six))...), nil
}

// parseRoutes4 reads lines of "eth0 0002A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0": device,
// network, gateway, flags and, as the eighth, the mask. Addresses are numbers in the
// machine's own order of bytes.
func parseRoutes4(text string) (list Routes) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		to, err1 := strconv.ParseUint(f[1], 16, 32)
		flags, err2 := strconv.ParseUint(f[3], 16, 32)
		mask, err3 := strconv.ParseUint(f[7], 16, 32)
		if err1 != nil || err2 != nil || err3 != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		var a [4]byte
		binary.NativeEndian.PutUint32(a[:], uint32(to))
		list = append(list, Route{netip.PrefixFrom(netip.AddrFrom4(a), bits.OnesCount32(uint32(mask))), f[0]})
	}
	return list
}

// parseRoutes6 reads lines of ten fields: the network, the length of its prefix, the
// flags as the ninth and the device as the last.
func parseRoutes6(text string) (list Routes) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 10 {
			continue
		}
		to, err1 := hex.DecodeString(f[0])
		bits, err2 := strconv.ParseUint(f[1], 16, 8)
		flags, err3 := strconv.ParseUint(f[8], 16, 32)
		a, ok := netip.AddrFromSlice(to)
		if err1 != nil || err2 != nil || err3 != nil || !ok || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		list = append(list, Route{netip.PrefixFrom(a, int(bits)), f[9]})
	}
	return list
}

// HasDefault reports that there is a default route.
func (r Routes) HasDefault() bool {
	return r.device(netip.IPv4Unspecified()) != "" || r.device(netip.IPv6Unspecified()) != ""
}

// device is where the default route of the address's family leads.
func (r Routes) device(a netip.Addr) string {
	for _, one := range r {
		if one.To.Bits() == 0 && one.To.Addr().Is4() == a.Is4() && one.Device != "lo" {
			return one.Device
		}
	}
	return ""
}

// Leaves reports that the way to an address leaves this machine by the device of its
// default route: loopback, and the bridges of containers, do not. Without a default
// route all do but loopback.
func (r Routes) Leaves(a netip.Addr) bool {
	if a = a.Unmap().WithZone(""); a.IsLoopback() || a.IsUnspecified() {
		return false
	}
	out := r.device(a)
	if out == "" {
		return true
	}
	best := Route{}
	for _, one := range r {
		if one.To.Contains(a) && (!best.To.IsValid() || one.To.Bits() > best.To.Bits()) {
			best = one
		}
	}
	return best.Device == out
}
