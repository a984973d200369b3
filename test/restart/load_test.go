// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"causey/test/harness"
)

// load is clients that ask without pause, each on connections of its own, and
// count what they got.
type load struct {
	network, addr string
	tls           *tls.Config // nil: plain
	quit          atomic.Bool
	wg            sync.WaitGroup

	whole   atomic.Int64 // requests with a whole answer of status 200
	refused atomic.Int64 // connections refused
	unread  atomic.Int64 // connections closed before anybody accepted them

	mu   sync.Mutex
	lost []string
}

// startLoad starts n clients: of three, one asks without pause, one pauses between
// requests, and one makes a connection for each.
func startLoad(addr string, n int) *load {
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	}
	l := &load{network: network, addr: addr, tls: harness.ClientTLS()}
	for i := range n {
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			l.client(i)
		}()
	}
	return l
}

// requests are what clients ask for, in turn.
var requests = []string{
	"GET /size/5000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"GET /chunked/100000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 200000),
	"GET /size/100 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET /slow?ms=30 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /slow-body?ms=30&len=2000 HTTP/1.1\r\nHost: a\r\n\r\n",
}

// client asks until the load ends or no connection is accepted any more.
func (l *load) client(i int) {
	for !l.quit.Load() {
		c, err := net.Dial(l.network, l.addr)
		if err != nil {
			l.refused.Add(1)
			return
		}
		c.SetDeadline(time.Now().Add(harness.Patience))
		if l.tls != nil {
			t := tls.Client(c, l.tls)
			if err := t.Handshake(); err != nil {
				if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
					l.unread.Add(1) // see ask
				} else {
					l.lose("handshake: %v", err)
				}
				c.Close()
				continue
			}
			c = t
		}
		l.ask(c, i)
		c.Close()
	}
}

// ask uses one connection until the gateway says that it closes.
func (l *load) ask(c net.Conn, i int) {
	in := bufio.NewReader(c)
	for n := 0; !l.quit.Load(); n++ {
		request := requests[(i+n)%len(requests)]
		_, err := io.WriteString(c, request)
		if err == nil {
			_, err = in.Peek(1)
		}
		if n == 0 && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			// The connection waited in the listener's queue when that was closed:
			// nobody received a byte.
			l.unread.Add(1)
			return
		}
		var resp *http.Response
		if err == nil {
			resp, err = http.ReadResponse(in, &http.Request{Method: request[:strings.IndexByte(request, ' ')]})
		}
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		if err != nil || resp.StatusCode != 200 {
			l.lose("request %d of a connection, %.30q: %v, %v", n, request, resp, err)
			return
		}
		l.whole.Add(1)
		if i%3 == 1 {
			time.Sleep(20 * time.Millisecond)
		}
		if i%3 == 2 {
			return
		}
		if resp.Close {
			// Over TLS an end without close_notify is not io.EOF.
			if _, err := in.ReadByte(); err != io.EOF {
				l.lose("the connection ends after %.30q with %v", request, err)
			}
			return
		}
	}
}

func (l *load) lose(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, fmt.Sprintf(format, args...))
}

func (l *load) anyLost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lost) > 0
}

// stop ends the clients.
func (l *load) stop() {
	l.quit.Store(true)
	l.wg.Wait()
}

// check fails the test if a request was lost, or if the gateway tells otherwise
// than the clients.
func (l *load) check(t *testing.T, g *harness.Gateway) {
	t.Helper()
	for _, what := range l.lost {
		t.Errorf("lost: %s", what)
	}
	if l.whole.Load() == 0 {
		t.Error("nothing was asked")
	}
	// A probe of the listener (see stop) may have been accepted: over TLS it leaves a
	// record. Clients of the load never leave in their handshake.
	requests := func() []harness.Line {
		return slices.DeleteFunc(g.Lines(), func(l harness.Line) bool { return l.Failure == "client.handshake.closed" })
	}
	g.Eventually("record of every request", func() bool { return int64(len(requests())) >= l.whole.Load() })
	lines := requests()
	if int64(len(lines)) != l.whole.Load() {
		t.Errorf("%d records of %d requests", len(lines), l.whole.Load())
	}
	for _, line := range lines {
		if line.Failure != "" || line.Outcome != "relayed" {
			t.Errorf("line: %s", line.Raw)
		}
	}
	t.Logf("%d requests; the listener closed on %d connections, %d of them in its queue",
		l.whole.Load(), l.refused.Load()+l.unread.Load(), l.unread.Load())
}
