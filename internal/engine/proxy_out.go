// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"syscall"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/proxyproto"
	"causey/internal/upstream"
)

// begin sends what a connection to a server begins with, before anything else: the
// PROXY header, if the group has one. It shares the time for connecting.
func (m *member) begin(u *upConn, w *exchange.Want, until int64) *failure.Error {
	if m.group.Rules().Proxy == upstream.ProxyOff {
		return nil
	}
	b := m.appendProxyHeader(getLarge(), w)
	u.w.pace = nil
	u.w.deadline.Store(until)
	end := u.write(b, nil)
	u.w.deadline.Store(0)
	putBuf(b)
	if end == ioOK {
		return nil
	}
	errno := u.w.errno
	u.sock.close()
	switch end {
	case ioCanceled:
		return exchange.Canceled
	case ioTimeout:
		errno = syscall.ETIMEDOUT
	}
	code := connectFailure(errno, m.server.Path != "")
	err := newError(code.Party, code.Phase, code.Kind)
	err.Err, err.Evidence.Dialled, err.Evidence.Errno, err.Evidence.End = errno, u.addr, errno, endOf(end, errno)
	return err
}

// appendProxyHeader appends the header that names w's client. What its own proxy said
// besides goes on with version 2.
func (m *member) appendProxyHeader(b []byte, w *exchange.Want) []byte {
	var local netip.AddrPort
	var tlvs proxyproto.TLVs
	if w.Socket != nil {
		local, tlvs = w.Socket.Local(), w.Socket.TLVs()
	}
	if m.group.Rules().Proxy == upstream.ProxyV1 {
		return proxyproto.AppendV1(b, w.Client, local)
	}
	return proxyproto.AppendV2(b, w.Client, local, tlvs)
}
