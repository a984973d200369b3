// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"causey/lab/pattern"
)

// app starts an application written for net/http.
func (s *Stage) app(h http.Handler) (addr string, err error) {
	return s.appOf(&http.Server{Handler: h})
}

// appOf is app with the server's own settings.
func (s *Stage) appOf(srv *http.Server) (addr string, err error) {
	ln, err := net.Listen("tcp", s.anywhere())
	if err != nil {
		return "", err
	}
	addr = ln.Addr().String()
	srv.ReadHeaderTimeout = time.Minute
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.Logf("application at %s: %v", addr, err)
		}
	}()
	s.AtEnd(func() {
		_ = srv.Close()
		<-done
	})
	return addr, nil
}

// shopPage answers an ordinary visitor.
func shopPage(w http.ResponseWriter, r *http.Request) {
	kind, size := "text/html; charset=utf-8", 14000
	if strings.HasPrefix(r.URL.Path, "/static/") {
		kind, size = "text/css", 6000
	}
	page := make([]byte, size)
	pattern.Fill(page, 0)
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(page)
}

// refuse answers with a status, more fields and a body, as an application or an edge does.
func refuse(w http.ResponseWriter, status int, fields, body string) {
	setFields(w, fields)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// setFields takes one field a line.
func setFields(w http.ResponseWriter, fields string) {
	for line := range strings.SplitSeq(fields, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			w.Header().Set(name, value)
		}
	}
}
