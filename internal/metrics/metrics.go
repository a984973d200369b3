// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"causey/internal/experiment"
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
	// Upstreams lists every configured upstream, with the states of its servers.
	Upstreams []Upstream
	// EventsDropped counts changes of servers' states that nobody was told of.
	EventsDropped uint64
	// Experiments counts what was tried out, and what came out.
	Experiments []experiment.Count
	// RecordsDropped and FailuresDropped count records lost before Consume, of
	// the two lanes of the ring.
	RecordsDropped, FailuresDropped uint64
	// LogLinesDropped counts lines of the access log.
	LogLinesDropped uint64
	// Spans counts what became of the spans of traces, zero without tracing.
	Spans SpanCounts
	// ReloadsOK and ReloadsFailed count reloads, the first load not included.
	ReloadsOK, ReloadsFailed uint64
	// LastReloadFailed says that the configuration in use is not the newest given.
	LastReloadFailed bool
	// LoadedAt is when the configuration in use was loaded.
	LoadedAt time.Time
	// Networks are the known sets of networks.
	Networks []NetworkSet
	// Certificates are those of the listeners with TLS.
	Certificates Certificates
	// Cache is the state of what is kept, zero without a cache.
	Cache Cache
	// Store is the state of what outlives a restart.
	Store Store
	// Diagnosis is what is known of incidents.
	Diagnosis Diagnosis
}

// Cache is the state of the store of answers.
type Cache struct {
	Objects, Bytes, Incoming   int64
	DiskObjects, DiskBytes     int64
	Kept, Abandoned            uint64
	Loaded, Skipped            uint64
	DiskFailures, BrokenOnDisk uint64
}

// NetworkSet is one named set of networks. Names are built in, never a stranger's.
type NetworkSet struct {
	Name     string
	Prefixes int
	// Retrieved is when its list was taken; zero for one that is empty.
	Retrieved time.Time
	// Untrusted counts exchanges from it while it was not trusted.
	Untrusted uint64
}

// SpanCounts counts spans: exported, dropped by reason, and the requests that failed.
type SpanCounts struct {
	Exported                                 uint64
	QueueFull, Unreachable, Refused, Stopped uint64
	Failures                                 uint64
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
	now := m.opts.Gauges()
	c.collect(ch)
	c.collectCare(ch, now.Upstreams)
	now.collect(ch)
	now.collectUpstreams(ch)
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
	classNames = [classCount]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
	errorNames = [errorCount]string{"500", "501", "502", "503", "504", other}
	makerNames = [makerCount]string{byUpstream: "upstream", byGateway: "gateway"}

	versionNames = [versionCount]string{tls12: "1.2", tls13: "1.3"}
	resumedNames = [2]string{"no", "yes"}
)

// resultName returns the label of a result of attempts.
func resultName(i int) string {
	switch i {
	case int(failure.NoFamily):
		return "ok"
	case unrecorded:
		return "unrecorded"
	}
	return failure.Family(i).String()
}

func (c *cells) collect(ch chan<- prometheus.Metric) {
	for at, t := range c.traffic.cells {
		t.collect(ch, at.a, at.b)
	}
	for at, results := range c.attempts.cells {
		for i, n := range results {
			if n > 0 {
				ch <- counter(famAttempts, float64(n), at.a, at.b, resultName(i))
			}
		}
	}
	for i := range c.phases {
		ch <- c.phases[i].metric(famPhases, phase.Phase(i).String())
	}
	for _, e := range failure.All() {
		ch <- counter(famFailures, float64(c.failures[e.ID]),
			e.Name, e.Code.Party.String(), e.Code.Phase.String(), e.Code.Kind.String(), e.Family.String())
	}
	for _, e := range failure.All() {
		ch <- counter(famHidden, float64(c.hidden[e.ID]),
			e.Name, e.Code.Party.String(), e.Code.Phase.String(), e.Code.Kind.String(), e.Family.String())
	}
	for version, resumed := range c.handshakes {
		for r, n := range resumed {
			ch <- counter(famHandshakes, float64(n), versionNames[version], resumedNames[r])
		}
	}
	ch <- counter(famBodyBytes, float64(c.bodyIn), "in")
	ch <- counter(famBodyBytes, float64(c.bodyOut), "out")
}

func (t *traffic) collect(ch chan<- prometheus.Metric, site, upstream string) {
	for outcome, classes := range t.exchanges {
		for class, n := range classes {
			if n > 0 {
				ch <- counter(famExchanges, float64(n), site, upstream, record.Outcome(outcome).String(), classNames[class])
			}
		}
	}
	for status, makers := range t.errors {
		for maker, n := range makers {
			if n > 0 {
				ch <- counter(famServerErrors, float64(n), site, upstream, errorNames[status], makerNames[maker])
			}
		}
	}
	for result, n := range t.cache {
		if n > 0 && record.Cache(result) != record.CacheNone {
			ch <- counter(famCacheResults, float64(n), site, upstream, record.Cache(result).String())
		}
	}
	ch <- t.duration.metric(famDuration, site, upstream)
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
	s.Spans.collect(ch)
	ch <- counter(famReloads, float64(s.ReloadsOK), "ok")
	ch <- counter(famReloads, float64(s.ReloadsFailed), "failed")
	ok := 1.0
	if s.LastReloadFailed {
		ok = 0
	}
	ch <- gauge(famReloadOK, ok)
	ch <- gauge(famReloadTime, float64(s.LoadedAt.UnixMilli())/1e3)
	for _, n := range s.Networks {
		ch <- gauge(famNetworks, float64(n.Prefixes), n.Name)
		if !n.Retrieved.IsZero() {
			ch <- gauge(famNetworksTime, float64(n.Retrieved.Unix()), n.Name)
		}
		ch <- counter(famNetworksUntrusted, float64(n.Untrusted), n.Name)
	}
	s.Certificates.collect(ch)
	s.Cache.collect(ch)
	s.Store.collect(ch)
	s.Diagnosis.collect(ch)
}

func (c Cache) collect(ch chan<- prometheus.Metric) {
	ch <- gauge(famCacheObjects, float64(c.Objects), "memory")
	ch <- gauge(famCacheObjects, float64(c.DiskObjects), "disk")
	ch <- gauge(famCacheBytes, float64(c.Bytes), "memory")
	ch <- gauge(famCacheBytes, float64(c.DiskBytes), "disk")
	ch <- gauge(famCacheBytes, float64(c.Incoming), "incoming")
	ch <- counter(famCacheAnswers, float64(c.Kept), "kept")
	ch <- counter(famCacheAnswers, float64(c.Abandoned), "abandoned")
	ch <- counter(famCacheDisk, float64(c.Loaded), "loaded")
	ch <- counter(famCacheDisk, float64(c.Skipped), "skipped")
	ch <- counter(famCacheDisk, float64(c.DiskFailures), "failed")
	ch <- counter(famCacheDisk, float64(c.BrokenOnDisk), "broken")
}

func (s SpanCounts) collect(ch chan<- prometheus.Metric) {
	ch <- counter(famSpansExported, float64(s.Exported))
	ch <- counter(famSpansDropped, float64(s.QueueFull), "queue-full")
	ch <- counter(famSpansDropped, float64(s.Unreachable), "unreachable")
	ch <- counter(famSpansDropped, float64(s.Refused), "refused")
	ch <- counter(famSpansDropped, float64(s.Stopped), "stopped")
	ch <- counter(famExportFailures, float64(s.Failures))
}
