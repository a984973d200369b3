// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// group is a control group for the stage's gateway.
type group struct {
	stage *Stage
	dir   string
}

const groupPrefix = "causey-lab-"

// group makes one below the first of these mount points that is there, and has the gateway start in it. What a process
// that was killed has left behind is removed first.
func (s *Stage) group(needs string, mounts ...string) (*group, error) {
	if os.Geteuid() != 0 {
		return nil, ErrNeeds{"root, to make control groups"}
	}
	for _, mount := range mounts {
		sweep(mount)
		dir := filepath.Join(mount, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), groups.Add(1)))
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		g := &group{stage: s, dir: dir}
		s.AtEnd(g.remove)
		s.kept = g
		s.Before = append(s.Before, "sh", "-c", `echo $$ >"$0"/cgroup.procs && exec "$@"`, dir)
		return g, nil
	}
	return nil, ErrNeeds{needs}
}

// sweep removes the groups of processes that are gone.
func sweep(mount string) {
	left, _ := filepath.Glob(filepath.Join(mount, groupPrefix+"*"))
	for _, dir := range left {
		var pid, n int
		if _, err := fmt.Sscanf(filepath.Base(dir), groupPrefix+"%d-%d", &pid, &n); err != nil {
			continue
		}
		if unix.Kill(pid, 0) == unix.ESRCH {
			_ = os.Remove(dir)
		}
	}
}

// remove waits for the end of what is in the group, which whoever started it has asked for.
func (g *group) remove() {
	for range 100 {
		if err := os.Remove(g.dir); !errors.Is(err, syscall.EBUSY) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	g.stage.Logf("%s is left, somebody lives in it", g.dir)
}

// write sets a file of the group.
func (g *group) write(file, value string) error {
	return os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0)
}

// cpuGroup is a group whose time on processors can be bounded.
func (s *Stage) cpuGroup() (*group, error) {
	g, err := s.group("control groups with the controller cpu", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup")
	if err != nil {
		return nil, err
	}
	if g.share(100) != nil {
		return nil, ErrNeeds{"control groups with the controller cpu"}
	}
	return g, nil
}

// share gives the group so many milliseconds of one processor in each second, as a container's limit does.
func (g *group) share(perSecond int) error {
	const period = 500_000                                              // microseconds
	quota := perSecond * period / 1000                                  // at least 1000
	if _, err := os.Stat(filepath.Join(g.dir, "cpu.max")); err == nil { // version 2
		return g.write("cpu.max", fmt.Sprint(quota, " ", period))
	}
	return errors.Join(g.write("cpu.cfs_period_us", fmt.Sprint(period)), g.write("cpu.cfs_quota_us", fmt.Sprint(quota)))
}
