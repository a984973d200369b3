// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"causey/internal/admin"
	"causey/internal/cause"
	"causey/internal/cause/maker"
	"causey/internal/config"
	"causey/internal/discover"
	"causey/internal/experiment"
	"causey/internal/failure"
	"causey/internal/incident"
	"causey/internal/record"
	"causey/internal/sensor"
	"causey/internal/store"
	"causey/internal/upstream"
)

// diagnosisEvery is how often incidents are looked at.
const diagnosisEvery = time.Second

// diagnosis watches the records and keeps the incidents.
type diagnosis struct {
	// on is what the configuration said at the start. Without it nothing is watched.
	on          bool
	catalogue   *cause.Catalogue
	sensor      *sensor.Sensor
	book        *incident.Book
	experiments *experiment.Runner
	store       *store.Store
	exchanges   *admin.Store
	host        *host
	log         *slog.Logger
	// changes are for those who follow incidents.
	changes admin.IncidentLog
	counts  diagnosisCounts

	// quit and done are nil until it starts.
	quit, done chan struct{}
}

// newDiagnosis makes what is to watch g. It watches from start on, and is to be stopped
// in any case.
func (g *Gateway) newDiagnosis(cfg *config.Config) (*diagnosis, error) {
	var catalogue *cause.Catalogue // is read by looks, of which there are none without it
	if cfg.Diagnosis.Enabled {
		var err error
		if catalogue, err = cause.Load(); err != nil {
			return nil, err
		}
	}
	d := &diagnosis{on: cfg.Diagnosis.Enabled, catalogue: catalogue, sensor: sensor.New(), host: newHost(), store: g.lasting, exchanges: g.store, log: g.opts.Logger}
	d.experiments = experiment.New(experiment.Options{
		Catalogue: catalogue,
		May:       g.mayTry,
		Upstreams: g.tried,
		LastGood:  d.sensor.LastGood,
		Resolver: func() experiment.Resolver {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.resolver
		},
		Routes: experiment.ReadRoutes,
		Dial:   new(net.Dialer).DialContext,
		Ping:   experiment.Ping,
		Now:    time.Now,
		Bug:    d.tellBug,
	})
	d.book = incident.New(incident.Options{Catalogue: catalogue, Sensor: d.sensor, Changed: d.changed, Grown: func(i *incident.Incident) { d.keep(i, nil) }, Experiments: d.experiments})
	if d.on {
		d.recall()
	}
	return d, nil
}

// sinks reads the records, if it is on.
func (d *diagnosis) sinks() []record.Sink {
	if !d.on {
		return nil
	}
	return []record.Sink{d}
}

// recalled is how many incidents of the processes before are known again.
const recalled = 100

// recall has the book know what another process knew.
func (d *diagnosis) recall() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	rows, err := d.store.Incidents(ctx, store.Filter{Limit: recalled})
	if err != nil {
		d.log.Warn("the incidents of before are not known again", "problem", err.Error())
		return
	}
	d.book.Restore(incidentsOf(rows))
}

// start looks at the upstreams of g from now on, if it is on.
func (d *diagnosis) start(g *Gateway) {
	if !d.on {
		return
	}
	d.quit, d.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(d.done)
		maker.Products() // read now, it takes some time
		t := time.NewTicker(diagnosisEvery)
		defer t.Stop()
		for {
			select {
			case <-d.quit:
				return
			case <-t.C:
				if g.left.Load() { // the process that came after watches
					return
				}
				d.look(g)
			}
		}
	}()
}

// look looks once. A bug in what judges must not end what serves.
func (d *diagnosis) look(g *Gateway) {
	defer d.bug("a look")
	now, looks := time.Now(), g.looks()
	d.sensor.Tick(now, looks, d.host.look(g.eng))
	d.book.Look(now, looks)
	d.counts.looked(time.Since(now))
}

// bug, deferred, logs a panic and lets it go.
func (d *diagnosis) bug(where string) {
	if p := recover(); p != nil {
		d.tellBug(where, p)
	}
}

func (d *diagnosis) tellBug(where string, panicked any) {
	d.log.Error("a bug in the diagnosis; please report it", "where", where, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
}

// Consume implements record.Sink.
func (d *diagnosis) Consume(batch []record.Record) {
	defer d.bug("taking records")
	d.sensor.Consume(batch)
}

// use puts a configuration to use, and the networks of CDNs as they are with it.
func (d *diagnosis) use(cfg *config.Config, n *networks, stateDir string) {
	d.host.watch(cfg, stateDir)
	d.sensor.KnowCDN(func(a netip.Addr) bool { _, is := n.table.Find(a); return is })
}

// stop ends it, and keeps what is open unless the process left it to another.
func (d *diagnosis) stop(left bool) {
	d.experiments.Close()
	if d.done != nil {
		close(d.quit)
		<-d.done
	}
	for _, i := range d.book.Incidents() {
		if i.State != incident.Closed && !left {
			d.keep(&i, nil)
		}
	}
}

// mayTry says what may be tried now. It is asked with locks held that are taken with
// g.mu held, and so takes no lock.
func (g *Gateway) mayTry() experiment.Allowed {
	if g.stopping.Load() || g.left.Load() {
		return experiment.Allowed{}
	}
	return *g.allowed.Load()
}

// allow puts to use what a configuration allows.
func (g *Gateway) allow(c *config.Config) {
	g.allowed.Store(&experiment.Allowed{Experiments: c.Diagnosis.Experiments, Neighbours: c.Diagnosis.NeighbourPorts})
}

// tried are the upstreams in use, as their requests reach them.
func (g *Gateway) tried() []experiment.Upstream {
	g.mu.Lock()
	defer g.mu.Unlock()
	limits := engineOptions(g.cfg).Limits
	out := make([]experiment.Upstream, 0, len(g.cfg.Upstreams))
	for i := range g.cfg.Upstreams {
		u := &g.cfg.Upstreams[i]
		gr := g.live.groups[u.Name]
		one := experiment.Upstream{Group: gr, Name: u.Name, Proxy: proxyVersion(u), TLS: gr.tls, HostOfServer: u.HostHeader == config.HostServer, Limits: limits}
		if !one.HostOfServer && u.HostHeader != config.HostPreserve {
			one.Host = u.HostHeader
		}
		out = append(out, one)
	}
	return out
}

// looks returns what the upstreams know of their servers.
func (g *Gateway) looks() []sensor.Look {
	g.mu.Lock()
	groups := g.sortedGroups()
	g.mu.Unlock()
	out := make([]sensor.Look, 0, len(groups))
	for _, gr := range groups {
		out = append(out, sensor.Look{Upstream: gr.Name(), Description: gr.Describe()})
	}
	return out
}

// notOpened returns what is done when no connection to a server of an upstream could be
// opened: perhaps it is elsewhere by now, and its failure is known before the requests
// that wait for it end.
func (g *Gateway) notOpened(upstreamName string, feed *discover.Feed) func(*upstream.Server, *failure.Error) {
	return func(s *upstream.Server, err *failure.Error) {
		feed.LookAgain(s)
		g.diagnosis.sign(upstreamName, s, err)
	}
}

// sign enters a failure that no request has told of yet.
func (d *diagnosis) sign(upstreamName string, s *upstream.Server, err *failure.Error) {
	if d.on {
		d.sensor.Sign(upstreamName, s.Name, err, time.Now())
	}
}

// addressLost returns what is done when an address of a server was left for another.
func (g *Gateway) addressLost(upstreamName string) func(*upstream.Server, *failure.Error) {
	return func(s *upstream.Server, err *failure.Error) {
		g.diagnosis.sign(upstreamName, s, err)
	}
}

// changed counts and keeps a change of an incident, and tells it once it is kept.
func (d *diagnosis) changed(i *incident.Incident) {
	d.counts.note(i, layerOf(d.catalogue, i))
	body := d.keep(i, func(error) { d.tell(i) })
	d.keepEvidence(i, body)
}

// keep keeps an incident as it is now, and returns it as JSON. done, if it is not nil, is
// called when that is done, or cannot be.
func (d *diagnosis) keep(i *incident.Incident, done func(error)) (body []byte) {
	body, err := json.Marshal(i)
	if err != nil {
		panic("gateway: an incident does not encode: " + err.Error())
	}
	row := store.Incident{ID: i.ID, State: string(i.State), Severity: string(i.Severity), Site: strings.Join(i.Sites, " "),
		Upstream: strings.Join(i.Upstreams, " "), Scope: i.Scope.Level, Opened: i.Opened, Updated: i.Updated, Closed: i.Ended, Body: body}
	if len(i.Ranked) > 0 {
		row.Cause = i.Ranked[0].Cause
	}
	if err := d.store.PutIncident(row, done); err != nil && done != nil {
		done(err)
	}
	return body
}

// tell logs a change of an incident in one line, and passes it on.
func (d *diagnosis) tell(i *incident.Incident) {
	d.changes.Put(i)
	attrs := []any{"id", i.ID, "state", string(i.State), "severity", string(i.Severity), "title", i.Title,
		"scope", i.Scope.Level, "failed", i.Failed, "saved", i.Saved}
	if len(i.Ranked) > 0 {
		attrs = append(attrs, "cause", i.Ranked[0].Cause, "confidence", float64(int(100*i.Ranked[0].Confidence))/100)
	}
	switch i.State {
	case incident.Closed, incident.Recovering:
		d.log.Info("incident", attrs...)
	default:
		d.log.Warn("incident", attrs...)
	}
}
