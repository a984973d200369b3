// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"time"

	"causey/internal/cause"
	"causey/internal/engine"
	"causey/internal/upstream"
)

// The experiments about connections, and about what is spoken on them. All but the first
// are told nothing by a connection that does not open.

// tryConnect opens a connection.
func tryConnect(ctx context.Context, s *subject) (cause.Value, bool) {
	begin := s.Now()
	_, address, _ := s.target(s.server)
	conn, wrong := s.open(ctx, s.server)
	switch {
	case wrong != nil && wrong.ours:
		return unseen()
	case wrong != nil:
		return truth(false, "a fresh connection to %s did not open: %s", address, wrong.how)
	}
	conn.Close()
	if took := s.Now().Sub(begin); took > 50*time.Millisecond {
		return truth(true, "a fresh connection to %s opened after %s", address, roundly(took))
	}
	return truth(true, "a fresh connection to %s opened at once", address)
}

// idleFor is how long nothing is sent.
const idleFor = time.Second

// tryIdle opens a connection and sends nothing.
func tryIdle(ctx context.Context, s *subject) (cause.Value, bool) {
	ctx, cancel := context.WithTimeout(ctx, idleFor+500*time.Millisecond)
	defer cancel()
	conn, wrong := s.open(ctx, s.server)
	if wrong != nil {
		return unseen()
	}
	defer conn.Close()
	begin := s.Now()
	conn.SetReadDeadline(begin.Add(idleFor))
	var err error
	for buf := make([]byte, 512); err == nil; { // a greeting is no end
		_, err = conn.Read(buf)
	}
	switch took := s.Now().Sub(begin); {
	case !isTimeout(err):
	case took < idleFor: // it took long to open
		return unseen()
	default:
		return truth(true, "a fresh connection on which nothing was sent stayed open")
	}
	return truth(false, "a fresh connection on which nothing was sent was ended by the server after %s", roundly(s.Now().Sub(begin)))
}

// tryTLS makes the handshake that requests make.
func tryTLS(ctx context.Context, s *subject) (cause.Value, bool) {
	config := s.up.TLS.Config(s.server, s.Now)
	err, ok := s.greet(ctx, config)
	switch {
	case !ok:
		return unseen()
	case err != nil:
		return truth(false, "a TLS handshake on a fresh connection failed: %s", unsecured(err))
	}
	return truth(true, "a TLS handshake on a fresh connection went well")
}

// trySNI makes it with the name of the site, which the certificate has to have then.
func trySNI(ctx context.Context, s *subject) (cause.Value, bool) {
	with := *s.up.TLS
	with.ServerName = s.site()
	err, ok := s.greet(ctx, with.Config(s.server, s.Now))
	switch {
	case !ok:
		return unseen()
	case err != nil:
		return truth(false, "a TLS handshake that asks for %s failed too: %s", s.site(), unsecured(err))
	}
	return truth(true, "a TLS handshake that asks for %s went well", s.site())
}

// trySecure finds out whether a server that is asked without TLS speaks it.
func trySecure(ctx context.Context, s *subject) (cause.Value, bool) {
	err, ok := s.greet(ctx, &tls.Config{ServerName: s.site(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if !ok {
		return unseen()
	}
	if _, alert := engine.ReceivedAlert(err); err == nil || alert {
		return truth(true, "its port answers a TLS handshake")
	}
	return truth(false, "its port does not answer a TLS handshake: %s", unsecured(err))
}

// greet makes a handshake on a fresh connection; ok is false if none opened.
func (s *subject) greet(ctx context.Context, config *tls.Config) (err error, ok bool) {
	conn, wrong := s.open(ctx, s.server)
	if wrong != nil {
		return nil, false
	}
	defer func() { conn.Close() }()
	if header := proxyHeader(s.up.Proxy, conn); header != nil {
		conn.Write(header) // the handshake shows whether it was taken
	}
	conn, err = s.handshake(ctx, conn, config)
	return err, true
}

// tryPlain asks a server over TLS without it. A port for TLS may answer too: by a page
// that says so, by one that does not, or by a redirect to https. Of the last two nothing
// is known.
func tryPlain(ctx context.Context, s *subject) (cause.Value, bool) {
	a := s.ask(ctx, &question{server: s.server, proxy: s.up.Proxy, plain: true, request: s.request(s.server, "/")})
	switch {
	case !a.opened, a.status == 400 && !a.wantsTLS, strings.HasPrefix(strings.ToLower(a.location), "https:"):
		return unseen()
	}
	return truth(a.ok(), "asked by plain HTTP on that port: %s", a.says())
}

// tryHTTP2 sends the preface of HTTP/2 with settings (RFC 9113 section 3.4: "The server
// connection preface consists of a potentially empty SETTINGS frame"), over TLS if the
// server is asked over it.
func tryHTTP2(ctx context.Context, s *subject) (cause.Value, bool) {
	conn, wrong := s.open(ctx, s.server)
	if wrong != nil {
		return unseen()
	}
	defer func() { conn.Close() }()
	if header := proxyHeader(s.up.Proxy, conn); header != nil {
		conn.Write(header)
	}
	if s.server.TLS {
		config := s.up.TLS.Config(s.server, s.Now)
		config.NextProtos = []string{"h2"}
		t, err := s.handshake(ctx, conn, config)
		if conn = t; err != nil {
			return unseen()
		}
	}
	var frame [9]byte
	_, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	if err == nil {
		_, err = io.ReadFull(conn, frame[:])
	}
	// A frame has three bytes of length, then its type, 4 for SETTINGS, and flags, and
	// the stream, 0.
	if err == nil && frame[3] == 4 && frame[4] == 0 && frame[5]|frame[6]|frame[7]|frame[8] == 0 {
		return truth(true, "its port answers the preface of HTTP/2")
	}
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return truth(false, "its port answers the preface of HTTP/2 with something else")
	}
	return truth(false, "its port does not answer the preface of HTTP/2: %s", broken(err))
}

// fcgiGetValues asks for FCGI_MAX_CONNS and FCGI_MPXS_CONNS, of the management records of
// FastCGI 1.0 (section 4.1), which need no request.
var fcgiGetValues = []byte("\x01\x09\x00\x00\x00\x21\x07\x00" + "\x0e\x00FCGI_MAX_CONNS" + "\x0f\x00FCGI_MPXS_CONNS" + "\x00\x00\x00\x00\x00\x00\x00")

// tryFastCGI finds out whether the port is one of FastCGI.
func tryFastCGI(ctx context.Context, s *subject) (cause.Value, bool) {
	conn, wrong := s.open(ctx, s.server)
	if wrong != nil {
		return unseen()
	}
	defer conn.Close()
	var record [2]byte
	_, err := conn.Write(fcgiGetValues)
	if err == nil {
		_, err = io.ReadFull(conn, record[:])
	}
	switch {
	case err == nil && record == [2]byte{1, 10}: // version 1, FCGI_GET_VALUES_RESULT
		return truth(true, "its port answers a question by FastCGI")
	case err == nil:
		return truth(false, "its port answers a question by FastCGI with something else")
	}
	return truth(false, "its port does not answer a question by FastCGI: %s", broken(err))
}

// tryProxyHeader asks with a PROXY header if none is configured, and without it if one
// is. A server that takes the header for a broken request says so with status 400.
func tryProxyHeader(ctx context.Context, s *subject) (cause.Value, bool) {
	version, how := upstream.ProxyV1, "with a PROXY header"
	if s.up.Proxy != upstream.ProxyOff {
		version, how = upstream.ProxyOff, "without the PROXY header"
	}
	a := s.ask(ctx, &question{server: s.server, proxy: version, request: s.request(s.server, "/")})
	if !a.opened && a.why.ours {
		return unseen()
	}
	return truth(a.ok() && a.status != 400, "asked %s: %s", how, a.says())
}
