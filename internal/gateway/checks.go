// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net"
	"time"

	"causey/internal/config"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/probe"
	"causey/internal/upstream"
	"causey/internal/wire"
)

// checkSlots bounds the health checks that run at a time: each holds a descriptor, of
// those that reserveFDs keeps beside the clients' own.
const checkSlots = 128

// checks are the health checks of the groups in use. Start, reloads and Stop, which are
// one by one, own it.
type checks struct {
	env     probe.Env
	running map[*engine.Group]*running
}

// running are the checks of one group, with what they were made of.
type running struct {
	*probe.Runner
	limits  wire.Limits
	options string
}

func newChecks(now func() time.Time) *checks {
	return &checks{running: map[*engine.Group]*running{}, env: probe.Env{
		Dial: new(net.Dialer).DialContext, Now: now, After: time.After, Slots: make(chan struct{}, checkSlots),
	}}
}

// use asks the servers of l as c says: what is asked already as it should be goes on,
// the rest begins anew or ends.
func (k *checks) use(c *config.Config, l live, resolver *resolve.Resolver) {
	limits := engineOptions(c).Limits
	next := map[*engine.Group]*running{}
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		g := l.groups[u.Name]
		if u.Check.IsZero() || g == nil {
			continue
		}
		text := fmt.Sprint(u.Check, u.HostHeader)
		if has := k.running[g.Group]; has != nil && has.limits == limits && has.options == text {
			next[g.Group] = has
			continue
		}
		o, env := checkOptions(u), k.env
		o.Limits, env.Resolver = limits, resolver
		next[g.Group] = &running{probe.Start(g.Group, o, &env), limits, text}
	}
	for g, r := range k.running {
		if next[g] != r {
			r.Close()
		}
	}
	k.running = next
}

// stop ends all checks.
func (k *checks) stop() {
	for _, r := range k.running {
		r.Close()
	}
	clear(k.running)
}

func checkOptions(u *config.Upstream) probe.Options {
	c := &u.Check
	o := probe.Options{
		Kind: map[config.CheckKind]probe.Kind{
			config.CheckHTTP: probe.HTTP, config.CheckTCP: probe.TCP, config.CheckTLS: probe.TLS, config.CheckGRPC: probe.GRPC}[c.Kind],
		Port: uint16(c.Port),
		Secure: map[config.CheckSecure]probe.Secure{
			config.CheckAsServer: probe.AsServer, config.CheckAlways: probe.Always, config.CheckNever: probe.Never}[c.TLS],
		Method: string(c.Method), Path: c.Path, Host: c.Host, Body: c.Body, Service: c.Service,
		Interval: c.Interval.Std(), FastInterval: c.FastInterval.Std(), Timeout: c.Timeout.Std(),
		Proxy: proxyVersion(u), TLS: buildServerTLS(u),
	}
	if h := u.HostHeader; o.Host == "" && h != config.HostPreserve && h != config.HostServer {
		o.Host = h
	}
	for _, r := range c.Status {
		o.Statuses = append(o.Statuses, probe.StatusRange{From: r.From, To: r.To})
	}
	return o
}

// checkRules say how many results turn a state; none where there is no check.
func checkRules(u *config.Upstream) upstream.CheckOptions {
	if u.Check.IsZero() {
		return upstream.CheckOptions{}
	}
	return upstream.CheckOptions{Fall: u.Check.Fall, Rise: u.Check.Rise}
}

func proxyVersion(u *config.Upstream) upstream.ProxyVersion {
	return map[config.ProxyVersion]upstream.ProxyVersion{config.ProxyV1: upstream.ProxyV1, config.ProxyV2: upstream.ProxyV2}[u.ProxyProtocol]
}
