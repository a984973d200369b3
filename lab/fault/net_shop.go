// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"causey/lab/names"
	"causey/lab/pattern"
)

// goods is a small shop without faults: pages, files and a cart, all fast. Where the network is what fails, what
// answers behind it had better be beyond suspicion.
type goods struct {
	// work is how long a page takes.
	work time.Duration
	// closes has it end a connection after so many answers on average; 0 is never.
	closes int
}

const pageBytes = 6 << 10

func (g goods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.closes > 0 && rand.IntN(g.closes) == 0 {
		w.Header().Set("Connection", "close")
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/static/") {
		w.Header().Set("Cache-Control", "public, max-age=60")
		g.write(w, "text/css", 8<<10)
		return
	}
	select {
	case <-time.After(g.work):
	case <-r.Context().Done():
		return
	}
	switch {
	case r.Method == http.MethodPost, r.URL.Path == "/search":
		g.write(w, "application/json", 200)
	default:
		g.write(w, "text/html; charset=utf-8", pageBytes)
	}
}

func (g goods) write(w http.ResponseWriter, kind string, n int64) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	_, _ = io.Copy(struct{ io.Writer }{w}, pattern.NewReader(n)) // head and body in one write, unlike ReadFrom
}

// serve has h answer at addr in the namespace until the stage ends.
func (s *Stage) serve(n *space, addr string, h http.Handler) error {
	ln, err := n.listen(addr)
	if err != nil {
		return err
	}
	s.serveOn(ln, h)
	return nil
}

// listening is a server that answers.
type listening struct {
	*http.Server
	ended chan struct{}
}

// stop returns when its address is free.
func (l *listening) stop() {
	l.Close()
	<-l.ended
}

func (s *Stage) serveOn(ln net.Listener, h http.Handler) *listening {
	quiet := log.New(io.Discard, "", 0) // that clients give up is what they are here for
	l := &listening{&http.Server{Handler: h, ErrorLog: quiet}, make(chan struct{})}
	go func() {
		defer close(l.ended)
		_ = l.Serve(ln)
	}()
	s.AtEnd(l.stop)
	return l
}

// everywhere has h answer at this port of each server of the yard.
func (y *yard) everywhere(port string, h http.Handler) error {
	for _, n := range y.servers {
		if err := y.stage.serve(n, ":"+port, h); err != nil {
			return err
		}
	}
	return nil
}

// nameServer serves names at addr of the namespace until the stage ends.
func (s *Stage) nameServer(n *space, addr string) (dns *names.Server, err error) {
	err = n.in(func() error {
		dns, err = names.Start(addr)
		return err
	})
	if err == nil {
		s.AtEnd(func() { dns.Close() })
	}
	return dns, err
}
