// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"strings"

	"causey/lab/origin"
	"causey/lab/real"
)

// nginx starts nginx with this http block, in which ADDR is its address.
func (s *Stage) nginx(http string, o real.NginxOptions) (*real.Process, error) {
	addr, err := real.FreeAddr("0")
	if err != nil {
		return nil, err
	}
	o.Addr, o.HTTP = addr, strings.ReplaceAll(http, "ADDR", addr)
	return s.started(real.StartNginx(s.ctx, o))
}

// started has p ended with the stage, and says in a fault's own words that it is missing.
func (s *Stage) started(p *real.Process, err error) (*real.Process, error) {
	var missing real.ErrMissing
	switch {
	case errors.As(err, &missing):
		return nil, ErrNeeds{missing.Program + " (Debian package " + missing.Package + ")"}
	case err != nil:
		return nil, err
	}
	s.AtEnd(func() {
		if err := p.Stop(); err != nil {
			s.Logf("end of %s: %v", p.Name(), err)
		}
	})
	return p, nil
}

// proxied is a server of nginx with these lines, before a raw server that is well.
func (s *Stage) proxied(lines string, o real.NginxOptions) (*real.Process, error) {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return nil, err
	}
	return s.nginx("server {\n"+lines+"\nlocation / { "+proxyTo(r.Addr())+" }\n}\n", o)
}

// proxyTo are the lines of nginx that pass a request on as it came.
func proxyTo(addr string) string {
	return "proxy_pass http://" + addr + "; proxy_http_version 1.1; " +
		"proxy_set_header Host $http_host; proxy_set_header Connection \"\";"
}
