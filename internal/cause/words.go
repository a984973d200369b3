// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
)

// says is what a predicate asks for, without its "!", as the end of a sentence.
func (p *predicate) says() string {
	switch {
	case p.fact.Kind == Truth:
		return p.fact.Means
	case p.op == 0 && p.fact.Kind == Number:
		return p.fact.Means + ": not 0"
	case p.op == 0:
		return p.fact.Means + ": any"
	case p.op == '<':
		return p.fact.Means + ": below " + number(p.ranges[0][0])
	case p.op == '>':
		return p.fact.Means + ": above " + number(p.ranges[0][1])
	}
	values := slices.Clone(p.words)
	for _, r := range p.ranges {
		values = append(values, p.rangeWords(r))
	}
	return p.fact.Means + ": " + either(values)
}

// rangeWords writes the values of a range, with their names if they have some.
func (p *predicate) rangeWords(r [2]float64) string {
	if r[0] != r[1] {
		return number(r[0]) + " to " + number(r[1])
	}
	name := ""
	switch p.fact.Name {
	case "errno":
		name = unix.ErrnoName(syscall.Errno(int(r[0])))
	case "tls_alert":
		name = failure.AlertName(int(r[0]))
	}
	if name == "" {
		return number(r[0])
	}
	return number(r[0]) + " (" + name + ")"
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// either joins values as in "1, 2 or 3".
func either(values []string) string {
	last := len(values) - 1
	if last == 0 {
		return values[0]
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// sign is one line of what a cause is known by: what it weighs if it is so, and if not.
type sign struct {
	words   string
	yes, no float64
}

// signs are the lines of the score in words, in the order of the catalogue.
func (e *Entry) signs() []sign {
	out := make([]sign, len(e.Evidence))
	for i := range e.Evidence {
		l := &e.Evidence[i]
		out[i] = sign{capital(l.predicate.says()) + ".", l.Yes, l.No}
		if l.predicate.not {
			out[i].yes, out[i].no = l.No, l.Yes
		}
	}
	return out
}

// weight writes a weight with its sign, "" for one that says nothing.
func weight(w float64) string {
	if w == 0 {
		return ""
	}
	return fmt.Sprintf("%+g", w)
}

// exclusions are what puts a cause out of the question, as ends of a sentence.
func (e *Entry) exclusions() []string {
	var out []string
	for i := range e.needs {
		p := &e.needs[i]
		word := "unless "
		if p.not {
			word = "if "
		}
		out = append(out, word+p.says()+".")
	}
	return out
}

// priorWords says how often owners meet a cause.
var priorWords = map[Prior]string{
	Everyday:   "every day: one of the first to think of",
	Common:     "often",
	Occasional: "now and then",
	Rare:       "rarely",
}

// line is one line of what else is to be said of an entry.
type line struct{ name, text string }

// lines put what else is known of e into words, the same for every reader.
func (e *Entry) lines() []line {
	out := []line{{"Layer", e.Layer}, {"Side", e.Party().Side()}, {"Met", priorWords[e.Prior]}}
	if e.ProxyError != "" {
		out = append(out, line{"Proxy-Status", "error=" + e.ProxyError + " (RFC 9209) fits best"})
	}
	if len(e.LeadsTo) > 0 {
		out = append(out, line{"Leads to", strings.Join(e.LeadsTo, ", ")})
	}
	return out
}

// besides says what it is behind besides failures.
func (e *Entry) besides() (out []string) {
	if len(e.Answers) > 0 {
		out = append(out, "answers with status "+either(e.Answers))
	}
	for _, c := range e.Conditions {
		out = append(out, Conditions[c])
	}
	return out
}
