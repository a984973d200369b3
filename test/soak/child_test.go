// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"causey/test/harness"
)

// child is the real program in a process of its own, so that its memory is its own.
type child struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd

	quit chan struct{}
	wg   sync.WaitGroup
	mu   sync.Mutex
	high int64 // most resident bytes since mark
}

// startChild builds and starts causey before one server. top holds more keys of the
// configuration.
func startChild(t *testing.T, server, top string) *child {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "causey")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "causey/cmd/causey")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	config := filepath.Join(dir, "causey.yaml")
	text := fmt.Sprintf("version: 1\nlisten: [%q]\nadmin: off\naccess_log: {format: json, path: access.log}\n%s\nsites:\n  - host: \"*\"\n    routes: [{path: /, upstream: u}]\n"+
		"upstreams:\n  u: {servers: [%q]}\n", addr, top, server)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, addr: addr, cmd: exec.Command(program, "run", "-c", config), quit: make(chan struct{})}
	var log bytes.Buffer
	c.cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+dir)
	c.cmd.Stdout, c.cmd.Stderr = &log, &log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(c.quit)
		c.wg.Wait()
		c.cmd.Process.Signal(syscall.SIGTERM)
		c.cmd.Process.Signal(syscall.SIGTERM) // now
		c.cmd.Wait()
		if t.Failed() {
			t.Logf("the program says:\n%s", log.Bytes()[max(0, log.Len()-4096):])
			t.Logf("failures: %v", failures(filepath.Join(dir, "access.log")))
		}
	})
	for end := time.Now().Add(harness.Patience); ; time.Sleep(20 * time.Millisecond) {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it does not listen: %v", err)
		}
	}
	c.wg.Add(1)
	go c.sample()
	return c
}

// failures counts the failures in an access log by their codes.
func failures(path string) map[string]int {
	text, _ := os.ReadFile(path)
	count := map[string]int{}
	for line := range bytes.Lines(text) {
		var l harness.Line
		if json.Unmarshal(line, &l) == nil && l.Failure != "" {
			count[l.Failure]++
		}
	}
	return count
}

// sample watches the child's memory.
func (c *child) sample() {
	defer c.wg.Done()
	for {
		if now := c.resident(); now > 0 {
			c.mu.Lock()
			c.high = max(c.high, now)
			c.mu.Unlock()
		}
		select {
		case <-c.quit:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// resident is the child's resident memory now, in bytes; 0 if it is gone.
func (c *child) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// mark returns the most resident bytes since the mark before, and begins anew.
func (c *child) mark() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	high := c.high
	c.high = 0
	return max(high, c.resident())
}

// flat fails the test if memory grew by more than bound between two marks.
func (c *child) flat(early, late, bound int64) {
	c.t.Helper()
	c.t.Logf("resident memory: %.1f MiB early, %.1f MiB at most later", mib(early), mib(late))
	if late-early > bound {
		c.t.Errorf("memory grew by %.1f MiB", mib(late-early))
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// setting is a number from the environment.
func setting(t *testing.T, name string, value int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return value
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		t.Fatalf("%s is %q", name, text)
	}
	return n
}
