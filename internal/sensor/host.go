// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import "time"

// Host is what the gateway's own machine says at one moment. What is zero is not known.
type Host struct {
	// Tracked connections are in the kernel's table, which has places for TrackedMost.
	Tracked, TrackedMost uint64
	// DiskFree is how many bytes, of DiskSize, may be written where the gateway writes
	// and least is left: at Disk.
	Disk               string
	DiskFree, DiskSize uint64
	// HasCPU says that the next two are known: for which share of the last 10 s something
	// waited for a processor (PSI), and how long goroutines waited for one, of a hundred
	// the slowest.
	HasCPU   bool
	CPUWaits float64
	RunDelay time.Duration
	// HasCookies says that it is known how many SYN cookies the kernel sent since the look
	// before.
	HasCookies bool
	SYNCookies uint64
	// Clients are connections to clients; Slow of them have held a request for 5 s that is
	// not whole.
	Clients, Slow int
}

// When a machine is short of something.
const (
	trackedFull = 0.95
	diskFull    = 0.01     // of it is left, and less than diskSpare
	diskSpare   = 64 << 20 // bytes
	cpuBusy     = 0.6
	runDelayBad = 20 * time.Millisecond
	slowMost    = 20
)

func (h *Host) isTracked() bool { return h.TrackedMost > 0 }

func (h *Host) isTrackedFull() bool { return float64(h.Tracked) >= trackedFull*float64(h.TrackedMost) }

func (h *Host) isDiskFull() bool {
	return h.DiskSize > 0 && h.DiskFree < diskSpare && float64(h.DiskFree) <= diskFull*float64(h.DiskSize)
}

func (h *Host) isBusy() bool { return h.CPUWaits >= cpuBusy || h.RunDelay >= runDelayBad }

func (h *Host) isBeset() bool { return h.Slow >= slowMost && 3*h.Slow >= h.Clients }

// hostSeconds is how far back it is known what the machine said.
const hostSeconds = 120

type hostSecond struct {
	at time.Time
	Host
}

// around are the moments from shortly before the onset to the newest failure, as far as
// they are kept.
func (v *view) hostsAround() (list []*Host) {
	first, last := v.onset.Add(-10*time.Second), v.c.Last.Add(2*time.Second)
	for i := range v.s.hosts {
		if h := &v.s.hosts[i]; !h.at.IsZero() && !h.at.Before(first) && !h.at.After(last) {
			list = append(list, &h.Host)
		}
	}
	return list
}

// seeHost sees what the gateway's machine lacked.
func seeHost(v *view) {
	hosts := v.hostsAround()
	var tracked, disk, busy, slow *Host // where it was worst
	busyFor, cpuKnown, cookiesKnown, cookies := 0, 0, 0, uint64(0)
	for _, h := range hosts {
		if h.isTracked() && (tracked == nil || h.Tracked > tracked.Tracked) {
			tracked = h
		}
		if h.DiskSize > 0 && (disk == nil || h.DiskFree < disk.DiskFree) {
			disk = h
		}
		if slow == nil || h.Slow > slow.Slow {
			slow = h
		}
		if h.HasCPU {
			cpuKnown++
			if busy == nil || h.RunDelay > busy.RunDelay {
				busy = h
			}
			if h.isBusy() {
				busyFor++
			}
		}
		if h.HasCookies {
			cookiesKnown++
			cookies += h.SYNCookies
		}
	}
	if tracked != nil {
		v.truth("own_conntrack", tracked.isTrackedFull(), "%d of %d places in the connection table of the gateway's machine (conntrack) were taken", tracked.Tracked, tracked.TrackedMost)
	}
	if disk != nil {
		v.truth("own_disk", disk.isDiskFull(), "%s of %s were free at %s", bytesText(float64(disk.DiskFree)), bytesText(float64(disk.DiskSize)), disk.Disk)
	}
	if busy != nil {
		v.truth("own_busy", busyFor >= 2 && 4*busyFor >= cpuKnown, "the gateway's processors were busy in %d of %d s; its work waited up to %d ms for them",
			busyFor, cpuKnown, busy.RunDelay.Milliseconds())
	}
	if cookiesKnown > 0 {
		v.truth("own_syn_cookies", cookies > 0, "the kernel of the gateway's machine sent %d SYN cookies, its answer to a full queue of new connections", cookies)
	}
	if slow != nil && slow.Clients > 0 {
		v.truth("slow_clients", slow.isBeset(), "%d of %d client connections had sent only a part of their request after 5 s", slow.Slow, slow.Clients)
	}
}
