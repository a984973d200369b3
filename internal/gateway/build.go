// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"causey/internal/cache"
	"causey/internal/config"
	"causey/internal/discover"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/guard"
	"causey/internal/route"
	"causey/internal/wire"
)

// This file is the only translation from what was written to what the code needs.

// live is what one configuration made.
type live struct {
	plan     *exchange.Plan
	groups   map[string]*liveGroup
	networks *networks
	// cache keeps answers for rules, the routes that have a cache; nil without them.
	cache *cache.Store
	rules []*cache.Rule
}

// liveGroup is an upstream in use, with the text of what its connections were made
// by: an upstream whose text is the same stays over a reload, with its connections, all
// that is known of its servers, and those who wait for one.
type liveGroup struct {
	*engine.Group
	text string
	made time.Time
	feed *discover.Feed
	tls  *engine.ServerTLS
	// servers is where feed finds them, once the configuration that says so is in use.
	servers discover.Plan
}

// close closes the groups that next does not use, and the feeds of upstreams that it
// does not have.
func (l live) close(next live) {
	for name, g := range l.groups {
		n := next.groups[name]
		if n == nil {
			g.feed.Close()
		}
		if n != g {
			g.Close()
		}
	}
}

func engineOptions(c *config.Config) *engine.Options {
	rate := func(r config.Rate, without engine.Rate) engine.Rate {
		if r == 0 {
			return without
		}
		return engine.Rate{BytesPerSecond: int64(r), Grace: max(c.Rates.Grace.Std(), leastWindow)}
	}
	return &engine.Options{
		Limits: wire.Limits{
			HeadBytes: int(c.Limits.Head), LineBytes: int(c.Limits.Line), TargetBytes: int(c.Limits.Target),
			Fields: c.Limits.Fields, ChunkLineBytes: int(c.Limits.ChunkLine), TrailerBytes: int(c.Limits.Trailers),
			Interims: c.Limits.Interims,
		}.WithDefaults(),
		Handshake:      c.Timeouts.Handshake.Std(),
		ProxyHeader:    c.Timeouts.ProxyHeader.Std(),
		KeepTLVs:       passesTLVs(c),
		ReadHead:       c.Timeouts.ReadHead.Std(),
		Idle:           c.Timeouts.Idle.Std(),
		HalfClose:      c.Timeouts.HalfClose.Std(),
		Upload:         rate(c.Rates.Upload, engine.Rate{}),
		Download:       rate(c.Rates.Download, engine.Rate{Grace: c.Timeouts.SendStall.Std()}),
		MaxConnections: maxConnections(c.Limits.Connections),
	}
}

// passesTLVs reports that an upstream is to have what a client's proxy said.
func passesTLVs(c *config.Config) bool {
	return slices.ContainsFunc(c.Upstreams, func(u config.Upstream) bool { return u.ProxyProtocol == config.ProxyV2 })
}

// leastWindow is the shortest time over which a rate is measured: grace may be 0,
// but a rate needs two moments.
const leastWindow = time.Second

// reserveFDs are kept for everything that is no client: listeners, logs, the
// admin side, the database.
const reserveFDs = 256

// maxConnections bounds the clients by the open-file limit if the owner did not:
// three quarters of the descriptors, since an active client needs a second one
// for its server and most clients are idle.
func maxConnections(configured int) int64 {
	if configured > 0 {
		return int64(configured)
	}
	var rl syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &rl) != nil {
		return 0
	}
	return max(int64(min(rl.Cur, 1<<31)-min(rl.Cur, reserveFDs))*3/4, 16)
}

func newResolver(c *config.Config) *resolve.Resolver {
	return resolve.New(resolve.Config{Servers: c.Resolver, Total: c.Timeouts.Resolve.Std()})
}

// buildLive makes the plan for c, and takes over from old the groups that can stay:
// what changed in their rules and their servers is changed in place. store is for
// routes with a cache. Nothing may fail any more when it is called.
func (g *Gateway) buildLive(c *config.Config, old live, resolver *resolve.Resolver, store *cache.Store) live {
	l := live{groups: map[string]*liveGroup{}, networks: g.loadNetworks(c), cache: store}
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		gr, o := &liveGroup{text: groupText(u, c), servers: g.servers(u, resolver)}, groupOptions(c, u)
		switch have := old.groups[u.Name]; {
		case have == nil:
			gr.feed = g.newFeed(u.Name)
		case have.text == gr.text:
			have.SetRules(o)
			have.servers = gr.servers
			l.groups[u.Name] = have
			continue
		default:
			gr.feed = have.feed
		}
		l.groups[u.Name] = gr
		o.OnEvent, o.Hand = g.events.put, g.byHand.of(u.Name)
		gr.made, gr.tls = time.Now(), buildServerTLS(u)
		gr.Group = g.eng.NewGroup(u.Name, o, gr.feed.Preview(gr.servers),
			engine.Contacts{Resolver: resolver, TLS: gr.tls, NotOpened: g.notOpened(u.Name, gr.feed), AddressLost: g.addressLost(u.Name)})
	}
	pages := buildPages(c.ErrorPages, nil)
	via := c.Forwarded.Via
	if via == config.ViaOff {
		via = ""
	}
	l.plan = &exchange.Plan{
		Router:     route.New(l.routes(c)),
		Guard:      guard.Open{},
		Challenges: g.certs,
		Trusted:    l.networks.prefixes(c.TrustedProxies),
		Details: map[config.Details]exchange.Details{
			config.DetailsTrusted: exchange.DetailsTrusted,
			config.DetailsAlways:  exchange.DetailsAlways,
			config.DetailsNever:   exchange.DetailsNever,
		}[c.ProxyStatus.Details],
		Via:      g.pseudonym(via),
		Interims: wire.Limits{Interims: c.Limits.Interims}.WithDefaults().Interims,
		Pages:    pages,
	}
	if !c.Tracing.IsZero() {
		l.plan.Tracing = exchange.NewTracing(c.Tracing.Ratio)
	}
	for _, f := range c.Forwarded.Emit {
		l.plan.EmitXForwarded = l.plan.EmitXForwarded || f == config.XForwarded
		l.plan.EmitForwarded = l.plan.EmitForwarded || f == config.ForwardedField
	}
	return l
}

// pseudonym makes the name in Via one of this run: two gateways of one name may
// stand in a row, and that is no loop.
func (g *Gateway) pseudonym(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%s-%08x", name, uint32(g.epoch))
}

// groupText is what connections to the servers of u are made by.
func groupText(u *config.Upstream, c *config.Config) string {
	text, err := json.Marshal(struct {
		MaxIdle int
		Proxy   config.ProxyVersion
		TLS     config.UpstreamTLS
		R       []netip.AddrPort
		CA, CRL []byte
		Cert    [][]byte
	}{u.KeepAlive.MaxIdle, u.ProxyProtocol, u.TLS, c.Resolver, u.TLS.CA, u.TLS.CRL, u.TLS.ClientCert.Pair().Certificate})
	if err != nil {
		panic("gateway: configuration does not encode: " + err.Error())
	}
	return string(text)
}

func (l *live) routes(c *config.Config) []route.Rule {
	byName := map[string]*config.Upstream{}
	for i := range c.Upstreams {
		byName[c.Upstreams[i].Name] = &c.Upstreams[i]
	}
	var rules []route.Rule
	for i := range c.Sites {
		s := &c.Sites[i]
		pages, auth, sts := buildPages(c.ErrorPages, s.ErrorPages), clientAuthID(s), hsts(s.TLS.HSTS)
		redirect := uint16(0)
		if s.TLS.Redirect && c.HasTLS() {
			redirect = uint16(c.HTTPSPort())
		}
		for j := range s.Routes {
			r := &s.Routes[j]
			x := &exchange.Route{
				Site: s.Hosts[0], Name: r.Path, Upstream: l.groups[r.Upstream].Group,
				Retry: buildRetry(r, byName[r.Upstream]), Affinity: buildAffinity(byName[r.Upstream]), MaxBody: int64(c.Limits.Body), Pages: pages,
				ClientAuth: auth, HSTS: sts, RedirectPort: redirect,
				Timeouts: exchange.Timeouts{
					Resolve: c.Timeouts.Resolve.Std(), Connect: r.Timeouts.Connect.Std(),
					UpHandshake: r.Timeouts.UpHandshake.Std(),
					AwaitHead:   r.Timeouts.AwaitHead.Std(), BodyStall: r.Timeouts.BodyStall.Std(),
					SendStall: r.Timeouts.SendStall.Std(), TunnelIdle: r.Timeouts.TunnelIdle.Std(),
				},
			}
			if rule := l.cacheRule(&r.Cache); rule != nil {
				x.Cache = rule
			}
			switch h := byName[r.Upstream].HostHeader; h {
			case config.HostPreserve:
			case config.HostServer:
				x.HostOfServer = true
			default:
				x.HostHeader = h
			}
			for _, host := range s.Hosts {
				rules = append(rules, route.Rule{Host: host, Path: r.Path, Methods: r.Methods, Route: x})
			}
		}
	}
	return rules
}

// buildPages lays a site's error pages over the general ones.
func buildPages(general, own config.ErrorPages) *exchange.Pages {
	p := &exchange.Pages{Custom: map[int][]byte{}, ByClass: map[int][]byte{}}
	for _, pages := range []config.ErrorPages{general, own} {
		for _, e := range pages {
			if status, err := strconv.Atoi(e.Status); err == nil {
				p.Custom[status] = e.Content
			} else {
				p.ByClass[int(e.Status[0]-'0')] = e.Content
			}
		}
	}
	return p
}
