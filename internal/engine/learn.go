// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// What attempts say of their servers, told to the group.

// noteNotOpened tells the group that no connection could be opened, if that is the
// server's doing.
func (m *member) noteNotOpened(err *failure.Error) {
	if err == exchange.Canceled || err.Code.Party != failure.Upstream {
		return
	}
	m.group.Note(m.server, upstream.Outcome{Result: upstream.NotOpened, Code: err.Code}, m.eng.mono())
	m.tellNotOpened(err)
}

// tellNotOpened tells who wants to know of it.
func (m *member) tellNotOpened(err *failure.Error) {
	if tell := m.group.notOpened; tell != nil && err != exchange.Canceled && err.Code.Party == failure.Upstream {
		tell(m.server, err)
	}
}

// tellAddressLost tells who wants to know that a connection was opened, but to another
// address than the first: that one failed with err, or had not answered when it was given
// up, for which err is nil.
func (m *member) tellAddressLost(first netip.AddrPort, err *failure.Error) {
	tell := m.group.addressLost
	if tell == nil || err == exchange.Canceled {
		return
	}
	if err == nil {
		err = newError(failure.Upstream, phase.Connect, failure.Timeout)
		err.Evidence.Dialled = first
	}
	tell(m.server, err)
}

// noteAnswer tells the group what the head of an answer says of the server.
func (m *member) noteAnswer(status int) {
	o := upstream.Outcome{Result: upstream.Good, Status: status}
	if status >= 500 && status != 501 && status != 505 { // those say that we asked for too much
		o.Result = upstream.Bad
	}
	m.group.Note(m.server, o, m.eng.sweep.now())
}

// idleRace is how long a connection was idle when its death at the next request says
// nothing: servers close idle ones when they like, and never sooner than this.
const idleRace = time.Second

// noteEnd tells the group why an attempt on an open connection failed.
func (m *member) noteEnd(why failure.Code, idleFor time.Duration) {
	if why.IsNone() || why.Party != failure.Upstream || why.Phase <= phase.UpHandshake || why.Phase == phase.Tunnel {
		return
	}
	o := upstream.Outcome{Result: upstream.Broken, Code: why}
	switch why.Kind {
	case failure.ClosedReused, failure.ResetReused:
		if idleFor >= idleRace {
			return
		}
	case failure.Timeout:
		o.Result = upstream.Late
	}
	m.server.Failures.Add(1)
	m.group.Note(m.server, o, m.eng.sweep.now())
}
