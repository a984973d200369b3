// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"fmt"
	"strings"

	"causey/internal/cause"
	"causey/internal/failure"
)

// Account tells an incident in words, for an owner. Each part is one or a few sentences.
type Account struct {
	What     string   `json:"what"`      // what happens
	Affected string   `json:"affected"`  // who notices, and how far it reaches
	Why      string   `json:"why"`       // the likeliest cause
	HowKnown []string `json:"how_known"` // the evidence for it
	Against  []string `json:"against"`   // the evidence against it
	Else     []Other  `json:"else"`      // what it could be instead
	Do       []Advice `json:"do"`        // what to do
}

// Other is another cause, and the question that separates it from the first.
type Other struct {
	Cause string `json:"cause"`
	Title string `json:"title"`
	Ask   string `json:"ask"`
}

// Advice is something to do, for users of one stack, "any" for all.
type Advice struct {
	Stack string `json:"stack"`
	Text  string `json:"text"`
}

// Bounds of an account.
const (
	reasonsMax = 5
	othersMax  = 3
)

// tell writes the account anew.
func (b *Book) tell(i *Incident, r *cause.Ranking, main *seen) {
	a := Account{What: what(main), Affected: affected(i)}
	top := r.Top()
	where := whereOf(i)
	if top == nil {
		i.Title = fmt.Sprintf("%s: %s", where, a.What)
		a.Why = "No cause stands out yet."
		if len(r.Causes) > 0 {
			a.Why = "No cause stands out yet; these come into question, the likeliest first."
		}
		for n := range r.Causes[:min(len(r.Causes), othersMax)] {
			c := r.Causes[n].Cause
			a.Else = append(a.Else, Other{c.ID, c.Title, c.Meaning})
		}
		i.Account = a
		return
	}
	i.Title = fmt.Sprintf("%s: %s", where, top.Cause.Title)
	a.Why = top.Cause.Meaning
	if !i.Sure {
		a.Why = "Probably: " + a.Why
	}
	for _, l := range top.Lines {
		switch {
		case l.Say == "":
		case l.Weight > 0 && len(a.HowKnown) < reasonsMax:
			a.HowKnown = append(a.HowKnown, sentence(l.Say))
		case l.Weight < 0 && len(a.Against) < reasonsMax:
			a.Against = append(a.Against, sentence(l.Say))
		}
	}
	for n := 1; n < len(r.Causes) && len(a.Else) < othersMax && r.Causes[n].Confidence > 0.03; n++ {
		c := r.Causes[n].Cause
		a.Else = append(a.Else, Other{c.ID, c.Title, ask(top.Cause, c)})
	}
	for _, f := range top.Cause.Fixes {
		a.Do = append(a.Do, Advice{f.Stack, f.Text})
	}
	i.Account = a
}

// ask returns the question that separates two causes, what the other means if there is
// none.
func ask(top, other *cause.Entry) string {
	for _, t := range top.Twins {
		if t.ID == other.ID {
			return t.Ask
		}
	}
	for _, t := range other.Twins {
		if t.ID == top.ID {
			return t.Ask
		}
	}
	return other.Meaning
}

// what says what happens, by the failure that is most frequent.
func what(main *seen) string {
	if c := cause.Conditions[string(main.Mode)]; c != "" {
		return c
	}
	if v, ok := main.facts["code"]; ok && len(v.Words) > 0 {
		if c, known := failure.ParseCode(v.Words[0]); known {
			return failure.Lookup(c).Title
		}
	}
	if v, ok := main.facts["status"]; ok {
		return fmt.Sprintf("the servers answer with status %.0f", v.Num)
	}
	return string(main.Mode)
}

func affected(i *Incident) string {
	who := "No visitor noticed"
	if i.Failed > 0 {
		who = counted(i.Failed, "request of a visitor", "requests of visitors") + " failed"
	}
	if i.Saved > 0 {
		who += "; " + counted(i.Saved, "failure was", "failures were") + " kept from them, since another server or a later attempt answered"
	}
	return who + ". " + sentence(i.Scope.Says)
}

func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// whereOf names what an incident is about.
func whereOf(i *Incident) string {
	switch i.Scope.Level {
	case "gateway", "everything":
		return "The gateway"
	case "server":
		return i.Scope.Value
	case "path":
		return i.Scope.Value + " at " + strings.Join(i.Upstreams, ", ")
	case "client", "network":
		return "Visitors from " + i.Scope.Value
	}
	if len(i.Upstreams) == 0 {
		return "The gateway"
	}
	return strings.Join(i.Upstreams, ", ")
}

// sentence makes a clause one.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
