// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1" // what RFC 6960 has certificates named by
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"time"
)

// CRL is the authority's list of revoked certificates, as PEM.
func (a *Authority) CRL(revoked ...*Certificate) []byte {
	t := &x509.RevocationList{Number: serial(), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(day)}
	for _, c := range revoked {
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Cert.SerialNumber, RevocationTime: time.Now().Add(-2 * time.Hour), ReasonCode: 1})
	}
	der := must(x509.CreateRevocationList(rand.Reader, t, a.Cert, a.key))
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// The parts of an OCSP response, RFC 6960 section 4.2.1.
type (
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  ocspBytes `asn1:"explicit,tag:0"`
	}
	ocspBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	ocspBasic struct {
		Data      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	ocspData struct {
		ByName     asn1.RawValue `asn1:"explicit,tag:1"`
		ProducedAt time.Time     `asn1:"generalized"`
		Responses  []ocspSingle
	}
	ocspSingle struct {
		ID         ocspID
		Status     asn1.RawValue
		ThisUpdate time.Time `asn1:"generalized"`
		NextUpdate time.Time `asn1:"generalized,explicit,tag:0"`
	}
	ocspID struct {
		Hash              pkix.AlgorithmIdentifier
		NameHash, KeyHash []byte
		Serial            *big.Int
	}
	ocspRevoked struct {
		At     time.Time       `asn1:"generalized"`
		Reason asn1.Enumerated `asn1:"explicit,tag:0"`
	}
)

var (
	oidOCSPBasic   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidSHA1        = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidECDSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// OCSP is what the certificate's issuer answers about it, for a server to staple: good or revoked.
func (c *Certificate) OCSP(revoked bool) []byte {
	now := time.Now().UTC()
	status := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0}
	if revoked {
		info := must(asn1.MarshalWithParams(ocspRevoked{now.Add(-2 * time.Hour), 1}, "tag:1"))
		status = asn1.RawValue{FullBytes: info}
	}
	issuer := c.Issuer.Cert
	name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(publicBits(issuer))
	data := must(asn1.Marshal(ocspData{
		ByName: asn1.RawValue{FullBytes: must(asn1.Marshal(asn1.RawValue{
			Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: issuer.RawSubject}))},
		ProducedAt: now,
		Responses: []ocspSingle{{
			ID:     ocspID{pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue}, name[:], key[:], c.Cert.SerialNumber},
			Status: status, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(day),
		}},
	}))
	digest := sha256.Sum256(data)
	signature := must(c.Issuer.key.Sign(rand.Reader, digest[:], crypto.SHA256))
	basic := must(asn1.Marshal(ocspBasic{asn1.RawValue{FullBytes: data}, pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA256},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}}))
	return must(asn1.Marshal(ocspResponse{0, ocspBytes{oidOCSPBasic, basic}}))
}

// publicBits are the bits of a certificate's public key, without its algorithm.
func publicBits(c *x509.Certificate) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	must(asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info))
	return info.Key.Bytes
}
