// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"
	"strings"

	"causey/internal/config"
	"causey/internal/gateway"
	"causey/internal/text"
)

// How much of a large configuration is shown at start.
const (
	upstreamsShown = 8
	serversShown   = 4
)

// announce says in a few lines what runs: where it listens, where requests go, and
// where to look.
func announce(w io.Writer, cfg *config.Config, g *gateway.Gateway) {
	var p text.Page
	p.Printf("%s\n", versionLine(build()))
	for _, l := range g.Listening() {
		url := urlOf(l.Addr)
		if l.TLS {
			url = strings.Replace(url, "http://", "https://", 1)
		}
		p.Printf("  listens   %s\n", url)
	}
	if line := certificateLine(cfg, g.Certificates()); line != "" {
		p.Printf("  certs     %s\n", line)
	}
	p.Printf("  up to     %s\n", plural(int(g.MaxConnections()), "client connection"))
	for i, u := range cfg.Upstreams {
		if i == upstreamsShown {
			p.Printf("  upstream  and %d more\n", len(cfg.Upstreams)-i)
			break
		}
		p.Printf("  upstream  %s: %s\n", u.Name, serverList(&u))
	}
	if addr := g.AdminAddr(); addr != "" {
		p.Printf("  admin     %s/\n", urlOf(addr))
	}
	if socket := string(cfg.Admin.Socket); answers(socket) {
		p.Printf("  admin     unix:%s\n", socket)
	}
	_ = p.SendTo(w) // stderr that nobody reads is no reason to stop
}

// serverList names the first servers of an upstream, and where others are found.
func serverList(u *config.Upstream) string {
	var names []string
	for i, s := range u.Servers {
		if i == serversShown {
			names = append(names, "and "+plural(len(u.Servers)-i, "other"))
			break
		}
		names = append(names, s.Address.String())
	}
	if d := &u.Discover; d.API {
		names = append(names, "and what the API sets")
	} else {
		for _, place := range []string{d.File, string(d.Docker)} {
			if place != "" {
				names = append(names, "and what is found in "+place)
			}
		}
	}
	return strings.TrimPrefix(strings.Join(names, ", "), "and ")
}

// urlOf is what a browser takes for a listener's address.
func urlOf(addr string) string {
	if _, _, err := net.SplitHostPort(addr); err != nil || strings.HasPrefix(addr, "unix:") {
		return addr
	}
	return "http://" + addr
}

// answers reports whether somebody listens on a socket. The one of the admin side
// is optional: the gateway warns if it cannot be made, and runs without.
func answers(socket string) bool {
	if socket == "" {
		return false
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
