// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"causey/lab/origin"
	"causey/lab/real"
)

func init() { lists = append(lists, rawForeign) }

// setForeign has a server of another protocol stand where the gateway looks for HTTP: an accept mode of the origin.
func setForeign(accept string) func(*Stage) error {
	return func(s *Stage) error {
		r, err := s.raw(origin.Options{Accept: accept})
		if err != nil {
			return err
		}
		s.Config = behind("http://"+r.Addr(), slowStall)
		return nil
	}
}

func foreign(name string) *Fault {
	return &Fault{Cause: "proto.not_http", Name: name, Means: Raw, Scope: "upstream", Set: setForeign(name)}
}

var rawForeign = []*Fault{
	foreign("ssh"), foreign("smtp"), foreign("mysql"), foreign("redis"),
	answers{cause: "proto.http09", name: "script", scope: "path", match: always(search), target: "/lab/error-line"}.fault(),
	answers{cause: "proto.http09", name: "device", scope: "upstream", match: always(everything), target: "/lab/http09"}.fault(),
	{Cause: "proto.h2c", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxPlain("listen ADDR http2;", "")
	}},
	{Cause: "proto.proxy_protocol", Name: "expected", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxPlain("listen ADDR proxy_protocol;", "")
	}},
	{Cause: "proto.proxy_protocol", Name: "sent", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		return s.nginxPlain("listen ADDR;", "proxy_protocol: v1")
	}},
	{Cause: "proto.proxy_protocol", Name: "haproxy", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		r, err := s.raw(origin.Options{})
		if err != nil {
			return err
		}
		p, err := s.started(real.StartHAProxy(s.ctx, real.HAProxyOptions{Forward: r.Addr(), Accept: true}))
		if err != nil {
			return err
		}
		s.Config = behind("http://"+p.Addr(), slowStall)
		return nil
	}},
}

// nginxPlain sets up nginx without TLS, and the gateway before it.
func (s *Stage) nginxPlain(listen, line string) error {
	p, err := s.proxied(listen, real.NginxOptions{})
	if err != nil {
		return err
	}
	lines := []string{slowStall}
	if line != "" {
		lines = append(lines, line)
	}
	s.Config = behind("http://"+p.Addr(), lines...)
	return nil
}
