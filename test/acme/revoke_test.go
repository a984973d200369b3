// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"golang.org/x/crypto/ocsp"

	"causey/internal/certs"
)

// responder answers OCSP for a pebble, which has the facts but no responder.
// Answers hold for three seconds.
type responder struct {
	*httptest.Server
	ca    atomic.Pointer[authority]
	asked atomic.Int64
}

func startResponder(t *testing.T) *responder {
	r := &responder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.asked.Add(1)
		body, err := io.ReadAll(request.Body)
		if err == nil {
			body, err = r.answer(body)
		}
		if err != nil {
			t.Log(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *responder) answer(body []byte) ([]byte, error) {
	question, err := ocsp.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	ca := r.ca.Load()
	status, err := ca.manage(fmt.Sprintf("/cert-status-by-serial/%x", question.SerialNumber))
	if err != nil {
		return nil, err
	}
	chain, err := ca.manage("/intermediates/0")
	if err != nil {
		return nil, err
	}
	key, err := ca.manage("/intermediate-keys/0")
	if err != nil {
		return nil, err
	}
	issuer, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	answer := ocsp.Response{
		SerialNumber: question.SerialNumber, Status: ocsp.Good, IssuerHash: crypto.SHA1,
		ThisUpdate: now.Add(-time.Second), NextUpdate: now.Add(3 * time.Second),
	}
	if bytes.Contains(status, []byte("Revoked")) {
		answer.Status, answer.RevokedAt, answer.RevocationReason = ocsp.Revoked, now, ocsp.Superseded
	}
	return ocsp.CreateResponse(issuer.Leaf, issuer.Leaf, answer, issuer.PrivateKey.(crypto.Signer))
}

// A certificate that its CA revokes is replaced.
func TestRevoked(t *testing.T) {
	t.Parallel()
	ocsp := startResponder(t)
	b := newBench(t, setup{responder: ocsp.URL})
	ocsp.ca.Store(b.ca)
	k := b.front.keep(t, b.options(func(a *certs.Automatic) { a.HTTP, a.StapleEvery = true, time.Second }, "revoked.test"))
	first := b.wantShown(t, "revoked.test")
	eventually(t, "the certificate is stapled", func() bool { return !status(t, k, "revoked.test").StapledUntil.IsZero() })

	revoke(t, b, first, "revoked.test")
	b.ca.become(gone) // and at first the CA gives no other
	eventually(t, "the owner is told", func() bool {
		return b.front.log.Count("is revoked") > 0 && status(t, k, "revoked.test").Failures > 0
	})
	if b.front.shows("revoked.test") == nil {
		t.Error("the old certificate is gone, though nothing better is there")
	}
	b.ca.become(well)
	k.Close()
	b.front.keep(t, b.options(func(a *certs.Automatic) { a.HTTP, a.StapleEvery = true, time.Second }, "revoked.test"))
	eventually(t, "the certificate is replaced", func() bool {
		shown := b.front.shows("revoked.test")
		return shown != nil && !shown.Equal(first)
	})
}

// revoke does what an owner, or a thief of the key, can do: it signs with the
// certificate's own key, read from the storage.
func revoke(t *testing.T, b *bench, cert *x509.Certificate, name string) {
	t.Helper()
	keys, err := filepath.Glob(filepath.Join(b.dir, "certificates", "*", name, name+".key"))
	must(t, err)
	if len(keys) != 1 {
		t.Fatalf("keys in the storage: %q", keys)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	path := filepath.Join(t.TempDir(), "chain")
	must(t, os.WriteFile(path, chain, 0o600))
	pair, err := tls.LoadX509KeyPair(path, keys[0])
	must(t, err)
	client := &acme.Client{
		Directory:  b.ca.proxy.URL + "/dir",
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.ca.roots()}}},
	}
	must(t, client.RevokeCertificate(t.Context(), acme.Account{}, cert, pair.PrivateKey.(crypto.Signer), ocsp.Superseded))
	status, err := b.ca.manage(fmt.Sprintf("/cert-status-by-serial/%x", cert.SerialNumber))
	must(t, err)
	if !strings.Contains(string(status), "Revoked") {
		t.Fatalf("pebble says %s", status)
	}
}
