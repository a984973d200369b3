// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
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
	// chainLimit bounds the certificates that are tried with a key; more are a
	// bundle of roots and no chain.
	chainLimit = 32
)

// fileCache keeps what was read and judged, so that a thousand sites can have one
// certificate.
type fileCache struct {
	files map[fileUse]fileResult
	pairs map[[2]string]pairResult
}

// fileUse is a file and what it is used as.
type fileUse struct{ name, as string }

type fileResult struct {
	data    []byte
	problem *Problem
}

type pairResult struct {
	pair    tls.Certificate
	key     string // the key of the table that the problem belongs to
	problem *Problem
}

// judged reads a file that judge finds good, or reports the problem. No name is no
// file.
func (d *decoder) judged(c cursor, use fileUse, limit int64, judge func(data []byte) (message, hint string)) []byte {
	if use.name == "" {
		return nil
	}
	r, known := d.files.files[use]
	if !known {
		if r.data, r.problem = d.read(use.name, limit); r.problem == nil {
			if message, hint := judge(r.data); message != "" {
				r = fileResult{problem: &Problem{File: use.name, Message: message, Hint: hint}}
			}
		}
		if d.files.files == nil {
			d.files.files = map[fileUse]fileResult{}
		}
		d.files.files[use] = r
	}
	if r.problem != nil {
		d.failFile(c, r.problem)
	}
	return r.data
}

// readCertificates reads a file of certificates that others are trusted by.
func (d *decoder) readCertificates(c cursor, name string) []byte {
	return d.judged(c, fileUse{name, "certificates"}, pemFileLimitBytes, judgeCertificates)
}

// readRevocationLists reads a file of revocation lists.
func (d *decoder) readRevocationLists(c cursor, name string) []byte {
	return d.judged(c, fileUse{name, "revocation lists"}, crlFileLimitBytes, func(data []byte) (string, string) {
		if isBlank(data) {
			return "is empty", "an empty list of a CA is a file too: get it from the CA"
		}
		for _, der := range RevocationLists(data) {
			if _, err := x509.ParseRevocationList(der); err != nil {
				return "holds no revocation list: " + printable(err.Error()), "it is PEM with a line -----BEGIN X509 CRL-----, or DER"
			}
		}
		return "", ""
	})
}

// readSecret reads a file that holds one secret in base64.
func (d *decoder) readSecret(c cursor, name string) string {
	data := d.judged(c, fileUse{name, "secret"}, secretFileLimitBytes, func(data []byte) (string, string) {
		if isBlank(data) {
			return "is empty", "write the secret of the key into it, in base64"
		}
		if _, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(data))); err != nil {
			return "holds more than a secret in base64", `of a key of BIND write only what stands in the quotes of secret "…"`
		}
		return "", ""
	})
	return string(bytes.TrimSpace(data))
}

// readAPIToken reads a file that holds a token for an API.
func (d *decoder) readAPIToken(c cursor, name string) string {
	data := d.judged(c, fileUse{name, "token"}, secretFileLimitBytes, func(data []byte) (string, string) {
		token := string(bytes.TrimSpace(data))
		if token == "" {
			return "is empty", "write the token into it"
		}
		if strings.ContainsFunc(token, func(r rune) bool { return r <= 0x20 || r >= 0x7f }) {
			return "holds more than a token", "write only the token into it, in one line"
		}
		return "", ""
	})
	return string(bytes.TrimSpace(data))
}

// RevocationLists gives the lists of a file in DER: of PEM, each block; else the
// whole.
func RevocationLists(data []byte) [][]byte {
	if lists := pemBlocks(data, func(b *pem.Block) bool { return b.Type == "X509 CRL" }); len(lists) > 0 {
		return ders(lists)
	}
	return [][]byte{data}
}

// checkPair reads a certificate and its key and checks that they belong together.
func (d *decoder) checkPair(c cursor, p *CertificatePair) {
	if p.Certificate == "" || p.Key == "" {
		return // reported as missing
	}
	names := [2]string{p.Certificate, p.Key}
	r, known := d.files.pairs[names]
	if !known {
		r = d.readPair(p.Certificate, p.Key)
		if d.files.pairs == nil {
			d.files.pairs = map[[2]string]pairResult{}
		}
		d.files.pairs[names] = r
	}
	if p.pair = r.pair; r.problem == nil {
		return
	}
	if c.node.kind != scalarNode {
		c = d.at("%s.%s", c.path, r.key)
	}
	d.failFile(c, r.problem)
}

func (d *decoder) readPair(certName, keyName string) pairResult {
	cert, p := d.read(certName, pemFileLimitBytes)
	if p != nil {
		return pairResult{key: "certificate", problem: p}
	}
	key, p := d.read(keyName, pemFileLimitBytes)
	if p != nil {
		return pairResult{key: "key", problem: p}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err == nil {
		return pairResult{pair: pair}
	}
	at := func(key, name, message, hint string) pairResult {
		return pairResult{key: key, problem: &Problem{File: name, Message: message, Hint: hint}}
	}
	if len(pemBlocks(cert, isCertificate)) == 0 && len(pemBlocks(key, isCertificate)) > 0 && len(pemBlocks(cert, isKey)) > 0 {
		return at("certificate", certName, "holds the key, and the file of the key holds the certificate", "exchange the two names")
	}
	if message, hint := judgeCertificates(cert); message != "" {
		return at("certificate", certName, message, hint)
	}
	if message, hint := judgeKey(key, certName == keyName); message != "" {
		return at("key", keyName, message, hint)
	}
	if pair, ok := reordered(cert, key); ok {
		return pairResult{pair: pair}
	}
	return at("key", keyName, "does not hold the key of the certificate in "+quote(certName),
		"both come from one order at the CA; compare: openssl x509 -noout -pubkey -in CERTIFICATE, and: openssl pkey -pubout -in KEY")
}

// reordered makes a pair of a chain that does not begin with the key's certificate.
func reordered(cert, key []byte) (tls.Certificate, bool) {
	chain := pemBlocks(cert, isCertificate)
	for i := 1; i < min(len(chain), chainLimit); i++ {
		var b bytes.Buffer
		for _, block := range append([]*pem.Block{chain[i]}, append(chain[:i:i], chain[i+1:]...)...) {
			_ = pem.Encode(&b, &pem.Block{Type: block.Type, Bytes: block.Bytes}) // a Buffer takes all
		}
		if pair, err := tls.X509KeyPair(b.Bytes(), key); err == nil {
			return pair, true
		}
	}
	return tls.Certificate{}, false
}

// judgeCertificates says what is wrong with a file of certificates, "" for nothing.
func judgeCertificates(data []byte) (message, hint string) {
	blocks := pemBlocks(data, isCertificate)
	for _, b := range blocks {
		if _, err := x509.ParseCertificate(b.Bytes); err != nil {
			return "holds a certificate that cannot be read: " + printable(err.Error()), "get it anew from where it came from"
		}
	}
	if len(blocks) > 0 {
		return "", ""
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return "holds a certificate in DER, want PEM", "convert it with: openssl x509 -inform der -in FILE -out FILE.pem"
	}
	if message, hint = judgeForm(data); message != "" {
		return message, hint
	}
	if len(pemBlocks(data, isKey)) > 0 {
		return "holds a private key, and no certificate", "name the file with the line -----BEGIN CERTIFICATE-----"
	}
	return "holds no certificate in PEM", "it needs a line -----BEGIN CERTIFICATE-----"
}

// judgeKey says what is wrong with a file of a key, "" for nothing. same: it is the
// certificate's file too.
func judgeKey(data []byte, same bool) (message, hint string) {
	blocks := pemBlocks(data, isKey)
	if len(blocks) > 0 {
		b := blocks[0]
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "":
			return "holds a key with a pass phrase, which nobody types when the gateway starts", "take it off with: openssl pkey -in KEY -out NEW; let only the user that runs causey read the new file"
		case !isKeyDER(b.Bytes):
			return "holds a key that cannot be used", "RSA, ECDSA (P-256, P-384, P-521) and Ed25519 are known; look at it with: openssl pkey -noout -text -in KEY"
		}
		return "", ""
	}
	if isKeyDER(data) {
		return "holds a key in DER, want PEM", "convert it with: openssl pkey -inform der -in KEY -out KEY.pem"
	}
	if message, hint = judgeForm(data); message != "" {
		return message, hint
	}
	if same {
		return "holds a certificate, and no private key", "add the key to it, or name its file: {certificate: FILE, key: FILE}"
	}
	return "holds no private key in PEM", "it needs a line -----BEGIN PRIVATE KEY----- (or RSA or EC PRIVATE KEY)"
}

// judgeForm finds files that are not even text.
func judgeForm(data []byte) (message, hint string) {
	switch {
	case isBlank(data):
		return "is empty", "look at what should have written it"
	case data[0] == 0x30: // an ASN.1 SEQUENCE, as DER and PKCS#12 begin
		return "is binary, want PEM", "convert PKCS#12 (.pfx, .p12) with: openssl pkcs12 -nodes -in FILE -out FILE.pem"
	}
	return "", ""
}

func isBlank(data []byte) bool { return len(bytes.TrimSpace(data)) == 0 }

func isCertificate(b *pem.Block) bool { return b.Type == "CERTIFICATE" }

func isKey(b *pem.Block) bool {
	return b.Type == "PRIVATE KEY" || strings.HasSuffix(b.Type, " PRIVATE KEY")
}

// isKeyDER reports whether data is a private key in one of the forms in use.
func isKeyDER(data []byte) bool {
	_, err1 := x509.ParsePKCS8PrivateKey(data)
	_, err2 := x509.ParsePKCS1PrivateKey(data)
	_, err3 := x509.ParseECPrivateKey(data)
	return err1 == nil || err2 == nil || err3 == nil
}

// pemBlocks gives the blocks of a file that want says yes to.
func pemBlocks(data []byte, want func(*pem.Block) bool) (blocks []*pem.Block) {
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return blocks
		}
		if want(b) {
			blocks = append(blocks, b)
		}
	}
}

func ders(blocks []*pem.Block) [][]byte {
	list := make([][]byte, len(blocks))
	for i, b := range blocks {
		list[i] = b.Bytes
	}
	return list
}
