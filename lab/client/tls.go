// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// secure shakes hands over c. The bytes of the conversation are those inside TLS from then on.
func (c *Conn) secure(ctx context.Context, cfg *tls.Config) error {
	t := tls.Client(c.raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.nc = t
	return nil
}

// farewell is close_notify, which is no FIN; nothing without TLS.
func (c *Conn) farewell() error {
	if t, ok := c.nc.(*tls.Conn); ok {
		return t.CloseWrite()
	}
	return nil
}

// Hello is the record with the ClientHello that somebody with this configuration sends first.
func Hello(cfg *tls.Config) []byte {
	h := &helloTaker{}
	_ = tls.Client(h, cfg).Handshake()
	return h.first
}

// helloTaker keeps what is written to it first, and fails then.
type helloTaker struct {
	net.Conn // nil: nothing else is called
	first    []byte
}

var errTaken = errors.New("client: the hello is taken")

func (h *helloTaker) Write(p []byte) (int, error) {
	if h.first == nil {
		h.first = bytes.Clone(p)
	}
	return 0, errTaken
}

func (h *helloTaker) Read([]byte) (int, error) { return 0, errTaken }
func (h *helloTaker) Close() error             { return nil }

// AlertRecord is a fatal alert without encryption, as a client sends it while a handshake of TLS 1.2 is under way.
func AlertRecord(number byte) []byte { return []byte{21, 3, 3, 0, 2, 2, number} }

// AfterHello sends the ClientHello of cfg, waits until the server has begun to answer, sends then, and leaves in the
// given way.
func AfterHello(ctx context.Context, t Target, cfg *tls.Config, then []byte, how How) Result {
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Send(Hello(cfg)) {
			return c.Close()
		}
		answered := func(_ []byte, total int64) bool { return total > 0 }
		if !c.ReceiveUntil(readSize, answered) || !c.Send(then) {
			return c.Close()
		}
		return c.Leave(how)
	})
}
