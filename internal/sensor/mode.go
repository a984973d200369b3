// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strconv"
	"strings"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// Mode is the way something fails: codes that are one thing to look at, since the same
// causes are behind them. It is finer than a code's family where the phase tells more.
type Mode string

// The modes of servers. Bad answers are "answer 502" and so on, failures of the gateway
// itself "gateway no-server" and so on.
const (
	ModeResolve   Mode = "resolve"   // its name leads nowhere
	ModeConnect   Mode = "connect"   // no connection opens, and it is told so at once
	ModeUnheard   Mode = "unheard"   // no connection opens, and nothing is heard
	ModeHandshake Mode = "handshake" // TLS fails
	ModeClosed    Mode = "closed"    // the connection ends before an answer begins
	ModeSilent    Mode = "silent"    // no answer comes in time
	ModeMalformed Mode = "malformed" // what comes is no answer
	ModeCut       Mode = "cut"       // an answer begins and does not end
	ModeTunnel    Mode = "tunnel"
	ModeLeft      Mode = "left"  // clients do not wait for the answer
	ModeRoute     Mode = "route" // they ask for what the configuration does not have

	// Of these the names are those of cause.Conditions: no request fails.
	ModeEnded Mode = "ended" // servers end tunnels
	ModeCheck Mode = "check" // the check says what requests deny
	ModeDisk  Mode = "disk"  // the gateway has no place to write
)

// patience is how long a client waits at least that leaves because of what it waits for.
const patience = time.Second

// modeOf returns the mode of a failure, "" for none and for one that is the client's own.
func modeOf(c failure.Code) Mode {
	switch {
	case c.Party == failure.Client && (c.Kind == failure.NoSite || c.Kind == failure.NoRoute):
		return ModeRoute
	case c.IsNone(), c.Party == failure.Client, c.Party == failure.Gateway && c.Kind == failure.Shutdown:
		return ""
	case c.Party == failure.Gateway:
		return Mode("gateway " + c.Kind.String())
	}
	switch c.Phase {
	case phase.Resolve:
		return ModeResolve
	case phase.Connect:
		if c.Kind == failure.Timeout {
			return ModeUnheard
		}
		return ModeConnect
	case phase.UpHandshake:
		return ModeHandshake
	case phase.RelayBody:
		return ModeCut
	case phase.Tunnel:
		return ModeTunnel
	}
	switch failure.Lookup(c).Family {
	case failure.FamilyTimeout:
		return ModeSilent
	case failure.FamilyMalformed, failure.FamilyTooLarge:
		return ModeMalformed
	}
	return ModeClosed
}

// IsCondition reports a mode in which no request fails.
func (m Mode) IsCondition() bool { return m == ModeEnded || m == ModeCheck || m == ModeDisk }

// isCommon reports a mode that well-kept sites have too: it gives way to others.
func (m Mode) isCommon() bool {
	return m == ModeEnded || m == ModeRoute || m == ModeLeft || record.IsMissing(m.Status())
}

// answered is what the modes of bad answers begin with, before the status.
const answered = "answer "

// modeOfStatus returns the mode of a bad answer.
func modeOfStatus(status int) Mode { return Mode(answered + strconv.Itoa(status)) }

// Status is that of the bad answers that m is of, 0 if it is of something else.
func (m Mode) Status() int {
	text, _ := strings.CutPrefix(string(m), answered)
	status, _ := strconv.Atoi(text)
	return status
}
