// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// explanation says in words what a record shows: the registry's entry of the
// failure, and the evidence as sentences. Of an exchange that went well it has the
// sentences only.
type explanation struct {
	*registryEntry
	// Sentences tell facts, never a guess; the first says what the client got.
	Sentences []string `json:"sentences"`
}

func explain(r *record.Record) explanation {
	a := account{r: r}
	a.outcome()
	a.saved()
	x := explanation{}
	if e := failure.Lookup(r.Failure); e != nil && r.Error != nil {
		entry := newRegistryEntry(e)
		x.registryEntry = &entry
		a.code, a.ev = e, &r.Error.Evidence
		a.evidence()
	}
	a.attempts()
	a.time()
	a.trail()
	x.Sentences = a.sentences
	return x
}

// account collects the sentences about one record.
type account struct {
	r         *record.Record
	code      *failure.Entry
	ev        *failure.Evidence
	sentences []string
}

func (a *account) say(format string, args ...any) {
	a.sentences = append(a.sentences, fmt.Sprintf(format, args...))
}

// outcome says what the client got.
func (a *account) outcome() {
	r := a.r
	switch r.Outcome {
	case record.Relayed:
		a.say("The server's answer, status %d, reached the client whole: %s of body.", r.Status, byteCount(r.BodyOut))
	case record.Answered:
		a.say("The gateway answered itself, with status %d.", r.Status)
	case record.Cut:
		a.say("An answer with status %d had begun and could not be completed: it was cut after %s of body, so that it does not look whole.",
			r.Status, byteCount(r.BodyOut))
	case record.ClientLeft:
		a.say("The client went away %s after its request began; it had received %s of body.", duration(r.Total), byteCount(r.BodyOut))
	case record.Tunnelled:
		a.say("The connection was upgraded to a tunnel, which ended after %s: %s came from the client, %s went to it.",
			duration(r.Total), byteCount(r.BodyIn), byteCount(r.BodyOut))
	case record.Unanswered:
		a.say("The connection was closed without an answer.")
	case record.Refreshed:
		a.say("The cache asked for an answer anew that it had served stale; no client waited for this.")
	case record.OutcomeNone:
	}
	a.cache()
}

// cache says what the cache had to do with it.
func (a *account) cache() {
	r := a.r
	switch r.Cache {
	case record.CacheHit:
		a.say("It came from the cache, where it was still fresh; no server was asked.")
	case record.CacheCollapsed:
		a.say("It came from the cache, after a wait for another request that asked the server for the same.")
	case record.CacheRevalidated:
		a.say("It came from the cache; the server confirmed that it still holds.")
	case record.CacheStale:
		a.say("It came from the cache, where it was no longer fresh.")
	case record.CacheMiss:
		a.say("The cache had no answer for this request.")
	case record.CacheExpired:
		a.say("The answer in the cache was no longer good, and the server gave another.")
	case record.CacheBypass:
		a.say("The request is none that the cache answers.")
	}
	switch {
	case !r.Hidden.IsNone():
		a.say("It hid a failure that no client saw: %s, %s.", r.Hidden, failure.Lookup(r.Hidden).Title)
	case r.Cache == record.CacheStale && r.UpStatus >= 500:
		a.say("It stood in for the server's own error, status %d.", r.UpStatus)
	}
}

func (a *account) evidence() {
	if n := a.ev.Errno; n != 0 {
		a.say("The kernel reported %s (error %d): %s.", unix.ErrnoName(n), int(n), n.Error())
	}
	a.address()
	a.resolver()
	a.handshake()
	a.connection()
	a.rule()
}

// address says where the attempt went, and whether the name still leads there.
func (a *account) address() {
	ev := a.ev
	if !ev.Dialled.IsValid() {
		return
	}
	if ev.ResolvedLen == 0 {
		a.say("The attempt went to %s.", ev.Dialled)
		return
	}
	now := ev.ResolvedNow[:ev.ResolvedLen]
	names := make([]string, len(now))
	for i, ip := range now {
		names[i] = ip.String()
	}
	same := func(ip netip.Addr) bool { return ip.Unmap() == ev.Dialled.Addr().Unmap() }
	if slices.ContainsFunc(now, same) {
		a.say("The attempt went to %s, which the server's name still resolves to.", ev.Dialled)
		return
	}
	a.say("The attempt went to %s, but the server's name now resolves to %s.", ev.Dialled, strings.Join(names, ", "))
}

var rcodeNames = map[int]string{
	0: "no error", 1: "a format error", 2: "a server failure", 3: "that there is no such name",
	4: "that it cannot answer this", 5: "that it refuses to answer",
}

func (a *account) resolver() {
	if a.ev.DNSServer.IsValid() {
		name := rcodeNames[a.ev.Rcode]
		if name == "" {
			name = "an error"
		}
		a.say("The name server %s reported %s (code %d).", a.ev.DNSServer, name, a.ev.Rcode)
	}
	if a.ev.DNSStale {
		a.say("The addresses in use were older than the name server allows: no newer answer could be had.")
	}
}

// connection says what the upstream connection had seen.
func (a *account) connection() {
	ev := a.ev
	if !ev.HasConn {
		if ev.End == failure.EndRST {
			a.say("The connection was reset.")
		}
		return
	}
	if ev.Reused {
		a.say("The request went over a reused connection: it was number %d on it, the connection was %s old and had lain idle for %s.",
			ev.RequestNumber, duration(ev.ConnAge), duration(ev.IdleFor))
	} else {
		a.say("The request went over a fresh connection, opened %s before.", duration(ev.ConnAge))
	}
	switch {
	case ev.BytesAcked >= 0:
		a.say("The kernel took %s of the request, and the server's kernel acknowledged %s of them.", byteCount(ev.BytesWritten), number(ev.BytesAcked))
	default:
		a.say("The kernel took %s of the request.", byteCount(ev.BytesWritten))
	}
	if ev.Retransmits > 0 || ev.Unacked > 0 {
		a.say("On the connection %s sent again and %s without an acknowledgement; the round trip took %s.",
			plural(int64(ev.Retransmits), "segment was", "segments were"), plural(int64(ev.Unacked), "was", "were"), duration(ev.RTT))
	}
	got := "No byte of the answer had come"
	if ev.ResponseBytes > 0 {
		got = byteCount(ev.ResponseBytes) + " of the answer had come"
	}
	switch ev.End {
	case failure.EndFIN:
		a.say("%s when the server closed its side of the connection in order (FIN).", got)
	case failure.EndRST:
		a.say("%s when the connection was reset (RST).", got)
	case failure.EndOpen:
		a.say("%s; the connection was still open when the gateway gave up.", got)
	}
}

// rule says which rule was broken, and where.
func (a *account) rule() {
	ev := a.ev
	if ev.Field != "" {
		a.say("The field concerned is %s.", strconv.Quote(ev.Field))
	}
	if ev.Limit > 0 {
		a.say("At least %s came where %s are allowed.", number(ev.Size), number(ev.Limit))
	}
	if ev.Missing > 0 {
		a.say("%s of the announced body never came.", byteCount(ev.Missing))
	}
	if f := a.code.Family; f == failure.FamilyMalformed && ev.Offset >= 0 {
		a.say("The first offending byte is number %s, counted from 0.", number(ev.Offset))
	}
}

func (a *account) attempts() {
	r := a.r
	if r.AttemptLen < 2 {
		return
	}
	kept := len(r.KeptAttempts())
	parts := make([]string, kept)
	for i := range parts {
		try := &r.Attempts[i]
		parts[i] = try.Server + ": answered"
		switch {
		case !try.Failure.IsNone():
			parts[i] = try.Server + ": " + try.Failure.String()
		case try.Status != 0:
			parts[i] += fmt.Sprintf(" with status %d", try.Status)
		}
	}
	which := ""
	if int(r.AttemptLen) > kept {
		which = ", of which the first three and the last are kept"
	}
	a.say("%d attempts were made%s. %s.", r.AttemptLen, which, strings.Join(parts, "; "))
}

// time says where most of the time went.
func (a *account) time() {
	longest := phase.Accept
	for i, d := range a.r.Phases {
		if d > a.r.Phases[longest] {
			longest = phase.Phase(i)
		}
	}
	d := a.r.Phases[longest]
	if d > 0 && d >= a.r.Total/2 {
		a.say("It took %s in all, %s of it in phase %s.", duration(a.r.Total), duration(d), longest)
		return
	}
	if a.r.Total > 0 {
		a.say("It took %s in all.", duration(a.r.Total))
	}
}

func (a *account) trail() {
	if a.r.TrailLen == 0 {
		return
	}
	later := make([]string, a.r.TrailLen)
	for i := range later {
		later[i] = a.r.Trail[i].String()
	}
	a.say("Later trouble in the same exchange: %s.", strings.Join(later, ", "))
}

// number writes n with commas between thousands.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func byteCount(n int64) string { return plural(n, "byte", "bytes") }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// duration writes d as people do: about three digits, and the unit that fits.
func duration(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 1:
		return strconv.FormatFloat(ms, 'f', 3, 64) + " ms"
	case ms < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case d < 2*time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return d.Round(time.Second).String()
}
