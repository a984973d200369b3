// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package shop is an origin that takes orders, writes down each, and falls ill when
// told to.
//
// What it is: a small HTTP application with a page, a form for orders and a health
// check. Everything that reaches it is a line of its journal, written before the
// answer begins, so the journal is right even if the process is killed in between.
// What ails it can be changed while it runs.
//
// What it never does: it forgives no repetition. An order that arrives twice stands in
// the journal twice.
//
// Invariants:
//
//	I1. A request whose head and body arrived is in the journal before the first
//	    byte of its answer is sent.
//	I2. One line is one write, so lines of a killed process are whole.
//	I3. An ailment changes what is answered, never what is written down.
//
// Start reading with Start; ailment.go has what can be wrong with it.
package shop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"causey/lab/pattern"
)

// The paths.
const (
	Health = "/"
	Page   = "/page"
	Form   = "/order"
)

// PageBytes is the length of the page, which is causey/lab/pattern.
const PageBytes = 16 << 10

// Options say how it works while it is well.
type Options struct {
	// Journal gets a line for each request.
	Journal io.Writer
	// Work is how long the page and an order take.
	Work time.Duration
	// IdleClose ends connections that are idle for so long; 0 is never.
	IdleClose time.Duration
}

// Server is a shop that is open.
type Server struct {
	opts Options
	gate *gate
	http *http.Server
	wg   sync.WaitGroup
	page []byte

	mu      sync.Mutex // held while a line is written
	ailment atomic.Pointer[ailment]
	count   atomic.Uint64
	// done is closed by Close.
	done chan struct{}
	once sync.Once
}

// Start opens a shop at addr.
func Start(addr string, o Options) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, gate: newGate(ln.(*net.TCPListener)), page: make([]byte, PageBytes), done: make(chan struct{})}
	pattern.Fill(s.page, 0)
	s.ailment.Store(&ailment{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Health+"{$}", func(w http.ResponseWriter, r *http.Request) { s.health(w, r) })
	mux.HandleFunc("GET "+Page, func(w http.ResponseWriter, r *http.Request) { s.visit(w, r, "page", "-") })
	mux.HandleFunc("POST "+Form, s.order)
	s.http = &http.Server{Handler: mux, IdleTimeout: o.IdleClose, ReadHeaderTimeout: time.Minute, ConnState: s.gate.state}
	s.wg.Go(func() { _ = s.http.Serve(s.gate) })
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.gate.Addr().String() }

// Leave closes the shop as a well-written application does: those inside are served,
// for at most limit.
func (s *Server) Leave(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := s.http.Shutdown(ctx)
	return errors.Join(err, s.Close())
}

// Close ends everything at once.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		s.gate.open()
		err = s.http.Close()
	})
	s.wg.Wait()
	return err
}

// write adds a line to the journal (I2).
func (s *Server) write(r *http.Request, what, id string) {
	line := fmt.Appendf(nil, "%d %d %s %s\n", time.Now().UnixNano(), sent(r), what, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.opts.Journal.Write(line)
}

// sent is when the visitor says that the request was sent, in nanoseconds; 0 if the
// visitor says nothing.
func sent(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.Header.Get("X-Sent"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// health answers without work; only an ailment of the health check itself or one of
// the whole shop shows here.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	s.write(r, "health", "-")
	if a := s.ailment.Load(); a.health || a.share >= 1 && a.suffer != nil {
		a.show(s, w, r)
		return
	}
	_, _ = io.WriteString(w, "open\n")
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Order")
	if _, err := io.Copy(io.Discard, r.Body); err != nil || id == "" {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	s.visit(w, r, "order", id)
}

// visit serves the page, and orders with the same page.
func (s *Server) visit(w http.ResponseWriter, r *http.Request, what, id string) {
	s.write(r, what, id) // I1
	a := s.ailment.Load()
	if !a.health && a.suffer != nil && a.hits(s.count.Add(1)) {
		a.show(s, w, r)
		return
	}
	if !s.sleep(r, s.opts.Work+a.slow) {
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(s.page)))
	// In two parts, so that a death can fall between them.
	half := len(s.page) / 2
	_, _ = w.Write(s.page[:half])
	_ = http.NewResponseController(w).Flush()
	s.sleep(r, pause)
	_, _ = w.Write(s.page[half:])
}

// pause is between the halves of the page.
const pause = 2 * time.Millisecond

// sleep waits d and reports whether there is still somebody to answer.
func (s *Server) sleep(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}
