// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/crypto/ocsp"
)

// responder answers OCSP for an authority as a test wants it to.
type responder struct {
	*httptest.Server
	asked  atomic.Int64
	answer func() ([]byte, int)
}

func startResponder(t *testing.T) *responder {
	r := &responder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.asked.Add(1)
		_, _ = io.Copy(io.Discard, request.Body)
		body, status := r.answer()
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(r.Close)
	return r
}

// I8
func TestStaple(t *testing.T) {
	ca, rig, r := newAuthority(t), newRig(), startResponder(t)
	key := ecKey(t)
	der := ca.leaf(t, key, func(c *x509.Certificate) { c.OCSPServer = []string{r.URL} }, "a.test")
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	says := func(status int) func() ([]byte, int) {
		return func() ([]byte, int) {
			now := rig.Now()
			body, err := ocsp.CreateResponse(ca.cert, ca.cert, ocsp.Response{
				Status: status, SerialNumber: leaf.SerialNumber, IssuerHash: crypto.SHA1,
				ThisUpdate: now, NextUpdate: now.Add(4 * time.Hour), RevokedAt: now,
			}, ca.key)
			must(t, err)
			return body, http.StatusOK
		}
	}
	broken := func() ([]byte, int) { return nil, http.StatusBadGateway }

	pair := write(t, t.TempDir(), "a", key, der, ca.cert.Raw)
	k := rig.keeper(t, rig.options(Site{Hosts: []string{"a.test"}, Files: []Pair{pair}}))
	stapled := func() bool { k.look(); return wantFor(t, k, "a.test", "a.test").OCSPStaple != nil }
	step := func(why string, answer func() ([]byte, int), advance time.Duration, asked int64, want bool) {
		t.Helper()
		rig.advance(advance)
		r.answer = answer
		k.stapleDue()
		if got := r.asked.Load(); got != asked {
			t.Errorf("%s: asked %d times, want %d", why, got, asked)
		}
		if stapled() != want {
			t.Errorf("%s: stapled is %v", why, !want)
		}
	}
	if stapled() || r.asked.Load() != 0 {
		t.Fatal("New asked the responder")
	}
	step("broken at first", broken, 0, 1, false)
	if st := k.Status()[0]; !strings.Contains(st.StapleError, "502") {
		t.Errorf("status %+v", st)
	}
	step("not again at once", says(ocsp.Good), time.Minute, 1, false)
	step("after five minutes", says(ocsp.Good), 4*time.Minute, 2, true)
	if st := k.Status()[0]; st.StapledUntil != rig.Now().Add(4*time.Hour) || st.StapleError != "" {
		t.Errorf("status %+v", st)
	}
	step("fresh", says(ocsp.Good), time.Hour, 2, true)
	step("half of its life is over", broken, time.Hour, 3, true)
	step("broken again", broken, 5*time.Minute, 4, true)
	step("the end of the old answer", broken, 2*time.Hour, 5, false)
	step("well again", says(ocsp.Good), 5*time.Minute, 6, true)
	step("unknown", says(ocsp.Unknown), 2*time.Hour, 7, true)
	step("revoked, before the good answer has ended", says(ocsp.Revoked), time.Hour, 8, false)
	if st := k.Status()[0]; !strings.Contains(st.StapleError, "revoked") {
		t.Errorf("status %+v", st)
	}
	step("still revoked", says(ocsp.Revoked), stapleRetry, 9, false)
	if n := rig.Count("level=WARN"); n != 4 { // one for each time that it begins to fail, or fails otherwise
		t.Errorf("%d warnings: %s", n, rig.String())
	}
}

// A staple of the old certificate is not sent with a new one.
func TestStapleOfAnotherCertificate(t *testing.T) {
	ca, rig, r := newAuthority(t), newRig(), startResponder(t)
	key := ecKey(t)
	der := ca.leaf(t, key, func(c *x509.Certificate) { c.OCSPServer = []string{r.URL} }, "a.test")
	pair := write(t, t.TempDir(), "a", key, der, ca.cert.Raw)
	k := rig.keeper(t, rig.options(Site{Hosts: []string{"a.test"}, Files: []Pair{pair}}))
	s := k.live.Load().pairs[pair]
	r.answer = func() ([]byte, int) {
		other := ca.leaf(t, key, nil, "a.test")
		l, err := load(write(t, t.TempDir(), "b", key, other, ca.cert.Raw), rig.Now())
		must(t, err)
		s.cert.Store(l.cert) // the files change while the responder is asked
		leaf, err := x509.ParseCertificate(der)
		must(t, err)
		body, err := ocsp.CreateResponse(ca.cert, ca.cert, ocsp.Response{
			Status: ocsp.Good, SerialNumber: leaf.SerialNumber, IssuerHash: crypto.SHA1,
			ThisUpdate: rig.Now(), NextUpdate: rig.Now().Add(time.Hour),
		}, ca.key)
		must(t, err)
		return body, http.StatusOK
	}
	k.stapleDue()
	if r.asked.Load() != 1 || wantFor(t, k, "a.test", "a.test").OCSPStaple != nil {
		t.Fatal("a staple went to another certificate")
	}
}

// I8: an obtained certificate has its staple from certmagic, which keeps one that it
// cannot replace, and the one before a revocation.
func TestStapleOfObtained(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	o := r.options(Site{Hosts: []string{"b.test"}})
	o.Automatic = &Automatic{Directory: "https://127.0.0.1:1/dir", Storage: t.TempDir(), HTTP: true}
	ca.store(t, o, nil, "b.test")
	k := r.keeper(t, o)
	a := k.live.Load().automatic
	s := a.find("b.test")
	staple := func(status int) {
		with := *s.cert.Load()
		body, err := ocsp.CreateResponse(ca.cert, ca.cert, ocsp.Response{
			Status: status, SerialNumber: with.Leaf.SerialNumber, IssuerHash: crypto.SHA1,
			ThisUpdate: r.Now(), NextUpdate: r.Now().Add(time.Hour), RevokedAt: r.Now(),
		}, ca.key)
		must(t, err)
		with.OCSPStaple = body
		s.cert.Store(&with)
		k.look()
	}
	stapled := func() bool { k.look(); return wantFor(t, k, "b.test", "b.test").OCSPStaple != nil }
	if staple(ocsp.Good); !stapled() {
		t.Error("a good staple is taken away")
	}
	if r.advance(time.Hour); stapled() {
		t.Error("an expired staple is served")
	}
	if staple(ocsp.Revoked); stapled() {
		t.Error("a staple says revoked")
	}
	staple(ocsp.Good)
	_ = a.onEvent(t.Context(), "cert_ocsp_revoked", map[string]any{
		"subjects":    []string{"b.test"},
		"certificate": certmagic.Certificate{Certificate: *s.cert.Load(), Names: []string{"b.test"}},
	})
	if stapled() || r.Count("is revoked") != 1 {
		t.Errorf("the good staple of a revoked certificate is served, or nothing is said: %s", r.String())
	}
}
