// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"causey/lab/pattern"
	"causey/lab/ws"
)

// ask sends one request and takes the answer in. status is 0 if none came; err is nil if
// it came whole.
func (v *visitor) ask(ctx context.Context, a *Ask, site, path string, patience time.Duration) (status int, err error) {
	var body io.Reader
	if a.Body > 0 {
		body = paced(ctx, pattern.NewReader(int64(a.Body)), a.SendRate)
	}
	req, err := http.NewRequestWithContext(ctx, a.Method, "http://gateway"+path, body)
	if err != nil {
		return 0, err
	}
	req.ContentLength = int64(a.Body)
	if req.Host = a.Host; a.Host == "" {
		req.Host = site
	}
	req.Header.Set("User-Agent", v.agent)
	req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	if a.Body > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.address != "" {
		req.Header.Set("X-Forwarded-For", v.address)
	}
	for _, f := range a.Fields {
		name, value, _ := strings.Cut(f, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	transport := v.Transport
	if a.ReadRate > 0 || a.SendRate > 0 {
		transport = v.narrow()
		defer transport.CloseIdleConnections()
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if tunnel, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		return resp.StatusCode, talk(ctx, tunnel, a.Every, patience)
	}
	_, err = io.Copy(io.Discard, paced(ctx, resp.Body, a.ReadRate))
	return resp.StatusCode, err
}

// narrow are connections with small buffers, so that a gateway feels how slow the visitor
// is.
func (v *visitor) narrow() *http.Transport {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := v.dial(ctx, network, addr)
		if b, ok := c.(interface {
			SetReadBuffer(bytes int) error
			SetWriteBuffer(bytes int) error
		}); ok && err == nil {
			err = errors.Join(b.SetReadBuffer(4096), b.SetWriteBuffer(4096))
		}
		return c, err
	}
	return &http.Transport{DialContext: dial, DisableCompression: true, ReadBufferSize: 1024, WriteBufferSize: 1024}
}

// paced reads at most perSecond bytes in a second; 0 is no bound.
func paced(ctx context.Context, r io.Reader, perSecond int) io.Reader {
	if perSecond <= 0 {
		return r
	}
	return &pacedReader{ctx: ctx, r: r, perSecond: perSecond, next: time.Now()}
}

type pacedReader struct {
	ctx       context.Context
	r         io.Reader
	perSecond int
	next      time.Time // when it may read again
}

// Read reads what is due in a tenth of a second at most.
func (p *pacedReader) Read(b []byte) (int, error) {
	if !pause(p.ctx, time.Until(p.next)) {
		return 0, p.ctx.Err()
	}
	n, err := p.r.Read(b[:min(len(b), max(p.perSecond/10, 1))])
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.perSecond))
	return n, err
}

// webSocketFields are the fields of a handshake.
var webSocketFields = []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}

// talk sends a message at once, and one at each interval if there is one; else it is
// silent. After stay, or 20 s, it says good-bye. What ends before that is an error.
func talk(ctx context.Context, tunnel io.ReadWriteCloser, every, stay time.Duration) error {
	if stay == 0 {
		stay = 20 * time.Second
	}
	ctx, leave := context.WithTimeout(ctx, stay)
	defer leave()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := ws.ReadFrame(tunnel, 1<<16); err != nil {
				ended <- err
				return
			}
		}
	}()
	if every == 0 {
		every = stay
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := say(tunnel, ws.Text, "what is new?")
		if err != nil {
			_ = tunnel.Close()
			return errors.Join(err, <-ended)
		}
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			err := say(tunnel, ws.Goaway, "\x03\xe8")
			_ = tunnel.Close()
			<-ended
			return err
		case <-tick.C:
		}
	}
}

func say(w io.Writer, opcode byte, text string) error {
	_, err := w.Write(ws.AppendFrame(nil, ws.Frame{Last: true, Opcode: opcode, Payload: []byte(text)}, &[4]byte{1, 2, 3, 4}))
	return err
}
