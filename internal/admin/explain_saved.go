// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"

	"causey/internal/failure"
	"causey/internal/record"
)

// saved says what went wrong without the client's notice, and what kept it from them.
func (a *account) saved() {
	by := a.r.Saved
	switch {
	case by&record.ByHedge != 0:
		a.hedged()
	case by&record.ByRetry != 0:
		a.retried()
	}
	if by&record.ByStale != 0 {
		a.say("A stored answer was served past its time, because no newer one could be had: better than an error page.")
	}
	a.held()
}

// hedged says that a second server was quicker than a silent one.
func (a *account) hedged() {
	all := a.r.KeptAttempts()
	if len(all) < 2 {
		return
	}
	silent, other := &all[len(all)-2], &all[len(all)-1]
	a.say("%s had not answered for %s; %s was asked beside it and answered first. The visitor saw nothing of it.",
		silent.Server, duration(silent.Took), serverOther(silent, other))
}

// retried says which attempts failed before one went well.
func (a *account) retried() {
	all := a.r.KeptAttempts()
	if len(all) < 2 {
		return
	}
	first, last := &all[0], &all[len(all)-1]
	what := "The first attempt, on " + first.Server + ", "
	if n := int(a.r.AttemptLen) - 1; n > 1 {
		what = fmt.Sprintf("%d attempts came to nothing; the first of them, on %s, ", n, first.Server)
	}
	a.say("%s%s; then %s answered. The visitor saw nothing of it.", what, whatCameOf(first), serverOther(first, last))
}

// whatCameOf says how an attempt ended that was not the last one.
func whatCameOf(t *record.Attempt) string {
	switch e := failure.Lookup(t.Failure); {
	case e != nil:
		return fmt.Sprintf("failed (%s: %s)", e.Name, e.Title)
	case t.Status != 0:
		return fmt.Sprintf("was answered with status %d, which was laid aside", t.Status)
	}
	return "came to nothing"
}

// serverOther names the server of now beside that of before.
func serverOther(before, now *record.Attempt) string {
	if before.Server == now.Server {
		return "the same server"
	}
	return "another server, " + now.Server + ","
}

// held says how long the request waited for a server, and whether that helped.
func (a *account) held() {
	d := a.r.Held()
	switch {
	case d == 0:
	case a.r.Saved&record.ByHold != 0:
		a.say("No server could be asked at first: the request was held for %s until one could.", duration(d))
	case a.r.Outcome == record.ClientLeft:
		a.say("No server could be asked: the request was held for %s, and its client went away meanwhile.", duration(d))
	case !a.r.Failure.IsNone():
		a.say("No server could be asked: the request was held for %s in the hope of one. None came back; the answer is that of the first failure.", duration(d))
	default:
		a.say("The request was held for %s before a server was asked.", duration(d))
	}
}
