// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/text"
)

// exchange is a record as log and API write it (docs/access-log.md), as far as it
// is told here.
type exchange struct {
	Time        string             `json:"time"`
	ID          string             `json:"id"`
	Client      string             `json:"client"`
	Method      string             `json:"method"`
	Host        string             `json:"host"`
	Target      string             `json:"target"`
	Status      int                `json:"status"`
	Failure     string             `json:"failure"`
	Phases      map[string]float64 `json:"phases"`
	Site        string             `json:"site"`
	Route       string             `json:"route"`
	Upstream    string             `json:"upstream"`
	Server      string             `json:"server"`
	Saved       []string           `json:"saved"`
	HeldMS      float64            `json:"held_ms"`
	Evidence    evidence           `json:"evidence"`
	Incident    string             `json:"incident"`
	about       string             // the incident's title
	Explanation struct {
		Sentences []string `json:"sentences"`
	} `json:"explanation"`
}

// evidence is what the wire showed, by the name of the field.
type evidence map[string]json.RawMessage

// decodeExchange reads a record. Its texts are made harmless for a terminal here,
// once and for all.
func decodeExchange(body []byte) (*exchange, error) {
	x := &exchange{}
	if err := json.Unmarshal(body, x); err != nil {
		return nil, fmt.Errorf("this is no exchange as this version knows it: %w", err)
	}
	for _, s := range []*string{&x.Time, &x.ID, &x.Client, &x.Method, &x.Host, &x.Target, &x.Failure, &x.Site, &x.Route, &x.Upstream, &x.Server, &x.Incident} {
		*s = printable(*s)
	}
	for i, s := range x.Saved {
		x.Saved[i] = printable(s)
	}
	for i, s := range x.Explanation.Sentences {
		x.Explanation.Sentences[i] = printable(s)
	}
	return x, nil
}

// text returns the evidence called name, harmless for a terminal; "" if there is
// none.
func (e evidence) text(name string) string {
	var s string
	if json.Unmarshal(e[name], &s) == nil {
		return printable(s)
	}
	return ""
}

// list returns the evidence called name, a list of texts, as one text.
func (e evidence) list(name string) string {
	var all []string
	if json.Unmarshal(e[name], &all) != nil {
		return ""
	}
	return printable(strings.Join(all, " "))
}

// number returns the evidence called name, 0 if there is none.
func (e evidence) number(name string) float64 {
	var n float64
	if json.Unmarshal(e[name], &n) == nil {
		return n
	}
	return 0
}

// has reports whether there is evidence called name.
func (e evidence) has(name string) bool { return len(e[name]) > 0 }

// request is the request line as far as it was read.
func (x *exchange) request() string {
	if x.Method == "" {
		return "(no request was read)"
	}
	if !strings.HasPrefix(x.Target, "/") {
		return x.Method + " " + x.Target
	}
	return x.Method + " " + x.Host + x.Target
}

// tell writes the story of x: what was asked, what the wire showed, and what that
// means.
func (x *exchange) tell(w io.Writer) error {
	var p text.Page
	p.Printf("%s\n%s\n\n", x.ID, x.request())
	fact := func(name, format string, args ...any) {
		p.Printf("  %-9s "+format+"\n", append([]any{name}, args...)...)
	}
	fact("When", "%s", x.Time)
	if x.Client != "" {
		fact("Client", "%s", x.Client)
	}
	if x.Upstream != "" {
		fact("Route", "site %s, path %s, upstream %s", x.Site, x.Route, x.Upstream)
	}
	if x.Server != "" {
		fact("Server", "%s", x.Server)
	}
	e := entryOf(x.Failure)
	switch {
	case e != nil:
		fact("Failure", "%s: %s", e.Name, e.Title)
	case x.Failure != "":
		fact("Failure", "%s, which this version does not know", x.Failure)
	case len(x.Saved) > 0:
		fact("Failure", "none that the visitor saw")
		fact("Saved", "by %s", strings.Join(x.Saved, ", "))
	default:
		fact("Failure", "none")
	}
	if x.Incident != "" {
		fact("Incident", "%s", strings.TrimSuffix(x.Incident+": "+x.about, ": "))
	}
	if x.HeldMS > 0 {
		fact("Held", "%s", span(x.HeldMS))
	}
	p.Printf("\nWhat happened\n")
	for _, s := range x.Explanation.Sentences {
		p.Wrap("  - ", "    ", s)
	}
	if first := x.Evidence.text("first_bytes"); first != "" {
		p.Wrap("  - ", "    ", fmt.Sprintf(`The first bytes %s sent: "%s"`, x.sender(), first))
	}
	p.Printf("\nTime by phase\n")
	for i := range phase.Count {
		name := phase.Phase(i).String()
		if ms, reached := x.Phases[name]; reached {
			p.Printf("  %-14s %12.3f ms\n", name, ms)
		}
	}
	if err := p.SendTo(w); err != nil || e == nil {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return e.Explain(w)
}

// sender is whose first bytes are evidence.
func (x *exchange) sender() string {
	if e := entryOf(x.Failure); e != nil && e.Code.Party == failure.Client {
		return "the client"
	}
	return "the server"
}

// entryOf returns the registry's entry of a code, nil if there is none.
func entryOf(name string) *failure.Entry {
	code, ok := failure.ParseCode(name)
	if !ok {
		return nil
	}
	return failure.Lookup(code)
}
