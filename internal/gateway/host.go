// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/config"
	"causey/internal/engine"
	"causey/internal/sensor"
)

// slowAfter is how long a client may take for its request until that is noticed.
const slowAfter = 5 * time.Second

// host reads what the machine says of itself. What cannot be read is not known: there are
// kernels without one thing or the other, and containers that hide them.
type host struct {
	root string // of /proc
	// dirs are where the gateway writes.
	dirs atomic.Pointer[[]string]
	// cookies is what was counted at the look before, hasCookies that there was one.
	cookies    uint64
	hasCookies bool
	delays     []metrics.Sample
	delaysSeen []uint64
}

func newHost() *host {
	return &host{root: "/proc", delays: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
}

// watch says where the gateway writes with this configuration.
func (h *host) watch(cfg *config.Config, stateDir string) {
	dirs := []string{stateDir}
	for _, file := range []string{cfg.AccessLog.Path, cfg.Cache.Disk.Path} {
		if filepath.IsAbs(file) {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	h.dirs.Store(&dirs)
}

// look reads everything, once a second.
func (h *host) look(eng *engine.Engine) sensor.Host {
	var s sensor.Host
	s.Tracked, _ = h.number("sys/net/netfilter/nf_conntrack_count")
	s.TrackedMost, _ = h.number("sys/net/netfilter/nf_conntrack_max")
	h.lookAtDisks(&s)
	h.lookAtCPU(&s)
	if sent, ok := h.synCookies(); ok {
		if h.hasCookies && sent >= h.cookies {
			s.HasCookies, s.SYNCookies = true, sent-h.cookies
		}
		h.cookies, h.hasCookies = sent, true
	}
	c := eng.Counts()
	s.Clients, s.Slow = int(c.Active+c.Idle+c.Parked), eng.SlowClients(slowAfter)
	return s
}

func (h *host) number(file string) (uint64, bool) {
	text, err := os.ReadFile(filepath.Join(h.root, file))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// lookAtDisks finds the one with the least room.
func (h *host) lookAtDisks(s *sensor.Host) {
	for _, dir := range *h.dirs.Load() {
		var st unix.Statfs_t
		if dir == "" || unix.Statfs(dir, &st) != nil || st.Blocks == 0 || st.Bsize <= 0 {
			continue
		}
		free, size := st.Bavail*uint64(st.Bsize), st.Blocks*uint64(st.Bsize)
		if st.Files > 0 && st.Ffree == 0 {
			free = 0 // no file can be made, whatever room there is
		}
		if s.DiskSize == 0 || free < s.DiskFree {
			s.Disk, s.DiskFree, s.DiskSize = dir, free, size
		}
	}
}

// lookAtCPU reads how long there was to wait for a processor: /proc/pressure/cpu begins
// with "some avg10=12.34 avg60=".
func (h *host) lookAtCPU(s *sensor.Host) {
	s.RunDelay = h.runDelay()
	s.HasCPU = true // of goroutines it is always known
	text, err := os.ReadFile(filepath.Join(h.root, "pressure/cpu"))
	if err != nil {
		return
	}
	text, _ = bytes.CutPrefix(text, []byte("some avg10="))
	percent, _, _ := bytes.Cut(text, []byte(" "))
	if p, err := strconv.ParseFloat(string(percent), 64); err == nil {
		s.CPUWaits = p / 100
	}
}

// runDelay is what of a hundred goroutines that became ready since the last look the
// slowest waited to run.
func (h *host) runDelay() time.Duration {
	metrics.Read(h.delays)
	if h.delays[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	hist := h.delays[0].Value.Float64Histogram()
	if h.delaysSeen == nil {
		h.delaysSeen = make([]uint64, len(hist.Counts))
	}
	all := uint64(0)
	for i, n := range hist.Counts {
		all += n - h.delaysSeen[i]
	}
	delay, slower := 0.0, uint64(0)
	for i := len(hist.Counts) - 1; i >= 0 && all > 0; i-- {
		if slower += hist.Counts[i] - h.delaysSeen[i]; slower*100 >= all {
			delay = max(hist.Buckets[i], 0) // the first bucket begins below everything
			break
		}
	}
	copy(h.delaysSeen, hist.Counts)
	return time.Duration(delay * float64(time.Second))
}

// synCookies returns how many the kernel ever sent: a column of the lines TcpExt, of
// which the first has the names.
func (h *host) synCookies() (sent uint64, ok bool) {
	text, err := os.ReadFile(filepath.Join(h.root, "net/netstat"))
	if err != nil {
		return 0, false
	}
	var names [][]byte
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		switch {
		case len(words) == 0 || string(words[0]) != "TcpExt:":
		case names == nil:
			names = words
		default:
			for i := range min(len(names), len(words)) {
				if string(names[i]) == "SyncookiesSent" {
					sent, err = strconv.ParseUint(string(words[i]), 10, 64)
					return sent, err == nil
				}
			}
		}
	}
	return 0, false
}
