// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"causey/lab/real"
)

// realWorkers are servers that have too few of something for what is asked.
var realWorkers = []*Fault{
	{Cause: "cap.phpfpm_max_children", Means: Real, Scope: "upstream",
		Set: beside(func(s *Stage) error {
			return s.behindNginx("pm.max_children = 12\nenv[PAGE_MS] = 300\n", "", "timeouts: {await_head: 5s}")
		}),
		Break: func(s *Stage) error { // somebody saves memory
			return s.rewrite(0, "fpm.conf", "max_children = 12", "max_children = 2", syscall.SIGUSR2)
		}},
	{Cause: "cap.workers_saturated", Means: Real, Scope: "upstream",
		Set: beside(func(s *Stage) error {
			return s.shop("timeouts: {await_head: 5s}", gunicornShop("--workers 7", "PAGE_SECONDS=0.15"))
		}),
		Break: func(s *Stage) error { return s.fewerWorkers(6) }},
	{Cause: "cap.app_limit", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			return s.behind(nginxProgram("limit_req_zone $host zone=all:1m rate=500r/s;",
				"limit_req zone=all burst=4 nodelay; "+toApp("{{.Data}}")))
		},
		Break: func(s *Stage) error { return s.rewrite(1, "nginx.conf", "rate=500r/s", "rate=8r/s", syscall.SIGHUP) }},
	{Cause: "cap.cpu_starved", Means: Real, Scope: "server",
		Set:   func(s *Stage) error { return s.shop("timeouts: {await_head: 3s}", nodeShop("PAGE_CPU_MS=6")) },
		Break: func(s *Stage) error { return s.confine(s.processes[0], cpuQuota(8000)) }},
	{Cause: "cap.db_slow", Means: Real, Scope: "upstream",
		Set: beside(func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("timeouts: {await_head: 2s}", gunicornShop("--workers 1 --threads 60"))
		}),
		Break: func(s *Stage) error { return s.lockDatabase("3", "0.3") }},
	{Cause: "cap.db_down_or_pool", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("", gunicornShop("--workers 1 --threads 60", "POOL=2", "DB_SECONDS=3"))
		},
		Break: func(s *Stage) error { // a report fails twice, and keeps its connection each time
			for range 2 {
				resp, err := http.Get("http://" + s.processes[0].Addr() + "/report.csv")
				if err != nil {
					return err
				}
				resp.Body.Close()
			}
			return nil
		}},
	{Cause: "cap.db_down_or_pool", Name: "locked", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("", gunicornShop("--workers 1 --threads 60", "DB_SECONDS=2"))
		},
		Break: func(s *Stage) error { return s.lockDatabase("60", "0") }},
	{Cause: "app.dependency_slow", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 15
			s.also(Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 4})
			p, err := s.hire()
			if err != nil {
				return err
			}
			return s.shop("", gunicornShop("--workers 1 --threads 60", "PARTNER="+p.url))
		},
		Break: with(func(p *partner) error { p.silent.Store(true); return nil }),
		Mend:  with(func(p *partner) error { p.silent.Store(false); return nil })},
}

// rewrite changes a word of a server's configuration and tells it so.
func (s *Stage) rewrite(at int, file, before, after string, sig syscall.Signal) error {
	p := s.processes[at]
	name := filepath.Join(p.Dir(), file)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(before)) {
		return errors.New("fault: " + file + " has no " + before)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(text, []byte(before), []byte(after)), 0o644); err != nil {
		return err
	}
	return p.Signal(sig)
}

// lockDatabase has another program hold the lock of the shop's database again and again,
// as backups and long transactions do. Times are in seconds.
func (s *Stage) lockDatabase(held, free string) error {
	_, err := s.launch(real.Program{Name: "backup", Programs: []string{"/usr/bin/python3", "python3"}, Package: "python3",
		Files: map[string]string{"backup.py": backup}, Ready: real.AtOnce,
		Args: []string{"backup.py", filepath.Join(s.processes[0].Dir(), "shop.db"), held, free}})
	return err
}

const backup = `import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
while True:
    db.execute("BEGIN EXCLUSIVE")
    time.sleep(float(sys.argv[2]))
    db.execute("COMMIT")
    time.sleep(float(sys.argv[3]))
`

// realStalls are processes that stand still.
var realStalls = []*Fault{
	{Cause: "cap.gc_pause", Means: Emulated, Scope: "server",
		Set: func(s *Stage) error { return s.shop("timeouts: {await_head: 2s}", nodeShop()) },
		Break: func(s *Stage) error { // as a collector that stops the world
			s.again(3*time.Second, func(ctx context.Context) error { return s.freeze(ctx, 0, 3*time.Second) })
			return nil
		}},
	{Cause: "cap.event_loop_blocked", Means: Real, Scope: "server",
		Set: func(s *Stage) error { return s.shop("timeouts: {await_head: 2s}", nodeShop("INVOICE_MS=2500")) },
		Break: func(s *Stage) error {
			s.Invite(Visitors{Clients: 1, Asks: []Ask{{Method: "GET", Path: "/invoice", Every: 2 * time.Second}}})
			return nil
		}},
	{Cause: "app.deadlock", Means: Real, Scope: "server",
		Set:   beside(func(s *Stage) error { return s.shop("timeouts: {await_head: 4s}", nodeShop()) }),
		Break: func(s *Stage) error { return s.processes[0].Kill(syscall.SIGSTOP) },
		Mend:  func(s *Stage) error { return s.processes[0].Kill(syscall.SIGCONT) }},
}

// freeze has a process stand still for a while.
func (s *Stage) freeze(ctx context.Context, at int, d time.Duration) error {
	if err := s.processes[at].Kill(syscall.SIGSTOP); err != nil {
		return err
	}
	pause(ctx, d)
	return s.processes[at].Kill(syscall.SIGCONT)
}
