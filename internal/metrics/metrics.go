// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// Build says which build is running.
type Build struct{ Version, Commit, GoVersion string }

// Snapshot is what the gateway tells at each scrape: the state of things that no
// record shows.
type Snapshot struct {
	// Active, Idle and Parked count the clients' connections.
	Active, Idle, Parked int
	// Servers lists every configured server.
	Servers []ServerConns
	// RecordsDropped and FailuresDropped count records lost before Consume, of
	// the two lanes of the ring.
	RecordsDropped, FailuresDropped uint64
	// LogLinesDropped counts lines of the access log.
	LogLinesDropped uint64
	// ReloadsOK and ReloadsFailed count reloads, the first load not included.
	ReloadsOK, ReloadsFailed uint64
	// LastReloadFailed says that the configuration in use is not the newest given.
	LastReloadFailed bool
	// LoadedAt is when the configuration in use was loaded.
	LoadedAt time.Time
}

// ServerConns counts the connections to one server.
type ServerConns struct {
	Upstream, Server string
	Active, Idle     int
}

// Options is what Metrics needs from outside.
type Options struct {
	// Gauges is called at each scrape, from any goroutine. It must not be nil.
	Gauges func() Snapshot
	Build  Build
}

// Metrics counts records and is the collector of everything causey_*.
type Metrics struct {
	opts Options

	mu    sync.Mutex
	cells cells
}

// New returns Metrics with every failure code at 0 (I2).
func New(o Options) *Metrics { return &Metrics{opts: o, cells: newCells()} }

// Consume counts a batch.
func (m *Metrics) Consume(batch []record.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch {
		m.cells.add(&batch[i])
	}
}

// scrapesMax bounds scrapes at the same time: each holds a copy of all series.
const scrapesMax = 4

// Handler returns the page for Prometheus: these metrics, the Go runtime's and
// the process's.
func (m *Metrics) Handler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(m,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesMax})
}

// Describe sends the description of every family.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
}

// Collect sends every series. It holds the lock only while it copies the cells.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	c := m.cells.clone()
	m.mu.Unlock()
	c.collect(ch)
	m.opts.Gauges().collect(ch)
	b := m.opts.Build
	ch <- gauge(famBuild, 1, b.Version, b.Commit, b.GoVersion)
}

func counter(f family, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(descs[f], prometheus.CounterValue, v, labels...)
}

func gauge(f family, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(descs[f], prometheus.GaugeValue, v, labels...)
}

var (
	classNames = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
	makerNames = [...]string{byUpstream: "upstream", byGateway: "gateway"}
)

func (c *cells) collect(ch chan<- prometheus.Metric) {
	for k, n := range c.exchanges {
		ch <- counter(famExchanges, float64(*n), k.site, k.upstream, k.outcome.String(), classNames[k.class])
	}
	for k, n := range c.serverErrors {
		status := other
		if k.status != 0 {
			status = strconv.Itoa(k.status)
		}
		ch <- counter(famServerErrors, float64(*n), k.site, k.upstream, status, makerNames[k.by])
	}
	for k, n := range c.attempts {
		ch <- counter(famAttempts, float64(*n), k.upstream, k.server, k.result)
	}
	for k, h := range c.durations {
		ch <- h.metric(famDuration, k.site, k.upstream)
	}
	for i := range c.phases {
		ch <- c.phases[i].metric(famPhases, phase.Phase(i).String())
	}
	for _, e := range failure.All() {
		ch <- counter(famFailures, float64(c.failures[e.ID]),
			e.Name, e.Code.Party.String(), e.Code.Phase.String(), e.Code.Kind.String(), e.Family.String())
	}
	ch <- counter(famBodyBytes, float64(c.bodyIn), "in")
	ch <- counter(famBodyBytes, float64(c.bodyOut), "out")
}

// servers adds up by name: while a reload drains, a server may be there twice, and
// one series given twice would fail the scrape.
func (s Snapshot) servers() map[ServerConns]ServerConns {
	sums := make(map[ServerConns]ServerConns, len(s.Servers))
	for _, c := range s.Servers {
		at := ServerConns{Upstream: c.Upstream, Server: c.Server}
		sum := sums[at]
		sum.Active += c.Active
		sum.Idle += c.Idle
		sums[at] = sum
	}
	return sums
}

func (s Snapshot) collect(ch chan<- prometheus.Metric) {
	ch <- gauge(famConnections, float64(s.Active), "active")
	ch <- gauge(famConnections, float64(s.Idle), "idle")
	ch <- gauge(famConnections, float64(s.Parked), "parked")
	for at, c := range s.servers() {
		ch <- gauge(famUpstreamConnections, float64(c.Active), at.Upstream, at.Server, "active")
		ch <- gauge(famUpstreamConnections, float64(c.Idle), at.Upstream, at.Server, "idle")
	}
	ch <- counter(famRecordsDropped, float64(s.RecordsDropped), "ordinary")
	ch <- counter(famRecordsDropped, float64(s.FailuresDropped), "failed")
	ch <- counter(famLinesDropped, float64(s.LogLinesDropped))
	ch <- counter(famReloads, float64(s.ReloadsOK), "ok")
	ch <- counter(famReloads, float64(s.ReloadsFailed), "failed")
	ok := 1.0
	if s.LastReloadFailed {
		ok = 0
	}
	ch <- gauge(famReloadOK, ok)
	ch <- gauge(famReloadTime, float64(s.LoadedAt.UnixMilli())/1e3)
}
