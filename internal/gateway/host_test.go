// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"causey/internal/config"
	"causey/internal/sensor"
)

// hostOf is a host whose /proc holds these files.
func hostOf(t *testing.T, files map[string]string) *host {
	h := newHost()
	h.root = t.TempDir()
	for name, text := range files {
		name = filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestHostReadsTheKernelsFiles(t *testing.T) {
	h := hostOf(t, map[string]string{
		"sys/net/netfilter/nf_conntrack_count": "120\n", "sys/net/netfilter/nf_conntrack_max": "262144\n",
		"pressure/cpu": "some avg10=62.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"net/netstat":  "TcpExt: SyncookiesRecv SyncookiesSent Other\nTcpExt: 1 40 7\nIpExt: A\nIpExt: 9\n",
	})
	if n, ok := h.number("sys/net/netfilter/nf_conntrack_count"); n != 120 || !ok {
		t.Errorf("%d connections are tracked, %v", n, ok)
	}
	var s sensor.Host
	if h.lookAtCPU(&s); s.CPUWaits != 0.625 || !s.HasCPU {
		t.Errorf("processors: %+v", s)
	}
	if n, ok := h.synCookies(); n != 40 || !ok {
		t.Errorf("%d cookies, %v", n, ok)
	}
}

func TestHostDoesWithoutFiles(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none":    nil,
		"odd":     {"sys/net/netfilter/nf_conntrack_count": "x", "pressure/cpu": "some", "net/netstat": "TcpExt: SyncookiesSent\nTcpExt:\n"},
		"no line": {"net/netstat": "TcpExt: SyncookiesSent\n"},
	} {
		h := hostOf(t, files)
		if n, ok := h.number("sys/net/netfilter/nf_conntrack_count"); n != 0 || ok {
			t.Errorf("%s: %d connections are tracked, %v", name, n, ok)
		}
		var s sensor.Host
		if h.lookAtCPU(&s); s.CPUWaits != 0 {
			t.Errorf("%s: processors: %+v", name, s)
		}
		if n, ok := h.synCookies(); n != 0 || ok {
			t.Errorf("%s: %d cookies, %v", name, n, ok)
		}
	}
}

func TestHostKnowsItsDisks(t *testing.T) {
	h, cfg := newHost(), &config.Config{}
	cfg.AccessLog.Path, cfg.Cache.Disk.Path = "stdout", "/nowhere/at/all"
	dir := t.TempDir()
	h.watch(cfg, dir)
	var s sensor.Host
	if h.lookAtDisks(&s); s.Disk != dir || s.DiskSize == 0 || s.DiskFree > s.DiskSize {
		t.Errorf("%+v", s)
	}
	h.watch(cfg, "")
	s = sensor.Host{}
	if h.lookAtDisks(&s); s.DiskSize != 0 {
		t.Errorf("nothing is written, and yet %+v", s)
	}
}

// The delay is of what became ready since the last look.
func TestHostMeasuresRunDelay(t *testing.T) {
	h := newHost()
	h.runDelay()
	for range 200 {
		done := make(chan bool)
		go func() { done <- true }()
		<-done
	}
	if d := h.runDelay(); d < 0 || d > time.Minute {
		t.Errorf("%v", d)
	}
	seen := uint64(0)
	for _, n := range h.delaysSeen {
		seen += n
	}
	if seen == 0 && runtime.NumGoroutine() > 0 {
		t.Error("no goroutine was ever ready")
	}
}
