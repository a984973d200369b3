// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestChoiceByName(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	one, two := ca.pairFor(t, "one.test"), ca.pairFor(t, "two.test")
	wild, any := ca.pairFor(t, "*.wild.test"), ca.pairFor(t, "any.test")
	k := r.keeper(t, r.options(
		Site{Hosts: []string{"one.test"}, Files: []Pair{one}},
		Site{Hosts: []string{"two.test"}, Files: []Pair{two}},
		Site{Hosts: []string{"*.wild.test"}, Files: []Pair{wild}},
		Site{Hosts: []string{"bare.wild.test"}}, // nothing of its own
	))
	wantFor(t, k, "one.test", "one.test")
	wantFor(t, k, "two.test", "two.test")
	wantFor(t, k, "ONE.Test", "one.test")
	wantFor(t, k, "one.test.", "one.test")
	wantFor(t, k, "a.wild.test", "*.wild.test")
	wantFor(t, k, "bare.wild.test", "*.wild.test")
	wantFor(t, k, "a.b.wild.test", "")
	wantFor(t, k, "wild.test", "")
	wantFor(t, k, "a.one.test", "")
	wantFor(t, k, "other.test", "")
	// The first file of all, for those who name nobody; an address is no name.
	for _, none := range []string{"", "192.0.2.1", "::1"} {
		wantFor(t, k, none, "one.test")
	}
	for _, odd := range []string{
		"..", ".", "a..b", "-a.test", "a-.test", "*.wild.test", "a b", "a\x00.test", "ä.test", "192.0.2", "192.0.2.1:443", "[::1]",
		strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 200) + "test",
	} {
		if odd == "." {
			continue // the root, as good as no name
		}
		wantFor(t, k, odd, "")
	}

	must(t, k.Reload(r.options(
		Site{Hosts: []string{"one.test"}, Files: []Pair{one}},
		Site{Hosts: []string{"*"}, Files: []Pair{any}},
	)))
	wantFor(t, k, "one.test", "one.test")
	wantFor(t, k, "other.test", "any.test")
	wantFor(t, k, "two.test", "any.test")
	wantFor(t, k, "", "any.test")
}

// A site of several hosts may have a file for each.
func TestFilesOfOneSiteByName(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	k := r.keeper(t, r.options(Site{
		Hosts: []string{"a.test", "b.test", "c.test"},
		Files: []Pair{ca.pairFor(t, "a.test"), ca.pairFor(t, "b.test")},
	}))
	wantFor(t, k, "a.test", "a.test")
	wantFor(t, k, "b.test", "b.test")
	wantFor(t, k, "c.test", "a.test") // none names it: the first
}

type connTo struct {
	net.Conn
	local net.Addr
}

func (c connTo) LocalAddr() net.Addr { return c.local }

func TestChoiceByAddress(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	k := r.keeper(t, r.options(
		Site{Hosts: []string{"one.test"}, Files: []Pair{ca.pairFor(t, "one.test")}},
		Site{Hosts: []string{"192.0.2.7", "2001:db8::7"}, Files: []Pair{ca.pairFor(t, "addr.test", "192.0.2.7")}},
	))
	for ip, want := range map[string]string{
		"192.0.2.7": "addr.test", "::ffff:192.0.2.7": "addr.test", "2001:db8::7": "addr.test", "192.0.2.8": "one.test",
	} {
		h := hello("")
		h.Conn = connTo{local: &net.TCPAddr{IP: net.ParseIP(ip), Port: 443}}
		cert, err := k.Certificate(h)
		must(t, err)
		if cert.Leaf.DNSNames[0] != want {
			t.Errorf("client of %s got %v, want %s", ip, cert.Leaf.DNSNames, want)
		}
	}
}

func TestECDSABeforeRSA(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	dir, ec, rs := t.TempDir(), ecKey(t), rsaKey(t)
	k := r.keeper(t, r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{
		write(t, dir, "rsa", rs, ca.leaf(t, rs, nil, "a.test")),
		write(t, dir, "ec", ec, ca.leaf(t, ec, nil, "a.test")),
	}}))
	for _, c := range []struct {
		schemes []tls.SignatureScheme
		want    string
	}{
		{[]tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256}, "ECDSA P-256"},
		{[]tls.SignatureScheme{tls.PSSWithSHA256}, "RSA 2048"},
		{[]tls.SignatureScheme{tls.Ed25519}, "RSA 2048"}, // neither: the first, and TLS says why it fails
	} {
		cert, err := k.Certificate(hello("a.test", c.schemes...))
		must(t, err)
		if got := keyType(cert.Leaf); got != c.want {
			t.Errorf("a client with %v got %s, want %s", c.schemes, got, c.want)
		}
	}
}

// The key type is chosen for the client also where no certificate names the host.
func TestECDSABeforeRSAOfAnyName(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	dir, ec, rs := t.TempDir(), ecKey(t), rsaKey(t)
	files := []Pair{
		write(t, dir, "rsa", rs, ca.leaf(t, rs, nil, "default.test")),
		write(t, dir, "ec", ec, ca.leaf(t, ec, nil, "default.test")),
	}
	for range 2 {
		k := r.keeper(t, r.options(Site{Hosts: []string{"*"}, Files: files}))
		for want, h := range map[string]*tls.ClientHelloInfo{
			"ECDSA P-256": hello("x.test"), "RSA 2048": hello("x.test", tls.PSSWithSHA256, tls.PKCS1WithSHA256),
		} {
			cert, err := k.Certificate(h)
			must(t, err)
			if got := keyType(cert.Leaf); got != want || h.ServerName != "x.test" {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		slices.Reverse(files)
	}
}

// Clients that name no host get what the owner chose, though it serves nobody else.
func TestDefault(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	o := r.options(
		Site{Hosts: []string{"one.test"}, Files: []Pair{ca.pairFor(t, "one.test")}},
		Site{Hosts: []string{"*"}, Files: []Pair{ca.pairFor(t, "any.test")}},
	)
	o.Default = ca.pairFor(t, "default.test")
	k := r.keeper(t, o)
	wantFor(t, k, "", "default.test")
	wantFor(t, k, "one.test", "one.test")
	wantFor(t, k, "default.test", "any.test")
	if len(k.Status()) != 3 || r.Count("level=WARN") != 0 {
		t.Errorf("status of %d, logged %s", len(k.Status()), r.String())
	}
	o.Default = Pair{}
	must(t, k.Reload(o))
	wantFor(t, k, "", "any.test")
}

// A name that is obtained and not there yet is told apart from one that is nobody's.
func TestNotYet(t *testing.T) {
	r := newRig()
	o := r.options(Site{Hosts: []string{"a.example.com", "192.0.2.1", "*.example.com", "*"}})
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true}
	k := r.keeper(t, o)
	if _, err := k.Certificate(hello("a.example.com")); !errors.Is(err, ErrNotYet) {
		t.Fatalf("got %v, want ErrNotYet", err)
	}
	wantFor(t, k, "b.example.com", "") // a wildcard needs DNS-01
	wantFor(t, k, "b.test", "")
	if n := len(k.Status()); n != 1 {
		t.Errorf("%d names are obtained", n)
	}
}

// I1
func TestChoiceAllocatesNothing(t *testing.T) {
	k := manyNames(t, 10)
	for _, name := range []string{"n7.test", "a.wild.test", "nobody.test", ""} {
		h := hello(name)
		if n := testing.AllocsPerRun(100, func() { _, _ = k.Certificate(h) }); n != 0 {
			t.Errorf("%q: %v allocations", name, n)
		}
	}
}

func manyNames(t testing.TB, n int) *Keeper {
	ca, r := newAuthority(t), newRig()
	sites := []Site{{Hosts: []string{"*.wild.test"}, Files: []Pair{ca.pairFor(t, "*.wild.test")}}}
	for i := range n {
		name := fmt.Sprintf("n%d.test", i)
		sites = append(sites, Site{Hosts: []string{name}, Files: []Pair{ca.pairFor(t, name)}})
	}
	return r.keeper(t, r.options(sites...))
}

func BenchmarkCertificate(b *testing.B) {
	for _, n := range []int{1, 1000} {
		k := manyNames(b, n)
		for _, name := range []string{"n0.test", "a.wild.test", "nobody.test"} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				h := hello(name)
				b.ReportAllocs()
				for b.Loop() {
					_, _ = k.Certificate(h)
				}
			})
		}
	}
}
