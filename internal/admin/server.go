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
	"sync/atomic"
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
	// Inherited returns the socket of an address ("tcp") or a path ("unix") that the
	// process before this one lends us until Own, nil if there is none. It may be nil.
	Inherited func(network, address string) (net.Listener, error)
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
	// Decide does with a server what its owner wants. The errors are ErrNoServer,
	// wrapped or not, and ErrUpgrading; warnings are whole sentences without a full stop.
	Decide func(Decision) (warnings []string, err error)
	// Incidents has what is wrong, and what was, Past what was before that; Changes how that
	// changed of late.
	// Diagnosing says that incidents are looked for.
	Diagnosing bool
	Incidents  Incidents
	Past       PastIncidents
	Changes    *IncidentLog
	// Events has the newest changes of servers' states.
	Events *EventLog
	// SetServers makes a list the servers of an upstream, nil gives it those of its
	// configuration again. It fails with ErrNoUpstream, ErrNotByAPI, or a *ReloadError
	// that says what is wrong with the list. nil for no such thing.
	SetServers func(upstream string, list []byte) error
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
	// Upgrade starts the program anew, gives it wait to get ready, and has it take
	// over. ErrUpgrading and a *ReloadError are errors of its own kind.
	Upgrade func(ctx context.Context, wait time.Duration) (Upgraded, error)
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
	streams   chan struct{} // has an element for each stream
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
	// lent says that the socket is another process's as well, and left that it is
	// the other's alone.
	lent, left atomic.Bool
}

// New returns an admin side that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Token != "" && len(o.Token) < tokenMinBytes {
		return nil, errors.New("admin: the token is too short to be a secret; use at least 16 characters, for example from: head -c 24 /dev/urandom | base64")
	}
	return &Server{opts: o, closing: make(chan struct{}), streams: make(chan struct{}, readersMax), patience: requestTimeout}, nil
}

// Start opens the listeners and serves.
func (s *Server) Start() error {
	if err := s.Open(); err != nil {
		return err
	}
	s.Serve()
	return nil
}

// Open opens the listeners: who connects waits until Serve. On an error nothing is
// left open.
func (s *Server) Open() error {
	if s.opts.Listen != "" {
		ln, _, err := s.open("tcp", s.opts.Listen)
		if err != nil {
			return err
		}
		s.tcp = s.endpoint(ln, false)
	}
	if s.opts.Socket == "" {
		return nil
	}
	ln, lent, err := s.open("unix", s.opts.Socket)
	switch {
	case err == nil:
		s.unix = s.endpoint(ln, true)
		s.unix.path = s.opts.Socket
		s.unix.lent.Store(lent)
		// Without a file, of a socket that was left to us, none is to be removed.
		s.unix.file, _ = identify(s.opts.Socket)
	case s.opts.SocketOptional:
		s.opts.Logger.Warn("admin: no unix socket; reload and profiles need the token", "path", s.opts.Socket, "error", err)
	default:
		if s.tcp != nil {
			_ = s.tcp.ln.Close()
			s.tcp = nil
		}
		return err
	}
	return nil
}

// open returns the socket that another process lent us, until Own, or opens it.
func (s *Server) open(network, address string) (ln net.Listener, lent bool, err error) {
	if s.opts.Inherited != nil {
		if ln, err = s.opts.Inherited(network, address); ln != nil || err != nil {
			return ln, true, err
		}
	}
	if network == "unix" {
		ln, err = listenUnix(address)
	} else {
		ln, err = listenLoopback(address)
	}
	return ln, false, err
}

// Serve serves what Open opened.
func (s *Server) Serve() {
	for _, e := range s.endpoints() {
		go func() {
			err := e.http.Serve(limitListener(e.ln, connectionsMax))
			if !errors.Is(err, http.ErrServerClosed) && !e.left.Load() {
				s.opts.Logger.Error("admin: stopped serving", "address", e.ln.Addr().String(), "error", err)
			}
		}()
	}
}

// endpoints lists what is open.
func (s *Server) endpoints() []*endpoint {
	var all []*endpoint
	for _, e := range []*endpoint{s.tcp, s.unix} {
		if e != nil {
			all = append(all, e)
		}
	}
	return all
}

func (s *Server) endpoint(ln net.Listener, viaSocket bool) *endpoint {
	return &endpoint{ln: ln, http: &http.Server{
		Handler:           s.handler(viaSocket),
		ReadHeaderTimeout: readHeadTimeout,
		ReadTimeout:       s.patience,
		WriteTimeout:      2 * s.patience,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headLimitBytes,
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
	}}
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
	s.endStreams()
	var errs []error
	for _, e := range s.endpoints() {
		if err := e.http.Shutdown(ctx); err != nil {
			errs = append(errs, err, e.http.Close())
		}
		_ = e.ln.Close() // of one that was not served, nobody else does
		if e.path != "" && !e.lent.Load() {
			errs = append(errs, removeOwn(e.path, e.file))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) endStreams() { s.closeOnce.Do(func() { close(s.closing) }) }
