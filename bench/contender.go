// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"causey/bench/peers"
)

// contender is one running gateway, or the origin.
type contender struct {
	name string
	addr string
	// tls is how its clients speak to it, nil for plain.
	tls *tls.Config
	// started is how long its first answer took from its start, 0 if that was not
	// measured.
	started time.Duration
	process *peers.Process
}

// values fill the templates of peers/.
type values struct {
	Listen, Origin, Admin, Dir, Body string
	// TLS is nil where clients come without.
	TLS *credentials
	// Routes and Upstreams are how many there are beside the one that is used.
	Routes, Upstreams int
	// Line is one more of causey's configuration.
	Line string
}

// start runs a contender's program and waits until it accepts.
func start(name, dir, addr string, argv ...string) (*contender, error) {
	p, err := peers.Program{Name: name, Dir: dir, Addr: addr, Argv: argv}.Start()
	if err != nil {
		return nil, err
	}
	return &contender{name: name, addr: addr, process: p}, nil
}

func (c *contender) stop() { c.process.Stop() }

// url is what wrk is told. An address would not do with TLS: it is no SNI
// (RFC 6066, section 3).
func (c *contender) url() string {
	if c.tls == nil {
		return "http://" + c.addr
	}
	return "https://localhost:" + peers.Port(c.addr)
}

// body is the answer of the origin's small page.
var body = strings.Repeat("x", 1024)

func startOrigin(dir string) (*contender, error) {
	at := filepath.Join(dir, "origin")
	if err := os.MkdirAll(filepath.Join(at, "big"), 0o755); err != nil {
		return nil, err
	}
	random := rand.NewChaCha8([32]byte{1})
	for name, size := range map[string]int64{"1m": 1 << 20, "100m": 100 << 20} {
		f, err := os.Create(filepath.Join(at, "big", name))
		if err != nil {
			return nil, err
		}
		_, err = io.CopyN(f, random, size)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	addr := peers.FreeAddr()
	if err := peers.Render(at, "origin.conf", "origin.conf", values{Listen: addr, Body: body}); err != nil {
		return nil, err
	}
	return start("origin", at, addr, "nginx", "-p", ".", "-c", "origin.conf")
}

// startContenders starts those that were asked for and are installed; with
// credentials those that have TLS, and with it.
func startContenders(o options, dir, origin string, with *credentials, out io.Writer) ([]*contender, error) {
	var all []*contender
	for _, name := range strings.Split(o.contenders, ",") {
		if with != nil && name == "floor" {
			continue
		}
		c, err := startContender(name, o, dir, values{Listen: peers.FreeAddr(), Origin: origin, TLS: with})
		if errors.Is(err, exec.ErrNotFound) && name != "causey" {
			fmt.Fprintf(out, "%s is not installed and is left out\n", name)
			continue
		}
		if err != nil && with != nil {
			err = fmt.Errorf("starting %s with TLS: %w", name, err)
		}
		if err != nil {
			return all, err
		}
		if with != nil {
			c.tls = with.client
		}
		all = append(all, c)
		if err := c.check(origin); err != nil {
			return all, fmt.Errorf("%s does not relay: %w", name, err)
		}
	}
	return all, nil
}

func startContender(name string, o options, dir string, v values) (*contender, error) {
	at := filepath.Join(dir, name)
	if v.TLS != nil {
		at += "-tls"
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, err
	}
	v.Dir = at
	if name != "floor" {
		return startGateway(name, o, at, v)
	}
	binary := filepath.Join(dir, "floor.bin")
	if text, err := exec.Command("go", "build", "-o", binary, "./bench/floor").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building floor: %w: %s", err, text)
	}
	return start(name, at, v.Listen, binary, v.Listen, v.Origin)
}

func startGateway(name string, o options, at string, v values) (*contender, error) {
	g, err := peers.Named(name, o.causey)
	if err != nil {
		return nil, err
	}
	v.Admin = peers.FreeAddr()
	if err := peers.Render(at, g.Config, g.Config, v); err != nil {
		return nil, err
	}
	return start(name, at, v.Listen, g.Argv...)
}

// check makes sure that the contender relays, byte by byte.
func (c *contender) check(origin string) error {
	for _, path := range []string{"/", "/big/1m"} {
		want, err := fetch(origin, nil, path)
		if err != nil {
			return err
		}
		got, err := fetch(c.addr, c.tls, path)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s differs from the origin's", path)
		}
	}
	return nil
}

func fetch(addr string, with *tls.Config, path string) (sum [32]byte, err error) {
	scheme := "http://"
	if with != nil {
		scheme = "https://"
	}
	req, err := http.NewRequest("GET", scheme+addr+path, nil)
	if err != nil {
		return sum, err
	}
	if with != nil {
		req.Host = with.ServerName
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: with}}
	res, err := client.Do(req)
	if err != nil {
		return sum, err
	}
	defer res.Body.Close()
	if res.TLS != nil {
		if err := sameTLS(res.TLS); err != nil {
			return sum, err
		}
	}
	if res.StatusCode != 200 {
		return sum, fmt.Errorf("%s: %s", path, res.Status)
	}
	h := sha256.New()
	if _, err := io.Copy(h, res.Body); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// pids lists the processes of the contender's group.
func (c *contender) pids() []int {
	var list []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f := statFields(pid); len(f) > 2 && f[2] == strconv.Itoa(c.process.PID()) {
			list = append(list, pid)
		}
	}
	slices.Sort(list)
	return list
}

// statFields returns the fields of /proc/PID/stat from the state on: state, ppid,
// pgrp, ... utime is the 12th, stime the 13th (proc(5)).
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	if !ok {
		return nil
	}
	return strings.Fields(rest)
}

// clockTick is the unit of utime and stime on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu returns the processor time that the contender has used.
func (c *contender) cpu() time.Duration {
	var ticks int64
	for _, pid := range c.pids() {
		if f := statFields(pid); len(f) > 12 {
			u, _ := strconv.ParseInt(f[11], 10, 64)
			s, _ := strconv.ParseInt(f[12], 10, 64)
			ticks += u + s
		}
	}
	return time.Duration(ticks) * clockTick
}

// memory returns the proportional set size of all its processes, in bytes: pages
// that processes share are counted once.
func (c *contender) memory() (int64, error) {
	var total int64
	for _, pid := range c.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				kib, _ := strconv.ParseInt(f[1], 10, 64)
				total += kib << 10
			}
		}
	}
	return total, nil
}

func cpus() int { return runtime.NumCPU() }
