// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"causey/lab/real"
)

// groupLimit is one limit of a control group, in the words of both versions.
type groupLimit struct {
	controller   string // the directory of version 1
	file, value  string // version 1
	file2, text2 string // version 2
}

// Limits that containers have.
func cpuQuota(micros int) groupLimit {
	return groupLimit{"cpu", "cpu.cfs_quota_us", strconv.Itoa(micros), "cpu.max", fmt.Sprintf("%d 100000", micros)}
}

func memoryLimit(bytes int) groupLimit {
	return groupLimit{"memory", "memory.limit_in_bytes", strconv.Itoa(bytes), "memory.max", strconv.Itoa(bytes)}
}

const cgroupRoot = "/sys/fs/cgroup"

var groups atomic.Int64

// confine puts all processes of a server into a control group with a limit. The stage's
// end takes them out and removes the group.
func (s *Stage) confine(p *real.Process, l groupLimit) error {
	root, file, value := filepath.Join(cgroupRoot, l.controller), l.file, l.value
	if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
		root, file, value = cgroupRoot, l.file2, l.text2
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+l.controller), 0) // refused where it is on already
	}
	dir := filepath.Join(root, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), groups.Add(1)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return ErrNeeds{"root and control groups (" + err.Error() + ")"}
	}
	s.AtEnd(func() {
		if err := leaveGroup(root, dir); err != nil {
			s.Logf("control group: %v", err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0); err != nil {
		return ErrNeeds{"the controller " + l.controller + " (" + err.Error() + ")"}
	}
	workers, err := p.Workers()
	if err != nil {
		return err
	}
	for _, pid := range append(workers, p.PID()) {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return err
		}
	}
	return nil
}

// leaveGroup moves who is left in dir to root, and removes dir. Who was killed takes a
// moment to be gone.
func leaveGroup(root, dir string) (err error) {
	for range 100 {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, pid := range strings.Fields(string(text)) {
			_ = os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte(pid), 0) // it may have ended
		}
		if err = os.Remove(dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
