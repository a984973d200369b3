// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// realDeploys are what owners do to their own servers.
var realDeploys = []*Fault{
	{Cause: "ops.rolling_no_drain", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 6})
			return s.shop("", times(3, nodeShop("PAGE_MS=600"))...)
		},
		Break: func(s *Stage) error { // one after the other gets the next version
			s.meanwhile(func(ctx context.Context) error {
				for at, p := range s.processes {
					if err := errors.Join(s.write(at, "build", "42"), s.write(at, "slow-start", "1500"), p.Kill(syscall.SIGTERM)); err != nil {
						return err
					}
					if err := errors.Join(p.Wait(ctx), p.Restart(ctx)); err != nil || !pause(ctx, time.Second) {
						return err
					}
				}
				return nil
			})
			return nil
		}},
	{Cause: "ops.restart", Means: Real, Scope: "server",
		Twins: []string{"tcp.refused.starting"},
		Why:   "a restart ends with a start",
		Set:   func(s *Stage) error { return s.shop("hold: 2s", nodeShop("PAGE_MS=250")) },
		Break: func(s *Stage) error { return s.deploy(0, "slow-start", "5000") }},
	{Cause: "ops.bad_deploy", Means: Real, Scope: "upstream",
		Set: beside(func(s *Stage) error { return s.shop("", times(2, nodeShop())...) }),
		Break: func(s *Stage) error {
			return errors.Join(s.deploy(0, "build", "42", "bug", "yes"), s.deploy(1, "build", "42", "bug", "yes"))
		}},
	{Cause: "ops.scale_in", Means: Real, Scope: "server",
		Twins: []string{"tcp.refused.down"},
		Why:   "whether a server was meant to go only its owner knows",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/live", Fields: webSocketFields, Every: time.Second, Patience: 30 * time.Second, Weight: 2},
				Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 6})
			return s.shop("", times(3, nodeShop("PAGE_MS=250"))...)
		},
		Break: func(s *Stage) error { return s.processes[0].Kill(syscall.SIGTERM) }},
	{Cause: "ops.reload_drop", Means: Real, Scope: "server",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/live", Fields: webSocketFields, Every: time.Second, Patience: 30 * time.Second, Weight: 3})
			return s.nodeBehindNginx(`proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;`)
		},
		Break: func(s *Stage) error {
			s.again(5*time.Second, func(context.Context) error { return s.processes[1].Signal(syscall.SIGHUP) })
			return nil
		}},
	{Cause: "ops.reload_drop", Name: "php", Means: Real, Scope: "server",
		Twins: []string{"relayed.inner_gateway"},
		Why:   "nginx stands between, and makes the 502 when php-fpm ends running scripts",
		Set: func(s *Stage) error {
			return s.behindNginx("pm.max_children = 20\nenv[PAGE_MS] = 400\n", "", "")
		},
		Break: func(s *Stage) error {
			if err := s.rewrite(0, "fpm.conf", "process_control_timeout = 10s", "", syscall.SIGUSR2); err != nil {
				return err
			}
			s.again(3*time.Second, func(context.Context) error { return s.processes[0].Signal(syscall.SIGUSR2) })
			return nil
		}},
	{Cause: "ops.maintenance", Means: Real, Scope: "site",
		Set:   beside(func(s *Stage) error { return s.behindNginx("pm.max_children = 4\n", "", "") }),
		Break: func(s *Stage) error { return s.write(0, ".maintenance", "") },
		Mend:  func(s *Stage) error { return os.Remove(filepath.Join(s.processes[0].Dir(), ".maintenance")) }},
	{Cause: "ops.one_bad_replica", Means: Real, Scope: "server",
		Set:   func(s *Stage) error { return s.shop("", times(3, nodeShop())...) },
		Break: func(s *Stage) error { return s.deploy(0, "bug", "yes") }},
	{Cause: "ops.periodic_job", Means: Real, Scope: "upstream",
		Twins: []string{"cap.db_down_or_pool", "cap.db_slow"},
		Why:   "what the job does is true as well; that it comes back by the clock is seen after some rounds only",
		Set: func(s *Stage) error {
			s.Visitors.PerSecond = 12
			return s.shop("", gunicornShop("--workers 1 --threads 60", "DB_SECONDS=0.5"))
		},
		Break: func(s *Stage) error { return s.lockDatabase("1.5", "3.5") }},
}

// write puts a file into a process's directory.
func (s *Stage) write(at int, name, text string) error {
	return os.WriteFile(filepath.Join(s.processes[at].Dir(), name), []byte(text), 0o644)
}

// nodeBehindNginx sets up Node with nginx in front; proxy are more lines of the place that
// leads to it.
func (s *Stage) nodeBehindNginx(proxy string) error {
	nginx := nginxProgram("", "location / { proxy_pass http://{{.Data}}; "+proxy+" }")
	nginx.Templates["nginx.conf"] = "worker_shutdown_timeout 1s;\n" + nginx.Templates["nginx.conf"]
	return s.behind(nginx)
}

// realRules are rules of gateways that do not fit what is behind them.
var realRules = []*Fault{
	{Cause: "tmo.gateway_too_short", Means: Real, Scope: "path",
		Set:   func(s *Stage) error { return s.shop("timeouts: {await_head: 3s}", nodeShop("EXPORT_MS=6000")) },
		Break: exports},
	{Cause: "ops.health_check_wrong", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			return s.shop("check: {path: /healthz, interval: 1s}", times(2, nodeShop("HEALTH=404"))...)
		}},
	{Cause: "gw.passive_ejection", Means: Real, Scope: "upstream",
		Twins: []string{"relayed.inner_gateway"},
		Why:   "it is nginx that leaves its servers out; of it only its own 502 is seen",
		Set: func(s *Stage) error {
			first, err := s.launch(gunicornShop("--workers 3", "POISON=/product/666"))
			if err != nil {
				return err
			}
			second, err := s.launch(gunicornShop("--workers 3", "POISON=/product/666"))
			if err != nil {
				return err
			}
			nginx, err := s.launch(nginxProgram("upstream shop { server "+first.Addr()+"; server "+second.Addr()+"; }",
				"location / { proxy_pass http://shop; }"))
			if err != nil {
				return err
			}
			s.Config = shopConfig("", nginx.Addr())
			return nil
		},
		Break: func(s *Stage) error {
			s.Invite(Visitors{Clients: 1, Asks: []Ask{{Method: "GET", Path: "/product/666", Every: 4 * time.Second}}})
			return nil
		}},
	{Cause: "ws.upgrade_refused", Means: Real, Scope: "path",
		Set: func(s *Stage) error { // nginx passes no Upgrade on unless told
			s.also(Ask{Method: "GET", Path: "/live", Fields: webSocketFields, Weight: 3})
			return s.nodeBehindNginx("")
		}},
	{Cause: "ws.idle_cut", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/live", Fields: webSocketFields, Patience: 30 * time.Second, Weight: 3})
			return s.nodeBehindNginx("proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; " +
				"proxy_set_header Connection $http_connection; proxy_read_timeout 4s;")
		}},
	{Cause: "ws.idle_cut", Name: "gateway", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/live", Fields: webSocketFields, Patience: 30 * time.Second, Weight: 3})
			return s.shop("timeouts: {tunnel_idle: 4s}", nodeShop())
		}},
}

// exports has two visitors come who want an export, again and again.
func exports(s *Stage) error {
	s.Invite(Visitors{Clients: 2, Asks: []Ask{{Method: "GET", Path: "/export", Every: time.Second, Patience: time.Minute}}})
	return nil
}
