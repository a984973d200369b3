// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"causey/internal/upstream"
)

// The labels of a container that is a server.
const (
	labelUpstream = "causey.upstream" // of which upstream
	labelPort     = "causey.port"     // at which port; its only one if that is not said
	labelWeight   = "causey.weight"   // its share
	labelNetwork  = "causey.network"  // in which network it is asked
	labelScheme   = "causey.scheme"   // https for TLS
)

// container is one item of the daemon's list, as far as it is read.
type container struct {
	ID     string `json:"Id"`
	Names  []string
	Labels map[string]string
	Ports  []struct {
		PrivatePort int64
		Type        string
	}
	HostConfig      struct{ NetworkMode string }
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress, GlobalIPv6Address string }
	}
}

// name is what people call it. Links of other containers are names with two slashes.
func (c *container) name() string {
	for _, n := range c.Names {
		if n = strings.TrimPrefix(n, "/"); isName(n) {
			return n
		}
	}
	if isName(c.ID) {
		return c.ID[:min(len(c.ID), 12)]
	}
	return "without a name"
}

// isName reports whether s is a name that Docker gives: what else comes is not to be
// believed.
func isName(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r))
	})
}

// spec is the container as a server, or why it can be none. Its name is the
// container's, which outlives the addresses that it has one after the other.
func (c *container) spec(network string) (upstream.Spec, error) {
	var s upstream.Spec
	port, err := c.port()
	if err != nil {
		return s, err
	}
	ip, err := c.address(network)
	if err != nil {
		return s, err
	}
	s.Addr, s.Weight = netip.AddrPortFrom(ip, port), 1
	s.Authority = s.Addr.String()
	s.Name = c.name() + ":" + strconv.Itoa(int(port))
	switch scheme := c.Labels[labelScheme]; scheme {
	case "", "http":
	case "https":
		s.TLS, s.Name = true, "https://"+s.Name
	default:
		return s, fmt.Errorf("has the label %s: %.40q; it is http or https", labelScheme, scheme)
	}
	if text, said := c.Labels[labelWeight]; said {
		w, err := strconv.ParseUint(text, 10, 16)
		if err != nil || w < 1 || w > 1000 {
			return s, fmt.Errorf("has the label %s: %.40q; it is a number from 1 to 1000", labelWeight, text)
		}
		s.Weight = uint32(w)
	}
	return s, nil
}

// port is the labelled one, or the only one.
func (c *container) port() (uint16, error) {
	if text, said := c.Labels[labelPort]; said {
		p, err := strconv.ParseUint(text, 10, 16)
		if err != nil || p == 0 {
			return 0, fmt.Errorf("has the label %s: %.40q; it is a number from 1 to 65535", labelPort, text)
		}
		return uint16(p), nil
	}
	var ports []int64
	for _, p := range c.Ports {
		if p.Type == "tcp" && p.PrivatePort > 0 && p.PrivatePort < 1<<16 && !slices.Contains(ports, p.PrivatePort) {
			ports = append(ports, p.PrivatePort)
		}
	}
	switch len(ports) {
	case 0:
		return 0, fmt.Errorf("exposes no port; set the label %s", labelPort)
	case 1:
		return uint16(ports[0]), nil
	}
	return 0, fmt.Errorf("exposes %d ports; set the label %s", len(ports), labelPort)
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// address is where it is in its network: the labelled one, else the given one, else
// its only one.
func (c *container) address(network string) (netip.Addr, error) {
	if c.HostConfig.NetworkMode == "host" {
		return loopback, nil
	}
	if label := c.Labels[labelNetwork]; label != "" {
		network = label
	}
	networks := c.NetworkSettings.Networks
	if network != "" {
		n, in := networks[network]
		if !in {
			return netip.Addr{}, fmt.Errorf("is in no network %.80q; it is in %s", network, some(slices.Sorted(maps.Keys(networks))))
		}
		return firstAddr(n.IPAddress, n.GlobalIPv6Address)
	}
	if len(networks) > 1 {
		return netip.Addr{}, fmt.Errorf("is in several networks (%s); set the label %s", some(slices.Sorted(maps.Keys(networks))), labelNetwork)
	}
	for _, n := range networks {
		return firstAddr(n.IPAddress, n.GlobalIPv6Address)
	}
	return netip.Addr{}, errors.New("is in no network")
}

// firstAddr is the first text that is an address that a server can have.
func firstAddr(texts ...string) (netip.Addr, error) {
	for _, t := range texts {
		if ip, err := netip.ParseAddr(t); err == nil && ip.Zone() == "" && !ip.IsUnspecified() && !ip.IsMulticast() {
			return ip.Unmap(), nil
		}
	}
	return netip.Addr{}, errors.New("has no address in its network")
}
