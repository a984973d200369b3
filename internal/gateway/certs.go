// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/x509"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"causey/internal/certs"
	"causey/internal/config"
	"causey/internal/engine"
)

// certOptions says which certificates c wants kept.
func (g *Gateway) certOptions(c *config.Config) certs.Options {
	o := certs.Options{Logger: g.opts.Logger, Now: time.Now, After: g.opts.After}
	if o.After == nil {
		o.After = time.After
	}
	if !c.HasTLS() {
		return o
	}
	o.Sites = certSites(c)
	if wantsAutomatic(c, o.Sites) {
		o.Automatic = g.automatic(&c.TLS.Automatic)
	}
	return o
}

// certSites says which hosts have which certificates: a site's own, else those at the
// top that name the host, else none, which are obtained. Those at the top also serve
// names of no site: they belong to the site "*".
func certSites(c *config.Config) []certs.Site {
	var sites []certs.Site
	named := indexPairs(c.TLS.Certificates)
	taken := map[string]bool{}
	for i := range c.Sites {
		s := &c.Sites[i]
		hosts := make([]string, len(s.Hosts))
		for j, h := range s.Hosts {
			hosts[j] = strings.Trim(h, "[]")
			taken[hosts[j]] = true
		}
		if len(s.TLS.Certificates) > 0 {
			sites = append(sites, certs.Site{Hosts: hosts, Files: pairs(s.TLS.Certificates)})
			continue
		}
		for _, h := range hosts {
			sites = append(sites, certs.Site{Hosts: []string{h}, Files: named.of(h)})
		}
	}
	for i := range c.TLS.Certificates {
		for _, name := range namesOf(&c.TLS.Certificates[i]) {
			if !taken[name] {
				taken[name] = true
				sites = append(sites, certs.Site{Hosts: []string{name}, Files: named.of(name)})
			}
		}
	}
	return sites
}

func pairs(list []config.CertificatePair) []certs.Pair {
	out := make([]certs.Pair, len(list))
	for i := range list {
		out[i] = certs.Pair{Certificate: list[i].Certificate, Key: list[i].Key}
	}
	return out
}

// pairIndex finds pairs by the names of their certificates: asking each certificate
// about each host would take minutes where there are ten thousand of both.
type pairIndex struct {
	list   []config.CertificatePair
	byName map[string][]int
}

func indexPairs(list []config.CertificatePair) pairIndex {
	x := pairIndex{list, map[string][]int{}}
	for i := range list {
		for _, n := range namesOf(&list[i]) {
			x.byName[n] = append(x.byName[n], i)
		}
	}
	return x
}

// of lists the pairs whose certificate names a host, in their order.
func (x pairIndex) of(host string) []certs.Pair {
	found := slices.Clone(x.byName[host])
	if _, parent, ok := strings.Cut(host, "."); ok && !strings.HasPrefix(host, "*.") {
		found = append(found, x.byName["*."+parent]...)
	}
	slices.Sort(found)
	var out []certs.Pair
	for _, i := range slices.Compact(found) {
		out = append(out, certs.Pair{Certificate: x.list[i].Certificate, Key: x.list[i].Key})
	}
	return out
}

// namesOf lists what a certificate can be served for.
func namesOf(p *config.CertificatePair) []string {
	leaf := p.Pair().Leaf
	var names []string
	for _, n := range leaf.DNSNames {
		names = append(names, strings.ToLower(strings.TrimSuffix(n, ".")))
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, net.IP.String(ip))
	}
	return names
}

// wantsAutomatic reports whether there is anything to obtain: without it no storage
// is needed either.
func wantsAutomatic(c *config.Config, sites []certs.Site) bool {
	a := &c.TLS.Automatic
	if !a.Enabled {
		return false
	}
	return a.Ask != "" || slices.ContainsFunc(sites, func(s certs.Site) bool {
		return len(s.Files) == 0 && slices.ContainsFunc(s.Hosts, a.Covers)
	})
}

// automatic makes what is obtained, or takes what was made of the same configuration:
// then a reload changes nothing of it.
func (g *Gateway) automatic(a *config.Automatic) *certs.Automatic {
	if g.obtained == nil || !reflect.DeepEqual(g.obtainedBy, *a) {
		g.obtained, g.obtainedBy = buildAutomatic(a), *a
	}
	return g.obtained
}

func buildAutomatic(a *config.Automatic) *certs.Automatic {
	o := &certs.Automatic{
		Directory: a.CA, Email: a.Email, Storage: a.Storage,
		HTTP:    slices.Contains(a.Challenges, config.ChallengeHTTP),
		TLSALPN: slices.Contains(a.Challenges, config.ChallengeTLSALPN),
		DNS:     buildDNS(&a.DNS),
		DNSWait: a.DNS.Wait.Std(),
	}
	if len(a.CAPEM) > 0 {
		o.Roots = x509.NewCertPool()
		o.Roots.AppendCertsFromPEM(a.CAPEM)
	}
	if a.Ask != "" {
		o.OnDemand = &certs.OnDemand{Ask: a.Ask}
	}
	return o
}

// buildDNS makes the way to set records, nil for none.
func buildDNS(d *config.DNS) certs.DNSProvider {
	switch d.Provider {
	case config.DNSExec:
		return &certs.Exec{Program: d.Command}
	case config.DNSRFC2136:
		return &certs.Update{Server: d.Server, Zone: d.Zone, KeyName: d.KeyName, Secret: d.Secret, Algorithm: d.KeyAlgorithm, Now: time.Now}
	case config.DNSCloudflare:
		return &certs.Cloudflare{Token: d.Secret}
	}
	return nil
}

// clientTLS says how the engine serves clients over TLS by c.
func (g *Gateway) clientTLS(c *config.Config) *engine.ClientTLS {
	o := &engine.ClientTLS{Certificate: g.certs.Certificate, Default: defaultPolicy(c), ByHost: map[string]*engine.TLSPolicy{}}
	o.Waits = c.TLS.Automatic.Enabled && c.TLS.Automatic.Ask != ""
	auth := slices.ContainsFunc(c.Sites, func(s config.Site) bool { return len(s.TLS.ClientAuth.CA) > 0 })
	if !auth {
		return o
	}
	plain := o.Default
	for i := range c.Sites {
		p := buildPolicy(c, &c.Sites[i])
		if p == nil {
			p = plain
		}
		for _, h := range c.Sites[i].Hosts {
			if h == "*" {
				o.Default = p
			} else {
				o.ByHost[strings.Trim(h, "[]")] = p
			}
		}
	}
	return o
}
