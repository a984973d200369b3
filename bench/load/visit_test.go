// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// host is a server with TLS. It writes what answer returns for the n-th
// connection's request and closes, unless stays is set: then it asks again.
type host struct {
	answer func(n int64) []byte
	stays  bool
	change func(*tls.Config)

	addr   netip.AddrPort
	client *tls.Config
	// issued counts its tickets.
	issued atomic.Int64
}

func (h *host) start(t *testing.T) *host {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bench"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		h.issued.Add(1)
		return server.EncryptTicket(cs, ss)
	}
	server.UnwrapSession = server.DecryptTicket
	if h.change != nil {
		h.change(server)
	}
	ln, err := tls.Listen("tcp4", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	h.addr = ln.Addr().(*net.TCPAddr).AddrPort()
	h.client = &tls.Config{RootCAs: roots, ServerName: "bench", MinVersion: tls.VersionTLS13}
	var running sync.WaitGroup
	t.Cleanup(func() { ln.Close(); running.Wait() })
	running.Go(func() {
		for n := int64(1); ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { h.serve(conn, n) })
		}
	})
	return h
}

func (h *host) serve(conn net.Conn, n int64) {
	defer conn.Close()
	for buf := make([]byte, len(request)); ; {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return
		}
		if _, err := conn.Write(h.answer(n)); err != nil || !h.stays {
			return
		}
	}
}

func always(int64) []byte { return reply }

func (h *host) visits(resume bool) Visits {
	return Visits{Addr: h.addr, Request: request, TLS: h.client, AtOnce: 3, Length: 50 * time.Millisecond, Resume: resume}
}

func (h *host) run(t *testing.T, resume bool) *VisitOutcome {
	t.Helper()
	all, err := Prepare(context.Background(), h.visits(resume))
	if err != nil {
		t.Fatal(err)
	}
	o, err := all.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if int(o.Latency.Count()) != o.Answered || o.Took < 50*time.Millisecond {
		t.Errorf("%d answered, %d measured, took %v", o.Answered, o.Latency.Count(), o.Took)
	}
	return o
}

// I4
func TestVisitorsResumeOrDoNot(t *testing.T) {
	for _, resume := range []bool{false, true} {
		h := (&host{answer: always}).start(t)
		o := h.run(t, resume)
		want := 0
		if resume {
			want = o.Answered
		}
		if o.Answered == 0 || o.Failed > 0 || o.Resumed != want {
			t.Errorf("resume %v: %d answered, %d resumed, %d failed, %v", resume, o.Answered, o.Resumed, o.Failed, o.Failure)
		}
		if n := h.issued.Load(); n < int64(o.Answered) {
			t.Errorf("resume %v: %d tickets for %d visits", resume, n, o.Answered)
		}
	}
}

// I4: a ticket that the server does not take is no resumption.
func TestRefusedTicketsAreNotCounted(t *testing.T) {
	h := (&host{answer: always, change: func(c *tls.Config) {
		c.UnwrapSession = func([]byte, tls.ConnectionState) (*tls.SessionState, error) { return nil, nil }
	}}).start(t)
	if o := h.run(t, true); o.Answered == 0 || o.Resumed > 0 {
		t.Errorf("%d of %d resumed", o.Resumed, o.Answered)
	}
}

// I3
func TestFailedVisitsAreCountedAndTheLoadGoesOn(t *testing.T) {
	h := (&host{answer: func(n int64) []byte {
		switch n {
		case 4:
			return nil
		case 5:
			return reply[:len(reply)-1]
		case 6:
			return append(reply[:len(reply):len(reply)], 'x')
		}
		return reply
	}}).start(t)
	if o := h.run(t, false); o.Failed != 3 || o.Answered == 0 || o.Failure == nil {
		t.Errorf("%d failed, %d answered, %v", o.Failed, o.Answered, o.Failure)
	}
}

func TestPrepareFails(t *testing.T) {
	ctx := context.Background()
	good := (&host{answer: always}).start(t)
	stranger := good.visits(false)
	stranger.TLS = &tls.Config{ServerName: "bench"}
	nobody := good.visits(false)
	nobody.AtOnce = 0
	plain := good.visits(false)
	plain.TLS = nil
	cut := (&host{answer: func(int64) []byte { return nil }}).start(t)
	for name, v := range map[string]Visits{"unknown certificate": stranger, "nobody": nobody, "plain": plain, "cut": cut.visits(true)} {
		if _, err := Prepare(ctx, v); err == nil {
			t.Errorf("%s: it is prepared", name)
		}
	}
}

// A gateway that does not close hangs nobody.
func TestVisitsEndThoughTheConnectionStays(t *testing.T) {
	before := visitLimit
	visitLimit = 100 * time.Millisecond
	defer func() { visitLimit = before }()
	h := (&host{answer: always, stays: true}).start(t)
	if _, err := Prepare(context.Background(), h.visits(false)); !errors.Is(err, errStaysOpen) {
		t.Errorf("%v", err)
	}
}

func TestVisitsEndWhenCalledOff(t *testing.T) {
	h := (&host{answer: always}).start(t)
	v := h.visits(false)
	v.Length = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	all, err := Prepare(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := all.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestIdleConnectionsWithTLS(t *testing.T) {
	h := (&host{answer: always, stays: true}).start(t)
	ctx := context.Background()
	crowd, err := OpenIdle(ctx, Crowd{Addr: h.addr, Request: request, Conns: 10, Sources: sources, AtOnce: 2, TLS: h.client})
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	if n := crowd.Open(); n != 10 {
		t.Errorf("%d of 10 are open", n)
	}
	if err := crowd.AskAgain(ctx); err != nil {
		t.Errorf("asking again: %v", err)
	}
	if n := h.issued.Load(); n != 10 {
		t.Errorf("%d tickets for 10 connections", n)
	}
	// A server that asks for plain HTTP does not understand TLS, nor the other way round.
	if _, err := OpenIdle(ctx, Crowd{Addr: h.addr, Request: request, Conns: 1, Sources: sources, AtOnce: 1}); err == nil ||
		strings.Contains(err.Error(), "timeout") {
		t.Errorf("a plain connection to a TLS server: %v", err)
	}
}
