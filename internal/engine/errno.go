// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"syscall"

	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
)

// This file is the only place where errno and the resolver's words become
// failures (I4).

// ConnectCode is what the errno of a connect means, for those who dial servers beside
// the data path.
func ConnectCode(errno syscall.Errno, unixSocket bool) failure.Code {
	return connectFailure(errno, unixSocket)
}

// ResolveCode is what an error of the resolver means, None for one that was canceled.
func ResolveCode(err error) failure.Code {
	if f := resolveFailure(err); f != exchange.Canceled {
		return f.Code
	}
	return failure.None
}

// connectFailure maps the errno of a connect or socket call.
func connectFailure(errno syscall.Errno, unixSocket bool) failure.Code {
	up := func(k failure.Kind) failure.Code {
		return failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: k}
	}
	own := func(k failure.Kind) failure.Code {
		return failure.Code{Party: failure.Gateway, Phase: phase.Connect, Kind: k}
	}
	switch errno {
	case syscall.ECONNREFUSED:
		return up(failure.Refused)
	case syscall.ETIMEDOUT:
		return up(failure.Timeout)
	case syscall.EINVAL:
		// For a path that is too long; or what a blackhole route answers.
		if unixSocket {
			return up(failure.NoSocket)
		}
		return up(failure.NetUnreachable)
	case syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EAFNOSUPPORT:
		return up(failure.NetUnreachable)
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN:
		return up(failure.HostUnreachable)
	case syscall.EACCES, syscall.EPERM:
		return up(failure.Denied)
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENOTSOCK, syscall.EPROTOTYPE, syscall.ENAMETOOLONG:
		return up(failure.NoSocket)
	case syscall.EAGAIN:
		if unixSocket {
			return up(failure.BacklogFull)
		}
		return own(failure.NoPorts)
	case syscall.EADDRNOTAVAIL, syscall.EADDRINUSE:
		return own(failure.NoPorts)
	case syscall.EMFILE, syscall.ENFILE:
		return own(failure.NoFDs)
	case syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSPC: // the last: fs.epoll.max_user_watches
		return own(failure.NoMemory)
	}
	return up(failure.Reset)
}

// resolveFailure maps the resolver's error and keeps its evidence.
func resolveFailure(err error) *failure.Error {
	kind, party, ph := failure.ServFail, failure.Upstream, phase.Resolve
	var r *resolve.Error
	if !errors.As(err, &r) {
		r = &resolve.Error{Kind: resolve.ServFail}
	}
	switch r.Kind {
	case resolve.NXDomain, resolve.BadName:
		kind = failure.NXDomain
	case resolve.NoData:
		kind = failure.NoData
	case resolve.Timeout:
		kind = failure.Timeout
	case resolve.Unreachable:
		kind = failure.Unreachable
	case resolve.Malformed:
		kind = failure.Malformed
	case resolve.OtherRcode:
		kind = failure.Rcode
	case resolve.Refused:
		kind = failure.Refused
	case resolve.Exhausted:
		party, ph, kind = failure.Gateway, phase.Connect, failure.NoFDs
	case resolve.Canceled:
		return exchange.Canceled
	}
	e := newError(party, ph, kind)
	e.Err = err
	e.Evidence.Rcode, e.Evidence.DNSServer, e.Evidence.Errno = r.Rcode, r.Server, r.Errno
	return e
}

// upstreamKind maps how a server's connection ended, in phases where a timeout,
// an end and a reset are the three things that can happen.
func upstreamKind(end ioEnd, errno syscall.Errno) failure.Kind {
	switch {
	case end == ioTimeout || errno == syscall.ETIMEDOUT:
		return failure.Timeout
	case end == ioEOF || errno == syscall.EPIPE:
		return failure.Closed
	}
	return failure.Reset
}
