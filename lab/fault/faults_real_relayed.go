// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"syscall"

	"causey/lab/real"
)

// realRelayed are errors that are made behind the gateway, and passed on by it.
var realRelayed = []*Fault{
	{Cause: "relayed.inner_gateway", Means: Real, Scope: "upstream",
		Set:   beside(func(s *Stage) error { return s.nodeBehindNginx("") }),
		Break: killFirst},
	{Cause: "relayed.inner_gateway", Name: "haproxy", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			return s.behind(real.Program{Name: "haproxy", Programs: []string{"haproxy"}, Package: "haproxy",
				Templates: map[string]string{"haproxy.cfg": haproxyConf}, Args: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"}, Ready: real.Accepts})
		},
		Break: killFirst},
	{Cause: "relayed.inner_gateway", Name: "apache", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			return s.behind(real.Program{Name: "apache", Programs: []string{"apache2"}, Package: "apache2",
				Templates: map[string]string{"httpd.conf": apacheConf}, Ready: real.Accepts,
				Args: []string{"-d", "{{.Dir}}", "-f", "{{.Dir}}/httpd.conf", "-D", "FOREGROUND"}})
		},
		Break: killFirst},
	{Cause: "relayed.app_emitted", Means: Real, Scope: "path",
		Set: func(s *Stage) error {
			s.also(Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 4})
			p, err := s.hire()
			if err != nil {
				return err
			}
			return s.shop("", nodeShop("PARTNER="+p.url))
		},
		Break: with(func(p *partner) error { return p.server.Close() })},
}

func killFirst(s *Stage) error { return s.processes[0].Kill(syscall.SIGKILL) }

// behind sets up Node and a proxy before it, whose templates see Node's address as .Data.
func (s *Stage) behind(proxy real.Program) error {
	node, err := s.launch(nodeShop())
	if err != nil {
		return err
	}
	proxy.Data = node.Addr()
	p, err := s.launch(proxy)
	if err != nil {
		return err
	}
	s.Config = shopConfig("", p.Addr())
	return nil
}

const haproxyConf = `defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    retries 1
frontend shop
    bind {{.Addr}}
    default_backend app
backend app
    server one {{.Data}}
`

const apacheConf = `ServerRoot "{{.Dir}}"
DefaultRuntimeDir "{{.Dir}}"
PidFile "{{.Dir}}/httpd.pid"
ErrorLog "{{.Log}}"
Listen {{.Addr}}
ServerName {{.Addr}}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ServerLimit 1
StartServers 1
ThreadsPerChild 25
MaxRequestWorkers 25
MinSpareThreads 1
MaxSpareThreads 25
ProxyPass "/" "http://{{.Data}}/" retry=0
`
