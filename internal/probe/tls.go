// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"causey/internal/engine/peercert"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// secure makes conn one with TLS, by the handshake that requests make. What it returns
// is to be closed in any case.
func (c *Checker) secure(ctx context.Context, conn net.Conn, s *upstream.Server) (_ net.Conn, wrong string) {
	config := c.o.TLS.Config(s, c.env.Now)
	if c.o.Kind == GRPC {
		config.NextProtos = []string{"h2"}
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if c.o.TLS.Certificate == nil {
			return &tls.Certificate{}, nil
		}
		return c.o.TLS.Certificate, nil
	}
	t := tls.Client(conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return conn, c.unsecured(ctx, err)
	}
	if c.o.Kind == GRPC && t.ConnectionState().NegotiatedProtocol != "h2" {
		return t, "the server does not agree on HTTP/2 (ALPN h2), which gRPC needs"
	}
	return t, ""
}

// unsecured says why a handshake failed.
func (c *Checker) unsecured(ctx context.Context, err error) string {
	const what = "the TLS handshake"
	var fault *peercert.Fault
	var header tls.RecordHeaderError
	var other *tls.CertificateVerificationError
	switch {
	case errors.As(err, &fault):
		return unacceptable(fault, c.env.Now())
	case timedOut(ctx, err):
		return c.late(what + " did not end")
	case errors.As(err, &header):
		return refused(what, phase.UpHandshake, failure.NotTLS)
	case errors.As(err, &other):
		return refused(what, phase.UpHandshake, failure.BadCert)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "local error" { // an alert of ours
		return refused(what, phase.UpHandshake, failure.Malformed)
	}
	return c.broken(ctx, what, err)
}

// dateForm writes a certificate's date.
const dateForm = "2006-01-02 15:04 UTC"

// unacceptable says what is wrong with a server's certificate.
func unacceptable(f *peercert.Fault, now time.Time) string {
	var ev failure.TLS
	f.Describe(&ev)
	switch f.Kind {
	case failure.CertExpired:
		return "the certificate expired " + roughly(now.Sub(ev.NotAfter)) + " ago, at " + ev.NotAfter.UTC().Format(dateForm)
	case failure.CertNotYetValid:
		return "the certificate is valid only in " + roughly(ev.NotBefore.Sub(now)) + ", from " + ev.NotBefore.UTC().Format(dateForm)
	case failure.WrongName:
		if len(ev.Names) == 0 {
			return "the certificate names no host"
		}
		return "the certificate is for another name: " + clip(strings.Join(ev.Names, ", "))
	case failure.UnknownCA:
		return "the certificate is from a CA that is not trusted: " + clip(ev.Issuer)
	case failure.ChainIncomplete:
		return "the server does not send its whole chain: " + clip(ev.Missing) + " is missing"
	case failure.Revoked:
		return "the certificate was revoked"
	}
	return "the certificate is not acceptable"
}
