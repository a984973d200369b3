// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the admin side. They hold for each listener by itself, so that a
// crowd at the address leaves the socket usable.
const (
	connectionsMax    = 64
	headLimitBytes    = 16 << 10
	bodyLimitBytes    = 64 << 10
	readHeadTimeout   = 5 * time.Second
	requestTimeout    = 15 * time.Second // to read a whole request, and as long again to answer
	idleTimeout       = 60 * time.Second
	tokenMinBytes     = 16
	profileSecondsMax = 120
)

// Options is what the admin side needs from outside. Functions are called from
// any goroutine and must not be nil, except where a field says so.
type Options struct {
	// Listen is the address for people and scrapers, such as "127.0.0.1:8081"; it
	// must be loopback. "" listens on none.
	Listen string
	// Socket is the path of the unix socket, "" for none. SocketOptional turns a
	// failure to listen there into a warning.
	Socket         string
	SocketOptional bool
	// Token, if not empty, allows over TCP what otherwise only the socket may.
	Token string

	Store *Store
	// Metrics answers /metrics, nil for none.
	Metrics http.Handler
	// Ready says whether the gateway takes traffic.
	Ready func() Readiness
	// Upstreams tells names, addresses and connections; what the records tell (the
	// attempts) is added here.
	Upstreams func() []Upstream
	// Certificates tells the certificates of the listeners with TLS; what follows from
	// the time is added here.
	Certificates func() []Certificate
	// Cache tells what the cache keeps, Purge makes it forget. An error of Purge is for
	// people.
	Cache func() CacheState
	Purge func(Purge) (PurgeResult, error)
	// Reload loads the configuration again and waits for the result. A
	// *ReloadError tells problems with their places.
	Reload func(context.Context) error
	// Config returns the configuration in use as JSON, without secrets.
	Config func() []byte
	Build  Build
	// Now and After are the clock: time.Now and time.After.
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
	Logger *slog.Logger
}

// Build says which build is running.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	Date      string `json:"date"`
	GoVersion string `json:"go_version"`
}

// Server is the admin side. Its zero value is not usable; see New.
type Server struct {
	opts      Options
	reloading sync.Mutex
	closing   chan struct{} // closed by Shutdown: streams end
	closeOnce sync.Once
	patience  time.Duration // requestTimeout, but in a test

	tcp, unix *endpoint // nil if not configured
}

// endpoint is one listener with its server.
type endpoint struct {
	ln   net.Listener
	http *http.Server
	path string   // of a unix socket
	file identity // of a unix socket
}

// New returns an admin side that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Token != "" && len(o.Token) < tokenMinBytes {
		return nil, errors.New("admin: the token is too short to be a secret; use at least 16 characters, for example from: head -c 24 /dev/urandom | base64")
	}
	return &Server{opts: o, closing: make(chan struct{}), patience: requestTimeout}, nil
}

// Start opens the listeners and serves. On an error nothing is left open.
func (s *Server) Start() error {
	if s.opts.Listen != "" {
		ln, err := listenLoopback(s.opts.Listen)
		if err != nil {
			return err
		}
		s.tcp = s.serve(ln, false)
	}
	if s.opts.Socket == "" {
		return nil
	}
	ln, file, err := listenUnix(s.opts.Socket)
	switch {
	case err == nil:
		s.unix = s.serve(ln, true)
		s.unix.path, s.unix.file = s.opts.Socket, file
	case s.opts.SocketOptional:
		s.opts.Logger.Warn("admin: no unix socket; reload and profiles need the token", "path", s.opts.Socket, "error", err)
	default:
		if s.tcp != nil {
			_ = s.tcp.http.Close()
			s.tcp = nil
		}
		return err
	}
	return nil
}

func (s *Server) serve(ln net.Listener, viaSocket bool) *endpoint {
	e := &endpoint{ln: ln, http: &http.Server{
		Handler:           s.handler(viaSocket),
		ReadHeaderTimeout: readHeadTimeout,
		ReadTimeout:       s.patience,
		WriteTimeout:      2 * s.patience,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headLimitBytes,
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := e.http.Serve(limitListener(ln, connectionsMax)); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Logger.Error("admin: stopped serving", "address", ln.Addr().String(), "error", err)
		}
	}()
	return e
}

// Addr returns the TCP address in use, nil if there is none.
func (s *Server) Addr() net.Addr {
	if s.tcp == nil {
		return nil
	}
	return s.tcp.ln.Addr()
}

// Shutdown ends all streams (I5), lets requests finish until ctx is done, then
// closes what is left. The socket's file is removed if it is still ours.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closeOnce.Do(func() { close(s.closing) })
	var errs []error
	for _, e := range []*endpoint{s.tcp, s.unix} {
		if e == nil {
			continue
		}
		if err := e.http.Shutdown(ctx); err != nil {
			errs = append(errs, err, e.http.Close())
		}
		if e.path != "" {
			errs = append(errs, removeOwn(e.path, e.file))
		}
	}
	return errors.Join(errs...)
}
