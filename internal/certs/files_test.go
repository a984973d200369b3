// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoadErrorsNameTheFile(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	good, other := ca.pairFor(t, "a.test"), ca.pairFor(t, "b.test")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	empty := file("empty", "")
	encrypted := file("encrypted", string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})))
	broken := file("broken", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})))
	huge := file("huge", strings.Repeat("a", pemLimitBytes+1))
	for _, c := range []struct {
		pair Pair
		want string
	}{
		{Pair{good.Certificate, filepath.Join(dir, "none")}, "none: no such file"},
		{Pair{filepath.Join(dir, "none"), good.Key}, "none: no such file"},
		{Pair{good.Certificate, other.Key}, "does not belong to the certificate in " + good.Certificate + " (for a.test)"},
		{Pair{empty, good.Key}, "empty: no PEM block CERTIFICATE"},
		{Pair{good.Key, good.Key}, "no PEM block CERTIFICATE"},
		{Pair{good.Certificate, good.Certificate}, "no PEM block of a private key"},
		{Pair{good.Certificate, encrypted}, "without a passphrase"},
		{Pair{broken, good.Key}, "broken: certificate 1"},
		{Pair{huge, good.Key}, "huge: more than 1 MiB"},
	} {
		_, err := New(r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{c.pair}}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.pair, err, c.want)
		}
	}
	for _, host := range []string{"", "A.test", "a.*.test", "**", "a b", ".test"} {
		if _, err := New(r.options(Site{Hosts: []string{host}})); err == nil {
			t.Errorf("host %q is accepted", host)
		}
	}
}

func TestLoadWarnings(t *testing.T) {
	ca := newAuthority(t)
	key := ecKey(t)
	leaf := ca.leaf(t, key, nil, "a.test")
	stranger := newAuthority(t)
	stranger.cert.RawSubject = nil
	late := ca.leaf(t, key, func(c *x509.Certificate) { c.NotAfter = epoch.Add(-time.Minute) }, "a.test")
	early := ca.leaf(t, key, func(c *x509.Certificate) { c.NotBefore = epoch.Add(time.Minute) }, "a.test")
	otherKey := ecKey(t)
	for _, c := range []struct {
		want  string
		hosts []string
		chain [][]byte
	}{
		{"", []string{"a.test"}, [][]byte{leaf, ca.cert.Raw}},
		{"not in order", []string{"a.test"}, [][]byte{ca.cert.Raw, leaf}},
		{"do not belong to its chain", []string{"a.test"}, [][]byte{leaf, ca.leaf(t, otherKey, nil, "b.test")}},
		{"expired at 2029-12-31", []string{"a.test"}, [][]byte{late, ca.cert.Raw}},
		{"valid only from 2030", []string{"a.test"}, [][]byte{early, ca.cert.Raw}},
		{"names none of the hosts", []string{"b.test", "*.a.test"}, [][]byte{leaf, ca.cert.Raw}},
	} {
		r := newRig()
		k := r.keeper(t, r.options(Site{Hosts: c.hosts, Files: []Pair{write(t, t.TempDir(), "a", key, c.chain...)}}))
		if got := r.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("want %q, logged %q", c.want, got)
		}
		cert, err := k.Certificate(hello(strings.Replace(c.hosts[0], "*", "x", 1)))
		must(t, err)
		if cert.Leaf.Subject.CommonName != "leaf" {
			t.Errorf("%s: the leaf is not first", c.want)
		}
	}
}

// I3
func TestChangedFiles(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	p := ca.pairFor(t, "a.test")
	k := r.keeper(t, r.options(Site{Hosts: []string{"a.test", "b.test"}, Files: []Pair{p}}))
	first := wantFor(t, k, "a.test", "a.test")
	k.look()
	if wantFor(t, k, "a.test", "a.test") != first {
		t.Fatal("files that did not change were read again")
	}

	key := ecKey(t)
	next := write(t, t.TempDir(), "next", key, ca.leaf(t, key, nil, "b.test"), ca.cert.Raw)
	must(t, os.Rename(next.Certificate, p.Certificate))
	k.look() // the moment between certificate and key
	if r.String() != "" || wantFor(t, k, "a.test", "a.test") != first {
		t.Fatalf("a moment between two files is told: %s", r.String())
	}
	if st := k.Status()[0]; st.Failures != 1 || !strings.Contains(st.Error, "does not belong") || st.NotAfter != first.Leaf.NotAfter {
		t.Fatalf("status %+v", st)
	}
	for range 3 {
		k.look()
	}
	if n := r.Count("level=WARN"); n != 1 || r.Count("stays in use") != 1 {
		t.Fatalf("%d warnings, want one: %s", n, r.String())
	}
	must(t, os.Rename(next.Key, p.Key))
	k.look()
	wantFor(t, k, "b.test", "b.test")
	if st := k.Status()[0]; st.Failures != 0 || st.Error != "" || st.Names[0] != "b.test" {
		t.Fatalf("status %+v", st)
	}

	must(t, os.Remove(p.Key)) // I3 again, after it was well
	k.look()
	k.look()
	k.look()
	if n := r.Count("level=WARN"); n != 2 {
		t.Fatalf("%d warnings, want two: %s", n, r.String())
	}
	wantFor(t, k, "b.test", "b.test")
}

// I2
func TestReloadIsAllOrNothing(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	a, b, c := ca.pairFor(t, "a.test"), ca.pairFor(t, "b.test"), ca.pairFor(t, "c.test")
	k := r.keeper(t, r.options(
		Site{Hosts: []string{"a.test"}, Files: []Pair{a}}, Site{Hosts: []string{"b.test"}, Files: []Pair{b}}))
	before := wantFor(t, k, "a.test", "a.test")

	key := ecKey(t) // a changes, and c is bad
	must(t, os.Rename(write(t, t.TempDir(), "a", key, ca.leaf(t, key, nil, "a.test")).Certificate, a.Certificate))
	must(t, os.Remove(c.Key))
	err := k.Reload(r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{a}}, Site{Hosts: []string{"c.test"}, Files: []Pair{c}}))
	if err == nil || !strings.Contains(err.Error(), c.Key) || !strings.Contains(err.Error(), a.Key) {
		t.Fatalf("want both problems, got %v", err)
	}
	if wantFor(t, k, "a.test", "a.test") != before {
		t.Fatal("a reload that failed changed a certificate")
	}
	wantFor(t, k, "b.test", "b.test")
	wantFor(t, k, "c.test", "")

	must(t, k.Reload(r.options(Site{Hosts: []string{"b.test"}, Files: []Pair{b}})))
	wantFor(t, k, "a.test", "")
	k.Close()
	if k.Reload(r.options()) == nil {
		t.Fatal("reload after Close")
	}
}

// I3: each change that cannot be used is told, also if the one before was not repaired.
func TestEachBrokenChangeIsTold(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	p := ca.pairFor(t, "a.test")
	k := r.keeper(t, r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{p}}))
	for i := range 3 {
		must(t, os.WriteFile(p.Certificate, []byte(strings.Repeat("broken", i+1)), 0o600))
		for range 4 {
			k.look()
		}
	}
	must(t, os.Remove(p.Certificate))
	for range 4 {
		k.look()
	}
	if n := r.Count("cannot be used"); n != 4 {
		t.Errorf("4 changes, %d warnings: %s", n, r.String())
	}
	wantFor(t, k, "a.test", "a.test")
}

// I2: no handshake is lost while the table changes.
func TestReloadUnderHandshakes(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	o := []Options{
		r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{ca.pairFor(t, "a.test")}}),
		r.options(Site{Hosts: []string{"a.test", "b.test"}, Files: []Pair{ca.pairFor(t, "a.test", "b.test")}}),
	}
	k := r.keeper(t, o[0])
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: k.Certificate})
	must(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.WriteString(c, "x")
				c.Close()
			}()
		}
	}()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{
					ServerName: "a.test", RootCAs: roots, Time: func() time.Time { return epoch },
				})
				if err != nil {
					t.Error(err)
					return
				}
				c.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	for i := 1; ; i++ {
		select {
		case <-done:
			return
		default:
			must(t, k.Reload(o[i%2]))
		}
	}
}

func thousandSites(t testing.TB) []Site {
	ca := newAuthority(t)
	var sites []Site
	for i := range 1000 {
		name := fmt.Sprintf("n%d.test", i)
		sites = append(sites, Site{Hosts: []string{name}, Files: []Pair{ca.pairFor(t, name)}})
	}
	return sites
}

func BenchmarkNewThousand(b *testing.B) {
	r, sites := newRig(), thousandSites(b)
	for b.Loop() {
		k, err := New(r.options(sites...))
		must(b, err)
		k.Close()
	}
}

func BenchmarkReloadThousand(b *testing.B) {
	r, sites := newRig(), thousandSites(b)
	k := r.keeper(b, r.options(sites...))
	for b.Loop() {
		must(b, k.Reload(r.options(sites...)))
	}
}

// A started Keeper looks at its files by itself.
func TestWatch(t *testing.T) {
	ca, r := newAuthority(t), newRig()
	p := ca.pairFor(t, "a.test")
	o := r.options(Site{Hosts: []string{"a.test"}, Files: []Pair{p}})
	ticks := make(chan time.Time)
	o.After = func(d time.Duration) <-chan time.Time {
		if d != lookEvery {
			t.Errorf("waits %v", d)
		}
		return ticks
	}
	k := r.keeper(t, o)
	k.Start()
	k.Start()
	before := wantFor(t, k, "a.test", "a.test")
	key := ecKey(t)
	next := write(t, t.TempDir(), "next", key, ca.leaf(t, key, nil, "a.test"), ca.cert.Raw)
	must(t, os.Rename(next.Certificate, p.Certificate))
	must(t, os.Rename(next.Key, p.Key))
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); { // two loops share the ticks
		ticks <- r.Now()
		if wantFor(t, k, "a.test", "a.test") != before {
			return
		}
	}
	t.Fatal("ticks for ten seconds, and the files are not read")
}

// I4: nothing in this package listens; certmagic's solvers, which do, are not used.
func TestNothingListens(t *testing.T) {
	r := newRig()
	o := r.options(Site{Hosts: []string{"a.example.com"}})
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true, TLSALPN: true}
	k := r.keeper(t, o)
	a := k.live.Load().automatic
	for name, solver := range a.issuer.client.ChallengeSolvers {
		switch solver.(type) {
		case httpSolver, alpnSolver:
		default:
			t.Errorf("%s is solved by %T", name, solver)
		}
	}
}
