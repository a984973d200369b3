// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"fmt"

	"causey/internal/phase"
	"causey/internal/text"
)

// markdownHead opens docs/failures.md.
const markdownHead = `# Failures

<!-- Generated from internal/failure: go test ./internal/failure -update -->

A failure is what the gateway saw go wrong with an exchange: an observed fact, never a
guess. Its code says **which party** (client, upstream, gateway), **in which phase** and
**what kind**, as in ` + "`upstream.connect.refused`" + `. The same code stands in the access log,
the metrics, the admin API and, for whom it may concern, in the Proxy-Status field
(RFC 9209). Codes are never renamed.

` + "`causey explain CODE`" + ` prints any of the sections below in a terminal, and
` + "`causey explain ID`" + ` the failure of one exchange with its evidence.

The reasons are likely ones, most likely first. Names in capitals (ADDRESS, APP, URL) in
the commands stand for your own.
`

// markdownTitles head the chapters of docs/failures.md.
var markdownTitles = map[Party]string{
	Client:   "Client",
	Upstream: "Upstream",
	Gateway:  "Gateway",
}

// Markdown returns docs/failures.md: an index of all codes, then every entry, by
// party and phase.
func Markdown() []byte {
	var p text.Page
	p.WriteString(markdownHead)
	writeIndex(&p)
	var party Party
	var at phase.Phase
	for _, e := range all {
		newParty := e.Code.Party != party
		if newParty {
			p.Line("\n## " + markdownTitles[e.Code.Party])
			p.Line("\nSide: " + e.Code.Party.Side() + ".")
		}
		if newParty || e.Code.Phase != at {
			p.Line(fmt.Sprintf("\n### %s, %s", markdownTitles[e.Code.Party], e.Code.Phase))
			p.Line("\nIn this phase " + phaseNotes[e.Code.Phase] + ".")
		}
		party, at = e.Code.Party, e.Code.Phase
		writeEntry(&p, e)
	}
	return []byte(p.String())
}

// writeIndex writes the table of all codes.
func writeIndex(p *text.Page) {
	p.Line("\n## Index\n")
	p.Line("| Code | In words | Status | Proxy-Status | Repetition |")
	p.Line("|---|---|---|---|---|")
	for _, e := range all {
		p.Line(fmt.Sprintf("| [`%s`](#%[1]s) | %s | %d | %s | %s |", e.Name, e.Title, e.Status, e.ProxyError, e.Retry))
	}
}

// writeEntry writes one section. The anchor is the code itself, so that a link can be
// made of it without knowing how a renderer names headings.
func writeEntry(p *text.Page, e *Entry) {
	p.Line(fmt.Sprintf("\n<a id=\"%s\"></a>\n#### `%[1]s`", e.Name))
	p.Line("\n**" + e.Title + ".** " + e.Meaning)
	p.Line("\nLikely reasons:\n")
	for i, r := range e.Reasons {
		p.Line(fmt.Sprintf("%d. %s", i+1, r))
	}
	p.Line("\nWhat to look at:\n")
	for _, l := range e.LookAt {
		p.Line("- " + l)
	}
	p.Line("\n| | |\n|---|---|")
	for _, f := range e.facts()[2:] { // side and phase stand in the headings
		p.Line("| " + f.name + " | " + f.text + " |")
	}
}
