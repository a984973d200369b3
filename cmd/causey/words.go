// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"

	"causey/internal/failure"
	"causey/internal/phase"
)

// inWords is the evidence of a failure in one line, the most telling first. It is
// "" for an exchange that went well.
func (x *exchange) inWords() string {
	entry := entryOf(x.Failure)
	if entry == nil {
		return ""
	}
	code := entry.Code
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	e := x.Evidence
	spent := x.Phases[code.Phase.String()]
	if name := e.text("errno"); name != "" {
		add("%s", name)
	}
	if code.Kind == failure.Timeout {
		add("nothing for %s", span(spent))
	}
	if server := e.text("dns_server"); server != "" {
		add("rcode %d from name server %s", int(e.number("rcode")), server)
	}
	x.handshakeInWords(add)
	if e.has("missing") {
		add("%s missing", bytesText(int64(e.number("missing"))))
	}
	if e.has("limit") {
		add("%s came, %s allowed", thousands(int64(e.number("size"))), thousands(int64(e.number("limit"))))
	}
	switch field := e.text("field"); {
	case field == "":
	case code.Kind == failure.OtherProtocol:
		add("it speaks %s", field)
	default:
		add("field %s", field)
	}
	if first := e.text("first_bytes"); first != "" && showsBytes(entry) {
		add(`it began "%s"`, shorten(first, 48))
	}
	if at := e.number("offset"); at > 0 {
		add("at byte %s", thousands(int64(at)))
	}
	switch {
	case code.Kind == failure.Timeout:
	case e.text("end") == "fin":
		add("closed in order (FIN)")
	case e.text("end") == "rst" && e.text("errno") == "":
		add("reset (RST)")
	}
	if n := e.number("response_bytes"); n > 0 && code.Party == failure.Upstream {
		add("after %s of the answer", bytesText(int64(n)))
	}
	if string(e["reused"]) == "true" {
		add("request %d on a connection idle for %s", int(e.number("request_number")), span(e.number("idle_ms")))
	}
	switch at := e.text("dialled"); {
	case at != "":
		add("server %s", at)
	case code.Party == failure.Upstream && x.Server != "":
		add("server %s", x.Server)
	}
	if len(parts) == 0 {
		add("%s", e.text("error"))
	}
	return strings.Join(parts, ", ")
}

// handshakeInWords adds what a TLS handshake showed.
func (x *exchange) handshakeInWords(add func(string, ...any)) {
	e := x.Evidence
	if e.has("tls_alert") {
		name := strings.TrimSpace(fmt.Sprintf("%d %s", int(e.number("tls_alert")), e.text("tls_alert_name")))
		if string(e["tls_alert_sent"]) == "true" {
			add("we sent TLS alert %s", name)
		} else {
			add("TLS alert %s", name)
		}
	}
	if issuer := e.text("tls_missing_issuer"); issuer != "" {
		add("no certificate of %s", shorten(issuer, 48))
	}
	if asked := e.text("tls_server_name"); asked != "" {
		add("asked for %s", shorten(asked, 64))
	}
	switch kind := entryOf(x.Failure).Code.Kind; kind {
	case failure.WrongName:
		if names := e.list("tls_names"); names != "" {
			add("offered %s", shorten(names, 64))
		}
	case failure.CertExpired:
		add("valid until %s", e.text("tls_not_after"))
	case failure.CertNotYetValid:
		add("valid from %s", e.text("tls_not_before"))
	case failure.ClockWrong:
		add("our clock is off by %s", span(math.Abs(e.number("tls_clock_ahead_ms"))))
	}
	if offered := e.list("tls_offered"); offered != "" {
		add("offered %s", shorten(offered, 64))
	}
}

// showsBytes reports whether the first bytes tell something that the code does
// not: they do where a head was not understood.
func showsBytes(e *failure.Entry) bool {
	switch e.Code.Phase {
	case phase.Handshake, phase.UpHandshake, phase.ReadHead, phase.ReadHeadUp:
		return e.Family == failure.FamilyMalformed
	}
	return false
}
