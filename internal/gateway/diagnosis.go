// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"causey/internal/cause"
	"causey/internal/cause/maker"
	"causey/internal/config"
	"causey/internal/discover"
	"causey/internal/failure"
	"causey/internal/incident"
	"causey/internal/sensor"
	"causey/internal/store"
	"causey/internal/upstream"
)

// diagnosisEvery is how often incidents are looked at.
const diagnosisEvery = time.Second

// diagnosis watches the records and keeps the incidents.
type diagnosis struct {
	sensor *sensor.Sensor
	book   *incident.Book
	store  *store.Store
	host   *host
	log    *slog.Logger

	quit, done chan struct{}
}

func newDiagnosis(s *store.Store, log *slog.Logger) (*diagnosis, error) {
	catalogue, err := cause.Load()
	if err != nil {
		return nil, err
	}
	d := &diagnosis{sensor: sensor.New(), host: newHost(), store: s, log: log, quit: make(chan struct{}), done: make(chan struct{})}
	d.book = incident.New(incident.Options{Catalogue: catalogue, Sensor: d.sensor, Changed: d.changed})
	d.recall()
	return d, nil
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
	var list []incident.Incident
	for _, row := range rows {
		var i incident.Incident
		if err := json.Unmarshal(row.Body, &i); err == nil {
			list = append(list, i)
		}
	}
	d.book.Restore(list)
}

// start looks at the upstreams of g from now on.
func (d *diagnosis) start(g *Gateway) {
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
				now, looks := time.Now(), g.looks()
				d.sensor.Tick(now, looks, d.host.look(g.eng))
				d.book.Look(now, looks)
			}
		}
	}()
}

// use puts a configuration to use, and the networks of CDNs as they are with it.
func (d *diagnosis) use(cfg *config.Config, n *networks, stateDir string) {
	d.host.watch(cfg, stateDir)
	d.sensor.KnowCDN(func(a netip.Addr) bool { _, is := n.table.Find(a); return is })
}

func (d *diagnosis) stop() {
	close(d.quit)
	<-d.done
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
		g.diagnosis.sensor.Sign(upstreamName, s.Name, err, time.Now())
	}
}

// addressLost returns what is done when an address of a server was left for another.
func (g *Gateway) addressLost(upstreamName string) func(*upstream.Server, *failure.Error) {
	return func(s *upstream.Server, err *failure.Error) {
		g.diagnosis.sensor.Sign(upstreamName, s.Name, err, time.Now())
	}
}

// changed keeps a change of an incident, and tells it once it is kept.
func (d *diagnosis) changed(i *incident.Incident) {
	body, err := json.Marshal(i)
	if err != nil {
		panic("gateway: an incident does not encode: " + err.Error())
	}
	row := store.Incident{ID: i.ID, State: string(i.State), Severity: string(i.Severity), Site: strings.Join(i.Sites, " "),
		Upstream: strings.Join(i.Upstreams, " "), Scope: i.Scope.Level, Opened: i.Opened, Updated: i.Updated, Closed: i.Ended, Body: body}
	if len(i.Ranked) > 0 {
		row.Cause = i.Ranked[0].Cause
	}
	for _, id := range i.Exemplars {
		_ = d.store.PutExemplar(store.Exemplar{Exchange: id, Incident: i.ID, At: i.Updated, Body: []byte("{}")}, nil)
	}
	if err := d.store.PutIncident(row, func(error) { d.tell(i) }); err != nil {
		d.tell(i)
	}
}

// tell logs a change of an incident in one line.
func (d *diagnosis) tell(i *incident.Incident) {
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
