// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"causey/internal/experiment"
	"causey/internal/failure"
	"causey/internal/incident"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/testkit"
	"causey/internal/upstream"
)

func snapshot() Snapshot {
	return Snapshot{
		Active: 3, Idle: 2, Parked: 7000,
		Servers: []ServerConns{{"shop", "a:1", 2, 5}, {"shop", "a:1", 1, 0}, {"shop", "b:1", 0, 0}},
		// A reload that drains shows a:1 twice.
		Upstreams: []Upstream{
			{"shop", 4, []ServerState{{"a:1", upstream.Up}, {"a:1", upstream.Draining}, {"b:1", upstream.Maintenance}}},
			{"blog", 0, nil},
		},
		EventsDropped:  8,
		Experiments:    []experiment.Count{{Experiment: "connect", Yes: 3, No: 2, Unseen: 1}},
		RecordsDropped: 11, FailuresDropped: 1, LogLinesDropped: 9,
		Spans:     SpanCounts{Exported: 70, QueueFull: 6, Unreachable: 5, Refused: 4, Stopped: 3, Failures: 2},
		ReloadsOK: 2, ReloadsFailed: 1, LastReloadFailed: true, LoadedAt: time.Unix(1000, 500_000_000),
		Diagnosis: Diagnosis{Open: map[incident.Severity]int{incident.Major: 2}, Cases: 5, NoPlace: 6, Looks: 60, Looking: 90 * time.Millisecond,
			Reached: map[IncidentState]uint64{{"tcp", incident.Confirmed}: 3, {"", incident.Open}: 4}},
		Networks: []NetworkSet{{"bunny", 0, time.Time{}, 0}, {"fastly", 21, time.Unix(2000, 0), 4}},
		Certificates: Certificates{
			Counts: []CertificateCount{{"file", "ok", 2}, {"file", "expired", 0}},
			Ends:   map[string]time.Time{"shop.example": time.Unix(3000, 0), "blog.example": time.Unix(4000, 0)},
			Orders: 7, OrdersFailed: 3,
		},
		Store: Store{Bytes: 4096, Rows: map[string]int64{"incidents": 12, "rules": 0}, Waiting: 2, Written: 90, Dropped: 1, Failures: 3, Degraded: true},
	}
}

func newMetrics() *Metrics {
	return New(Options{Gauges: snapshot, Build: Build{"1.2.3", "abc", "go1"}})
}

func rec(site, upstream string, outcome record.Outcome, status int) record.Record {
	var r record.Record
	r.Reset()
	r.Site, r.Upstream, r.Outcome, r.Status = site, upstream, outcome, status
	return r
}

func fail(r record.Record, name string) record.Record {
	c, ok := failure.ParseCode(name)
	if !ok {
		panic(name)
	}
	r.NoteFailure(&failure.Error{Code: c})
	return r
}

// gather returns every series as `name{label="value"}` and its value; of a
// histogram the count and the buckets.
func gather(t testing.TB, m *Metrics) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m)
	got, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range got {
		for _, s := range f.GetMetric() {
			var labels []string
			for _, l := range s.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name, key := f.GetName(), "{"+strings.Join(labels, ",")+"}"
			h := s.GetHistogram()
			if h == nil {
				out[name+key] = s.GetCounter().GetValue() + s.GetGauge().GetValue()
				continue
			}
			out[name+"_count"+key] = float64(h.GetSampleCount())
			out[name+"_sum"+key] = h.GetSampleSum()
			for _, b := range h.GetBucket() {
				out[fmt.Sprintf("%s_bucket%s<=%v", name, key, b.GetUpperBound())] = float64(b.GetCumulativeCount())
			}
		}
	}
	return out
}

func want(t *testing.T, got map[string]float64, series string, value float64) {
	t.Helper()
	if v, ok := got[series]; !ok || v != value {
		t.Errorf("%s is %v (there: %t), want %v", series, v, ok, value)
	}
}

func TestEveryCodeIsThereFromTheStart(t *testing.T) { // I2
	got := gather(t, newMetrics())
	for _, e := range failure.All() {
		want(t, got, fmt.Sprintf("causey_failures_total{code=%q,family=%q,kind=%q,party=%q,phase=%q}",
			e.Name, e.Family, e.Code.Kind, e.Code.Party, e.Code.Phase), 0)
	}
	for p := range phase.Count {
		want(t, got, fmt.Sprintf("causey_phase_duration_seconds_count{phase=%q}", phase.Phase(p)), 0)
	}
}

func TestGauges(t *testing.T) {
	got := gather(t, newMetrics())
	for series, v := range map[string]float64{
		`causey_connections{state="active"}`:                                       3,
		`causey_connections{state="idle"}`:                                         2,
		`causey_connections{state="parked"}`:                                       7000,
		`causey_upstream_connections{server="a:1",state="active",upstream="shop"}`: 3,
		`causey_upstream_connections{server="a:1",state="idle",upstream="shop"}`:   5,
		`causey_upstream_connections{server="b:1",state="idle",upstream="shop"}`:   0,
		`causey_held_requests{upstream="shop"}`:                                    4,
		`causey_held_requests{upstream="blog"}`:                                    0,
		`causey_server_state{server="a:1",state="up",upstream="shop"}`:             1,
		`causey_server_state{server="a:1",state="draining",upstream="shop"}`:       0,
		`causey_server_state{server="b:1",state="up",upstream="shop"}`:             0,
		`causey_server_state{server="b:1",state="maintenance",upstream="shop"}`:    1,
		`causey_incidents_open{severity="major"}`:                                  2,
		`causey_incidents_open{severity="critical"}`:                               0,
		`causey_incidents_total{layer="tcp",state="confirmed"}`:                    3,
		`causey_incidents_total{layer="unknown",state="open"}`:                     4,
		`causey_incidents_total{layer="dns",state="closed"}`:                       0,
		`causey_diagnosis_cases{}`:                                                 5,
		`causey_diagnosis_unplaced_total{}`:                                        6,
		`causey_diagnosis_looks_total{}`:                                           60,
		`causey_diagnosis_look_seconds_total{}`:                                    0.09,
		`causey_server_events_dropped_total{}`:                                     8,
		`causey_experiments_total{experiment="connect",outcome="yes"}`:             3,
		`causey_experiments_total{experiment="connect",outcome="no"}`:              2,
		`causey_experiments_total{experiment="connect",outcome="unseen"}`:          1,
		`causey_records_dropped_total{lane="ordinary"}`:                            11,
		`causey_records_dropped_total{lane="failed"}`:                              1,
		`causey_trace_spans_exported_total{}`:                                      70,
		`causey_trace_spans_dropped_total{reason="queue-full"}`:                    6,
		`causey_trace_spans_dropped_total{reason="unreachable"}`:                   5,
		`causey_trace_spans_dropped_total{reason="refused"}`:                       4,
		`causey_trace_spans_dropped_total{reason="stopped"}`:                       3,
		`causey_trace_export_failures_total{}`:                                     2,
		`causey_access_log_lines_dropped_total{}`:                                  9,
		`causey_config_reloads_total{result="ok"}`:                                 2,
		`causey_config_reloads_total{result="failed"}`:                             1,
		`causey_config_last_reload_success{}`:                                      0,
		`causey_config_last_reload_success_timestamp_seconds{}`:                    1000.5,
		`causey_certificates{source="file",state="ok"}`:                            2,
		`causey_certificates{source="file",state="expired"}`:                       0,
		`causey_certificate_not_after_timestamp_seconds{host="shop.example"}`:      3000,
		`causey_certificate_not_after_timestamp_seconds{host="blog.example"}`:      4000,
		`causey_certificate_orders_total{result="ok"}`:                             7,
		`causey_certificate_orders_total{result="failed"}`:                         3,
		`causey_tls_handshakes_total{resumed="yes",version="1.3"}`:                 0,
		`causey_store_size_bytes{}`:                                                4096,
		`causey_store_rows{table="incidents"}`:                                     12,
		`causey_store_rows{table="rules"}`:                                         0,
		`causey_store_queue{}`:                                                     2,
		`causey_store_writes_total{fate="committed"}`:                              90,
		`causey_store_writes_total{fate="dropped"}`:                                1,
		`causey_store_write_failures_total{}`:                                      3,
		`causey_store_degraded{}`:                                                  1,
		`causey_build_info{commit="abc",goversion="go1",version="1.2.3"}`:          1,
	} {
		want(t, got, series, v)
	}
}

func TestRecordsAreCounted(t *testing.T) { // I4
	m := newMetrics()
	good := rec("s", "shop", record.Relayed, 200)
	good.BodyIn, good.BodyOut, good.Total = 10, 1000, 3*time.Millisecond
	good.Phases[phase.Connect], good.Phases[phase.Guard] = 250*time.Microsecond, 0
	good.AddAttempt().Server = "a:1"

	retried := good
	retried.Attempts[0].Failure = code("upstream.await-head.closed-reused")
	retried.AddAttempt().Server = "b:1"

	many := fail(rec("s", "shop", record.Answered, 502), "upstream.connect.refused")
	many.NoteFailure(&failure.Error{Code: code("client.relay-body.reset")}) // the trail is not counted
	for range 9 {
		a := many.AddAttempt()
		a.Server, a.Failure = "a:1", code("upstream.connect.refused")
	}
	saved := rec("s", "cached", record.Relayed, 200)
	saved.Cache, saved.Hidden = record.CacheStale, code("upstream.connect.refused")
	refresh := rec("s", "cached", record.Refreshed, 0)
	refresh.Cache, refresh.Hidden, refresh.Total = record.CacheRefresh, code("upstream.connect.refused"), time.Hour
	m.Consume([]record.Record{saved, refresh})
	tunnel := rec("s", "shop", record.Tunnelled, 101)
	tunnel.Total = time.Hour
	m.Consume([]record.Record{good, retried, many, tunnel})
	m.Consume([]record.Record{
		rec("s", "shop", record.Relayed, 502), rec("s", "shop", record.Relayed, 599),
		fail(rec("", "", record.ClientLeft, 499), "client.read-head.timeout"),
		rec("", "", record.Unanswered, 0),
	})
	got := gather(t, m)
	for series, v := range map[string]float64{
		`causey_exchanges_total{outcome="relayed",site="s",status_class="2xx",upstream="shop"}`:                                                2,
		`causey_exchanges_total{outcome="answered",site="s",status_class="5xx",upstream="shop"}`:                                               1,
		`causey_exchanges_total{outcome="relayed",site="s",status_class="5xx",upstream="shop"}`:                                                2,
		`causey_exchanges_total{outcome="tunnelled",site="s",status_class="1xx",upstream="shop"}`:                                              1,
		`causey_exchanges_total{outcome="client-left",site="",status_class="4xx",upstream=""}`:                                                 1,
		`causey_exchanges_total{outcome="unanswered",site="",status_class="none",upstream=""}`:                                                 1,
		`causey_exchanges_total{outcome="refreshed",site="s",status_class="none",upstream="cached"}`:                                           1,
		`causey_cache_results_total{result="stale",site="s",upstream="cached"}`:                                                                1,
		`causey_cache_results_total{result="refresh",site="s",upstream="cached"}`:                                                              1,
		`causey_exchange_duration_seconds_count{site="s",upstream="cached"}`:                                                                   1, // the client's only
		`causey_cache_hidden_failures_total{code="upstream.connect.refused",family="refused",kind="refused",party="upstream",phase="connect"}`: 2,
		`causey_server_errors_total{made_by="gateway",site="s",status="502",upstream="shop"}`:                                                  1,
		`causey_server_errors_total{made_by="upstream",site="s",status="502",upstream="shop"}`:                                                 1,
		`causey_server_errors_total{made_by="upstream",site="s",status="other",upstream="shop"}`:                                               1,
		`causey_attempts_total{result="ok",server="a:1",upstream="shop"}`:                                                                      1,
		`causey_attempts_total{result="closed",server="a:1",upstream="shop"}`:                                                                  1,
		`causey_attempts_total{result="ok",server="b:1",upstream="shop"}`:                                                                      1,
		`causey_attempts_total{result="refused",server="a:1",upstream="shop"}`:                                                                 4,
		`causey_attempts_total{result="unrecorded",server="",upstream="shop"}`:                                                                 5,
		`causey_body_bytes_total{direction="in"}`:                                                                                              20,
		`causey_body_bytes_total{direction="out"}`:                                                                                             2000,
		`causey_exchange_duration_seconds_count{site="s",upstream="shop"}`:                                                                     5,
		`causey_exchange_duration_seconds_bucket{site="s",upstream="shop"}<=0.0025`:                                                            3,
		`causey_exchange_duration_seconds_bucket{site="s",upstream="shop"}<=0.005`:                                                             5,
		`causey_phase_duration_seconds_count{phase="connect"}`:                                                                                 2,
		`causey_phase_duration_seconds_bucket{phase="connect"}<=0.0001`:                                                                        0,
		`causey_phase_duration_seconds_bucket{phase="connect"}<=0.00025`:                                                                       2,
		`causey_phase_duration_seconds_sum{phase="connect"}`:                                                                                   0.0005,
		`causey_phase_duration_seconds_count{phase="guard"}`:                                                                                   2,
		`causey_phase_duration_seconds_count{phase="resolve"}`:                                                                                 0,
	} {
		want(t, got, series, v)
	}
	failures := 0.0
	for series, v := range got {
		if strings.HasPrefix(series, "causey_failures_total") {
			failures += v
		}
	}
	if failures != 2 {
		t.Errorf("%v failures counted, want 2", failures)
	}
}

// TestSavedAreCounted: by means and as exchanges, with zeros from the start, and a
// wait that did not help is a wait.
func TestSavedAreCounted(t *testing.T) {
	m := newMetrics()
	got := gather(t, m)
	for _, means := range record.SavedMeans {
		want(t, got, fmt.Sprintf("causey_saved_total{means=%q,upstream=%q}", means, "blog"), 0)
	}
	want(t, got, `causey_held_seconds_count{upstream="blog"}`, 0)

	saved := rec("s", "shop", record.Relayed, 200)
	saved.AddAttempt().Failure = code("upstream.connect.refused")
	saved.AddAttempt()
	saved.Saved, saved.Phases[phase.Queue] = record.ByRetry|record.ByHold, 1800*time.Millisecond
	hedged := rec("s", "shop", record.Relayed, 200)
	hedged.Saved = record.ByHedge
	inVain := fail(rec("s", "shop", record.Answered, 502), "upstream.connect.refused")
	inVain.AddAttempt()
	inVain.Phases[phase.Queue] = 5 * time.Second
	atOnce := rec("s", "shop", record.Relayed, 200)
	atOnce.Phases[phase.Queue] = 3 * time.Microsecond // found no place in line
	m.Consume([]record.Record{saved, hedged, inVain, atOnce})
	got = gather(t, m)
	for series, v := range map[string]float64{
		`causey_saved_total{means="retry",upstream="shop"}`: 1,
		`causey_saved_total{means="hold",upstream="shop"}`:  1,
		`causey_saved_total{means="stale",upstream="shop"}`: 0,
		`causey_saved_total{means="hedge",upstream="shop"}`: 1,
		`causey_saved_exchanges_total{upstream="shop"}`:     2,
		`causey_saved_exchanges_total{upstream="blog"}`:     0,
		`causey_retries_total{upstream="shop"}`:             1,
		`causey_held_seconds_count{upstream="shop"}`:        2,
		`causey_held_seconds_sum{upstream="shop"}`:          6.8,
		`causey_held_seconds_bucket{upstream="shop"}<=2.5`:  1,
	} {
		want(t, got, series, v)
	}
}

// TestHandshakesAreCounted: once per connection, whatever goes on after.
func TestHandshakesAreCounted(t *testing.T) {
	m := newMetrics()
	for _, c := range []struct {
		version   uint16
		resumed   bool
		exchanges uint32
	}{{0x0303, false, 1}, {0x0304, false, 1}, {0x0304, false, 2}, {0x0304, true, 1}, {0x0304, true, 1}, {0, false, 1}} {
		r := rec("s", "u", record.Relayed, 200)
		r.TLS, r.Exchanges = record.TLS{Version: c.version, Resumed: c.resumed}, c.exchanges
		m.Consume([]record.Record{r})
	}
	got := gather(t, m)
	for series, v := range map[string]float64{
		`causey_tls_handshakes_total{resumed="no",version="1.2"}`:  1,
		`causey_tls_handshakes_total{resumed="yes",version="1.2"}`: 0,
		`causey_tls_handshakes_total{resumed="no",version="1.3"}`:  1,
		`causey_tls_handshakes_total{resumed="yes",version="1.3"}`: 2,
	} {
		want(t, got, series, v)
	}
}

// TestCertificatesAreBounded: beyond namesMax hosts those are shown that expire
// first.
func TestCertificatesAreBounded(t *testing.T) { // I3
	ends := map[string]time.Time{}
	for i := range namesMax + 200 {
		ends[fmt.Sprintf("h%d", i)] = time.Unix(int64(10_000-i), 0)
	}
	m := New(Options{Gauges: func() Snapshot { return Snapshot{Certificates: Certificates{Ends: ends}} }})
	got := gather(t, m)
	n := 0
	for series := range got {
		if strings.HasPrefix(series, "causey_certificate_not_after") {
			n++
		}
	}
	want(t, got, fmt.Sprintf(`causey_certificate_not_after_timestamp_seconds{host="h%d"}`, namesMax+199), 10_000-namesMax-199)
	if n != namesMax {
		t.Errorf("%d series", n)
	}
}

func code(name string) failure.Code {
	c, ok := failure.ParseCode(name)
	if !ok {
		panic(name)
	}
	return c
}

func TestSeriesAreBounded(t *testing.T) { // I3
	m := newMetrics()
	for i := range namesMax + 500 {
		r := rec(fmt.Sprintf("s%d", i), "u", record.Answered, 503)
		r.AddAttempt().Server = r.Site
		m.Consume([]record.Record{r})
	}
	if a, b := len(m.cells.traffic.cells), len(m.cells.attempts.cells); a != namesMax+1 || b != namesMax+1 {
		t.Errorf("%d sites and %d servers, want %d", a, b, namesMax+1)
	}
	got := gather(t, m)
	want(t, got, `causey_exchanges_total{outcome="answered",site="other",status_class="5xx",upstream="other"}`, 500)
	want(t, got, `causey_exchange_duration_seconds_count{site="other",upstream="other"}`, 500)
	want(t, got, `causey_attempts_total{result="ok",server="other",upstream="other"}`, 500)
}

// TestBucketsAreThoseOfTheBounds compares with a search through the bounds.
func TestBucketsAreThoseOfTheBounds(t *testing.T) {
	check := func(d time.Duration) {
		t.Helper()
		want := 0
		for want < boundCount && d > bounds[want] {
			want++
		}
		if got := bucket(d); got != want {
			t.Errorf("%d ns falls into bucket %d, want %d", d, got, want)
		}
	}
	for _, b := range bounds {
		for d := b - 2; d <= b+2; d++ {
			check(d)
		}
	}
	for n := range 63 {
		for d := time.Duration(1)<<n - 1; d <= 1<<n+1; d++ {
			check(d)
		}
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, math.MaxInt64} {
		check(d)
	}
}

// TestManyNamesAreToldApart: names that are alike, more than the cache before the
// table has places for, each get their own count.
func TestManyNamesAreToldApart(t *testing.T) {
	m := newMetrics()
	names := []string{"", "a", "b", "long-name-of-site-one", "long-name-of-tite-one"}
	for i := range 4 * recentMax {
		names = append(names, fmt.Sprintf("shop%dexample", i))
	}
	for range 3 {
		for i, site := range names {
			r := rec(site, "u", record.Relayed, 200)
			for range i%3 + 1 {
				m.Consume([]record.Record{r})
			}
		}
	}
	got := gather(t, m)
	for i, site := range names {
		want(t, got, fmt.Sprintf(`causey_exchanges_total{outcome="relayed",site=%q,status_class="2xx",upstream="u"}`, site), float64(3*(i%3+1)))
	}
}

// TestDimensionsAreWhole: a new outcome or family must get its place in the arrays;
// the first value without a name is the first without a place.
func TestDimensionsAreWhole(t *testing.T) {
	unnamed := func(name func()) (ok bool) {
		defer func() { ok = recover() != nil }()
		name()
		return false
	}
	if !unnamed(func() { _ = record.Outcome(outcomeCount).String() }) {
		t.Error("there are more outcomes than outcomeCount")
	}
	if !unnamed(func() { _ = failure.Family(unrecorded).String() }) {
		t.Error("there are more families than resultCount has room for")
	}
}

func TestScrapeWhileCounting(t *testing.T) {
	m := newMetrics()
	srv := httptest.NewServer(m.Handler())
	defer srv.Close()
	batch := []record.Record{rec("s", "u", record.Relayed, 200), fail(rec("s", "u", record.Cut, 200), "upstream.relay-body.short")}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 2000 {
			m.Consume(batch)
		}
	})
	for range 5 {
		resp, err := http.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.Status, err)
		}
		for _, f := range []string{"causey_failures_total", "go_goroutines", "process_open_fds"} {
			if !strings.Contains(body.String(), "\n"+f) {
				t.Errorf("the page lacks %s", f)
			}
		}
	}
	wg.Wait()
	want(t, gather(t, m), `causey_failures_total{code="upstream.relay-body.short",family="closed",kind="short",party="upstream",phase="relay-body"}`, 2000)
}

func TestCountingDoesNotAllocate(t *testing.T) {
	m := newMetrics()
	batch := []record.Record{rec("s", "u", record.Relayed, 200), fail(rec("s", "u", record.Answered, 502), "upstream.connect.refused")}
	batch[0].AddAttempt().Server = "a:1"
	m.Consume(batch)
	if n := testing.AllocsPerRun(100, func() { m.Consume(batch) }); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}

// mixed returns records that differ as those of a busy gateway do: in site, server
// and timings.
func mixed(n int) []record.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]record.Record, n)
	for i := range out {
		site := rng.IntN(4)
		r := rec(fmt.Sprintf("shop%d.example", site), fmt.Sprintf("shop%d", site), record.Relayed, 200)
		for _, p := range []phase.Phase{phase.ReadHead, phase.Route, phase.Guard, phase.Queue, phase.SendHead, phase.AwaitHead, phase.ReadHeadUp, phase.RelayBody, phase.Finish} {
			r.Phases[p] = time.Duration(rng.ExpFloat64() * 5e5)
		}
		r.Total = time.Duration(rng.ExpFloat64() * 5e6)
		r.AddAttempt().Server = fmt.Sprintf("10.0.0.%d:8001", rng.IntN(4))
		out[i] = r
	}
	return out
}

func benchmarkConsume(b *testing.B, batch []record.Record) {
	m := newMetrics()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(batch) == 0 { // so that ns/op is per record
			m.Consume(batch)
		}
	}
}

// BenchmarkConsume counts one record again and again, the best case.
func BenchmarkConsume(b *testing.B) {
	batch := make([]record.Record, 64)
	one := mixed(1)[0]
	for i := range batch {
		batch[i] = one
	}
	benchmarkConsume(b, batch)
}

func BenchmarkConsumeMixed(b *testing.B) { benchmarkConsume(b, mixed(512)) }

// TestDocs compares docs/metrics.md with the table of families (I1).
func TestDocs(t *testing.T) {
	const path = "../../docs/metrics.md"
	const begin = "<!-- families: go test ./internal/metrics -run TestDocs -update -->\n"
	const end = "<!-- end of families -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := bytes.Cut(page, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks the marks", path)
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(begin + "\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range Families() {
		labels := "none"
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, labels, f.Help)
	}
	var seconds []string
	for _, d := range bounds {
		seconds = append(seconds, fmt.Sprint(d.Seconds()))
	}
	b.WriteString("\nBuckets of durations, in seconds: " + strings.Join(seconds, ", ") + ".\n\n" + end)
	b.Write(tail)
	testkit.Golden(t, path, b.Bytes())
}

// TestFamiliesAreWhatAScrapeShows: no family is declared and never sent, none is
// sent under another type.
func TestFamiliesAreWhatAScrapeShows(t *testing.T) {
	m := newMetrics()
	r := rec("s", "u", record.Answered, 502)
	r.AddAttempt().Server = "a:1"
	r.Cache = record.CacheBypass
	m.Consume([]record.Record{r})
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m)
	got, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range got {
		types[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	for _, f := range Families() {
		if types[f.Name] != f.Type {
			t.Errorf("%s: a scrape shows type %q, the table says %s", f.Name, types[f.Name], f.Type)
		}
	}
	if len(types) != len(families) {
		t.Errorf("a scrape shows %d families, the table has %d", len(types), len(families))
	}
}
