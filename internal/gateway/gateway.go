// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package gateway joins the parts into a running gateway: it is the composition
// root, where configuration becomes what the parts need, and nowhere else.
//
// What it is: New builds, Start opens, Reload exchanges the configuration whole or
// not at all, Upgrade leaves the sockets to a new process, Stop drains.
//
// What it never does: it carries no request and judges nothing.
//
// Invariants:
//
//	I1. A reload that fails at any point leaves everything as it was.
//	I2. A listener that stays in the configuration is never closed and reopened.
//	I3. Everything that Start opened, Stop closes, and every goroutine ends.
//	I4. An upgrade that fails before the new process serves leaves everything as it
//	    was.
//
// Start reading with New, then build.go.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"causey/internal/accesslog"
	"causey/internal/admin"
	"causey/internal/certs"
	"causey/internal/config"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/experiment"
	"causey/internal/guard"
	"causey/internal/handover"
	"causey/internal/metrics"
	"causey/internal/record"
	"causey/internal/store"
	"causey/internal/trace"
)

// Options is what a gateway needs from outside.
type Options struct {
	// Load loads the configuration anew, for reloads. nil means that there is
	// nothing to load from.
	Load func() (*config.Config, error)
	// StateDir is where newer lists of networks are looked for (internal/cdn), and
	// where what has to outlive a restart is kept (internal/store); "" for nowhere.
	StateDir string
	// After is what the care for certificates waits with, nil for time.After.
	After func(time.Duration) <-chan time.Time
	// Inherited is what the process was given at its start, nil for nothing.
	Inherited *Inherited
	// Upgrade says how to start the program that takes over, nil if that is not ours
	// to do.
	Upgrade *Upgrade
	Build   admin.Build
	Logger  *slog.Logger
}

// Gateway is one running instance, a node.
type Gateway struct {
	opts  Options
	epoch uint64
	clock clock
	env   *exchange.Env
	eng   *engine.Engine
	plan  atomic.Pointer[exchange.Plan]

	store   *admin.Store
	lasting *store.Store // what outlives a restart
	metrics *metrics.Metrics
	admin   *admin.Server
	certs   *certs.Keeper
	checks  *checks
	log     atomic.Pointer[accesslog.Sink]
	tracer  atomic.Pointer[trace.Sink]
	spans   trace.Counts
	pump    *pump
	strays  strays
	events  *events
	byHand  *byHand
	// diagnosis reads the records too.
	diagnosis *diagnosis
	// allowed is what experiments the configuration in use allows.
	allowed atomic.Pointer[experiment.Allowed]

	// upgrades is held for the whole of an upgrade, and taken before reloads.
	upgrades sync.Mutex
	// quit is closed by the first Stop, which is told by stopping, and leftC when another
	// process has taken over; left says the same a moment earlier. upgrading keeps reloads
	// away.
	quit, leftC     chan struct{}
	left, upgrading atomic.Bool
	// reloads makes Start, reloads and Stop one by one. It may be held for seconds and
	// is taken before mu.
	reloads sync.Mutex
	// mu is held for moments only, so that readiness and metrics answer during a
	// reload. What follows is written with both held, and read with either.
	mu       sync.Mutex
	cfg      *config.Config
	obtained *certs.Automatic // made of cfg, nil if nothing is
	live     live
	// set are the servers that the API set, by upstream. It is read and written with
	// reloads held; a state that outlives the process would be read into it by New, and
	// written by SetServers.
	set      map[string][]config.Server
	resolver *resolve.Resolver
	// retired are the resolvers of former configurations: an exchange that began
	// with one may ask it to its end.
	retired   []*resolve.Resolver
	listeners map[string]*engine.Listener
	inherited *Inherited
	stopped   bool          // with reloads alone
	ended     chan struct{} // closed when Stop is done

	reloadsOK, reloadsFailed atomic.Uint64
	lastFailed, stopping     atomic.Bool
	loadedAt                 atomic.Pointer[time.Time]
}

// New builds a gateway for cfg. It opens the access log, reads what has to outlive
// restarts, and nothing else.
func New(cfg *config.Config, o Options) (*Gateway, error) {
	var seed [8]byte
	rand.Read(seed[:])
	g := &Gateway{opts: o, cfg: cfg, epoch: binary.NativeEndian.Uint64(seed[:]), listeners: map[string]*engine.Listener{}, set: map[string][]config.Server{},
		inherited: o.Inherited, quit: make(chan struct{}), leftC: make(chan struct{}), ended: make(chan struct{})}
	if g.inherited == nil {
		g.inherited = &Inherited{}
	}
	g.clock.set()
	now := g.clock.now()
	g.loadedAt.Store(&now)
	g.store = admin.NewStore(now)
	g.metrics = metrics.New(metrics.Options{Gauges: g.snapshot, Build: metrics.Build{
		Version: o.Build.Version, Commit: o.Build.Commit, GoVersion: o.Build.GoVersion}})
	g.env = &exchange.Env{
		Plan:      g.plan.Load,
		IDs:       record.NewIDs(g.epoch),
		Ring:      record.NewRing(2 * runtime.GOMAXPROCS(0)),
		Now:       g.clock.now,
		Refreshes: exchange.NewRefreshes(cfg.Cache.Refreshes),
		Bug: func(v any) {
			o.Logger.Error("a bug in an exchange; the others go on", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		},
	}
	eng, err := engine.New(engineOptions(cfg), g.env, guard.Open{}, o.Logger)
	if err != nil {
		return nil, err
	}
	g.eng = eng
	if err := g.openLog(cfg); err != nil {
		eng.Close()
		return nil, err
	}
	certOptions := g.certOptions(cfg)
	if g.certs, err = certs.New(certOptions); err != nil {
		eng.Close()
		closeLog(g.log.Load())
		return nil, err
	}
	g.obtained = certOptions.Automatic
	eng.SetClientTLS(g.clientTLS(cfg))
	g.tracer.Store(g.newTracer(cfg))
	g.checks = newChecks(g.clock.now)
	g.resolver = newResolver(cfg)
	g.events = startEvents(o.Logger, eng.TimeOf)
	g.lasting = openStore(o.StateDir, o.Logger)
	g.allow(cfg)
	if g.diagnosis, err = g.newDiagnosis(cfg); err != nil {
		g.closeAll()
		return nil, err
	}
	g.byHand = openByHand(o.StateDir, g.lasting, o.Logger)
	answers, err := g.openCache(cfg, nil)
	if err != nil {
		g.closeAll()
		return nil, fmt.Errorf("cache.disk: %w", err)
	}
	g.live = g.buildLive(cfg, live{}, g.resolver, answers)
	g.recallByHand(g.live)
	g.useCache(cfg, g.live)
	g.useNetworks(g.live)
	g.diagnosis.use(cfg, g.live.networks, o.StateDir)
	g.plan.Store(g.live.plan)
	g.live.discover()
	if err := g.newAdmin(cfg); err != nil {
		g.closeAll()
		return nil, err
	}
	return g, nil
}

// gcPercent makes the garbage collector keep the heap closer to what is in use
// than Go's default: the data path leaves next to no garbage, so that collecting
// is rare either way, and the memory saved is that of thousands of parked
// connections. GOGC in the environment wins.
const gcPercent = 50

// Start opens the listeners and the admin side and serves. A process that takes over
// from another does so between the two, and it is the only one when Start returns.
func (g *Gateway) Start() error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	g.reloads.Lock()
	defer g.reloads.Unlock()
	opened, err := g.openListeners(g.cfg)
	if err != nil {
		return err
	}
	if err := g.admin.Open(); err != nil {
		closeListeners(opened)
		return err
	}
	if err := g.inherited.from.Prepared(g.opts.Build.Version); err != nil {
		closeListeners(opened)
		return err
	}
	// From here nothing fails.
	g.syncByHand(g.live)
	g.certs.Start()
	g.live.startFeeds()
	sinks := append([]record.Sink{g.metrics, g.store, traceSink{g}, logSink{g}, &g.strays}, g.diagnosis.sinks()...)
	g.pump = startPump(g.env.Ring, &g.clock, sinks)
	g.diagnosis.start(g)
	g.mu.Lock()
	closed := g.serve(g.cfg, g.live.networks, opened)
	g.mu.Unlock()
	closeListeners(closed)
	g.checks.use(g.cfg, g.live, g.resolver)
	g.admin.Serve() // its first answer can be that we are ready
	ctx, cancel := context.WithTimeout(context.Background(), takeoverWait)
	defer cancel()
	if !g.inherited.from.Serving(ctx) {
		g.opts.Logger.Warn("the gateway that started this one did not wait; this one ends")
		return nil // it asks for that by a signal
	}
	for _, l := range opened {
		if !isActivated(g.cfg, l.Name) { // those are systemd's
			l.Own()
		}
	}
	g.admin.Own()
	return nil
}

// openListeners opens what cfg listens on and is not open yet: all or none.
func (g *Gateway) openListeners(cfg *config.Config) ([]*engine.Listener, error) {
	var opened []*engine.Listener
	for _, want := range cfg.Listen {
		name := want.Address.String()
		if g.listeners[name] != nil {
			continue
		}
		l, err := g.listen(want.Address)
		if err != nil {
			closeListeners(opened)
			return nil, explainListen(name, err)
		}
		l.TLS.Store(want.TLS)
		opened = append(opened, l)
	}
	return opened, nil
}

func (g *Gateway) listen(a config.ListenAddr) (*engine.Listener, error) {
	name := a.String()
	var ln net.Listener
	var err error
	if a.Network == config.Systemd {
		ln, err = g.inherited.take(a.Name)
	} else {
		ln, err = g.inherited.from.Take(handover.Listen, name)
	}
	switch {
	case err != nil:
		return nil, err
	case ln != nil:
		return engine.NewListener(name, ln)
	}
	return engine.Listen(name)
}

// explainListen says what to do about an address that cannot be bound.
func explainListen(name string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen %s: the address is in use by another process; find it with: ss -ltnp; then stop it or choose another address: %w", name, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen %s: not permitted; ports below 1024 need CAP_NET_BIND_SERVICE, a socket path needs write permission to its directory: %w", name, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen %s: this machine has no such address; see: ip address: %w", name, err)
	}
	return fmt.Errorf("listen %s: %w", name, err)
}

func closeListeners(list []*engine.Listener) {
	for _, l := range list {
		l.Close()
	}
}

// serve starts the opened listeners and returns those that cfg no longer has, to be
// closed.
func (g *Gateway) serve(cfg *config.Config, networks *networks, opened []*engine.Listener) (unused []*engine.Listener) {
	for _, l := range opened {
		g.listeners[l.Name] = l
	}
	keep := map[string]bool{}
	for _, want := range cfg.Listen {
		name := want.Address.String()
		keep[name] = true
		l := g.listeners[name]
		l.MaxConnections.Store(int64(want.MaxConnections))
		l.TLS.Store(want.TLS)
		l.SetProxies(networks.prefixes(want.ProxyProtocol))
	}
	for _, l := range opened {
		go g.eng.Serve(l) // now that it knows its rules
	}
	for name, l := range g.listeners {
		if !keep[name] {
			unused = append(unused, l)
			delete(g.listeners, name)
		}
	}
	return unused
}

// Addrs returns the addresses that are bound, as text.
func (g *Gateway) Addrs() []string {
	var addrs []string
	for _, l := range g.Listening() {
		addrs = append(addrs, l.Addr)
	}
	return addrs
}

// Listening is a bound address, and whether clients speak TLS there.
type Listening struct {
	Addr string
	TLS  bool
}

// Listening returns what is bound, by address.
func (g *Gateway) Listening() []Listening {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Listening
	for _, l := range g.listeners {
		a := l.Addr().String()
		if _, ok := l.Addr().(*net.UnixAddr); ok {
			a = "unix:" + a
		}
		all = append(all, Listening{a, l.TLS.Load()})
	}
	slices.SortFunc(all, func(a, b Listening) int { return strings.Compare(a.Addr, b.Addr) })
	return all
}

// MaxConnections returns how many clients may be connected at a time.
func (g *Gateway) MaxConnections() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maxConnections(g.cfg.Limits.Connections)
}

// AdminAddr returns the TCP address of the admin side, "" if it has none.
func (g *Gateway) AdminAddr() string {
	if a := g.admin.Addr(); a != nil {
		return a.String()
	}
	return ""
}
