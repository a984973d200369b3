// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/tls"
	"time"

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

// Config is what a handshake with sv needs to be like one for requests: name, version
// and the judgement of certificates, as of now. What our certificate is asked for
// with, and sessions, are the caller's.
func (o *ServerTLS) Config(sv *upstream.Server, now func() time.Time) *tls.Config {
	name := o.ServerName
	switch {
	case name != "":
	case sv.TLSName != "":
		name = sv.TLSName
	case sv.Host != "":
		name = sv.Host
	case sv.Path == "":
		name = sv.Addr.Addr().String()
	}
	c := &tls.Config{
		ServerName: name,
		MinVersion: max(o.MinVersion, tls.VersionTLS12),
		NextProtos: []string{"http/1.1"},
		// crypto/tls would only say that verifying failed; peercert says why. It is
		// asked at the end of each handshake, a resumed one too.
		InsecureSkipVerify: true,
	}
	if p := o.policyFor(name); p != nil {
		c.VerifyConnection = func(cs tls.ConnectionState) error {
			if f := p.Check(cs.PeerCertificates, cs.OCSPResponse, now()); f != nil {
				return f
			}
			return nil
		}
	}
	return c
}

// policyFor returns the policy for a server of that name, nil if nothing is judged.
func (o *ServerTLS) policyFor(name string) *peercert.Policy {
	if o.Policy == nil {
		return nil
	}
	p := *o.Policy
	p.Name = name
	return &p
}

// newServerTLS makes what connections to one server need.
func newServerTLS(e *Engine, o *ServerTLS, sv *upstream.Server) *serverTLS {
	c := o.Config(sv, e.env.Now)
	// One session is enough: the newest is the one that is used.
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	c.DynamicRecordSizingDisabled = true
	c.GetClientCertificate = func(cri *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cri.Context().Value(layerKey{}).(*tlsLayer).asked = true
		if o.Certificate == nil {
			return &tls.Certificate{}, nil
		}
		return o.Certificate, nil
	}
	return &serverTLS{shows: o.Certificate != nil, config: c, policy: o.policyFor(c.ServerName)}
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
