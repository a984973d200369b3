// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// checkDNS checks that a provider has what it needs, and reads its secret.
func checkDNS(d *decoder, c cursor, x *DNS) {
	keys := []struct {
		name, value string
		of          DNSProvider
	}{
		{"command", x.Command, DNSExec}, {"server", x.Server, DNSRFC2136}, {"key_name", x.KeyName, DNSRFC2136},
		{"key_file", x.KeyFile, DNSRFC2136}, {"key_algorithm", x.KeyAlgorithm, DNSRFC2136}, {"zone", x.Zone, DNSRFC2136},
		{"token_file", x.TokenFile, DNSCloudflare},
	}
	for _, k := range keys {
		switch {
		case x.Provider == "": // reported as missing, or wrong
		case k.of != x.Provider && k.value != "":
			d.warn(d.at("%s.%s", c.path, k.name), "remove it, or write provider: "+string(k.of), "%s has no effect with the provider %s", k.name, x.Provider)
		case k.of == x.Provider && k.value == "" && k.name != "key_algorithm" && d.sound("%s.%s", c.path, k.name):
			d.failKey(c, "write "+k.name+": …", "the provider %s needs the key %s", x.Provider, k.name)
		}
	}
	switch {
	case x.Provider == DNSCloudflare && x.TokenFile != "":
		x.Secret = d.readAPIToken(d.at("%s.token_file", c.path), x.TokenFile)
	case x.Provider == DNSRFC2136:
		if x.KeyAlgorithm == "" {
			x.KeyAlgorithm = HMACSHA256
		}
		x.Secret = d.readSecret(d.at("%s.key_file", c.path), x.KeyFile)
	}
}

func checkAutomatic(d *decoder, c cursor, a *Automatic) {
	d.noDuplicates(c.path+".challenges", texts(a.Challenges))
	a.CAPEM = d.readCertificates(d.at("%s.ca_file", c.path), a.CAFile)
	at := d.at("%s.ask_token_file", c.path)
	if a.AskTokenFile != "" && a.Ask == "" && d.sound("%s.ask", c.path) {
		d.warn(at, "remove it, or write ask", "ask_token_file has no effect without ask")
	}
	a.AskToken = d.readAPIToken(at, a.AskTokenFile)
}

func checkClientAuth(d *decoder, c cursor, a *ClientAuth) {
	a.CA = d.readCertificates(d.at("%s.ca_file", c.path), a.CAFile)
}

func checkHSTS(d *decoder, c cursor, h *HSTS) {
	switch {
	case h.Preload && (h.MaxAge.Std() < 365*day || !h.Subdomains):
		d.fail(d.at("%s.preload", c.path), "write max_age: 365d and subdomains: true", "browsers build in only sites with a max_age of at least 365d and subdomains: true")
	case h.Subdomains && h.MaxAge == 0 && d.sound("%s.max_age", c.path):
		d.warn(d.at("%s.subdomains", c.path), "write max_age: 5m to begin with", "subdomains has no effect without max_age")
	}
}

// checkUpstreamTLS reads what an upstream's servers are judged by.
func checkUpstreamTLS(d *decoder, c cursor, u *UpstreamTLS) {
	u.CA = d.readCertificates(d.at("%s.ca_file", c.path), u.CAFile)
	u.CRL = d.readRevocationLists(d.at("%s.crl_file", c.path), u.CRLFile)
}

// finishTLS looks at TLS as a whole and fills in where certificates are kept.
func (d *decoder) finishTLS(c *Config) {
	for i := range c.Upstreams {
		d.warnUnusedUpstreamTLS(&c.Upstreams[i])
	}
	if !c.HasTLS() {
		d.warnUnusedTLS(c)
		return
	}
	if c.TLS.Automatic.Storage == "" {
		c.TLS.Automatic.Storage = filepath.Join(StateDirectory(d.env), "certificates")
	}
	d.checkNames(c)
}

// StateDirectory is where what has to last is kept.
func StateDirectory(env func(string) (string, bool)) string {
	if list, ok := env("STATE_DIRECTORY"); ok {
		// systemd.exec(5): several directories are separated by colons.
		if first, _, _ := strings.Cut(list, ":"); filepath.IsAbs(first) {
			return first
		}
	}
	if xdg, ok := env("XDG_STATE_HOME"); ok && filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "causey")
	}
	if home, ok := env("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".local/state/causey")
	}
	return "/var/lib/causey"
}

// warnUnusedTLS finds what was written about TLS with clients while no listener
// has it.
func (d *decoder) warnUnusedTLS(c *Config) {
	for i := range c.Listen {
		if !d.listenSound(i) || !d.sound("listen[%d].tls", i) {
			return // it may have been meant to have TLS
		}
	}
	hint := "write it as {address: …, tls: true} in listen"
	for _, l := range c.Listen {
		if l.Address.Port == 443 || len(c.Listen) == 1 {
			hint = "write listen: [{address: \"" + l.Address.String() + "\", tls: true}]"
		}
	}
	if at, written := d.where["tls"]; written {
		d.warn(at, hint, "no listener has TLS, so this has no effect")
	}
	for i := range c.Sites {
		if at, written := d.where[fmt.Sprintf("sites[%d].tls", i)]; written {
			d.warn(at, hint, "no listener has TLS, so this has no effect")
		}
	}
}

// warnUnusedUpstreamTLS finds what was written about TLS with servers and has no
// effect.
func (d *decoder) warnUnusedUpstreamTLS(u *Upstream) {
	path := joinPath("upstreams", u.Name)
	at, written := d.where[path+".tls"]
	if !written {
		return
	}
	https := u.Discover.File != "" || u.Discover.Docker != "" || u.Discover.API // who knows
	for i, s := range u.Servers {
		https = https || s.Address.TLS || !d.sound("%s.servers[%d]", path, i)
	}
	if !https {
		d.warn(at, "write the servers as https://HOST:PORT", "no server of this upstream has TLS, so this has no effect")
		return
	}
	for _, f := range []struct{ key, name string }{{"ca_file", u.TLS.CAFile}, {"crl_file", u.TLS.CRLFile}} {
		if !u.TLS.Verify && f.name != "" {
			d.warn(d.at("%s.tls.%s", path, f.key), "remove verify: false", "%s has no effect while nothing is verified (verify: false)", f.key)
		}
	}
}
