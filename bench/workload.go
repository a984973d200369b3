// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// metric is what a workload is judged by.
type metric string

const (
	cpuPerRequest metric = "CPU µs/request"
	cpuPerGiB     metric = "CPU ms/GiB"
	latency99     metric = "p99 ms"
	bytesPerConn  metric = "bytes/connection"
)

// workload is one row of the comparison.
type workload struct {
	name, title string
	metric      metric
	conns       int
	path        string
	lua         string
	// bar is the greatest acceptable ratio to the better of nginx and HAProxy;
	// floorBar that to the floor, 0 for none.
	bar, floorBar float64
	// unlike lists contenders that the row says nothing about.
	unlike []string
	// once: one round is enough; half: driven at the rate of halfLoad.
	once, half bool
	// tls: clients come with TLS; visits: each for one request; resume: with a
	// session of before.
	tls, visits, resume bool
	// certs: causey with many certificates beside causey with one, and what bar and
	// startBar say is of that; startBar is the longest time from the start to the first
	// answer, 0 for none.
	certs    bool
	startBar time.Duration
	run      func(b *bench, w workload, c *contender, rate float64) (sample, error)
}

func (w workload) skips(name string) bool { return slices.Contains(w.unlike, name) }

// peer is what bar is about.
func (w workload) peer() string {
	if w.certs {
		return "itself with one certificate"
	}
	return "the better of nginx and HAProxy"
}

// counted is the heading of what happened in a second.
func (w workload) counted() string {
	if w.visits {
		return "connections/s"
	}
	return "requests/s"
}

// sample is what one round measured; value is in the workload's metric.
type sample struct {
	value    float64
	perSec   float64
	p50, p99 time.Duration
	failed   int
	// started is the contender's.
	started time.Duration
}

const (
	postLua  = `wrk.method="POST"; wrk.body=string.rep("x", 16384); wrk.headers["Content-Type"]="application/octet-stream"`
	closeLua = `wrk.headers["Connection"]="close"`
)

var workloads = []workload{
	// First, while every contender is fresh: what earlier load left behind would
	// hide what the connections cost.
	{name: "idle", title: "7,000 idle connections, one GET each", metric: bytesPerConn, conns: 7000, path: "/", bar: 1, unlike: []string{"floor", "caddy"}, once: true, run: (*bench).idle},
	{name: "get-64", title: "GET 1 KiB, keep-alive, 64 connections", metric: cpuPerRequest, conns: 64, path: "/", bar: 0.95, floorBar: 1.3, run: (*bench).fullSpeed},
	{name: "get-256", title: "GET 1 KiB, keep-alive, 256 connections", metric: cpuPerRequest, conns: 256, path: "/", bar: 0.95, floorBar: 1.3, run: (*bench).fullSpeed},
	{name: "post-16k", title: "POST 16 KiB, 64 connections", metric: cpuPerRequest, conns: 64, path: "/", lua: postLua, bar: 0.95, floorBar: 1.3, run: (*bench).fullSpeed},
	{name: "get-1m", title: "GET 1 MiB, 16 connections", metric: cpuPerGiB, conns: 16, path: "/big/1m", bar: 1, run: (*bench).fullSpeed},
	{name: "get-100m", title: "GET 100 MiB, 4 connections", metric: cpuPerGiB, conns: 4, path: "/big/100m", bar: 1, run: (*bench).fullSpeed},
	{name: "new-connection", title: "new connection per request, 64 at a time", metric: cpuPerRequest, conns: 64, path: "/", lua: closeLua, bar: 1, unlike: []string{"floor"}, run: (*bench).fullSpeed},
	{name: "p99-half", title: "GET 1 KiB at a rate that keeps the machine half busy with nginx, 64 connections", metric: latency99, conns: 64, path: "/", bar: 1, half: true, run: (*bench).constant},
	// The TLS rows have processes of their own, which are as fresh for the first of
	// them as the others were above.
	{name: "tls-idle", title: "7,000 idle TLS connections, one GET each", metric: bytesPerConn, conns: 7000, path: "/", bar: 1, unlike: []string{"caddy"}, once: true, tls: true, run: (*bench).idle},
	{name: "tls-keepalive", title: "GET 1 KiB, TLS 1.3, keep-alive, 64 connections", metric: cpuPerRequest, conns: 64, path: "/", bar: 1, tls: true, run: (*bench).fullSpeed},
	{name: "tls-keepalive-256", title: "GET 1 KiB, TLS 1.3, keep-alive, 256 connections", metric: cpuPerRequest, conns: 256, path: "/", bar: 1, tls: true, run: (*bench).fullSpeed},
	{name: "tls-new", title: "new TLS 1.3 connection per request, full handshake with ECDSA P-256, 64 at a time", metric: cpuPerRequest, conns: 64, path: "/", bar: 1, tls: true, visits: true, run: (*bench).visits},
	{name: "tls-resume", title: "new TLS 1.3 connection per request, resumed, 64 at a time", metric: cpuPerRequest, conns: 64, path: "/", bar: 1, tls: true, visits: true, resume: true, run: (*bench).visits},
	{name: "certs-1000", title: "1,000 certificates, new TLS 1.3 connection per request, full handshake, 64 at a time", metric: cpuPerRequest, conns: 64, path: "/", bar: 1.05, startBar: 2 * time.Second, tls: true, visits: true, certs: true, run: (*bench).visits},
	{name: "many-routes", title: "10,000 routes and 1,000 upstreams, GET 1 KiB, 64 connections", metric: cpuPerRequest, conns: 64, path: "/", unlike: []string{"nginx", "haproxy", "caddy", "floor"}, run: (*bench).manyRoutes},
}

// fullSpeed drives a contender with wrk as fast as it goes.
func (b *bench) fullSpeed(w workload, c *contender, _ float64) (sample, error) {
	before := c.cpu()
	r, err := drive(b.dir, c, w, b.o.seconds)
	if err != nil {
		return sample{}, err
	}
	used := float64((c.cpu() - before).Microseconds())
	s := sample{perSec: r.perSec, p50: r.p50, p99: r.p99, failed: r.failed, value: used / float64(r.requests)}
	if w.metric == cpuPerGiB {
		s.value = used / 1000 / (r.bytes / (1 << 30))
	}
	return s, nil
}

// manyRoutes drives a second causey whose configuration is large.
func (b *bench) manyRoutes(w workload, c *contender, rate float64) (sample, error) {
	large, err := b.largeCausey()
	if err != nil {
		return sample{}, err
	}
	return b.fullSpeed(w, large, rate)
}

// drive runs wrk against c and returns what it printed.
func drive(dir string, c *contender, w workload, seconds int) (wrkResult, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(w.conns), "-d" + strconv.Itoa(seconds) + "s", "--latency", "--timeout", "30s"}
	if w.lua != "" {
		script := fileIn(dir, w.name+".lua")
		if err := os.WriteFile(script, []byte(w.lua), 0o644); err != nil {
			return wrkResult{}, err
		}
		args = append(args, "-s", script)
	}
	text, err := exec.Command("wrk", append(args, c.url()+w.path)...).CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk: %w: %s", err, text)
	}
	return parseWrk(string(text))
}

// wrkResult is what wrk reports.
type wrkResult struct {
	requests int
	bytes    float64
	perSec   float64
	p50, p99 time.Duration
	failed   int
}

var (
	wrkTotal  = regexp.MustCompile(`(\d+) requests in [\d.]+\w+, ([\d.]+)([KMGT]?B) read`)
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP50    = regexp.MustCompile(`50%\s+([\d.]+\w+)`)
	wrkP99    = regexp.MustCompile(`99%\s+([\d.]+\w+)`)
	wrkNon2xx = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
	wrkSocket = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
)

var wrkUnits = map[string]float64{"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}

func parseWrk(text string) (r wrkResult, err error) {
	m := wrkTotal.FindStringSubmatch(text)
	rate := wrkRate.FindStringSubmatch(text)
	if m == nil || rate == nil {
		return r, fmt.Errorf("cannot read what wrk printed: %q", text)
	}
	r.requests, _ = strconv.Atoi(m[1])
	r.bytes, _ = strconv.ParseFloat(m[2], 64)
	r.bytes *= wrkUnits[m[3]]
	r.perSec, _ = strconv.ParseFloat(rate[1], 64)
	if p := wrkP50.FindStringSubmatch(text); p != nil {
		r.p50, _ = time.ParseDuration(p[1])
	}
	if p := wrkP99.FindStringSubmatch(text); p != nil {
		r.p99, _ = time.ParseDuration(p[1])
	}
	if n := wrkNon2xx.FindStringSubmatch(text); n != nil {
		r.failed, _ = strconv.Atoi(n[1])
	}
	if n := wrkSocket.FindStringSubmatch(text); n != nil {
		for _, s := range n[1:] {
			k, _ := strconv.Atoi(s)
			r.failed += k
		}
	}
	if r.requests == 0 {
		return r, fmt.Errorf("no request was answered: %s", strings.TrimSpace(text))
	}
	return r, nil
}
