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
	if len(c.TLS.Certificates) > 0 {
		o.Default = pairOf(&c.TLS.Certificates[0])
	}
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
	top := indexPairs(c.TLS.Certificates)
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
			if files := top.naming(h); len(files) > 0 || c.TLS.Automatic.Covers(h) {
				sites = append(sites, certs.Site{Hosts: []string{h}, Files: files})
			}
		}
	}
	for _, name := range top.names {
		if !taken[name] {
			sites = append(sites, certs.Site{Hosts: []string{name}, Files: top.naming(name)})
		}
	}
	return sites
}

func pairs(list []config.CertificatePair) []certs.Pair {
	out := make([]certs.Pair, len(list))
	for i := range list {
		out[i] = pairOf(&list[i])
	}
	return out
}

func pairOf(p *config.CertificatePair) certs.Pair {
	return certs.Pair{Certificate: p.Certificate, Key: p.Key}
}

// pairIndex finds certificates by what they name, so that a thousand of them and a
// thousand hosts are not compared each with each.
type pairIndex struct {
	list   []config.CertificatePair
	byName map[string][]int // as certificates write it, a name or *.name
	names  []string         // in the order of the list
}

func indexPairs(list []config.CertificatePair) *pairIndex {
	x := &pairIndex{list: list, byName: map[string][]int{}}
	for i := range list {
		for _, name := range namesOf(&list[i]) {
			if len(x.byName[name]) == 0 {
				x.names = append(x.names, name)
			}
			x.byName[name] = append(x.byName[name], i)
		}
	}
	return x
}

// naming lists the pairs whose certificate names a host, itself or by a wildcard.
func (x *pairIndex) naming(host string) []certs.Pair {
	found := x.byName[host]
	if label, parent, below := strings.Cut(host, "."); below && label != "*" && net.ParseIP(host) == nil {
		found = append(slices.Clone(found), x.byName["*."+parent]...)
		slices.Sort(found)
	}
	var out []certs.Pair
	for _, i := range slices.Compact(found) {
		out = append(out, pairOf(&x.list[i]))
	}
	return out
}

// namesOf lists what a certificate can be served for, which is less than what may be
// written into one.
func namesOf(p *config.CertificatePair) []string {
	return slices.DeleteFunc(p.Names(), func(n string) bool { return certs.CheckHost(n) != nil })
}

// wantsAutomatic reports whether there is anything to obtain: without it no storage
// is needed either.
func wantsAutomatic(c *config.Config, sites []certs.Site) bool {
	a := &c.TLS.Automatic
	return a.Enabled && (a.Ask != "" || slices.ContainsFunc(sites, func(s certs.Site) bool { return len(s.Files) == 0 }))
}

// automatic makes what is obtained, or takes what runs if that was made of the same
// configuration: then a reload changes nothing of it.
func (g *Gateway) automatic(a *config.Automatic) *certs.Automatic {
	if g.obtained != nil && reflect.DeepEqual(g.cfg.TLS.Automatic, *a) {
		return g.obtained
	}
	return buildAutomatic(a)
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
		o.OnDemand = &certs.OnDemand{Ask: a.Ask, Token: a.AskToken, Certifiable: a.Covers}
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
