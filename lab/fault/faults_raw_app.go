// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/lab/origin"
	"causey/lab/real"
)

func init() { lists = append(lists, rawApp) }

var rawApp = []*Fault{
	answers{cause: "ka.max_requests", name: "raw", scope: "upstream", target: "/lab/close",
		match: always(func(q origin.Request) bool { return q.Seq > 20 }),
		asks:  []Ask{{Method: "POST", Path: "/api/seen", Body: 120, Weight: 12}}}.fault(),
	{Cause: "cap.upstream_fd", Means: Real, Scope: "upstream", Set: setFewDescriptors, Break: later, Mend: back},
	{Cause: "cap.disk_full", Means: Real, Scope: "upstream", Set: setFullDisk, Break: later, Mend: back},
	{Cause: "tmo.inverted", Means: Raw, Scope: "path", Set: setInverted, Break: later, Mend: back},
	{Cause: "gw.limit_reached", Name: "requests", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.limited("%s", "concurrency: 2", "hold: 1s")
	}},
	{Cause: "gw.limit_reached", Name: "connections", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.limited("{address: \"%s\", max_connections: 2}", "hold: 1s")
	}},
	{Cause: "sys.shared_dependency", Means: Raw, Scope: "everything", Set: setSharedLock, Break: later, Mend: back},
	rebuilt{cause: "relayed.app_emitted", name: "503", scope: "path", means: Raw, befalls: searched, usual: express,
		status: 503, fields: "Content-Type: application/problem+json",
		body: `{"type":"about:blank","title":"Search is unavailable","status":503,"detail":"index not loaded"}`}.fault(),
	rebuilt{cause: "relayed.app_emitted", name: "502", scope: "upstream", means: Raw, befalls: pageAsked, usual: express,
		status: 502, fields: "Content-Type: application/json; charset=utf-8",
		body: `{"error":"payment provider answered with an unknown code"}`}.fault(),
	rebuilt{cause: "ops.platform_sleep_or_limit", name: "render", scope: "upstream", means: Emulated, befalls: anyAsked,
		usual: "Server: cloudflare\nRndr-Id: 6f2c1a90-77ab-4c1d", status: 503,
		fields: "X-Render-Routing: hibernate-wake-error"}.fault(),
	rebuilt{cause: "ops.platform_sleep_or_limit", name: "cpanel", scope: "upstream", means: Emulated, befalls: pageAsked,
		usual: "Server: Apache\nX-Powered-By: PHP/8.2.36", status: 508, fields: "Content-Type: text/html",
		body: "<html><head><title>508 Resource Limit Is Reached</title></head><body><h1>Resource Limit Is Reached</h1>" +
			"The website is temporarily unable to service your request as it exceeded resource limit. " +
			"Please try again later.</body></html>"}.fault(),
	rebuilt{cause: "ops.platform_sleep_or_limit", name: "vercel", scope: "upstream", means: Emulated, befalls: pageAsked,
		usual: "Server: Vercel\nX-Vercel-Id: fra1::h7xk2-1764076800000-5d1c", status: 503,
		fields: "X-Vercel-Error: FUNCTION_THROTTLED\nContent-Type: text/plain",
		body:   "This Serverless Function has been throttled.\n\nFUNCTION_THROTTLED\n"}.fault(),
	rebuilt{cause: "ops.platform_sleep_or_limit", name: "heroku", scope: "upstream", means: Emulated, befalls: anyAsked,
		usual: "Server: Heroku\nVia: 1.1 heroku-router", status: 503, fields: "Content-Type: text/html; charset=utf-8",
		body: "<!DOCTYPE html><html><head><title>Application Error</title></head><body>" +
			`<iframe src="//www.herokucdn.com/error-pages/application-error.html"></iframe></body></html>`}.fault(),
}

// express are the marks of an application of Node's Express.
const express = "X-Powered-By: Express\nSet-Cookie: connect.sid=s%3Aq8c2; Path=/; HttpOnly"

// rebuilt is a fault of a server that answers with somebody's page from Break on.
type rebuilt struct {
	cause, name, scope string
	means              Means
	befalls            func(*http.Request) bool
	usual              string // fields of every answer
	status             int
	fields, body       string // of the page
}

func (f rebuilt) fault() *Fault {
	return &Fault{Cause: f.cause, Name: f.name, Means: f.means, Scope: f.scope, Set: f.set, Break: later, Mend: back}
}

func (f rebuilt) set(s *Stage) error {
	var ill atomic.Bool
	addr, err := s.app(f.handler(&ill))
	if err != nil {
		return err
	}
	s.Config = behind("http://" + addr)
	s.toggles(&ill)
	return nil
}

func (f rebuilt) handler(ill *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setFields(w, f.usual)
		if ill.Load() && f.befalls(r) {
			refuse(w, f.status, f.fields, f.body)
			return
		}
		shopPage(w, r)
	})
}

// toggles has Break set and Mend clear a flag.
func (s *Stage) toggles(ill *atomic.Bool) {
	set := func(to bool) func() error {
		return func() error {
			ill.Store(to)
			return nil
		}
	}
	s.breaks, s.mends = set(true), set(false)
}

// anyAsked, pageAsked and searched say which requests a page is for.
func anyAsked(*http.Request) bool    { return true }
func pageAsked(r *http.Request) bool { return filepath.Dir(r.URL.Path) != "/static" }
func searched(r *http.Request) bool  { return r.URL.Path == "/search" }

// setFewDescriptors has nginx lose every descriptor that it may open, as after a leak: what is open stays.
func setFewDescriptors(s *Stage) error {
	p, err := s.nginx("server { listen ADDR; location / { default_type text/html; return 200 '<p>A page.</p>'; } }",
		real.NginxOptions{})
	if err != nil {
		return err
	}
	s.Config = behind("http://"+p.Addr(), slowStall, renewing)
	limit := func(n uint64) func() error {
		return func() error {
			workers, err := p.Workers()
			for _, pid := range workers {
				err = errors.Join(err, s.limitFiles(pid, n))
			}
			return err
		}
	}
	s.breaks, s.mends = limit(3), limit(1024)
	return limit(1024)()
}

// limitFiles bounds the descriptors of a process, as the user that it runs as: root itself may lack the right.
func (s *Stage) limitFiles(pid int, n uint64) error {
	program, err := exec.LookPath("prlimit")
	if err != nil {
		return ErrNeeds{"prlimit (Debian package util-linux)"}
	}
	cmd := exec.CommandContext(s.ctx, program, "--pid", strconv.Itoa(pid), fmt.Sprintf("--nofile=%d:1024", n))
	var owner unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(pid), &owner); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	return cmd.Run()
}

// setFullDisk has an application keep orders on a small disk that something else fills.
func setFullDisk(s *Stage) error {
	disk := filepath.Join(s.Dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		return err
	}
	switch err := unix.Mount("causey-lab", disk, "tmpfs", 0, "size=256k"); {
	case errors.Is(err, unix.EPERM):
		return ErrNeeds{"root, to mount a small disk"}
	case err != nil:
		return err
	}
	s.AtEnd(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	addr, err := s.app(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := keepOrder(filepath.Join(disk, "orders")); err != nil {
				refuse(w, http.StatusInternalServerError, "X-Powered-By: Express",
					"<h1>Something broke</h1><pre>"+err.Error()+"</pre>")
				return
			}
		}
		shopPage(w, r)
	}))
	if err != nil {
		return err
	}
	s.Config = behind("http://" + addr)
	filler := filepath.Join(disk, "backup.tar")
	s.breaks = func() error {
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o644); !errors.Is(err, unix.ENOSPC) {
			return errors.New("fault: the small disk has room for 1 MiB")
		}
		return nil
	}
	s.mends = func() error { return os.Remove(filler) }
	return nil
}

// keepOrder writes an order behind the others, of which it keeps the newest.
func keepOrder(path string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > 64<<10 {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Close())
}

// setInverted has something before the gateway that waits for 3 s, and a search that takes 5 s: less than the gateway
// waits.
func setInverted(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = behind("http://" + r.Addr())
	s.Visitors.Patience = 3 * time.Second
	s.breaks, s.mends = func() error { return r.fall(slowSearch("/slow?ms=5000")) }, r.recover
	return nil
}

func slowSearch(target string) illness {
	return func(q origin.Request) string {
		if search(q) {
			return target
		}
		return ""
	}
}

// workTime is what a page takes of an application that can make many at once.
const workTime = 300 * time.Millisecond

// limited has a gateway that gives an upstream two requests at a time, where its server would take all of them.
func (s *Stage) limited(server string, lines ...string) error {
	addr, err := s.app(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(workTime)
		shopPage(w, r)
	}))
	if err != nil {
		return err
	}
	s.Config = behind(fmt.Sprintf(server, "http://"+addr), lines...)
	return nil
}

// lockTime is how long a page holds the lock that others wait for.
const lockTime = 600 * time.Millisecond

// setSharedLock has two applications of two sites work under one lock, as of one table of one database. From Break on
// each holds it longer than there is time for.
func setSharedLock(s *Stage) error {
	var table sync.Mutex
	var slow atomic.Bool
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pageAsked(r) {
			table.Lock()
			if slow.Load() && r.Context().Err() == nil {
				time.Sleep(lockTime)
			}
			table.Unlock()
		}
		shopPage(w, r)
	})
	return s.twoSites(app, app, &slow, slowStall)
}

// twoSites has each of two sites have an upstream of its own, and visitors come to both.
func (s *Stage) twoSites(shop, blog http.Handler, ill *atomic.Bool, lines ...string) error {
	first, err := s.app(shop)
	if err != nil {
		return err
	}
	second, err := s.app(blog)
	if err != nil {
		return err
	}
	s.Config = "sites:\n  - host: shop.example\n    routes: [{path: /, upstream: shop}]\n" +
		"  - host: blog.example\n    routes: [{path: /, upstream: blog}]\n" +
		"upstreams:\n  shop:\n    servers: [\"http://" + first + "\"]\n" + indented(lines) +
		"  blog:\n    servers: [\"http://" + second + "\"]\n" + indented(lines)
	s.also(Ask{Method: "GET", Path: "/post/*", Many: 30, Host: "blog.example", Weight: 10},
		Ask{Method: "GET", Path: "/static/*.css", Many: 6, Host: "blog.example", Weight: 6})
	s.toggles(ill)
	return nil
}
