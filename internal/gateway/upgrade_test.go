// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/internal/handover"
)

// upgrades has g be upgraded to what a shell does. The real thing is in test/restart.
func upgrades(g *Gateway, script string) {
	g.opts.Upgrade = &Upgrade{Program: handover.Program{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ()}}
}

// TestFailedUpgradeLeavesEverything: whatever comes instead of a gateway that takes
// over, the running one goes on, and says why.
func TestFailedUpgradeLeavesEverything(t *testing.T) { // I4
	g, _ := gatewayFor(t, strings.Replace(plain, `"127.0.0.1:0"`, `"127.0.0.1:0", "unix:DIR/data.sock"`, 1), "ORIGIN", origin(t, "one"))
	addr, socket := g.Addrs()[0], string(g.cfg.Admin.Socket)
	same := func(what string) {
		t.Helper()
		if got := ask(t, addr); got != "one" || len(g.Addrs()) != 2 || !g.ready().Ready {
			t.Errorf("after %s: %q, %v", what, got, g.Addrs())
		}
		for _, path := range []string{socket, filepath.Join(filepath.Dir(socket), "data.sock")} {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("after %s: %v", what, err)
			}
		}
		if err := g.Reload(context.Background()); err != nil {
			t.Errorf("a reload after %s: %v", what, err)
		}
	}
	want := func(what, text string, wait time.Duration) {
		t.Helper()
		_, err := g.Upgrade(context.Background(), wait)
		var e *admin.ReloadError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", what, err, text)
		}
		same(what)
	}
	descriptors := func() int { list, _ := os.ReadDir("/proc/self/fd"); return len(list) }
	same("nothing")
	before := descriptors()
	want("an upgrade of a part of a program", "within another program", time.Second)
	upgrades(g, "exit 3")
	want("a program that ends", "exit status 3", patience)
	upgrades(g, "kill -9 $$")
	want("a program that dies", "signal: killed", patience)
	upgrades(g, `echo '{"step":"failed","problems":[{"file":"c.yaml","line":2,"message":"no such key"}]}' >&3`)
	want("a refusal", "no such key", patience)
	upgrades(g, `echo nonsense >&3; exec sleep 60`)
	want("nonsense", "no message", patience)
	upgrades(g, "exec sleep 60")
	want("a program that hangs", "was not ready within 200ms", 200*time.Millisecond)
	g.opts.Upgrade.Program.Path = "/no/such/causey"
	want("a program that is not there", "/no/such/causey", patience)
	for deadline := time.Now().Add(patience); descriptors() > before+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are open, %d before", descriptors(), before)
		}
	}
	select {
	case <-g.Left():
		t.Error("it says that another process has taken over")
	default:
	}
}

const patience = 20 * time.Second

// TestOneUpgradeAtATime: another one and reloads are refused with words meanwhile, and
// a stop does not wait for it.
func TestOneUpgradeAtATime(t *testing.T) {
	g, _ := gatewayFor(t, plain, "ORIGIN", origin(t, "one"))
	started := filepath.Join(t.TempDir(), "started")
	upgrades(g, "touch "+started+"; exec sleep 60")
	result := make(chan error, 1)
	go func() {
		_, err := g.Upgrade(context.Background(), time.Minute)
		result <- err
	}()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(started); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is started")
		}
	}
	if _, err := g.Upgrade(context.Background(), time.Minute); !errors.Is(err, admin.ErrUpgrading) {
		t.Errorf("a second upgrade: %v", err)
	}
	if err := g.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "upgrade is under way") {
		t.Errorf("a reload: %v", err)
	}
	began := time.Now()
	g.Stop(nil)
	if err := <-result; err == nil || !strings.Contains(err.Error(), "is stopping") {
		t.Errorf("the upgrade: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if _, err := g.Upgrade(context.Background(), time.Minute); err == nil || !strings.Contains(err.Error(), "is stopping") {
		t.Errorf("an upgrade after the stop: %v", err)
	}
}

// TestDrainDelay: a gateway that stops is not ready at once, and closes its listeners
// only after the delay; answers say that they are the last. A second word ends it.
func TestDrainDelay(t *testing.T) {
	g, _ := gatewayFor(t, plain+"timeouts: {drain_delay: 700ms}\n", "ORIGIN", origin(t, "one"))
	addr := g.Addrs()[0]
	began := time.Now()
	ended := make(chan struct{})
	go func() { defer close(ended); g.Stop(nil) }()
	for g.ready().Ready {
		time.Sleep(time.Millisecond)
	}
	if got := ask(t, addr); got != "one" {
		t.Errorf("within the delay: %q", got)
	}
	<-ended
	if took := time.Since(began); took < 700*time.Millisecond {
		t.Errorf("it ended after %v", took)
	}

	g, _ = gatewayFor(t, plain+"timeouts: {drain_delay: 1h}\n", "ORIGIN", origin(t, "one"))
	now := make(chan struct{})
	close(now)
	g.Stop(now)
}
