// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"strconv"
	"strings"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// listedMax bounds how many names of a peer a sentence lists.
const listedMax = 8

// handshake says what a TLS handshake showed.
func (a *account) handshake() {
	t := a.ev.TLS
	if t == nil {
		return
	}
	peer := "The client"
	if c := a.code.Code; c.Party == failure.Upstream || c.Phase == phase.UpHandshake {
		peer = "The server"
	}
	switch name := strconv.Quote(t.ServerName); {
	case t.ServerName == "" && peer == "The client":
		a.say("The client named no host in its handshake (no SNI).")
	case t.ServerName == "":
		a.say("No name was asked for in the handshake (no SNI).")
	case peer == "The client":
		a.say("The client asked for the name %s (SNI).", name)
	default:
		a.say("The server was asked for the name %s (SNI).", name)
	}
	if t.Version != 0 {
		a.say("They had agreed on %s.", failure.TLSVersionName(t.Version))
	}
	if t.CertificateAsked {
		a.say("The server asked for a certificate of the gateway's.")
	}
	if len(t.Offered) > 0 {
		a.say("%s offered %s, of which nothing fits.", peer, listed(t.Offered))
	}
	a.alert(peer)
	a.certificate(peer)
	a.clock()
}

// alert says which alert ended the handshake, and whose it was.
func (a *account) alert(peer string) {
	t := a.ev.TLS
	if t.Alert < 0 {
		return
	}
	if t.AlertSent {
		peer = "The gateway"
	}
	if name := failure.AlertName(t.Alert); name != "" {
		a.say("%s ended it with TLS alert %d, %s.", peer, t.Alert, name)
		return
	}
	a.say("%s ended it with TLS alert %d, which has no name.", peer, t.Alert)
}

// certificate says whose certificate the peer showed.
func (a *account) certificate(peer string) {
	t := a.ev.TLS
	if t.Subject != "" || t.Issuer != "" {
		a.say("%s showed a certificate of %s, signed by %s.", peer, strconv.Quote(t.Subject), strconv.Quote(t.Issuer))
	}
	if len(t.Names) > 0 {
		a.say("Its names are %s.", listed(t.Names))
	}
	if !t.NotBefore.IsZero() && !t.NotAfter.IsZero() {
		a.say("It is valid from %s to %s; the exchange began at %s.", second(t.NotBefore), second(t.NotAfter), second(a.r.Start))
	}
	if t.Missing != "" {
		a.say("The issuer %s was neither sent nor is it known here.", strconv.Quote(t.Missing))
	}
}

// clock says how far the clock of others is from ours.
func (a *account) clock() {
	t := a.ev.TLS
	switch {
	case !t.HasClock:
	case t.ClockAhead.Abs() < time.Second:
		a.say("The gateway's clock agrees with the Date of other servers' answers.")
	case t.ClockAhead > 0:
		a.say("By the Date of other servers' answers the gateway's clock is %s behind.", duration(t.ClockAhead))
	default:
		a.say("By the Date of other servers' answers the gateway's clock is %s ahead.", duration(-t.ClockAhead))
	}
}

// listed quotes what a peer sent, as far as it fits into a sentence.
func listed(all []string) string {
	kept := make([]string, min(len(all), listedMax))
	for i := range kept {
		kept[i] = strconv.Quote(all[i])
	}
	text := strings.Join(kept, ", ")
	if n := len(all) - len(kept); n > 0 {
		text += " and " + number(int64(n)) + " more"
	}
	return text
}

// second writes t to the second, in UTC: certificates know no fractions.
func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
