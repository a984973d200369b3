// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"causey/internal/engine/peercert"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/proxyproto"
)

// This file is the only place where the errors of crypto/tls become failures. They
// are known by type, by the alert's number, and by what was seen on the wire.

// Alerts, by the names of RFC 8446 section 6 and RFC 5246 section 7.2.
const (
	alertCloseNotify          = 0
	alertHandshakeFailure     = 40
	alertBadCertificate       = 42
	alertCertificateUnknown   = 46
	alertUnknownCA            = 48
	alertProtocolVersion      = 70
	alertInsufficientSecurity = 71
	alertUserCanceled         = 90
	alertUnrecognizedName     = 112
	alertCertificateRequired  = 116
	alertNoApplicationProto   = 120
)

// negotiation is what an alert says that either side may send when the two have
// nothing in common.
func negotiation(alert int) failure.Kind {
	switch alert {
	case alertProtocolVersion:
		return failure.TLSVersion
	case alertHandshakeFailure, alertInsufficientSecurity:
		return failure.NoCipher
	case alertNoApplicationProto:
		return failure.NoALPN
	}
	return failure.NoKind
}

// clientHandshakeFailure names why a handshake with a client failed.
func clientHandshakeFailure(t *tlsLayer, err error) *failure.Error {
	ev := t.evidence(err)
	party, kind := failure.Client, clientHandshakeKind(t, err, ev)
	switch {
	case t.raw.rend == ioCanceled, t.raw.wend == ioCanceled, errors.Is(t.denied, context.Canceled), errors.Is(err, context.Canceled):
		party, kind = failure.Gateway, failure.Shutdown
	case t.denied != nil:
		party, kind = failure.Gateway, failure.NoCertificate
		err = t.denied
	}
	f := newError(party, phase.Handshake, kind)
	f.Err = textOf(err)
	if kind == failure.NotTLS && proxyproto.IsHeader(t.raw.first[:t.raw.firstLen]) {
		f.Code = failure.Code{Party: failure.Client, Phase: phase.Accept, Kind: failure.ProxyUntrusted}
	}
	f.Evidence.TLS = ev
	f.Evidence.Errno = t.raw.errno
	f.Evidence.End = endOfRaw(&t.raw)
	f.Evidence.SetFirst(t.raw.first[:t.raw.firstLen])
	if h := t.hello; h != nil {
		ev.ServerName = clip(h.ServerName)
		ev.Offered = offered(kind, h)
	}
	return f
}

func clientHandshakeKind(t *tlsLayer, err error, ev *failure.TLS) failure.Kind {
	var cert *clientCertError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return cert.kind
	case ev.Alert != noAlert && !ev.AlertSent:
		return refusedByClient(ev.Alert)
	case ev.Alert == alertUnrecognizedName && t.hello != nil && t.hello.ServerName == "":
		return failure.NoSNI
	case ev.Alert == alertUnrecognizedName:
		return failure.SNIUnknown
	case ev.AlertSent && negotiation(ev.Alert) != failure.NoKind:
		return negotiation(ev.Alert)
	case errors.As(err, &header) && h1.LooksLikeRequest(t.raw.first[:t.raw.firstLen]):
		return failure.PlainHTTP
	case errors.As(err, &header) && t.hello == nil:
		return failure.NotTLS
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failure.Timeout // the sock's own deadline would have said so a moment later
	}
	return endKind(&t.raw)
}

// refusedByClient tells a client that does not like our certificate from others.
func refusedByClient(alert int) failure.Kind {
	switch {
	case alert >= alertBadCertificate && alert <= alertCertificateUnknown, alert == alertUnknownCA:
		return failure.CertRejected
	case alert == alertCloseNotify || alert == alertUserCanceled:
		return failure.Closed
	}
	return failure.Alert
}

// endKind names how the socket ended under a handshake; Malformed if it did not.
func endKind(r *rawConn) failure.Kind {
	switch {
	case r.rend == ioTimeout || r.wend == ioTimeout:
		return failure.Timeout
	case r.rend == ioErrno || r.wend == ioErrno:
		return failure.Reset
	case r.eof:
		return failure.Closed
	}
	return failure.Malformed
}

func endOfRaw(r *rawConn) failure.End {
	if r.eof {
		return failure.EndFIN
	}
	return endOf(max(r.rend, r.wend), r.errno)
}

// clipMax bounds a text of a stranger's that a record keeps: a host name has at most 253
// bytes (RFC 1035 section 2.3.4).
const clipMax = 255

func clip(s string) string { return strings.Clone(s[:min(len(s), clipMax)]) }

// textOf keeps the words of an error, not what hangs on it: errors of crypto/x509 hold
// whole certificates, and records are kept.
func textOf(err error) error { return errors.New(clip(err.Error())) }

// offered lists what a client could do where we could do nothing of it.
func offered(k failure.Kind, h *tls.ClientHelloInfo) (names []string) {
	switch k {
	case failure.TLSVersion:
		names = texts(h.SupportedVersions, tls.VersionName)
	case failure.NoCipher:
		names = texts(h.CipherSuites, tls.CipherSuiteName)
		if anySecure(h.CipherSuites) { // then it was not the suites
			names = append(texts(h.SupportedCurves, tls.CurveID.String), texts(h.SignatureSchemes, tls.SignatureScheme.String)...)
		}
	case failure.NoALPN:
		names = texts(h.SupportedProtos, clip)
	}
	return names[:min(len(names), failure.NamesMax)]
}

// texts names the first of a list.
func texts[T any](list []T, name func(T) string) (names []string) {
	for _, v := range list[:min(len(list), failure.NamesMax)] {
		names = append(names, name(v))
	}
	return names
}

// anySecure reports whether crypto/tls speaks any of these suites by default.
func anySecure(suites []uint16) bool {
	return slices.ContainsFunc(tls.CipherSuites(), func(c *tls.CipherSuite) bool {
		return slices.Contains(suites, c.ID) && !strings.HasPrefix(c.Name, "TLS_RSA_")
	})
}

// upHandshakeFailure names why a handshake with a server failed.
func (u *upConn) upHandshakeFailure(err error) *failure.Error {
	t := u.tls
	if t.raw.rend == ioCanceled || t.raw.wend == ioCanceled {
		return exchange.Canceled
	}
	ev := t.evidence(err)
	f := u.fail(phase.UpHandshake, u.upHandshakeKind(err, ev), max(t.raw.rend, t.raw.wend))
	f.Err = textOf(err)
	f.Evidence.TLS, f.Evidence.Errno, f.Evidence.End = ev, t.raw.errno, endOfRaw(&t.raw)
	f.Evidence.SetFirst(t.raw.first[:t.raw.firstLen])
	u.describe(ev)
	var cert *peercert.Fault
	if errors.As(err, &cert) {
		cert.Describe(ev)
		u.checkClock(f, cert)
	}
	return f
}

// describe adds what we asked for.
func (u *upConn) describe(ev *failure.TLS) {
	ev.ServerName = u.member.tls.config.ServerName
	ev.CertificateAsked = u.tls.asked
}

func (u *upConn) upHandshakeKind(err error, ev *failure.TLS) failure.Kind {
	var cert *peercert.Fault
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return cert.Kind
	case ev.Alert != noAlert && !ev.AlertSent:
		return u.refusedByServer(ev.Alert)
	case ev.AlertSent && negotiation(ev.Alert) != failure.NoKind:
		return negotiation(ev.Alert)
	case errors.As(err, &header) && u.tls.raw.firstLen > 0 && !tlsRecord(u.tls.raw.first[0]):
		return failure.NotTLS
	}
	return endKind(&u.tls.raw)
}

// tlsRecord reports whether a TLS record may begin with b (RFC 8446 section 5.1).
func tlsRecord(b byte) bool { return b >= 20 && b <= 24 }

// refusedByServer names what a server's alert says. One that asked for a certificate
// of ours has several ways to say what it thinks of that.
func (u *upConn) refusedByServer(alert int) failure.Kind {
	aboutCert := alert >= alertBadCertificate && alert <= alertCertificateUnknown ||
		alert == alertUnknownCA || alert == alertHandshakeFailure
	switch shown := u.member.tls.shows; {
	case alert == alertCertificateRequired, u.tls.asked && aboutCert && !shown:
		return failure.ClientCertMissing
	case u.tls.asked && aboutCert:
		return failure.ClientCertRefused
	case alert == alertUnrecognizedName:
		return failure.SNIUnknown
	case alert == alertCloseNotify:
		return failure.Closed
	case negotiation(alert) != failure.NoKind:
		return negotiation(alert)
	}
	return failure.Alert
}

// tell adds to f what TLS said, if it was TLS that ended the stream.
func (t *tlsLayer) tell(f *failure.Error) bool {
	if t == nil || t.err.Load() == nil {
		return false
	}
	err := *t.err.Load()
	f.Err, f.Evidence.TLS = textOf(err), t.evidence(err)
	return true
}

// tlsEnded adds to err what TLS said, if it was TLS that ended the stream. A server
// may end the handshake only after we think that it is over (RFC 8446 section 4.4.2.4:
// the client's certificate is looked at last).
func (u *upConn) tlsEnded(err *failure.Error) {
	if !u.tls.tell(err) {
		return
	}
	ev := err.Evidence.TLS
	u.describe(ev)
	if refused := ev.Alert != noAlert && !ev.AlertSent; refused && u.tls.asked && !u.reused() && u.r.total.Load() == u.gotBefore {
		err.Code = failure.Code{Party: failure.Upstream, Phase: phase.UpHandshake, Kind: u.refusedByServer(ev.Alert)}
	}
}
