// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causey/internal/certs"
)

// wantShown waits until clients of name get a certificate for it.
func (b *bench) wantShown(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	var shown *x509.Certificate
	eventually(t, name+" has its certificate", func() bool {
		shown = b.front.shows(name)
		return shown != nil
	})
	if err := shown.VerifyHostname(name); err != nil {
		t.Fatal(err)
	}
	return shown
}

// I1: while certificates are obtained by either challenge, this process listens
// where it did before and nowhere else. Not parallel: other tests listen.
func TestIssueWithoutListeners(t *testing.T) {
	for name, by := range map[string]func(*certs.Automatic){"http.example.test": byHTTP, "alpn.example.test": byTLS} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{})
			before := listening(t)
			k := b.front.keep(t, b.options(by, name))
			eventually(t, "the certificate is there", func() bool {
				for _, socket := range listening(t) {
					if !slices.Contains(before, socket) {
						t.Fatalf("listens on %s", socket)
					}
				}
				return status(t, k, name).Names != nil
			})
			b.wantShown(t, name)
			st := status(t, k, name)
			if !st.Automatic || st.KeyType != "ECDSA P-256" || st.Failures != 0 || !strings.Contains(st.Issuer, "Pebble") {
				t.Errorf("status %+v", st)
			}
			if b.ca.requests("order") != 1 || b.ca.requests("account") != 1 {
				t.Errorf("orders %d, accounts %d, want one of each", b.ca.requests("order"), b.ca.requests("account"))
			}
			if b.front.shows("other.example.test") != nil {
				t.Error("a name of nobody gets a certificate")
			}
			wantPrivate(t, b.dir)
		})
	}
}

// listening returns the sockets of this process that listen, each as inode and
// address.
func listening(t *testing.T) []string {
	t.Helper()
	own := map[string]bool{}
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	var found []string
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // no IPv6 here
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "0A" && own[f[9]] {
				found = append(found, f[9]+" "+f[1])
			}
		}
	}
	return found
}

// wantPrivate demands that nobody but the owner can read the storage.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		files++
		return nil
	}))
	if files < 5 {
		t.Errorf("only %d files in the storage", files)
	}
}

func TestTwoSites(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.front.keep(t, b.options(func(a *certs.Automatic) { a.HTTP, a.TLSALPN = true, true }, "one.test", "two.test"))
	one, two := b.wantShown(t, "one.test"), b.wantShown(t, "two.test")
	if one.Equal(two) || b.ca.requests("account") != 1 {
		t.Errorf("want two certificates for one account, got %d accounts", b.ca.requests("account"))
	}
}

// The CA may come to another gateway than the one that ordered, if both share the
// storage.
func TestSharedStorage(t *testing.T) {
	for name, by := range map[string]func(*certs.Automatic){"http.shared.test": byHTTP, "alpn.shared.test": byTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{})
			b.front.keep(t, b.options(by)) // the CA comes to this one
			orders, err := certs.New(b.options(by, name))
			must(t, err)
			defer orders.Close()
			orders.Start()
			eventually(t, "the certificate is there", func() bool {
				return status(t, orders, name).Names != nil
			})
			left, err := os.ReadDir(filepath.Join(b.dir, "challenges"))
			must(t, err)
			if st := status(t, orders, name); st.Failures != 0 || len(left) != 0 {
				t.Errorf("%d answers left, status %+v", len(left), st)
			}
		})
	}
}

func TestWildcardByDNS(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	self, err := os.Executable()
	must(t, err)
	k := b.front.keep(t, b.options(func(a *certs.Automatic) {
		a.DNS = &certs.Exec{Program: script(t, self+" "+publishFlag+" "+b.names.publisher(t).URL+` "$@"`)}
	}, "*.dns.test", "dns.test")) // both ask for a record at the same name
	b.wantShown(t, "www.dns.test")
	b.wantShown(t, "dns.test")
	if got := status(t, k, "*.dns.test").Names; len(got) != 1 || got[0] != "*.dns.test" {
		t.Errorf("the certificate names %v", got)
	}
	eventually(t, "the records are gone", func() bool { return b.names.records() == 0 })
}

// script makes a program of a line of shell.
func script(t *testing.T, line string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+line+"\n"), 0o700))
	return path
}

func TestProgramThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	k := b.front.keep(t, b.options(func(a *certs.Automatic) {
		a.DNS = &certs.Exec{Program: script(t, "echo no zone here; exit 3")}
	}, "fails.test"))
	eventually(t, "a failure is told", func() bool { return status(t, k, "fails.test").Failures == 1 })
	if st := status(t, k, "fails.test"); !strings.Contains(st.Error, "no zone here") || !strings.Contains(st.Error, "exit status 3") {
		t.Errorf("error %q", st.Error)
	}
}
