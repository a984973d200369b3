// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/tls"

	"causey/internal/engine/peercert"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// ServerTLS says how the servers of an upstream are spoken to over TLS.
type ServerTLS struct {
	// Policy judges their certificates; its Name is filled in for each server. nil
	// judges nothing.
	Policy *peercert.Policy
	// ServerName is asked for, and has to be in the certificate; "" means the
	// server's own host.
	ServerName string
	// Certificate is ours, for servers that ask for one; nil for none.
	Certificate *tls.Certificate
	// MinVersion is as in crypto/tls.
	MinVersion uint16
}

// serverTLS is TLS to one server.
type serverTLS struct {
	config *tls.Config
	policy *peercert.Policy
	// shows: we have a certificate for servers that ask.
	shows bool
}

// newServerTLS makes what connections to one server need.
func newServerTLS(e *Engine, o *ServerTLS, sv *upstream.Server) *serverTLS {
	name := o.ServerName
	switch {
	case name != "":
	case sv.Host != "":
		name = sv.Host
	case sv.Path == "":
		name = sv.Addr.Addr().String()
	}
	s := &serverTLS{shows: o.Certificate != nil, config: &tls.Config{
		ServerName: name,
		MinVersion: max(o.MinVersion, tls.VersionTLS12),
		NextProtos: []string{"http/1.1"},
		// crypto/tls would only say that verifying failed; peercert says why. It is
		// asked at the end of each handshake, a resumed one too.
		InsecureSkipVerify: true,
		// One session is enough: the newest is the one that is used.
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		GetClientCertificate: func(cri *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cri.Context().Value(layerKey{}).(*tlsLayer).asked = true
			if o.Certificate == nil {
				return &tls.Certificate{}, nil
			}
			return o.Certificate, nil
		},
		DynamicRecordSizingDisabled: true,
	}}
	if o.Policy != nil {
		p := *o.Policy
		p.Name = name
		s.policy = &p
		s.config.VerifyConnection = func(cs tls.ConnectionState) error {
			if f := p.Check(cs.PeerCertificates, cs.OCSPResponse, e.env.Now()); f != nil {
				return f
			}
			return nil
		}
	}
	return s
}

// handshake makes u's connection one with TLS.
func (u *upConn) handshake(w *exchange.Want) *failure.Error {
	w.Waiter.Enter(phase.UpHandshake)
	w.Waiter.Watch(u)
	t := newTLS(&u.sock)
	t.conn = tls.Client(&t.raw, u.member.tls.config)
	var until int64
	if d := w.Timeouts.UpHandshake; d > 0 {
		until = u.eng.mono() + int64(d)
	}
	if err := t.handshake(context.Background(), until); err != nil {
		return u.upHandshakeFailure(err)
	}
	return nil
}
