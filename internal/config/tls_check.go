// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"strings"
)

const (
	// pemFileLimitBytes bounds certificate files; the system's whole bundle has a
	// quarter of it.
	pemFileLimitBytes = 1 << 20
	// crlFileLimitBytes bounds revocation lists, which grow with their CA.
	crlFileLimitBytes = 64 << 20
	// secretFileLimitBytes bounds files with one secret.
	secretFileLimitBytes = 4 << 10
)

// checkPair reads a certificate and its key and checks that they belong together.
func (d *decoder) checkPair(c cursor, p *CertificatePair) {
	if p.Certificate == "" || p.Key == "" {
		return // reported as missing
	}
	at := func(key string) cursor {
		if c.node.kind == scalarNode {
			return c
		}
		return d.at("%s."+key, c.path)
	}
	cert, problem := d.read(p.Certificate, pemFileLimitBytes)
	if problem != nil {
		d.failFile(at("certificate"), problem)
		return
	}
	key, problem := d.read(p.Key, pemFileLimitBytes)
	if problem != nil {
		d.failFile(at("key"), problem)
		return
	}
	var err error
	if p.pair, err = tls.X509KeyPair(cert, key); err != nil {
		d.fail(at("certificate"), pairHint(cert, key), "this certificate and key cannot be used: %v", err)
	}
}

// pairHint guesses what was mixed up.
func pairHint(cert, key []byte) string {
	has := func(data []byte, what string) bool { return bytes.Contains(data, []byte("-----BEGIN "+what)) }
	switch {
	case !has(cert, "CERTIFICATE") && has(key, "CERTIFICATE"):
		return "the two files are the wrong way round"
	case !has(cert, "CERTIFICATE"):
		return "a PEM file has a line -----BEGIN CERTIFICATE-----; convert DER with: openssl x509 -inform der"
	case has(key, "ENCRYPTED PRIVATE KEY"):
		return "the key has a pass phrase; take it off with: openssl pkey -in KEY -out NEW"
	}
	return "compare the output of: openssl x509 -noout -pubkey -in CERTIFICATE; openssl pkey -pubout -in KEY"
}

// readCertificates reads a file of certificates.
func (d *decoder) readCertificates(c cursor, name string) []byte {
	if name == "" {
		return nil
	}
	data, p := d.read(name, pemFileLimitBytes)
	if p != nil {
		d.failFile(c, p)
		return nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		d.fail(c, "it needs a line -----BEGIN CERTIFICATE-----", "the file %s holds no certificate in PEM", quote(name))
		return nil
	}
	return data
}

// readSecret reads a file that holds one secret.
func (d *decoder) readSecret(c cursor, name string) string {
	data, p := d.read(name, secretFileLimitBytes)
	if p != nil {
		d.failFile(c, p)
		return ""
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" || !isPrintable(secret) {
		d.fail(c, "", "the file %s holds no secret in one line", quote(name))
		return ""
	}
	return secret
}

// checkDNS checks that a provider has what it needs, and reads its secret.
func checkDNS(d *decoder, c cursor, x *DNS) {
	need := func(value, key string) bool {
		if value == "" {
			d.fail(c, "write "+key+": …", "the provider %s needs the key %s", x.Provider, key)
		}
		return value != ""
	}
	switch x.Provider {
	case DNSExec:
		need(x.Command, "command")
	case DNSRFC2136:
		need(x.Server, "server")
		if need(x.KeyName, "key_name") && need(x.KeyFile, "key_file") {
			x.Secret = d.readSecret(d.at("%s.key_file", c.path), x.KeyFile)
		}
	}
}

func checkAutomatic(d *decoder, c cursor, a *Automatic) {
	d.noDuplicates(c.path+".challenges", texts(a.Challenges))
	a.CAPEM = d.readCertificates(d.at("%s.ca_file", c.path), a.CAFile)
}

// checkUpstreamTLS reads what an upstream's servers are judged by.
func checkUpstreamTLS(d *decoder, c cursor, u *UpstreamTLS) {
	u.CA = d.readCertificates(d.at("%s.ca_file", c.path), u.CAFile)
	if u.CRLFile == "" {
		return
	}
	at := d.at("%s.crl_file", c.path)
	data, p := d.read(u.CRLFile, crlFileLimitBytes)
	if p != nil {
		d.failFile(at, p)
		return
	}
	for _, der := range RevocationLists(data) {
		if _, err := x509.ParseRevocationList(der); err != nil {
			d.fail(at, "", "the file %s holds no revocation list: %v", quote(u.CRLFile), err)
			return
		}
	}
	u.CRL = data
}

// RevocationLists gives the lists of a file in DER: of PEM, each block; else the
// whole.
func RevocationLists(data []byte) (lists [][]byte) {
	for rest := data; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if b.Type == "X509 CRL" {
			lists = append(lists, b.Bytes)
		}
	}
	if len(lists) == 0 {
		return [][]byte{data}
	}
	return lists
}

// finishTLS looks at TLS as a whole and fills in where certificates are kept.
func (d *decoder) finishTLS(c *Config) {
	if c.TLS.Automatic.Storage == "" {
		c.TLS.Automatic.Storage = filepath.Join(StateDirectory(d.env), "certificates")
	}
	d.warnUnusedTLS(c)
	if !c.HasTLS() {
		return
	}
	for i := range c.Sites {
		d.checkSiteTLS(c, i)
	}
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

// warnUnusedTLS finds what was written about TLS and has no effect.
func (d *decoder) warnUnusedTLS(c *Config) {
	if _, written := d.where["tls"]; written && !c.HasTLS() {
		d.warn(d.at("tls"), "write listen: [{address: \":443\", tls: true}]", "no listener has TLS, so this has no effect")
	}
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		path := joinPath("upstreams", u.Name) + ".tls"
		at, written := d.where[path]
		if !written {
			continue
		}
		https := false
		for _, s := range u.Servers {
			https = https || s.Address.TLS
		}
		switch {
		case !https:
			d.warn(at, "write the servers as https://HOST:PORT", "no server of this upstream has TLS, so this has no effect")
		case !u.TLS.Verify && u.TLS.CAFile != "":
			d.warn(at, "remove verify: false", "ca_file has no effect while nothing is verified")
		}
	}
}

// checkSiteTLS finds hosts that no certificate can be had for.
func (d *decoder) checkSiteTLS(c *Config, i int) {
	s := &c.Sites[i]
	if len(s.TLS.Certificates) > 0 || len(c.TLS.Certificates) > 0 {
		return
	}
	for j, host := range s.Hosts {
		if !d.sound("sites[%d].hosts[%d]", i, j) || c.TLS.Automatic.Covers(host) {
			continue
		}
		at := d.at("sites[%d].hosts[%d]", i, j)
		switch {
		case host == "*" && len(c.Sites) > 1:
		case !c.TLS.Automatic.Enabled:
			d.warn(at, "give certificates in tls, or in the site's tls", "%s has no certificate, so it cannot be reached over TLS", quote(host))
		case strings.HasPrefix(host, "*."):
			d.warn(at, "write tls.automatic.dns, or give certificates", "a CA certifies %s only by DNS, so it cannot be reached over TLS", quote(host))
		default:
			d.warn(at, "give certificates in tls, or in the site's tls", "no CA certifies %s, so it cannot be reached over TLS", quote(host))
		}
	}
}

// localSuffixes are names that no public CA certifies (RFC 6761, RFC 8375, RFC 9476
// and what is used like them).
var localSuffixes = []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".alt"}

// Covers reports whether a certificate for the host is obtained automatically.
func (a *Automatic) Covers(host string) bool {
	name, wild := strings.CutPrefix(host, "*.")
	if !a.Enabled || wild && a.DNS.Provider == "" || !strings.Contains(name, ".") || strings.ContainsAny(name, ":[_") {
		return false
	}
	for _, s := range localSuffixes {
		if strings.HasSuffix(name, s) {
			return false
		}
	}
	_, err := parseIP(name)
	return err != nil
}
