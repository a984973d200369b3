// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// Two gateways that share the storage answer each other's challenges, as long as they
// are under way.
func TestSharedChallenges(t *testing.T) {
	r := newRig()
	o := r.options()
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true, TLSALPN: true}
	one, two := r.keeper(t, o), r.keeper(t, o)
	c := acme.Challenge{Token: "token", KeyAuthorization: "token.key", Identifier: acme.Identifier{Type: "dns", Value: "a.example.com"}}
	path := c.HTTP01ResourcePath()
	solvers := one.live.Load().automatic.issuer.client.ChallengeSolvers
	asked := hello("a.example.com")
	asked.SupportedProtos = []string{ChallengeProtocol}
	want := func(k *Keeper, there bool) {
		t.Helper()
		answer, ok := k.HTTPChallenge("A.Example.com.:80", path)
		if ok != there || there && string(answer) != "token.key" {
			t.Errorf("HTTP-01: %q %v", answer, ok)
		}
		cert, err := k.Certificate(asked)
		must(t, err)
		if (cert != nil) != there {
			t.Errorf("TLS-ALPN-01: %v", cert)
		}
		if _, ok := k.HTTPChallenge("b.example.com", path); ok {
			t.Error("an answer for another host")
		}
		if _, ok := k.HTTPChallenge("a.example.com", path+"x"); ok {
			t.Error("an answer to another token")
		}
	}
	files := func() int {
		found, err := os.ReadDir(o.Automatic.Storage + "/" + sharedDirectory)
		must(t, err)
		return len(found)
	}
	want(two, false)
	for _, s := range solvers {
		must(t, s.Present(t.Context(), c))
	}
	want(one, true)
	want(two, true)
	r.advance(orderTimeout + time.Second)
	want(one, true)
	want(two, false) // the other may be gone
	for _, s := range solvers {
		must(t, s.CleanUp(t.Context(), c))
	}
	want(one, false)
	if n := files(); n != 0 {
		t.Errorf("%d files are left", n)
	}

	for _, s := range solvers { // and is gone now
		must(t, s.Present(t.Context(), c))
	}
	r.advance(time.Since(epoch) + 2*sharedLeft) // files have the real time
	two.live.Load().automatic.shared.clean()
	if n := files(); n != 0 {
		t.Errorf("%d files are left of a gateway that is gone", n)
	}
}

// I5: strangers do not make us look into the storage at will, and no file is read
// beyond what an answer takes.
func TestSharedChallengesAreBounded(t *testing.T) {
	r := newRig()
	o := r.options()
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true}
	k := r.keeper(t, o)
	s := k.live.Load().automatic.shared
	key := acme.Challenge{Token: "t", KeyAuthorization: "t.k", Identifier: acme.Identifier{Value: "a.example.com"}}
	must(t, s.store(t.Context(), "/t", key))
	for range 2 * sharedBurst {
		_, _ = k.HTTPChallenge("b.example.com", "/x")
	}
	if _, ok := s.find("a.example.com", "/t"); ok {
		t.Error("looked into the storage more often than allowed")
	}
	r.advance(time.Second)
	if _, ok := s.find("a.example.com", "/t"); !ok {
		t.Error("not found a second later")
	}
	key.KeyAuthorization = strings.Repeat("k", 2*sharedLimitBytes)
	must(t, s.store(t.Context(), "/t", key))
	if _, ok := s.find("a.example.com", "/t"); ok {
		t.Error("an answer that is too long")
	}

	plain := r.keeper(t, r.options()) // and where nothing is obtained there is nothing to find
	h := hello("a.example.com")
	h.SupportedProtos = []string{ChallengeProtocol}
	if cert, err := plain.Certificate(h); cert != (*tls.Certificate)(nil) || err != nil {
		t.Errorf("%v %v", cert, err)
	}
}
