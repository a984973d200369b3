// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
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
	{Cause: "req.wrong_host", Name: "redirect", Means: Real, Scope: "upstream", Set: setWrongHost("return 301 http://shop.test$request_uri;")},
	{Cause: "req.proto_loop", Means: Real, Scope: "upstream", Set: setProtoLoop},
	{Cause: "gw.proxy_loop", Name: "itself", Means: Raw, Scope: "upstream", Set: func(s *Stage) error {
		return setLoop(s, s.Gateway)
	}},
	{Cause: "gw.proxy_loop", Name: "relay", Means: Real, Scope: "upstream", Set: func(s *Stage) error {
		p, err := s.nginx("server { listen ADDR; location / { "+proxyTo(s.Gateway)+" } }", real.NginxOptions{})
		if err != nil {
			return err
		}
		return setLoop(s, p.Addr())
	}},
	answers{cause: "req.chunked_unsupported", scope: "path", target: "/status/411",
		match: always(func(q origin.Request) bool { return q.Get("Transfer-Encoding") != "" }),
		asks:  []Ask{{Method: "POST", Path: "/import", Body: 20000, Chunked: true, Weight: 4}}}.fault(),
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
		p, err := s.nginx("server { listen ADDR default_server; server_name other.test; "+byDefault+" }\n"+
			"server { listen ADDR; server_name shop.test; location / { "+proxyTo(r.Addr())+" } }", real.NginxOptions{})
		if err != nil {
			return err
		}
		for i := range s.Visitors.Asks {
			s.Visitors.Asks[i].Host = "shop.test"
		}
		s.Config = behind("http://"+p.Addr(), "host_header: server")
		return nil
	}
}

// setProtoLoop has something in front of the gateway speak TLS with visitors, and the gateway not tell the application,
// which wants https.
func setProtoLoop(s *Stage) error {
	p, err := s.proxied("listen ADDR; if ($http_x_forwarded_proto != https) { return 301 https://$http_host$request_uri; }", real.NginxOptions{})
	if err != nil {
		return err
	}
	s.everyone("X-Forwarded-Proto: https")
	s.Config = "forwarded: {emit: []}\n" + behind("http://"+p.Addr())
	return nil
}

// setLoop has the search be answered by a server that leads back to the gateway, beside a shop that is well.
func setLoop(s *Stage, back string) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.Config = fmt.Sprintf("sites:\n  - host: \"*\"\n    routes: [{path: /, upstream: shop}, {path: /search, upstream: search}]\nupstreams:\n"+
		"  search: {servers: [\"http://%s\"]}\n  shop: {servers: [\"http://%s\"]}\n", back, r.Addr())
	return nil
}

// bodyTimeout is how long a server waits for a whole request.
const bodyTimeout = 3 * time.Second

// setSlowUpload has an application that gives up an upload after bodyTimeout, in its own way, and visitors whose uploads
// take three times that.
func setSlowUpload(give func(http.ResponseWriter)) func(*Stage) error {
	return func(s *Stage) error {
		addr, err := s.serve(&http.Server{ReadTimeout: bodyTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				give(w)
				return
			}
			shopPage(w, r)
		})})
		if err != nil {
			return err
		}
		s.Config = behind("http://" + addr)
		s.Visitors.Asks = append(s.Visitors.Asks,
			Ask{Method: "POST", Path: "/photos", Body: 90000, SendRate: 10000, Weight: 2}, Ask{Method: "POST", Path: "/photos", Body: 90000, Weight: 1})
		return nil
	}
}
