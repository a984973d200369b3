// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"strings"
)

// yard is a network made for one stage: the gateway's machine, some servers', and what lies between.
type yard struct {
	stage   *Stage
	gateway *space
	// middle is a switch or a router.
	middle  *space
	servers []*space
}

// lan puts the gateway (10.0.0.1) and n servers (10.0.0.11 and on) on one switch.
func (s *Stage) lan(n int) (*yard, error) {
	y, err := s.yard(n)
	if err != nil {
		return nil, err
	}
	if err := y.middle.ip("link add switch type bridge forward_delay 0", "link set switch up"); err != nil {
		return nil, err
	}
	if err := y.plug(y.gateway, "gate", "10.0.0.1/24"); err != nil {
		return nil, err
	}
	for i, server := range y.servers {
		if err := y.plug(server, fmt.Sprintf("port%d", i), fmt.Sprintf("10.0.0.%d/24", 11+i)); err != nil {
			return nil, err
		}
	}
	return y, nil
}

// plug puts a machine on the switch.
func (y *yard) plug(machine *space, port, addr string) error {
	if err := y.middle.link(port, machine, "eth0"); err != nil {
		return err
	}
	if err := machine.ip("addr add " + addr + " dev eth0"); err != nil {
		return err
	}
	return y.middle.ip("link set " + port + " master switch")
}

// wan puts a router between the gateway (10.0.0.2) and n servers, each in a network of its own (10.0.1.2, 10.0.2.2 and
// so on; fd00:1::2, fd00:2::2). The router's ends are gate, port0, port1 and so on.
func (s *Stage) wan(n int) (*yard, error) {
	y, err := s.yard(n)
	if err != nil {
		return nil, err
	}
	if err := y.middle.set("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1",
		"net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0"); err != nil {
		return nil, err
	}
	if err := y.route(y.gateway, "gate", 0); err != nil {
		return nil, err
	}
	for i, server := range y.servers {
		if err := y.route(server, fmt.Sprintf("port%d", i), i+1); err != nil {
			return nil, err
		}
	}
	return y, nil
}

// route puts a machine behind an end of the router, in network number net.
func (y *yard) route(machine *space, port string, net int) error {
	if err := y.middle.link(port, machine, "eth0"); err != nil {
		return err
	}
	near, far := fmt.Sprintf("10.0.%d.1", net), fmt.Sprintf("10.0.%d.2", net)
	near6, far6 := fmt.Sprintf("fd00:%d::1", net), fmt.Sprintf("fd00:%d::2", net)
	if err := y.middle.ip("addr add "+near+"/24 dev "+port, "addr add "+near6+"/64 dev "+port+" nodad"); err != nil {
		return err
	}
	return machine.ip("addr add "+far+"/24 dev eth0", "addr add "+far6+"/64 dev eth0 nodad",
		"route add default via "+near, "route add ::/0 via "+near6)
}

func (s *Stage) yard(n int) (y *yard, err error) {
	y = &yard{stage: s, servers: make([]*space, n)}
	if y.gateway, err = s.space(); err != nil {
		return nil, err
	}
	if y.middle, err = s.space(); err != nil {
		return nil, err
	}
	for i := range y.servers {
		if y.servers[i], err = s.space(); err != nil {
			return nil, err
		}
	}
	s.kept = y
	s.Before = y.gateway.before()
	s.door(y.gateway)
	return y, nil
}

// oneSite is the configuration of one site whose upstream has these servers.
func oneSite(name string, servers ...string) string {
	return manySites(map[string][]string{name: servers}, name)
}

// manySites are several of them, in this order, each at NAME.test with an upstream of its name.
func manySites(servers map[string][]string, names ...string) string {
	var b strings.Builder
	b.WriteString("sites:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "  - host: %s.test\n    routes: [{upstream: %s}]\n", name, name)
	}
	b.WriteString("upstreams:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "  %s:\n    servers: [%s]\n", name, strings.Join(quoted(servers[name]), ", "))
	}
	return b.String()
}
