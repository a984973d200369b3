// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// silent is a server that reads a request, sends part of an answer and is quiet.
func silent(part string) func(*peer) {
	return func(p *peer) {
		p.head()
		p.send(part)
		p.ended()
	}
}

var bigHead = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 8<<20)

// A client that leaves while its exchange waits for the server ends it, long
// before any of the server's own timeouts.
func TestDepartureIsNoticedWhileTheServerIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		part  string
		leave func(*peer)
		phase phase.Phase
		kind  failure.Kind
	}{
		"reset before the head":         {"", (*peer).reset, phase.AwaitHead, failure.Reset},
		"FIN before the head":           {"", (*peer).closeWrite, phase.AwaitHead, failure.Closed},
		"reset behind an interim":       {"HTTP/1.1 103 Early Hints\r\n\r\n", (*peer).reset, phase.ReadHeadUp, failure.Reset},
		"reset in a small body":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1", (*peer).reset, phase.RelayBody, failure.Reset},
		"FIN in a small body":           {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1", (*peer).closeWrite, phase.RelayBody, failure.Closed},
		"reset in a stream":             {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata:\n\n", (*peer).reset, phase.RelayBody, failure.Reset},
		"reset in a body that splices":  {bigHead + "1", (*peer).reset, phase.RelayBody, failure.Reset},
		"FIN in a body that splices":    {bigHead + "1", (*peer).closeWrite, phase.RelayBody, failure.Closed},
		"reset far in one that splices": {bigHead + strings.Repeat("x", 1<<20), (*peer).reset, phase.RelayBody, failure.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, silent(c.part)), func(s *setup) { s.opts.HalfClose = 50 * time.Millisecond })
			p := r.dial()
			p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			go io.Copy(io.Discard, p.Conn)
			eventually(t, "an exchange", func() bool { return r.eng.Counts().Active == 1 })
			settled(t, r, 3)
			c.leave(p)
			want := failure.Code{Party: failure.Client, Phase: c.phase, Kind: c.kind}
			if rec := r.one(); rec.Failure != want {
				t.Errorf("%v, want %v (outcome %v)", rec.Failure, want, rec.Outcome)
			}
		})
	}
}

// The grace for a half-closed client is one for a silent server: a client that
// takes what comes is there, however slowly it does.
func TestHalfClosedClientGetsItsAnswer(t *testing.T) {
	const size = 24 << 20
	body := bytes.Repeat([]byte{'x'}, size)
	for name, head := range map[string]string{
		"spliced": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size),
		"copied":  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(head)
				p.Write(body)
			}), func(s *setup) { s.opts.HalfClose = 30 * tick })
			p := r.dial()
			p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, err := p.head(); err != nil {
				t.Fatal(err)
			}
			p.closeWrite()
			settled(t, r, 40) // for longer than the grace: the buffers are full and nobody reads
			io.Copy(io.Discard, p.in)
			if rec := r.one(); rec.Outcome != record.Relayed || rec.BodyOut != size {
				t.Errorf("%v after %d bytes: %v", rec.Outcome, rec.BodyOut, rec.Failure)
			}
		})
	}
}
