// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"causey/internal/engine"
	"causey/internal/failure"
	"causey/internal/phase"
)

// This file puts into words what keeps a check from getting an answer. I3.

// errnoOf finds what the kernel said in an error of package net.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// timedOut reports that the check's time is over, or the connection's own.
func timedOut(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// unconnected says why no connection to address could be opened.
func (c *Checker) unconnected(ctx context.Context, address string, unixSocket bool, err error) string {
	if timedOut(ctx, err) {
		return c.late(address + " did not take the connection")
	}
	code := engine.ConnectCode(errnoOf(err), unixSocket)
	if code.Party == failure.Gateway {
		return "this machine has no port, descriptor or memory for a connection to " + address + " (" + code.String() + ")"
	}
	switch code.Kind {
	case failure.Refused:
		return "connection refused by " + address
	case failure.Timeout:
		return address + " does not answer the connection attempt"
	case failure.NetUnreachable:
		return "no route to the network of " + address
	case failure.HostUnreachable:
		return "the machine of " + address + " cannot be reached"
	case failure.Denied:
		return "this machine forbids connections to " + address
	case failure.NoSocket:
		return "there is no socket " + address
	case failure.BacklogFull:
		return "the queue of the socket " + address + " is full"
	}
	return "the connection to " + address + " was reset while it was opened"
}

// unresolved says why name has no address.
func (c *Checker) unresolved(ctx context.Context, name string, err error) string {
	if timedOut(ctx, err) {
		return c.late("DNS did not say where " + name + " is")
	}
	code := engine.ResolveCode(err)
	switch code.Kind {
	case failure.NXDomain:
		return "the name " + name + " does not exist"
	case failure.NoData:
		return "the name " + name + " has no address"
	case failure.Timeout:
		return "no DNS server said where " + name + " is"
	}
	return "DNS does not say where " + name + " is: " + title(code)
}

// broken says how the connection ended in which what was not completed.
func (c *Checker) broken(ctx context.Context, what string, err error) string {
	if alert, ok := engine.ReceivedAlert(err); ok {
		return what + ": the server ended TLS with " + alertText(alert)
	}
	switch {
	case timedOut(ctx, err):
		return c.late(what + " was not answered")
	case errnoOf(err) == syscall.ECONNRESET, errnoOf(err) == syscall.EPIPE:
		return what + ": the server reset the connection"
	}
	return what + ": the server closed without answering"
}

// refused says what is wrong with an answer, in the words of the failures of requests.
func refused(what string, p phase.Phase, k failure.Kind) string {
	return what + ": " + title(failure.Code{Party: failure.Upstream, Phase: p, Kind: k})
}

// title is what the registry calls a failure, with the code that causey explain takes.
func title(code failure.Code) string {
	e := failure.Lookup(code)
	if e == nil {
		return code.String()
	}
	first, size := utf8.DecodeRuneInString(e.Title)
	if second, _ := utf8.DecodeRuneInString(e.Title[size:]); !unicode.IsUpper(second) { // "DNS" stays
		first = unicode.ToLower(first)
	}
	return string(first) + e.Title[size:] + " (" + e.Name + ")"
}

func alertText(number int) string {
	return strings.TrimSpace(fmt.Sprintf("alert %d %s", number, failure.AlertName(number)))
}

// roughly writes a time that has passed, or will, as people say it.
func roughly(d time.Duration) string {
	count := func(n time.Duration, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	const day = 24 * time.Hour
	switch {
	case d < 2*time.Minute:
		return count(d/time.Second, "second")
	case d < 2*time.Hour:
		return count(d/time.Minute, "minute")
	case d < 2*day:
		return count(d/time.Hour, "hour")
	}
	return count(d/day, "day")
}

// clipMax bounds what is repeated of what a stranger sent.
const clipMax = 100

// clip makes s fit for words: short and printable.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > clipMax {
		s = strings.ToValidUTF8(s[:clipMax], "") + "…"
	}
	return s
}
