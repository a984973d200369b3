// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"
	"testing"

	"causey/internal/phase"
)

// RFC 9209 section 2.3 gives each error type a recommended status. 4 stands for
// "the applicable 4xx", 0 for "the most appropriate one".
var recommended = map[string]int{
	"dns_timeout": 504, "dns_error": 502,
	"destination_not_found": 500, "destination_unavailable": 503,
	"destination_ip_prohibited": 502, "destination_ip_unroutable": 502,
	"connection_refused": 502, "connection_terminated": 502,
	"connection_timeout": 504, "connection_read_timeout": 504,
	"connection_write_timeout": 504, "connection_limit_reached": 503,
	"tls_protocol_error": 502, "tls_certificate_error": 502, "tls_alert_received": 502,
	"http_request_error": 4, "http_request_denied": 403,
	"http_response_incomplete": 502, "http_response_header_section_size": 502,
	"http_response_header_size": 502, "http_response_body_size": 502,
	"http_response_trailer_section_size": 502, "http_response_trailer_size": 502,
	"http_response_transfer_coding": 502, "http_response_content_coding": 502,
	"http_response_timeout": 504, "http_upgrade_failed": 502, "http_protocol_error": 502,
	"proxy_internal_response": 0, "proxy_internal_error": 500,
	"proxy_configuration_error": 500, "proxy_loop_detected": 502,
}

// notRecommended are the codes that leave the recommendation, with the reason.
var notRecommended = map[string]string{
	"client.read-head.bad-version": "505 is what RFC 9110 section 15.6.6 has for a version that is not spoken",
	"client.read-head.bad-te":      "501 is what RFC 9112 section 6.1 asks for a coding that is not understood",
}

func TestStatusIsRecommended(t *testing.T) {
	excused := map[string]bool{}
	for _, e := range All() {
		if e.ProxyError == "" {
			if e.Status != StatusClientGone {
				t.Errorf("%s has no RFC 9209 type though somebody is answered %d", e.Name, e.Status)
			}
			continue
		}
		want, known := recommended[e.ProxyError]
		follows := e.Status == want || want == 0 && e.Status >= 500 || want == 4 && e.Status/100 == 4 && e.Status != StatusClientGone
		reason := notRecommended[e.Name]
		switch {
		case !known:
			t.Errorf("%s: RFC 9209 has no error type %q", e.Name, e.ProxyError)
		case !follows && reason == "":
			t.Errorf("%s: status %d, RFC 9209 recommends %d for %s", e.Name, e.Status, want, e.ProxyError)
		case follows && reason != "":
			t.Errorf("%s is excused and needs no excuse", e.Name)
		}
		excused[e.Name] = reason != ""
	}
	for name := range notRecommended {
		if !excused[name] {
			t.Errorf("%s is excused and does not exist", name)
		}
	}
}

// A status says whose side it is on: 4xx the client's, 502 and 504 the server's, 503
// want of capacity or of a usable server, 500 our own fault.
func TestStatusNamesTheSide(t *testing.T) {
	// Codes whose status belongs to another side at first sight, with the reason.
	except := map[string]string{
		"client.read-head.bad-version":  "505 is the client's in spite of its class",
		"client.read-head.bad-te":       "501 is the client's in spite of its class",
		"upstream.resolve.nodata":       "no usable server is 503",
		"upstream.connect.backlog-full": "the server's capacity is 503",
		"gateway.route.loop":            "a loop is 502",
		"gateway.tunnel.idle":           "a timer of ours is 504, and nothing is answered in a tunnel",
	}
	legal := map[Party][]int{
		Client:   {400, 404, 405, 408, 413, 414, 417, 421, 431, StatusClientGone},
		Upstream: {502, 504},
		Gateway:  {500, 503},
	}
	for _, e := range All() {
		fits := slices.Contains(legal[e.Code.Party], e.Status)
		if _, excused := except[e.Name]; fits == excused {
			t.Errorf("%s: status %d fits its side: %v, excused: %v", e.Name, e.Status, fits, excused)
		}
		delete(except, e.Name)
	}
	for name := range except {
		t.Errorf("%s is excused and does not exist", name)
	}
}

func TestStatusFitsFamily(t *testing.T) {
	for _, e := range All() {
		timeout := e.Family == FamilyTimeout
		if e.Code.Party == Upstream && timeout != (e.Status == 504) {
			t.Errorf("%s: family %v and status %d", e.Name, e.Family, e.Status)
		}
		if ours := e.Family == FamilyBug || e.Code.Kind == ClockWrong; ours != (e.Status == 500) {
			t.Errorf("%s: only a bug of ours, or our clock, is a 500", e.Name)
		}
		if e.Family == FamilyExhausted && e.Status != 503 {
			t.Errorf("%s: want of capacity answered %d", e.Name, e.Status)
		}
	}
}

func TestSeverityFitsParty(t *testing.T) {
	for _, e := range All() {
		if (e.Code.Party == Client) != (e.Severity == SeverityClient) {
			t.Errorf("%s has severity %v: what a client did is never an error of the site, and nothing else is excused",
				e.Name, e.Severity)
		}
		if e.Status == StatusClientGone && e.Severity != SeverityClient {
			t.Errorf("%s: 499 is for clients that left", e.Name)
		}
	}
}

// A retry rule may promise no more than its phase can know.
func TestRetryFitsPhase(t *testing.T) {
	for _, e := range All() {
		p := e.Code.Phase
		switch {
		case e.Severity != SeverityError && e.Retry != RetryNever:
			t.Errorf("%s: %v, but nothing is left to repeat", e.Name, e.Retry)
		case e.Retry == RetryUnsent && (p < phase.Resolve || p > phase.UpHandshake):
			t.Errorf("%s: %v, but bytes may have been sent", e.Name, e.Retry)
		case e.Code.Party == Upstream && (p == phase.Resolve || p == phase.Connect) && e.Retry != RetryUnsent:
			t.Errorf("%s: %v, but nothing has been sent", e.Name, e.Retry)
		case (e.Retry == RetryReused) != (e.Code.Kind == ClosedReused || e.Code.Kind == ResetReused):
			t.Errorf("%s: %v belongs to reused connections", e.Name, e.Retry)
		case p >= phase.RelayBody && e.Retry != RetryNever:
			t.Errorf("%s: %v, but the client has a part of the answer", e.Name, e.Retry)
		}
	}
}
