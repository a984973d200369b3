// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// recordTap remembers the type of the record that came last.
type recordTap struct {
	net.Conn
	mu   sync.Mutex
	held held
	typ  byte
}

func (c *recordTap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range b[:n] {
		if c.held.header == 0 {
			c.typ = x
		}
		c.held.came([]byte{x})
	}
	return n, err
}

func (c *recordTap) last() byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.typ
}

// A tunnel passes an end on as what it was: TLS's word that this was all, or only TCP's.
func TestTLSTunnelEnds(t *testing.T) {
	for _, whole := range []bool{true, false} {
		last := make(chan byte, 1)
		server := origin(t, func(p *peer) {
			tap := &recordTap{Conn: p.Conn}
			q := newPeer(t, tls.Server(tap, &tls.Config{Certificates: []tls.Certificate{*siteCert()}, MaxVersion: tls.VersionTLS12}))
			q.head()
			q.send(switching)
			io.Copy(io.Discard, q.in)
			last <- tap.last()
		})
		r := newRig(t, server, func(s *setup) { withTLS(s); toTLS(s) })
		raw := r.dial().Conn
		conn := tls.Client(raw, clientConfig())
		p := newPeer(t, conn)
		p.send(upgrade)
		p.head()
		p.send("some bytes")
		if whole {
			conn.CloseWrite()
		}
		raw.(*net.TCPConn).CloseWrite()
		if typ := <-last; (typ == typeAlert) != whole {
			t.Errorf("whole: %v, and the last record that the server got has type %d", whole, typ)
		}
		if rec := r.one(); !rec.Failure.IsNone() {
			t.Errorf("whole: %v: %v", whole, rec.Failure)
		}
	}
}

// A name that no host can have is kept no longer than one.
func TestTLSLongName(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	tls.Client(r.dial().Conn, &tls.Config{ServerName: strings.Repeat("a.", 7000) + "test"}).Handshake()
	if rec := r.one(); rec.Failure.String() != "client.handshake.sni-unknown" || len(rec.Error.Evidence.TLS.ServerName) > clipMax {
		t.Errorf("%v, a name of %d bytes", rec.Failure, len(rec.Error.Evidence.TLS.ServerName))
	}
}

// Bytes that are no request yet, a part of a record, do not make the wait for one begin
// anew, parked or not.
func TestTLSPartOfARecordBuysNoTime(t *testing.T) {
	r := newRig(t, origin(t, hello), func(s *setup) {
		withTLS(s)
		s.opts.Idle = 2 * time.Second
	})
	raw := r.dial().Conn
	newPeer(t, tls.Client(raw, clientConfig())).get()
	began := time.Now()
	for i, b := range []byte("\x17\x03\x03\x40\x00" + strings.Repeat("x", 1000)) {
		if _, err := raw.Write([]byte{b}); err != nil {
			break
		}
		if time.Since(began) > patience {
			t.Fatalf("still there after %d bytes", i)
		}
		time.Sleep(300 * time.Millisecond)
	}
}
