// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// realEnds are processes that end, or are ended, with work in hand.
var realEnds = []*Fault{
	{Cause: "app.oom_killed", Means: Real, Scope: "server",
		Twins: []string{"app.crashloop"},
		Why:   "no signal's number is seen from outside the machine",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/orders.csv", Patience: 30 * time.Second, Weight: 2})
			return s.shop("", gunicornShop("--workers 1 --threads 20", "REMEMBER_MB=8"))
		},
		Break: func(s *Stage) error { return s.confine(s.processes[0], memoryLimit(100<<20)) }},
	{Cause: "app.oom_killed", Name: "workers", Means: Real, Scope: "server",
		Twins: []string{"app.crashloop"},
		Why:   "no signal's number is seen from outside the machine",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/orders.csv", Patience: 30 * time.Second, Weight: 2})
			return s.shop("", gunicornShop("--workers 2 --threads 20"))
		},
		Break: func(s *Stage) error { // as the kernel does where memory is out
			s.again(3*time.Second, func(context.Context) error {
				_, err := s.processes[0].KillWorkers(syscall.SIGKILL)
				return err
			})
			return nil
		}},
	{Cause: "app.crashloop", Name: "input", Means: Real, Scope: "path",
		Twins: []string{"app.poison_request"},
		Why:   "a page that ends the process is an input that does",
		Set:   func(s *Stage) error { return s.shop("", nodeShop("PAGE_MS=150")) },
		Break: func(s *Stage) error { // node has a supervisor, and one page that ends it
			s.supervise(0, 100*time.Millisecond)
			s.Invite(Visitors{Clients: 1, Asks: []Ask{{Method: "GET", Path: "/crash", Every: 2 * time.Second}}})
			return nil
		}},
	{Cause: "app.crashloop", Means: Real, Scope: "server",
		Set: func(s *Stage) error { return s.shop("hold: 1s", nodeShop("PAGE_MS=50")) },
		Break: func(s *Stage) error {
			if err := errors.Join(s.write(0, "crash-after", "1500"), s.processes[0].Kill(syscall.SIGTERM)); err != nil {
				return err
			}
			s.supervise(0, time.Second, 2*time.Second, 4*time.Second)
			return nil
		}},
	{Cause: "app.worker_timeout", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			return s.shop("", gunicornShop("--workers 8 --timeout 3", "REPORT_SECONDS=9"))
		},
		Break: reports},
	{Cause: "app.worker_timeout", Name: "php", Means: Real, Scope: "path",
		Twins: []string{"relayed.inner_gateway"},
		Why:   "nginx stands between, and makes the 502 when php-fpm ends the script",
		Set: func(s *Stage) error {
			return s.behindNginx("pm.max_children = 8\nrequest_terminate_timeout = 3\nenv[REPORT_MS] = 9000\n", "", "")
		},
		Break: reports},
	{Cause: "app.recycle", Means: Real, Scope: "server",
		Twins: []string{"ka.max_requests"},
		Why:   "where one connection carries most requests, those of a worker and those of a connection are the same number",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 12})
			p, err := s.launch(gunicornShop("--workers 1 --threads 8 --max-requests 30 --keep-alive 20"))
			if err != nil {
				return err
			}
			far, err := s.distance(p.Addr(), 60*time.Millisecond)
			s.Config = shopConfig("", far)
			return err
		}},
	{Cause: "app.poison_request", Means: Real, Scope: "path",
		Set: func(s *Stage) error { // one worker ends, and nobody else's request with it
			s.also(Ask{Method: "GET", Path: "/product/7", Weight: 2})
			return s.shop("", gunicornShop("--workers 4", "POISON=/product/7"))
		}},
}

// reports has three visitors come who want a report, again and again.
func reports(s *Stage) error {
	s.Invite(Visitors{Clients: 3, Asks: []Ask{{Method: "GET", Path: "/report", Every: time.Second, Patience: time.Minute}}})
	return nil
}
