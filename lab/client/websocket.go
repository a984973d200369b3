// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"

	"causey/lab/ws"
)

// ErrNoUpgrade is an answer to the handshake other than a correct 101.
var ErrNoUpgrade = errors.New("client: the upgrade was refused")

const maxFrame = 1 << 20

// WebSocket is an open tunnel. It belongs to one goroutine.
type WebSocket struct {
	conn *Conn
	in   *bufio.Reader
}

// DialWebSocket connects and upgrades. The target's deadline covers the whole tunnel.
func DialWebSocket(ctx context.Context, t Target, host, path string) (*WebSocket, error) {
	c, err := Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	c.Send(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, host, key))
	w := &WebSocket{conn: c, in: bufio.NewReader(c.nc)}
	resp, err := http.ReadResponse(w.in, &http.Request{Method: "GET"})
	if err != nil {
		c.Close()
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != ws.AcceptKey(key) {
		c.Close()
		return nil, fmt.Errorf("%w: %s", ErrNoUpgrade, resp.Status)
	}
	return w, nil
}

// Send sends one masked frame.
func (w *WebSocket) Send(f ws.Frame) error {
	_, err := w.conn.nc.Write(ws.AppendFrame(nil, f, &[4]byte{0x12, 0x34, 0x56, 0x78}))
	return err
}

// Receive receives one frame of at most 1 MiB.
func (w *WebSocket) Receive() (ws.Frame, error) { return ws.ReadFrame(w.in, maxFrame) }

// Leave ends the tunnel in the given way; with FIN and Wait it receives until the peer ends.
func (w *WebSocket) Leave(how How) Result { return w.conn.Leave(how) }
