// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// Family documents one metric. docs/metrics.md is made from these.
type Family struct {
	Name string
	// Type is "counter", "gauge" or "histogram".
	Type string
	// Labels are the names of its labels, in order.
	Labels []string
	// Help is the text that a scrape shows.
	Help string
}

// family is an index into families and descs.
type family int

const (
	famExchanges family = iota
	famFailures
	famServerErrors
	famDuration
	famPhases
	famAttempts
	famSaved
	famSavedExchanges
	famRetries
	famHeld
	famHeldNow
	famServerState
	famEventsDropped
	famExperiments
	famCacheResults
	famHidden
	famCacheObjects
	famCacheBytes
	famCacheAnswers
	famCacheDisk
	famIncidentsOpen
	famIncidents
	famDiagnosisCases
	famDiagnosisNoPlace
	famDiagnosisLooks
	famDiagnosisTime
	famBodyBytes
	famRecordsDropped
	famLinesDropped
	famSpansExported
	famSpansDropped
	famExportFailures
	famConnections
	famUpstreamConnections
	famReloads
	famReloadOK
	famReloadTime
	famNetworks
	famNetworksTime
	famNetworksUntrusted
	famHandshakes
	famCertificates
	famCertificateEnd
	famOrders
	famStoreBytes
	famStoreRows
	famStoreWaiting
	famStoreWrites
	famStoreFailures
	famStoreDegraded
	famBuild
)

var families = [...]Family{
	famExchanges: {"causey_exchanges_total", "counter", []string{"site", "upstream", "outcome", "status_class"},
		"Exchanges that ended. outcome: relayed, answered (by the gateway), cut, client-left, tunnelled, unanswered, refreshed (the cache asked for itself). status_class: 1xx to 5xx, or none if nothing was answered; a client that left first is 4xx (499)."},
	famFailures: {"causey_failures_total", "counter", []string{"code", "party", "phase", "kind", "family"},
		"Exchanges that failed, by the code of their first failure. party client is the client's own doing."},
	famServerErrors: {"causey_server_errors_total", "counter", []string{"site", "upstream", "status", "made_by"},
		"Answers with a status of 500 and above (other: beyond 504), by who made them: upstream (relayed) or gateway."},
	famDuration: {"causey_exchange_duration_seconds", "histogram", []string{"site", "upstream"},
		"Time from the first byte of the request to the end of the exchange. Tunnels are left out: they last as long as their users like; so is what the cache asks for itself."},
	famPhases: {"causey_phase_duration_seconds", "histogram", []string{"phase"},
		"Time that exchanges spent in each phase they reached."},
	famAttempts: {"causey_attempts_total", "counter", []string{"upstream", "server", "result"},
		"Attempts on servers. result: ok, or the family of the failure. Of an exchange with more than four attempts those in between are unrecorded."},
	famSaved: {"causey_saved_total", "counter", []string{"upstream", "means"},
		"Exchanges in which something failed and the client saw nothing of it, by what kept it from the client: retry (another attempt went well), hold (the request waited for a server), stale (a stored answer past its time), hedge (a second server answered while the first was silent). One exchange may count under several."},
	famSavedExchanges: {"causey_saved_exchanges_total", "counter", []string{"upstream"},
		"Exchanges in which something failed and the client saw nothing of it, each counted once: what to show beside causey_failures_total."},
	famRetries: {"causey_retries_total", "counter", []string{"upstream"},
		"Attempts after the first of an exchange, whether they helped or not. A second server that was asked beside a silent one counts if it won."},
	famHeld: {"causey_held_seconds", "histogram", []string{"upstream"},
		"Time that requests waited for a server, of those that had to, whether it helped or not."},
	famHeldNow: {"causey_held_requests", "gauge", []string{"upstream"},
		"Requests that wait in line for a server now."},
	famServerState: {"causey_server_state", "gauge", []string{"upstream", "server", "state"},
		"1 for the state that a server is in, 0 for the others: up, unreachable (no connection can be opened), returning (asked only where no other can be), ejected (answered much worse than the others), stalled (answers nothing), failing (its health check fails), draining and maintenance (by the owner's hand). For 1,024 servers at most."},
	famEventsDropped: {"causey_server_events_dropped_total", "counter", nil,
		"Changes of servers' states that came too fast to be logged and kept."},
	famExperiments: {"causey_experiments_total", "counter", []string{"experiment", "outcome"},
		"Experiments that separated causes of failures which look alike. outcome: yes, no, or unseen (it could not be observed)."},
	famCacheResults: {"causey_cache_results_total", "counter", []string{"site", "upstream", "result"},
		"Exchanges of routes with a cache, by what it did: hit, collapsed (there after a wait for another request), revalidated (the server said that it still holds), stale (stood in although no longer fresh), miss, expired (the server gave another), bypass (the request is none for a cache), refresh (the cache asked for itself, and no client waited)."},
	famHidden: {"causey_cache_hidden_failures_total", "counter", []string{"code", "party", "phase", "kind", "family"},
		"Failures that no client saw, by code: an answer of the cache stood in, or only the cache had asked. They are not in causey_failures_total."},
	famCacheObjects: {"causey_cache_objects", "gauge", []string{"store"},
		"Targets that answers are kept for. store: memory, disk."},
	famCacheBytes: {"causey_cache_bytes", "gauge", []string{"store"},
		"Bytes that kept answers take. store: memory, disk, incoming (answers on their way in)."},
	famCacheAnswers: {"causey_cache_answers_total", "counter", []string{"fate"},
		"Answers that were to be kept. fate: kept, or abandoned (too long, cut, or there was no room)."},
	famCacheDisk: {"causey_cache_disk_total", "counter", []string{"event"},
		"What happened to the cache on disk. event: loaded (an answer was read from it), skipped (one was not written, since the disk is slower than they come), failed (a write failed), broken (a file was not believed and removed)."},
	famIncidentsOpen: {"causey_incidents_open", "gauge", []string{"severity"},
		"Incidents that are there now, recovering ones included. severity: critical (most of what an upstream is asked for fails), major (visitors get errors), minor (few do), saved (nobody noticed)."},
	famIncidents: {"causey_incidents_total", "counter", []string{"layer", "state"},
		"Incidents that came into a state, by the layer of the cause that was likeliest then, or unknown. state: open (no cause stands out), suspected, confirmed, recovering, closed. One incident counts in each state that it comes to."},
	famDiagnosisCases: {"causey_diagnosis_cases", "gauge", nil,
		"Groups of failures that are being watched: what fails in one way at one upstream."},
	famDiagnosisNoPlace: {"causey_diagnosis_unplaced_total", "counter", nil,
		"Failures that found no place among them, since too many different ones came: they are in the counters of failures, and in no incident."},
	famDiagnosisLooks: {"causey_diagnosis_looks_total", "counter", nil,
		"How often all groups were looked at, once a second."},
	famDiagnosisTime: {"causey_diagnosis_look_seconds_total", "counter", nil,
		"Time that these looks took."},
	famBodyBytes: {"causey_body_bytes_total", "counter", []string{"direction"},
		"Body bytes received from clients (in) and sent to them (out)."},
	famRecordsDropped: {"causey_records_dropped_total", "counter", []string{"lane"},
		"Records of exchanges that were dropped before anything here could count them, of ordinary and of failed ones."},
	famLinesDropped: {"causey_access_log_lines_dropped_total", "counter", nil,
		"Lines of the access log that were dropped because its output was too slow or failed."},
	famSpansExported: {"causey_trace_spans_exported_total", "counter", nil,
		"Spans that the collector took."},
	famSpansDropped: {"causey_trace_spans_dropped_total", "counter", []string{"reason"},
		"Spans that were dropped. reason: queue-full (the collector is slower than the traffic), unreachable (given up after some tries), refused (the collector did not want them, or answered 429 to every try), stopped (left at a stop or a reload)."},
	famExportFailures: {"causey_trace_export_failures_total", "counter", nil,
		"Requests to the collector that failed, tries after the first included."},
	famConnections: {"causey_connections", "gauge", []string{"state"},
		"Connections of clients: active, idle (waiting for a request), parked (idle for longer, without memory of their own)."},
	famUpstreamConnections: {"causey_upstream_connections", "gauge", []string{"upstream", "server", "state"},
		"Connections to servers: active (carrying an exchange), idle (kept for reuse)."},
	famReloads: {"causey_config_reloads_total", "counter", []string{"result"},
		"Reloads of the configuration: ok, or failed (the old one stayed in use)."},
	famReloadOK: {"causey_config_last_reload_success", "gauge", nil,
		"1 if the configuration in use is the newest that was given, 0 if the last reload failed."},
	famReloadTime: {"causey_config_last_reload_success_timestamp_seconds", "gauge", nil,
		"When the configuration in use was loaded, in seconds since 1970."},
	famNetworks: {"causey_network_set_prefixes", "gauge", []string{"set"},
		"Networks in each named set; 0 for one that has to be downloaded first."},
	famNetworksTime: {"causey_network_set_retrieved_timestamp_seconds", "gauge", []string{"set"},
		"When the list of a named set was taken from its source, in seconds since 1970."},
	famNetworksUntrusted: {"causey_network_set_untrusted_total", "counter", []string{"set"},
		"Exchanges that came straight from the networks of a set which trusted_proxies does not name: their clients' addresses are those of the delivery network, not of the visitors."},
	famHandshakes: {"causey_tls_handshakes_total", "counter", []string{"version", "resumed"},
		"TLS handshakes of clients that were completed, counted when the first exchange of the connection ends. version: 1.2 or 1.3. resumed: yes or no. Those that failed are in causey_failures_total, phase handshake."},
	famCertificates: {"causey_certificates", "gauge", []string{"source", "state"},
		"Certificates by where they come from (file, automatic, on-demand) and how it is with them: ok, expiring (soon, and nothing newer in sight), failing (good, and a newer one cannot be had), waiting (there is none yet), expired."},
	famCertificateEnd: {"causey_certificate_not_after_timestamp_seconds", "gauge", []string{"host"},
		"When a certificate expires, in seconds since 1970, by the first of the hosts that it is served for; of several for one host the first to expire. Not for names on demand, and for 1,024 hosts at most, those that expire first."},
	famOrders: {"causey_certificate_orders_total", "counter", []string{"result"},
		"Orders for certificates at the CA, new ones and renewals: ok, or failed."},
	famStoreBytes: {"causey_store_size_bytes", "gauge", nil,
		"Bytes of the store's file, with its log; of its rows while they are in memory."},
	famStoreRows: {"causey_store_rows", "gauge", []string{"table"},
		"Rows of the store: incidents, evidence, exemplars, rules, server_overrides. Counted once a minute."},
	famStoreWaiting: {"causey_store_queue", "gauge", nil,
		"Writes that wait to be committed. They are many only while the disk is slow or cannot be written."},
	famStoreWrites: {"causey_store_writes_total", "counter", []string{"fate"},
		"Writes to the store. fate: committed, or dropped (there was no room for more to wait)."},
	famStoreFailures: {"causey_store_write_failures_total", "counter", nil,
		"Attempts to write to the store that failed. What they were to write is kept and tried again."},
	famStoreDegraded: {"causey_store_degraded", "gauge", nil,
		"1 while nothing of the store reaches the disk, so that a crash would lose what is new; else 0."},
	famBuild: {"causey_build_info", "gauge", []string{"version", "commit", "goversion"},
		"Always 1; the labels say which build this is."},
}

// Families returns all families of this package in the order of the
// documentation. The collectors of the Go runtime and of the process come on top.
func Families() []Family { return append([]Family(nil), families[:]...) }

var descs = func() (d [len(families)]*prometheus.Desc) {
	for i, f := range families {
		d[i] = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	}
	return d
}()
