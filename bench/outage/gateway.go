// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"causey/bench/peers"
)

// setting is what a gateway is told about the servers; it fills the templates of
// bench/peers.
type setting struct {
	Listen string
	// Servers are their addresses.
	Servers []string
	// Health is the path of the health check.
	Health string
	// NameServer is who knows the servers' name, empty if they have none.
	NameServer string
	// direct is the first server's address.
	direct string
}

// gateway is a running contender.
type gateway struct {
	addr    string
	process *peers.Process // nil where there is none
}

// startGateway starts a contender in front of the servers.
func startGateway(name string, o options, dir string, v setting) (*gateway, error) {
	if name == "direct" {
		return &gateway{addr: v.direct}, nil
	}
	g, err := peers.Named(name, o.causey)
	if err != nil {
		return nil, err
	}
	v.Listen = peers.FreeAddr()
	if err := peers.Render(dir, "outage-"+g.Config, g.Config, v); err != nil {
		return nil, err
	}
	p := peers.Program{Name: name, Dir: dir, Addr: v.Listen, Argv: g.Argv}
	// causey's admin socket is on unless it is configured away, and the configuration is to
	// be the least: this is where it goes.
	p.Env = []string{"RUNTIME_DIRECTORY=" + dir}
	process, err := p.Start()
	if err != nil {
		return nil, err
	}
	return &gateway{v.Listen, process}, nil
}

func (g *gateway) stop() {
	if g.process != nil {
		g.process.Stop()
	}
}

// ended reports whether the gateway itself died.
func (g *gateway) ended() bool {
	if g.process == nil {
		return false
	}
	select {
	case <-g.process.Ended():
		return true
	default:
		return false
	}
}

// warmth is how many good answers in a row a gateway gives before it is measured:
// active checks have then said that the servers are well.
const warmth = 20

// warm waits until the gateway relays.
func (g *gateway) warm(ctx context.Context, st *stage) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	// Active checks begin with the process, at most a second apart.
	if g.process != nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for good := 0; good < warmth; {
		status, _, err := fetch(ctx, "http://"+g.addr+st.kind.page)
		if ctx.Err() != nil {
			return fmt.Errorf("the gateway does not relay: %v, status %d", err, status)
		}
		good++
		if err != nil || status != http.StatusOK {
			good = 0
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}
