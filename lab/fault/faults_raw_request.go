// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"io"
	"net/http"
	"time"

	"causey/lab/origin"
	"causey/lab/real"
)

func init() { lists = append(lists, rawRequest) }

var rawRequest = []*Fault{
	answers{cause: "req.expect_stall", scope: "path", target: "/lab/never-read", lines: []string{slowStall},
		match: always(func(q origin.Request) bool { return q.Get("Expect") != "" }),
		asks:  []Ask{{Method: "POST", Path: "/import", Body: 40000, Fields: []string{"Expect: 100-continue"}, Weight: 4}}}.fault(),
	{Cause: "req.wrong_host", Name: "default", Means: Real, Scope: "upstream", Set: setWrongHost("return 404;")},
	{Cause: "req.wrong_host", Name: "redirect", Means: Real, Scope: "upstream",
		Set: setWrongHost("return 301 http://shop.example$request_uri;")},
	{Cause: "req.proto_loop", Means: Real, Scope: "upstream", Set: setProtoLoop},
	{Cause: "gw.proxy_loop", Name: "haproxy", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		p, err := s.started(real.StartHAProxy(s.ctx, real.HAProxyOptions{Forward: s.Gateway}))
		if err != nil {
			return err
		}
		return setLoop(s, p.Addr())
	}},
	{Cause: "gw.proxy_loop", Name: "nginx", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		p, err := s.nginx("server { listen ADDR; location / { "+proxyTo(s.Gateway)+" } }", real.NginxOptions{})
		if err != nil {
			return err
		}
		return setLoop(s, p.Addr())
	}},
	{Cause: "req.chunked_unsupported", Means: Raw, Scope: "path", Set: setChunked, Break: later, Mend: back},
	{Cause: "req.slow_upload", Name: "408", Means: Raw, Scope: "path", Set: setSlowUpload(func(w http.ResponseWriter) {
		w.Header().Set("Connection", "close")
		http.Error(w, "the upload took too long", http.StatusRequestTimeout)
	})},
	{Cause: "req.slow_upload", Name: "close", Means: Raw, Scope: "path", Set: setSlowUpload(func(http.ResponseWriter) {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	})},
}

// everyone adds these fields to whatever the visitors ask.
func (s *Stage) everyone(fields ...string) {
	for i := range s.Visitors.Asks {
		s.Visitors.Asks[i].Fields = append(s.Visitors.Asks[i].Fields, fields...)
	}
}

// setWrongHost has nginx know the shop by its name only, while the gateway calls it by its address: the default server
// answers.
func setWrongHost(byDefault string) func(*Stage) error {
	return func(s *Stage) error {
		r, err := s.raw(origin.Options{})
		if err != nil {
			return err
		}
		p, err := s.nginx("server { listen ADDR default_server; server_name other.example; "+byDefault+" }\n"+
			"server { listen ADDR; server_name shop.example; location / { "+proxyTo(r.Addr())+" } }", real.NginxOptions{})
		if err != nil {
			return err
		}
		s.Config = behind("http://"+p.Addr(), "host_header: server")
		return nil
	}
}

// setProtoLoop has something in front of the gateway speak TLS with visitors and say so to a gateway that believes nobody,
// and so tells an application that wants https of http.
func setProtoLoop(s *Stage) error {
	p, err := s.proxied("listen ADDR; if ($http_x_forwarded_proto != https) { return 301 https://$http_host$request_uri; }",
		real.NginxOptions{})
	if err != nil {
		return err
	}
	s.everyone("X-Forwarded-Proto: https")
	s.Config = "trusted_proxies: []\n" + behind("http://"+p.Addr())
	return nil
}

// setLoop has the search be answered by a server that leads back to the gateway, beside a shop that is well.
func setLoop(s *Stage, back string) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = "sites:\n  - host: shop.example\n    routes: [{path: /, upstream: shop}, {path: /search, upstream: search}]\n" +
		"upstreams:\n  search: {servers: [http://" + back + "]}\n  shop: {servers: [http://" + r.Addr() + "]}\n"
	return nil
}

// setChunked has a server that wants to know the length of a body beforehand, and from Break on uploads of which nobody
// knows it.
func setChunked(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = behind("http://" + r.Addr())
	strangers{addresses: 3, width: 1, every: time.Second, patience: 3 * time.Second,
		request: func(int, int) []byte { return []byte(chunkedImport) }}.comeTo(s)
	return r.fall(func(q origin.Request) string {
		if q.Get("Transfer-Encoding") != "" {
			return "/status/411"
		}
		return ""
	})
}

const chunkedImport = "POST /import HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"5\r\na,b,c\r\n0\r\n\r\n"

// bodyTimeout is how long a server waits for a whole request.
const bodyTimeout = 3 * time.Second

// setSlowUpload has an application that gives up an upload after bodyTimeout, in its own way, and visitors whose uploads
// take three times that.
func setSlowUpload(give func(http.ResponseWriter)) func(*Stage) error {
	return func(s *Stage) error {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				give(w)
				return
			}
			shopPage(w, r)
		})
		addr, err := s.appOf(&http.Server{ReadTimeout: bodyTimeout, Handler: handler})
		if err != nil {
			return err
		}
		s.Config = behind("http://" + addr)
		s.also(Ask{Method: "POST", Path: "/photos", Body: 90000, SendRate: 10000, Weight: 2},
			Ask{Method: "POST", Path: "/photos", Body: 90000, Weight: 1})
		return nil
	}
}
