// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/certs"
)

// threeChecks is how long certmagic looks at a certificate three times. What must
// not happen meanwhile cannot be waited for.
const threeChecks = 3 * time.Second

func TestRenewal(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{validity: 12 * time.Second})
	k := b.front.keep(t, b.options(byHTTP, "renew.test"))
	first := b.wantShown(t, "renew.test")
	eventually(t, "the certificate is renewed", func() bool {
		shown := b.front.shows("renew.test")
		if shown == nil {
			t.Fatal("a moment without a certificate")
		}
		return !shown.Equal(first)
	})
	if now := time.Now(); now.After(first.NotAfter) {
		t.Errorf("renewed %v too late", now.Sub(first.NotAfter))
	}
	if st := status(t, k, "renew.test"); st.Failures != 0 || st.Error != "" || !st.NotAfter.After(first.NotAfter) {
		t.Errorf("status %+v", st)
	}
	if b.front.log.Count("level=WARN") != 0 {
		t.Errorf("warnings: %s", b.front.log)
	}
}

// The old certificate stays while the CA is gone; one warning, and the status tells.
func TestCAIsGoneAtRenewal(t *testing.T) {
	t.Parallel()
	// certmagic remembers for the whole process which name failed: a name of its own
	// for each run, or a second one waits for a minute.
	name := fmt.Sprintf("gone%d.test", time.Now().UnixNano())
	b := newBench(t, setup{validity: 8 * time.Second})
	k := b.front.keep(t, b.options(byHTTP, name))
	b.wantShown(t, name)
	b.ca.become(gone)
	first := b.wantShown(t, name)
	eventually(t, "a renewal has failed", func() bool { return status(t, k, name).Failures > 0 })
	time.Sleep(threeChecks)
	shown := b.front.shows(name)
	if shown == nil || !shown.Equal(first) {
		t.Error("the old certificate is gone")
	}
	st := status(t, k, name)
	if st.Error == "" || !st.NextAt.After(st.TriedAt) || st.NotAfter != first.NotAfter {
		t.Errorf("status %+v", st)
	}
	if n := b.front.log.Count("level=WARN"); n != 1 || b.front.log.Count("cannot obtain") != 1 {
		t.Errorf("%d warnings, want one: %s", n, b.front.log)
	}

	// The owner restarts when the CA is back: no need to wait for the next try.
	b.ca.become(well)
	k.Close()
	b.front.keep(t, b.options(byHTTP, name))
	eventually(t, "the certificate is renewed", func() bool {
		shown := b.front.shows(name)
		return shown != nil && !shown.Equal(first)
	})
}

// The CA's limits are per name: one that met its own holds up no other.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.ca.become(limited)
	o := b.options(byHTTP, limitedName)
	k := b.front.keep(t, o)
	eventually(t, "the failure is told", func() bool { return status(t, k, limitedName).Failures == 1 })
	st := status(t, k, limitedName)
	if wait := st.NextAt.Sub(st.TriedAt); wait < 59*time.Minute {
		t.Errorf("next try after %v, the CA said an hour", wait)
	}
	if !strings.Contains(st.Error, "rateLimited") {
		t.Errorf("error %q", st.Error)
	}
	o.Sites = append(o.Sites, certs.Site{Hosts: []string{"other.test"}})
	must(t, k.Reload(o))
	b.wantShown(t, "other.test")
	if n := b.front.log.Count("level=WARN"); n != 1 {
		t.Errorf("%d warnings, want one: %s", n, b.front.log)
	}
	if b.front.shows(limitedName) != nil {
		t.Error("a certificate from nowhere")
	}
}

// A restart finds the certificate in the storage and asks the CA nothing, and the
// certificate is there at once.
func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	k := b.front.keep(t, b.options(byHTTP, "stays.test"))
	first := b.wantShown(t, "stays.test")
	eventually(t, "the order is finished", func() bool { return b.front.log.Count("obtained") > 0 })
	k.Close()
	before := b.ca.all()

	b.ca.become(gone)
	b.front.keep(t, b.options(byHTTP, "stays.test"))
	if shown := b.front.shows("stays.test"); shown == nil || !shown.Equal(first) {
		t.Fatal("not there at once")
	}
	time.Sleep(threeChecks)
	if n := b.ca.all() - before; n != 0 {
		t.Errorf("the CA was asked %d times", n)
	}
	if n := b.front.log.Count("level=WARN"); n != 0 {
		t.Errorf("warnings: %s", b.front.log)
	}
}

// Sites come and go by Reload; another storage or CA is taken over as well.
func TestReload(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	k := b.front.keep(t, b.options(byHTTP, "old.test"))
	first := b.wantShown(t, "old.test")
	must(t, k.Reload(b.options(byHTTP, "old.test", "new.test")))
	b.wantShown(t, "new.test")
	must(t, k.Reload(b.options(byTLS, "old.test", "third.test"))) // another Automatic
	if shown := b.front.shows("old.test"); shown == nil || !shown.Equal(first) {
		t.Error("lost by a reload")
	}
	b.wantShown(t, "third.test")
	if b.front.shows("new.test") != nil {
		t.Error("a site that is gone has a certificate")
	}
	bad := b.options(byTLS, "old.test")
	bad.Automatic.Storage = ""
	if k.Reload(bad) == nil {
		t.Error("no storage, and no error")
	}
	bad.Automatic = nil
	bad.Sites[0].Files = []certs.Pair{{Certificate: "none", Key: "none"}}
	if k.Reload(bad) == nil {
		t.Error("no file, and no error")
	}
	b.wantShown(t, "third.test")
	if n := b.ca.requests("order"); n != 3 {
		t.Errorf("%d orders, want 3", n)
	}
}

// Another mail address in the configuration reaches the CA, without another account.
func TestNewMailAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.front.keep(t, b.options(byHTTP, "mail.test"))
	b.wantShown(t, "mail.test")
	o := b.options(byHTTP, "mail.test", "mail2.test")
	o.Automatic.Email = "other@example.com"
	b.front.keep(t, o)
	b.wantShown(t, "mail2.test")
	stored, err := filepath.Glob(filepath.Join(b.dir, "accounts", "*", "account.json"))
	must(t, err)
	if len(stored) != 1 {
		t.Fatalf("accounts: %q", stored)
	}
	text, err := os.ReadFile(stored[0])
	must(t, err)
	if !strings.Contains(string(text), "other@example.com") || b.ca.requests("account") != 1 {
		t.Errorf("%d accounts, stored %s", b.ca.requests("account"), text)
	}
	if n := b.front.log.Count("level=WARN"); n != 0 {
		t.Errorf("warnings: %s", b.front.log)
	}
}
