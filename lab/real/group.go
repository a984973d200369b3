// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"os"
	"strconv"
	"strings"
)

// Workers are the ids of the live processes of the server's group other than the leader.
func (p *Process) Workers() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == p.PID() {
			continue
		}
		if state, group := statOf(pid); group == p.PID() && state != "Z" && state != "X" {
			list = append(list, pid)
		}
	}
	return list, nil
}

// statOf reads state and process group; a process that has just gone has neither. The name in /proc/PID/stat is in
// parentheses and may hold anything, so the fields are counted from the last one.
func statOf(pid int) (state string, group int) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0
	}
	_, rest, _ := cutLast(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 3 {
		return "", 0
	}
	group, _ = strconv.Atoi(fields[2])
	return fields[0], group
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
