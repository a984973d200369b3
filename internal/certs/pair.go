// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// pemLimitBytes bounds a file: a chain is some 10 KiB, and whoever names
// /dev/zero shall not fill the memory.
const pemLimitBytes = 1 << 20

// stamp tells whether the files of a pair were replaced or written.
type stamp struct {
	certificate, key identity
}

type identity struct {
	inode   uint64
	size    int64
	changed time.Time
}

// loaded is a pair as read from its files.
type loaded struct {
	cert *tls.Certificate
	// warnings are for the owner: the certificate is used nevertheless.
	warnings []string
}

// stampOf follows links, as certbot's, so it changes when they lead elsewhere.
func stampOf(p Pair) (stamp, error) {
	c, err := identityOf(p.Certificate)
	if err != nil {
		return stamp{}, fmt.Errorf("certificate file: %w", err)
	}
	k, err := identityOf(p.Key)
	if err != nil {
		return stamp{}, fmt.Errorf("key file: %w", err)
	}
	return stamp{c, k}, nil
}

func identityOf(path string) (identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return identity{}, err
	}
	id := identity{size: info.Size(), changed: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.inode = st.Ino
	}
	return id, nil
}

// load reads a pair. Errors name the file and what is wrong with it.
func load(p Pair, now time.Time) (loaded, error) {
	chain, err := readChain(p.Certificate)
	if err != nil {
		return loaded{}, err
	}
	key, err := readKey(p.Key)
	if err != nil {
		return loaded{}, err
	}
	ordered := order(chain, key)
	if ordered == nil {
		return loaded{}, fmt.Errorf("key file %s: the key does not belong to the certificate in %s (%s)",
			p.Key, p.Certificate, names(chain[0]))
	}
	l := loaded{cert: &tls.Certificate{PrivateKey: key, Leaf: ordered[0]}}
	for _, c := range ordered {
		l.cert.Certificate = append(l.cert.Certificate, c.Raw)
	}
	switch {
	case len(ordered) < len(chain):
		l.warnings = append(l.warnings, "some certificates of the file do not belong to its chain; they are not sent")
	case !chain[0].Equal(ordered[0]):
		l.warnings = append(l.warnings, "the certificates of the file are not in order, leaf first; they are sent in order")
	}
	switch leaf := ordered[0]; {
	case now.After(leaf.NotAfter):
		l.warnings = append(l.warnings, "expired at "+leaf.NotAfter.UTC().Format(time.RFC3339)+"; clients will refuse it")
	case now.Before(leaf.NotBefore):
		l.warnings = append(l.warnings, "valid only from "+leaf.NotBefore.UTC().Format(time.RFC3339)+" on; clients will refuse it")
	}
	return l, nil
}

func readChain(path string) ([]*x509.Certificate, error) {
	rest, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("certificate file: %w", err)
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate file %s: certificate %d: %w", path, len(chain)+1, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("certificate file %s: no PEM block CERTIFICATE in it", path)
	}
	return chain, nil
}

func readKey(path string) (crypto.Signer, error) {
	rest, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("key file %s: no PEM block of a private key in it", path)
		}
		var key any
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, fmt.Errorf("key file %s: the key is encrypted; store it without a passphrase", path)
			}
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, fmt.Errorf("key file %s: the key is encrypted; store it without a passphrase", path)
		default:
			continue // a certificate, or EC PARAMETERS
		}
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("key file %s: a key that cannot sign", path)
		}
		return signer, nil
	}
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, pemLimitBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > pemLimitBytes:
		return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("more than 1 MiB, no PEM file")}
	}
	return text, nil
}

// order returns the chain that begins with the certificate of key, each followed
// by its issuer, nil if key belongs to none.
func order(chain []*x509.Certificate, key crypto.Signer) []*x509.Certificate {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil
	}
	var ordered []*x509.Certificate
	used := make([]bool, len(chain))
	fits := func(c *x509.Certificate) bool {
		if len(ordered) == 0 {
			return public.Equal(c.PublicKey)
		}
		last := ordered[len(ordered)-1]
		return bytes.Equal(last.RawIssuer, c.RawSubject) && !bytes.Equal(last.RawIssuer, last.RawSubject)
	}
	for found := true; found; {
		found = false
		for i, c := range chain {
			if !used[i] && fits(c) {
				ordered, used[i], found = append(ordered, c), true, true
				break
			}
		}
	}
	return ordered
}

// names returns what a certificate is for, to tell it from others.
func names(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return "for " + c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return "for " + c.IPAddresses[0].String()
	}
	return "of " + c.Subject.String()
}
