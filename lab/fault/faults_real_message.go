// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"strings"

	"causey/lab/real"
)

// realRequests are requests that a server will not take.
var realRequests = []*Fault{
	{Cause: "proto.fastcgi", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { return s.shop("", phpShop("pm.max_children = 2\n")) }},
	{Cause: "proto.fastcgi", Name: "uwsgi", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { return s.shop("", uwsgiShop("--socket")) }},
	{Cause: "req.body_too_large", Means: Real, Scope: "path",
		Set: func(s *Stage) error { // nginx lets 1 MiB through unless told
			s.also(Ask{Method: "POST", Path: "/cart", Body: 3 << 20, Weight: 3})
			return s.behind(nginxProgram("", toApp("{{.Data}}")))
		}},
	{Cause: "req.body_too_large", Name: "node", Means: Real, Scope: "path",
		Set: func(s *Stage) error { // as body-parser does, whose limit is 100 kB
			s.also(Ask{Method: "POST", Path: "/cart", Body: 3 << 20, Weight: 3})
			return s.shop("", nodeShop("BODY_LIMIT=102400"))
		}},
	{Cause: "req.body_too_large", Name: "php", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "POST", Path: "/cart", Body: 3 << 20, Weight: 3})
			return s.behindNginx("pm.max_children = 4\nphp_admin_value[post_max_size] = 2M\n", "client_max_body_size 64m;", "")
		}},
	{Cause: "req.headers_too_large", Means: Real, Scope: "client",
		Set: func(s *Stage) error { // Node takes 16 KiB
			s.also(Ask{Method: "GET", Path: "/account", Fields: []string{"Cookie: " + cookies(20)}, Weight: 3})
			return s.shop("", nodeShop())
		}},
	{Cause: "req.headers_too_large", Name: "uwsgi", Means: Real, Scope: "client",
		Set: func(s *Stage) error { // uwsgi takes 4 KiB, and closes without a word
			s.also(Ask{Method: "GET", Path: "/account", Fields: []string{"Cookie: " + cookies(8)}, Weight: 3})
			return s.shop("", uwsgiShop("--http-socket"))
		}},
	{Cause: "req.headers_too_large", Name: "nginx", Means: Real, Scope: "client",
		Set: func(s *Stage) error { // nginx takes four lines of 8 KiB, and answers 400
			s.also(Ask{Method: "GET", Path: "/account", Fields: []string{"Cookie: " + cookies(12)}, Weight: 3})
			return s.behindNginx("pm.max_children = 4\n", "", "")
		}},
}

// cookies are so many KiB of cookies, as a shop that remembers everything there makes
// them.
func cookies(kib int) string {
	return strings.TrimSuffix(strings.Repeat("seen="+strings.Repeat("v", 1017)+"; ", kib), "; ")
}

// uwsgiShop is the shop on uWSGI, which speaks HTTP on --http-socket and its own protocol
// on --socket.
func uwsgiShop(listen string) real.Program {
	return real.Program{Name: "uwsgi", Programs: []string{"uwsgi"}, Package: "uwsgi, uwsgi-plugin-python3",
		Files: map[string]string{"shop.py": app("shop.py")}, Ready: real.Accepts,
		Args: []string{"--plugin", "python3", listen, "{{.Addr}}", "--chdir", "{{.Dir}}", "--wsgi", "shop", "--master",
			"--processes", "2", "--threads", "2", "--die-on-term"}}
}

// realAnswers are answers whose head a gateway does not take.
var realAnswers = []*Fault{
	{Cause: "resp.header_too_big", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/account", Weight: 3})
			return s.shop("", gunicornShop("--workers 2", "COOKIES=90"))
		}},
	{Cause: "resp.header_too_big", Name: "node", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/account", Weight: 3})
			return s.shop("", nodeShop("COOKIES=90"))
		}},
	{Cause: "resp.header_too_big", Name: "php", Means: Real, Scope: "path",
		Twins: []string{"relayed.inner_gateway"},
		Why:   "nginx has 4 KiB for the head that php-fpm sends, and makes a 502 of its own",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "GET", Path: "/account", Weight: 3})
			return s.behindNginx("pm.max_children = 4\nenv[COOKIES] = 12\n", "", "")
		}},
	{Cause: "resp.cl_and_te", Means: Real, Scope: "path",
		Set: func(s *Stage) error { // uWSGI sends what the application says, both of it
			s.also(Ask{Method: "GET", Path: "/both", Weight: 3})
			return s.shop("", uwsgiShop("--http-socket"))
		}},
}
