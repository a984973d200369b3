// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/tls"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// However requests are cut into records, and records into packets, each is answered:
// what TLS holds already wakes nobody.
func TestTLSRecordsInAnyCut(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	for seed := range uint64(40) {
		rng := mathrand.New(mathrand.NewPCG(seed, 1))
		p := r.dial()
		slow := &cutConn{Conn: p.Conn, rng: rng}
		conn := tls.Client(slow, clientConfig())
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		q := newPeer(t, conn)
		for round := range 4 {
			requests := 1 + rng.IntN(5)
			text := strings.Repeat("GET /"+strings.Repeat("x", rng.IntN(3000))+" HTTP/1.1\r\nHost: a\r\n\r\n", requests)
			slow.hold = true
			for len(text) > 0 {
				n := min(1+rng.IntN(1500), len(text))
				q.send(text[:n])
				text = text[n:]
			}
			slow.flush(rng.IntN(3) == 0)
			for range requests {
				if head, body := q.answer(); status(head) != 200 || body != "hello" {
					t.Fatalf("seed %d, round %d: %q %q", seed, round, head, body)
				}
			}
		}
		p.Close()
	}
}

// cutConn collects what is written, and sends it in pieces of any length.
type cutConn struct {
	net.Conn
	rng  *mathrand.Rand
	hold bool
	kept []byte
}

func (c *cutConn) Write(b []byte) (int, error) {
	if !c.hold {
		return c.Conn.Write(b)
	}
	c.kept = append(c.kept, b...)
	return len(b), nil
}

// flush sends what was kept, with time between the pieces or without.
func (c *cutConn) flush(pause bool) {
	for c.hold = false; len(c.kept) > 0; {
		n := min(1+c.rng.IntN(4000), len(c.kept))
		c.Conn.Write(c.kept[:n])
		c.kept = c.kept[n:]
		if pause {
			time.Sleep(time.Millisecond)
		}
	}
}

// FuzzHeld: however the bytes of records are cut, as many are counted.
func FuzzHeld(f *testing.F) {
	f.Add([]byte("\x17\x03\x03\x00\x01x\x17\x03\x03\x00\x00\x17\x03\x03\x00\x02"), uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		var whole, parts held
		whole.came(b)
		for len(b) > 0 {
			n := min(1+int(cut)%7, len(b))
			parts.came(b[:n])
			b, cut = b[n:], cut/3+1
		}
		if whole != parts {
			t.Errorf("%+v, in parts %+v", whole, parts)
		}
	})
}
