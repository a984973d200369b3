// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"fmt"
	"io"
	"strings"

	"causey/internal/phase"
	"causey/internal/text"
)

// Side says in words whose side p stands on.
func (p Party) Side() string { return partySides[p] }

// partySides are these words.
var partySides = map[Party]string{
	Client:   "the client's: a browser, an app, a bot, or what stands in front of the gateway",
	Upstream: "the server's: the application, its machine, its name, or the way to it",
	Gateway:  "the gateway's own: its limits, its configuration, its machine, its being stopped",
}

// phaseNotes says in words where an exchange is, for each phase that has codes.
var phaseNotes = map[phase.Phase]string{
	phase.Accept:      "a client's connection is taken",
	phase.Handshake:   "TLS is agreed on with the client",
	phase.ReadHead:    "the head of the request is being received",
	phase.Route:       "site and route are chosen",
	phase.Resolve:     "the server's name is turned into addresses",
	phase.Queue:       "the request waits for a server",
	phase.Connect:     "a connection to the server is being opened",
	phase.UpHandshake: "TLS is agreed on with the server",
	phase.SendHead:    "the head of the request is handed to the server",
	phase.SendBody:    "the body of the request flows from client to server",
	phase.AwaitHead:   "the request is sent, no byte of the answer has come",
	phase.ReadHeadUp:  "the head of the answer is being received",
	phase.RelayBody:   "the body of the answer flows from server to client",
	phase.Tunnel:      "an upgraded connection carries bytes both ways",
	phase.Finish:      "the exchange is being ended",
}

// Explain writes e as plain text for a terminal of 80 columns: what happened, on
// which side, why most probably, what to look at, and what follows from the code.
// The error is the writer's.
func (e *Entry) Explain(w io.Writer) error {
	var p text.Page
	p.Line(e.Name)
	p.Line(e.Title)
	p.Line("")
	p.Wrap("", "", e.Meaning)
	p.Line("")
	p.Line("Likely reasons, most likely first")
	for i, r := range e.Reasons {
		p.Wrap(fmt.Sprintf("  %d. ", i+1), "     ", r)
	}
	p.Line("")
	p.Line("What to look at")
	for _, l := range e.LookAt {
		p.Wrap("  - ", "    ", l)
	}
	p.Line("")
	p.Line("Facts")
	for _, f := range e.facts() {
		p.Wrap(fmt.Sprintf("  %-13s ", f.name), strings.Repeat(" ", 16), f.text)
	}
	return p.SendTo(w)
}

// fact is one line of what follows from a code.
type fact struct{ name, text string }

// facts puts the machine columns of e into words, the same for every reader.
func (e *Entry) facts() []fact {
	return []fact{
		{"Side", e.Code.Party.Side()},
		{"Phase", e.Code.Phase.String() + ": " + phaseNotes[e.Code.Phase]},
		{"Family", e.Family.String()},
		{"Status", e.statusText()},
		{"Proxy-Status", e.proxyStatusText()},
		{"Counts as", e.severityText()},
		{"Repetition", e.retryText()},
	}
}

// statusText says what becomes of the status: after the head of an answer has gone
// out, no other one can be sent.
func (e *Entry) statusText() string {
	switch {
	case e.Status == StatusClientGone:
		return "499 in the log only: the client is gone and gets no answer"
	case e.unanswerable():
		return fmt.Sprintf("0 in the records: without TLS nothing can be answered, and the connection is closed (its class is %d)", e.Status)
	case e.Code.Phase == phase.Tunnel:
		return fmt.Sprintf("%d in the records; the client has had its 101, and the tunnel is closed", e.Status)
	case e.Severity == SeverityWarning:
		return fmt.Sprintf("%d in the failure's entry only: the client got the server's answer whole", e.Status)
	case e.Code.Phase == phase.RelayBody:
		return fmt.Sprintf("%d if the head of the answer had not gone out; otherwise the status already sent stands, "+
			"and the answer is cut so that it cannot look complete", e.Status)
	}
	return fmt.Sprintf("%d", e.Status)
}

// unanswerable reports a failure of the client's handshake: nothing that is sent
// before TLS stands would be understood, unless the client speaks plain HTTP.
func (e *Entry) unanswerable() bool {
	return e.Code.Phase == phase.Handshake && e.Code.Kind != PlainHTTP
}

func (e *Entry) proxyStatusText() string {
	switch {
	case e.ProxyError == "":
		return "none: there is nobody to tell"
	case e.unanswerable():
		return "never sent; its type would be " + e.ProxyError + " (RFC 9209)"
	}
	return "error=" + e.ProxyError + " (RFC 9209)"
}

func (e *Entry) severityText() string {
	switch e.Severity {
	case SeverityClient:
		return "the client's doing, never an error of the site"
	case SeverityWarning:
		return "a warning: all that belonged to the exchange was delivered"
	}
	return "an error: the client did not get what the site meant to send"
}

func (e *Entry) retryText() string {
	switch e.Retry {
	case RetryUnsent:
		return "any method, on another server: no byte of the request had left the gateway"
	case RetryReused:
		return "once, on a fresh connection, if the request may be repeated"
	case RetryIdempotent:
		return "idempotent requests only, and only where the owner's policy says so"
	}
	if e.Severity == SeverityClient {
		return "none: only the client can ask again"
	}
	return "none: the failure is final"
}
