// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"causey/internal/failure"
	"causey/internal/text"
)

// markdownHead opens docs/causes.md.
const markdownHead = `# Causes

<!-- Generated from internal/cause: go test ./internal/cause -update -->

A cause is what most probably lies behind some failures, or behind bad answers of a server.
It is never certain: each has evidence for and against, which is weighed, and "unknown" is an
answer. How that is done: [operating.md](operating.md#incidents). Words that are not plain:
[plain-words.md](plain-words.md).

` + "`causey explain ID`" + ` prints any of the sections below in a terminal; a number (F009) will
do. Ids are never renamed.

Weights are natural logarithms of odds: +0.7 makes a cause twice as likely, +2.3 ten times,
and the same with a minus against it. What was not observed weighs nothing. Times are seconds.
Names in capitals (ADDRESS, APP, URL) in the commands stand for your own.
`

// layerNotes say where a layer is.
var layerNotes = map[string]string{
	"dns":         "the name of a server, and what it leads to",
	"network":     "the way to a server",
	"tcp":         "connections: whether they open, and who ends them",
	"tls":         "encryption and certificates",
	"protocol":    "the gateway and the server speak different things",
	"request":     "something about the request",
	"response":    "something about the answer",
	"keep-alive":  "connections that are used more than once",
	"http2":       "HTTP/2 and gRPC",
	"websocket":   "connections that stay open for both sides",
	"capacity":    "more is asked for than can be done",
	"application": "the program that makes the pages",
	"deploy":      "a new version, a restart, maintenance",
	"gateway":     "Causey itself, its configuration and its machine",
	"cdn":         "a delivery network before the site or behind it",
	"client":      "visitors and their programs",
	"attack":      "somebody who means harm, or behaves as if",
	"systemic":    "what several sites or servers share",
	"relayed":     "an error that another gateway behind this one made",
}

// Markdown returns docs/causes.md: an index by layer, one by failure, then every entry.
func (c *Catalogue) Markdown() []byte {
	var p text.Page
	p.WriteString(markdownHead)
	p.Line("\n## By layer")
	for _, layer := range Layers {
		p.Line(fmt.Sprintf("\n### %s\n\n%s.\n", layer, capital(layerNotes[layer])))
		p.Line("| | Cause | In words | Met |\n|---|---|---|---|")
		for _, e := range c.entries {
			if e.Layer == layer {
				p.Line(fmt.Sprintf("| %s | [`%s`](#%[2]s) | %s | %s |", e.Number, e.ID, plain(e.Title), e.Prior))
			}
		}
	}
	c.writeByFailure(&p)
	p.Line("\n## The causes")
	for _, e := range c.entries {
		e.writeSection(&p)
	}
	return []byte(p.String())
}

// writeByFailure writes which causes may be behind a failure.
func (c *Catalogue) writeByFailure(p *text.Page) {
	p.Line("\n## By failure\n\nWhat may be behind a code of [failures.md](failures.md), or behind an answer of a server.\n")
	p.Line("| Failure | Causes |\n|---|---|")
	for _, f := range failure.All() {
		if causes := c.ForCode(f.Code); len(causes) > 0 {
			p.Line(fmt.Sprintf("| [`%s`](failures.md#%[1]s) | %s |", f.Name, links(causes)))
		}
	}
	byAnswer := map[string][]*Entry{}
	var answers []string
	for _, e := range c.entries {
		for _, a := range e.Answers {
			if byAnswer[a] == nil {
				answers = append(answers, a)
			}
			byAnswer[a] = append(byAnswer[a], e)
		}
	}
	slices.Sort(answers)
	for _, a := range answers {
		p.Line(fmt.Sprintf("| an answer with status %s | %s |", a, links(byAnswer[a])))
	}
	for _, name := range slices.Sorted(maps.Keys(Conditions)) {
		of := slices.DeleteFunc(slices.Clone(c.entries), func(e *Entry) bool { return !slices.Contains(e.Conditions, name) })
		p.Line(fmt.Sprintf("| %s | %s |", Conditions[name], links(of)))
	}
}

func links(entries []*Entry) string {
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("[%s](#%[1]s)", e.ID))
	}
	return strings.Join(out, ", ")
}

// writeSection writes one section. The anchor is the id itself, so that a link can be
// made of it without knowing how a renderer names headings.
func (e *Entry) writeSection(p *text.Page) {
	p.Line(fmt.Sprintf("\n<a id=\"%s\"></a>\n### %s `%[1]s`", e.ID, e.Number))
	p.Line("\n**" + plain(e.Title) + ".** " + plain(e.Meaning))
	p.Line("\nWhat to do:\n")
	for _, f := range e.Fixes {
		p.Line("- " + f.Stack + ": " + plain(f.Text))
	}
	p.Line("\n| If it is so | If not | What it is known by |\n|---|---|---|")
	for _, s := range e.signs() {
		p.Line(fmt.Sprintf("| %s | %s | %s |", weight(s.yes), weight(s.no), plain(s.words)))
	}
	if out := e.exclusions(); len(out) > 0 {
		p.Line("\nIt is out of the question:\n")
		for _, s := range out {
			p.Line("- " + plain(s))
		}
	}
	if len(e.Twins) > 0 {
		p.Line("\nWhat it is mistaken for:\n")
		for _, t := range e.Twins {
			p.Line(fmt.Sprintf("- [`%s`](#%[1]s), %s: %s", t.ID, plain(t.entry.Title), plain(t.Ask)))
		}
	}
	p.Line("\n| | |\n|---|---|")
	var behind []string
	for _, c := range e.codes {
		behind = append(behind, fmt.Sprintf("[`%s`](failures.md#%[1]s)", c))
	}
	behind = append(behind, e.besides()...)
	p.Line("| Behind | " + strings.Join(behind, ", ") + " |")
	for _, l := range e.lines() {
		p.Line("| " + l.name + " | " + l.text + " |")
	}
}

// markdownSigns are those that Markdown would read outside backquotes.
var markdownSigns = strings.NewReplacer("<", "&lt;", "*", `\*`, "|", `\|`, "[", `\[`, "~", `\~`)

// plain makes a text one that Markdown shows as it is, but for what stands between
// backquotes.
func plain(s string) string {
	parts := strings.Split(s, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = markdownSigns.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
