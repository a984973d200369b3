// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// ClientTLS says how clients are served over TLS. A reload replaces it whole; the
// keys of session tickets stay the engine's, so that clients resume over a reload.
type ClientTLS struct {
	// Certificate chooses a certificate. None and no error means that there is none
	// for the name; an error, that there will be one.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Waits says that Certificate may wait, until the hello's context is done: when the
	// handshake's time is over, or the connection is killed. That costs a timer and a
	// goroutine of each handshake, which others are spared.
	Waits bool
	// Default holds for all names that are not in ByHost: names in lower case, *.name for
	// all names below it, as routes have it, and addresses, for clients that name no host.
	Default *TLSPolicy
	ByHost  map[string]*TLSPolicy
}

// TLSPolicy is what holds for connections to some names.
type TLSPolicy struct {
	// MinVersion and CipherSuites are as in crypto/tls; 0 and nil leave them to it.
	MinVersion   uint16
	CipherSuites []uint16
	// ClientAuth, if set, asks clients for a certificate.
	ClientAuth *ClientAuth

	config *tls.Config
	keys   ticketKeys
}

// ClientAuth says which clients may come.
type ClientAuth struct {
	// ID names the rule by all that it says. A connection that was accepted by one
	// rule carries no request for a site with another, and no session of one opens
	// another.
	ID string
	// Roots are who may sign clients' certificates.
	Roots *x509.CertPool
	// Optional lets clients without a certificate in.
	Optional bool
}

// challengeProtocol is the protocol of a certification authority's own visits
// (RFC 8737 section 6.2).
const challengeProtocol = "acme-tls/1"

// SetClientTLS changes how the next connections are served. Listeners with TLS need
// it before they are served.
func (e *Engine) SetClientTLS(o *ClientTLS) {
	before := map[string]*TLSPolicy{}
	if old := e.tls.Load(); old != nil {
		old.each(func(p *TLSPolicy) {
			if p.ClientAuth != nil {
				before[p.ClientAuth.ID] = p
			}
		})
	}
	o.each(func(p *TLSPolicy) { p.build(e, o, before) })
	e.tls.Store(o)
}

func (o *ClientTLS) each(f func(*TLSPolicy)) {
	for _, p := range o.ByHost {
		f(p)
	}
	f(o.Default)
}

// build makes the policy's configuration. A rule that was there before, by its ID,
// keeps its tickets.
func (p *TLSPolicy) build(e *Engine, o *ClientTLS, before map[string]*TLSPolicy) {
	if p.config != nil {
		return
	}
	p.config = &tls.Config{
		GetCertificate: certificateOf(o),
		MinVersion:     max(p.MinVersion, tls.VersionTLS12),
		CipherSuites:   p.CipherSuites,
		NextProtos:     []string{"http/1.1"},
		// A record for each answer instead of a record for each packet: the first
		// bytes of a page come no sooner by it, as the head waits for its body.
		DynamicRecordSizingDisabled: true,
	}
	if a := p.ClientAuth; a != nil {
		p.config.ClientAuth = tls.RequestClientCert
		p.config.ClientCAs = a.Roots // browsers choose by these among their certificates
		p.config.VerifyConnection = a.verifier(e.env.Now)
		if old := before[a.ID]; old != nil {
			p.takeKeys(old)
		}
		p.rotateKeys(e.env.Now())
	}
}

// certificateOf wraps the choice of a certificate, to remember why there was none.
func certificateOf(o *ClientTLS) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := o.Certificate(h)
		if err != nil {
			h.Conn.(*rawConn).layer.denied = err
		}
		return cert, err
	}
}

// base is the configuration that all handshakes begin with. Its ticket keys, which
// crypto/tls makes and replaces every day, are those of all policies without keys of
// their own.
func (e *Engine) newTLSBase() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			t := h.Conn.(*rawConn).layer
			t.hello = h
			o := e.tls.Load()
			if len(h.SupportedProtos) == 1 && h.SupportedProtos[0] == challengeProtocol {
				return &tls.Config{GetCertificate: certificateOf(o), NextProtos: h.SupportedProtos}, nil
			}
			p := o.policy(t.nameFor(h))
			t.policy = p
			if p.ClientAuth != nil {
				p.rotateKeys(e.env.Now())
			}
			return p.config, nil
		},
	}
}

// nameFor is the host that a client came to: by its name, else by the address.
func (t *tlsLayer) nameFor(h *tls.ClientHelloInfo) string {
	if h.ServerName == "" {
		if a, ok := t.raw.LocalAddr().(*net.TCPAddr); ok {
			return a.AddrPort().Addr().Unmap().String()
		}
	}
	return h.ServerName
}

// policy finds the policy for a name as it came.
func (o *ClientTLS) policy(name string) *TLSPolicy {
	if len(o.ByHost) == 0 {
		return o.Default
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if p := o.ByHost[name]; p != nil {
		return p
	}
	for {
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return o.Default
		}
		if p := o.ByHost["*."+parent]; p != nil {
			return p
		}
		name = parent
	}
}

// ticketKeys are the keys of a policy's session tickets, the newest first. A policy
// that asks for certificates has its own: a ticket of another site must not open it.
type ticketKeys struct {
	mu   sync.Mutex
	keys [][32]byte
	made time.Time
}

// Tickets are good for as long as two keys live.
const (
	ticketKeyLife = 12 * time.Hour
	ticketKeysMax = 2
)

// rotateKeys puts a new key in front when the newest is too old.
func (p *TLSPolicy) rotateKeys(now time.Time) {
	k := &p.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) > 0 && now.Sub(k.made) < ticketKeyLife {
		return
	}
	var key [32]byte
	rand.Read(key[:])
	k.keys, k.made = append([][32]byte{key}, k.keys[:min(len(k.keys), ticketKeysMax-1)]...), now
	p.config.SetSessionTicketKeys(k.keys)
}

// takeKeys begins with the keys of another policy.
func (p *TLSPolicy) takeKeys(old *TLSPolicy) {
	old.keys.mu.Lock()
	p.keys.keys, p.keys.made = slices.Clone(old.keys.keys), old.keys.made
	old.keys.mu.Unlock()
	p.config.SetSessionTicketKeys(p.keys.keys)
}

// clientCertError is why a client's certificate does not let it in.
type clientCertError struct {
	kind failure.Kind
	err  error
}

func (e *clientCertError) Error() string { return fmt.Sprintf("client certificate: %v", e.err) }
func (e *clientCertError) Unwrap() error { return e.err }

var errNoClientCert = errors.New("none was sent")

// verifier returns what crypto/tls calls at the end of each handshake, a resumed one
// too: a certificate that has expired since opens nothing any more.
func (a *ClientAuth) verifier(now func() time.Time) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 {
			if a.Optional {
				return nil
			}
			return &clientCertError{failure.ClientCertMissing, errNoClientCert}
		}
		o := x509.VerifyOptions{Roots: a.Roots, CurrentTime: now(), Intermediates: x509.NewCertPool(),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		for _, c := range cs.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		if _, err := cs.PeerCertificates[0].Verify(o); err != nil {
			return &clientCertError{failure.ClientCertRefused, err}
		}
		return nil
	}
}

// handshake makes the client's connection one with TLS. If that fails it leaves a
// record and reports false.
func (c *clientConn) handshake() bool {
	e := c.eng
	e.active.Add(1)
	defer e.active.Add(-1)
	began := e.env.Now()
	t := newTLS(&c.sock)
	t.conn = tls.Server(&t.raw, e.tlsBase)
	limit := e.opts.Load().Handshake
	var until int64
	if limit > 0 {
		until = e.monoOf(began) + int64(limit)
	}
	ctx, done := c.handshakeContext(limit)
	err := t.handshake(ctx, until)
	done()
	took := e.env.Now().Sub(began)
	if err != nil && t.raw.firstLen == 0 && (t.raw.eof || t.raw.rend == ioErrno) {
		return false // it asked for nothing: a balancer's look whether the port is open
	}
	if err != nil {
		c.noHandshake(clientHandshakeFailure(t, err), began, took)
		return false
	}
	c.noteHandshake(took)
	return c.arrival.Secure()
}

// handshakeContext is what a handshake waits in that may wait for its certificate;
// else none. done must be called when it is over.
func (c *clientConn) handshakeContext(limit time.Duration) (ctx context.Context, done func()) {
	ctx, cancel := context.Background(), func() {}
	switch {
	case !c.eng.tls.Load().Waits:
		return ctx, cancel
	case limit > 0:
		ctx, cancel = context.WithTimeout(ctx, limit)
	default:
		ctx, cancel = context.WithCancel(ctx)
	}
	// Not Watch: a client that leaves is for the handshake itself to notice.
	c.mu.Lock()
	c.watch.canceler = cancelFunc(cancel)
	c.mu.Unlock()
	if c.dead.Load() {
		cancel()
	}
	return ctx, func() {
		c.mu.Lock()
		c.watch.canceler = nil
		c.mu.Unlock()
		cancel()
	}
}

// cancelFunc is an exchange.Canceler.
type cancelFunc context.CancelFunc

func (f cancelFunc) Cancel() { f() }

// noteHandshake keeps what requests have to know of the handshake.
func (c *clientConn) noteHandshake(took time.Duration) {
	t, cs := c.tls, c.tls.conn.ConnectionState()
	defer func() { t.hello, t.policy = nil, nil }()
	if cs.NegotiatedProtocol == challengeProtocol {
		return // the visit is over
	}
	t.facts.about = record.TLS{Version: cs.Version, Cipher: cs.CipherSuite, Resumed: cs.DidResume}
	if auth := t.policy.ClientAuth; auth != nil {
		t.facts.clientAuth = auth.ID
		if len(cs.PeerCertificates) > 0 {
			// RFC 9440 section 2.1: a byte sequence of structured fields.
			t.facts.clientCert = []byte(":" + base64.StdEncoding.EncodeToString(cs.PeerCertificates[0].Raw) + ":")
		}
	}
	t.facts.took = took
	t.facts.tell(&c.arrival)
}

// tlsFacts is what the exchanges of a connection have to know of its handshake.
type tlsFacts struct {
	about      record.TLS
	clientAuth string
	clientCert []byte
	// took is how long the handshake lasted, until the first exchange has told it.
	took time.Duration
}

func (f *tlsFacts) tell(a *exchange.Arrival) {
	a.TLS, a.ClientAuth, a.ClientCert, a.Handshake = f.about, f.clientAuth, f.clientCert, f.took
}

// noHandshake leaves the record of a handshake that failed. A client that spoke
// plain HTTP is told.
func (c *clientConn) noHandshake(err *failure.Error, began time.Time, took time.Duration) {
	e := c.eng
	rec := e.newRecord(c.listener, c.arrival.Peer, began)
	rec.Proxy, rec.Proxied = c.arrival.Proxy, c.arrival.Proxied
	rec.SetText(record.Host, []byte(err.Evidence.TLS.ServerName))
	rec.Phases[phase.Handshake], rec.Total = took, took
	rec.NoteFailure(err)
	entry := failure.Lookup(err.Code)
	switch {
	case entry.Status == failure.StatusClientGone:
		rec.Status, rec.Outcome = entry.Status, record.ClientLeft
	case err.Code.Kind == failure.PlainHTTP:
		c.tls = nil
		e.tellRefused(c.fd, rec, err)
	}
	e.env.Ring.Put(c.arrival.Shard, rec)
}

// park takes the layer from its sock, which is no more afterwards.
func (t *tlsLayer) park() {
	if t != nil {
		t.raw.sock = nil
	}
}

// wake gives a parked layer to c.
func (t *tlsLayer) wake(c *clientConn) {
	if t != nil {
		c.tls, t.raw.sock = t, &c.sock
		t.facts.tell(&c.arrival)
	}
}
