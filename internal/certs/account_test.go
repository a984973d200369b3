// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"os"
	"testing"

	"github.com/mholt/acmez/v3/acme"
)

// An order that fails for the old account does not throw the new one away.
func TestForgetsOnlyTheAccountItUsed(t *testing.T) {
	r := newRig()
	o := r.options()
	o.Automatic = &Automatic{Directory: "https://ca.example.com/dir", Storage: t.TempDir(), HTTP: true}
	i := r.keeper(t, o).live.Load().automatic.issuer
	put := func(known, stored string) {
		i.account.known = acme.Account{Location: known, Status: acme.StatusValid, PrivateKey: ecKey(t)}
		must(t, storeAccount(t.Context(), i.a.storage, accountPath(i.key), acme.Account{Location: stored, PrivateKey: ecKey(t)}))
	}
	stored := func() string {
		c, err := loadAccount(t.Context(), i.a.storage, accountPath(i.key))
		if err != nil {
			return ""
		}
		return c.Location
	}
	for _, c := range []struct{ known, stored, forget, wantKnown, wantStored string }{
		{"old", "old", "old", "", ""},
		{"new", "new", "old", "new", "new"}, // another order of ours
		{"old", "new", "old", "", "new"},    // another gateway
	} {
		put(c.known, c.stored)
		i.account.forget(t.Context(), i, c.forget)
		if i.account.known.Location != c.wantKnown || stored() != c.wantStored {
			t.Errorf("%+v: known %q, stored %q", c, i.account.known.Location, stored())
		}
	}
}

// The storage is for its user only.
func TestStorageOfOneself(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	a := Automatic{Storage: dir}
	must(t, a.prepareStorage())
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// An account without the configured address is used all the same.
func TestNewMailAddress(t *testing.T) {
	r := newRig()
	o := r.options()
	o.Automatic = &Automatic{Directory: "https://127.0.0.1:1/dir", Storage: t.TempDir(), HTTP: true, Email: "new@a.test"}
	i := r.keeper(t, o).live.Load().automatic.issuer
	old := acme.Account{Location: "x", Status: acme.StatusValid, Contact: []string{"mailto:old@a.test"}, PrivateKey: ecKey(t)}
	must(t, storeAccount(t.Context(), i.a.storage, accountPath(i.key), old))
	got, err := i.account.get(t.Context(), i)
	must(t, err)
	if got.Location != "x" || r.Count("mail address") != 1 {
		t.Errorf("account %+v, logged %s", got, r.String())
	}
}
