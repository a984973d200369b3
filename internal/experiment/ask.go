// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"causey/internal/cause"
	"causey/internal/engine"
	"causey/internal/engine/peercert"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/proxyproto"
	"causey/internal/upstream"
	"causey/internal/wire"
)

// userAgent lets an owner tell experiments from visitors in the server's log.
const userAgent = "causey-experiment"

// readBytes is the first size of the buffer for a head.
const readBytes = 4 << 10

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

// trouble is why something did not come about. ours says that it is this machine's own
// lack of ports, descriptors or memory, which tells nothing of a server. I5.
type trouble struct {
	how  string
	ours bool
}

// dial opens a connection, whose reads and writes end with ctx.
func (s *subject) dial(ctx context.Context, network, address string) (net.Conn, *trouble) {
	conn, err := s.Dial(ctx, network, address)
	if err != nil {
		return nil, unopened(err, network == "unix")
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	return &bounded{conn, stop}, nil
}

// bounded is a connection that a context ends.
type bounded struct {
	net.Conn
	stop func() bool
}

// Close closes it.
func (b *bounded) Close() error {
	b.stop()
	return b.Conn.Close()
}

// open opens a connection to a server.
func (s *subject) open(ctx context.Context, sv *upstream.Server) (net.Conn, *trouble) {
	network, address, ok := s.target(sv)
	if !ok {
		return nil, &trouble{how: "its name has no address", ours: true}
	}
	return s.dial(ctx, network, address)
}

// unopened says why no connection opened.
func unopened(err error, unixSocket bool) *trouble {
	if isTimeout(err) {
		return &trouble{how: "nothing was heard within " + Longest.String()}
	}
	code := engine.ConnectCode(errnoOf(err), unixSocket)
	if code.Party == failure.Gateway && code.Kind != failure.Denied {
		return &trouble{how: "this machine has no port, descriptor or memory for it", ours: true}
	}
	switch code.Kind {
	case failure.Refused:
		return &trouble{how: "it was refused"}
	case failure.Timeout:
		return &trouble{how: "nothing was heard"}
	case failure.NetUnreachable:
		return &trouble{how: "there is no route to its network"}
	case failure.HostUnreachable:
		return &trouble{how: "its machine cannot be reached"}
	case failure.Denied:
		return &trouble{how: "this machine forbids it"}
	case failure.NoSocket:
		return &trouble{how: "there is no such socket"}
	case failure.BacklogFull:
		return &trouble{how: "the queue of the socket is full"}
	}
	return &trouble{how: "it was reset while it was opened"}
}

// broken says how a connection ended in which what was not completed.
func broken(err error) string {
	if alert, ok := engine.ReceivedAlert(err); ok {
		return strings.TrimSpace(fmt.Sprintf("TLS alert %d %s", alert, failure.AlertName(alert)))
	}
	switch {
	case isTimeout(err):
		return "no answer within " + Longest.String()
	case errnoOf(err) == syscall.ECONNRESET, errnoOf(err) == syscall.EPIPE:
		return "the connection was reset without an answer"
	}
	return "the connection was closed without an answer"
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// errnoOf finds what the kernel said.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// handshake makes conn one with TLS, as requests do but for what config says.
func (s *subject) handshake(ctx context.Context, conn net.Conn, config *tls.Config) (*tls.Conn, error) {
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if s.up.TLS == nil || s.up.TLS.Certificate == nil {
			return &tls.Certificate{}, nil
		}
		return s.up.TLS.Certificate, nil
	}
	t := tls.Client(conn, config)
	return t, t.HandshakeContext(ctx)
}

// unsecured says why a handshake failed.
func unsecured(err error) string {
	var fault *peercert.Fault
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &fault):
		return "the certificate is not accepted: " + title(phase.UpHandshake, fault.Kind)
	case errors.As(err, &header):
		return "what answers does not speak TLS"
	}
	return broken(err)
}

// title is what the registry calls a failure of a server.
func title(p phase.Phase, k failure.Kind) string {
	code := failure.Code{Party: failure.Upstream, Phase: p, Kind: k}
	if e := failure.Lookup(code); e != nil {
		return e.Title
	}
	return code.String()
}

// question is one request, and how it reaches a server.
type question struct {
	server *upstream.Server
	// address is dialled instead of the server's, if it is valid.
	address netip.AddrPort
	proxy   upstream.ProxyVersion
	plain   bool // no TLS, whatever the server speaks
	request []byte
}

// answer is what came.
type answer struct {
	status   int // 0 for no whole head
	location string
	took     time.Duration
	// opened says that there was a connection, over TLS if that was wanted; why is why
	// nothing came.
	opened bool
	why    trouble
	// wantsTLS says that it is the page by which a port for TLS refuses plain HTTP.
	wantsTLS bool
	// rest is what came behind the head.
	rest []byte
}

// ok reports an answer that is none of a server's own troubles, nor one of another
// protocol.
func (a *answer) ok() bool { return a.status > 0 && a.status < 500 && !a.wantsTLS }

// toSecure reports a server that sends to HTTPS: it does not know that the visitor came by
// it, and so the answer is none to what the visitor asked.
func (a *answer) toSecure() bool {
	return a.status >= 300 && a.status < 400 && strings.HasPrefix(strings.ToLower(a.location), "https://")
}

// says is the outcome in words.
func (a *answer) says() string {
	switch {
	case a.wantsTLS:
		return "an answer that says that the port wants TLS"
	case a.status > 0:
		return fmt.Sprintf("status %d after %s", a.status, roundly(a.took))
	}
	return a.why.how
}

// ask sends one request and reads the head of what comes.
func (s *subject) ask(ctx context.Context, q *question) (a answer) {
	begin := s.Now()
	conn, wrong := s.openFor(ctx, q)
	if wrong != nil {
		a.why = *wrong
		return a
	}
	defer func() { conn.Close() }()
	if header := proxyHeader(q.proxy, conn); header != nil {
		if _, err := conn.Write(header); err != nil {
			a.why.how = broken(err)
			return a
		}
	}
	overTLS := q.server.TLS && !q.plain
	if overTLS {
		t, err := s.handshake(ctx, conn, s.up.TLS.Config(q.server, s.Now))
		if conn = t; err != nil {
			a.why.how = unsecured(err)
			return a
		}
	}
	a.opened = true
	if _, err := conn.Write(q.request); err != nil {
		a.why.how = broken(err)
		return a
	}
	s.readHead(conn, &a)
	a.took = s.Now().Sub(begin)
	a.wantsTLS = a.status == 400 && !overTLS && saysTLS(conn, a.rest)
	return a
}

// pageMax bounds what is read of a page that may say that a port is for TLS.
const pageMax = 4 << 10

// saysTLS reads a page with status 400, by which servers answer plain HTTP on a port for
// TLS: "The plain HTTP request was sent to HTTPS port", "requires TLS".
func saysTLS(conn net.Conn, rest []byte) bool {
	page, _ := io.ReadAll(io.MultiReader(bytes.NewReader(rest), io.LimitReader(conn, pageMax)))
	page = bytes.ToLower(page)
	return bytes.Contains(page, []byte("https")) || bytes.Contains(page, []byte("ssl")) || bytes.Contains(page, []byte("tls"))
}

func (s *subject) openFor(ctx context.Context, q *question) (net.Conn, *trouble) {
	if q.address.IsValid() {
		return s.dial(ctx, "tcp", q.address.String())
	}
	return s.open(ctx, q.server)
}

// proxyHeader is what a connection begins with, nil for nothing. It names ourselves:
// version 1 with UNKNOWN is not understood everywhere.
func proxyHeader(v upstream.ProxyVersion, conn net.Conn) []byte {
	switch v {
	case upstream.ProxyV1:
		ours, _ := netip.ParseAddrPort(conn.LocalAddr().String())
		theirs, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
		return proxyproto.AppendV1(nil, ours, theirs)
	case upstream.ProxyV2:
		return proxyproto.AppendLocal(nil)
	}
	return nil
}

// readHead reads the head of the final answer, by the codec of requests.
func (s *subject) readHead(conn net.Conn, a *answer) {
	limits := s.up.Limits.WithDefaults()
	var parser h1.ResponseParser
	var res wire.Response
	buf := make([]byte, 0, readBytes)
	for interims := 0; interims <= limits.Interims; interims++ {
		parser.Reset(&limits, wire.LookupMethod([]byte("GET")), false)
		n := 0
		for n == 0 {
			var rej *h1.Reject
			if n, rej = parser.Parse(&res, buf); rej != nil {
				a.why.how = "no answer by HTTP: " + title(phase.ReadHeadUp, rej.Kind)
				return
			}
			if n > 0 {
				break
			}
			var err error
			if buf, err = readMore(conn, buf); err != nil {
				if a.why.how = broken(err); len(buf) > 0 {
					a.why.how = "the head of the answer did not end"
				}
				return
			}
		}
		if !res.Interim() {
			a.status, a.location, a.rest = res.Status, string(res.Get(wire.Location)), buf[n:]
			return
		}
		buf = append(make([]byte, 0, readBytes), buf[n:]...)
	}
	a.why.how = "no answer by HTTP: " + title(phase.ReadHeadUp, failure.TooManyInterim)
}

// readMore appends what comes next. The parser's limits bound a head.
func readMore(conn net.Conn, buf []byte) ([]byte, error) {
	if len(buf) == cap(buf) {
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
	n, err := conn.Read(buf[len(buf):cap(buf)])
	if buf = buf[:len(buf)+n]; n > 0 {
		return buf, nil
	}
	return buf, err
}

// request is a GET as others send it.
func (s *subject) request(sv *upstream.Server, path string, fields ...string) []byte {
	b := s.shortRequest(sv, path)
	b = h1.AppendField(b[:len(b)-2], "User-Agent", userAgent)
	b = h1.AppendField(b, "Accept", "*/*")
	b = h1.AppendField(b, "Connection", "close")
	for i := 0; i+1 < len(fields); i += 2 {
		b = h1.AppendField(b, fields[i], fields[i+1])
	}
	return append(b, "\r\n"...)
}

// shortRequest is the shortest GET there is. I1.
func (s *subject) shortRequest(sv *upstream.Server, path string) []byte {
	b := h1.AppendRequestLine(nil, []byte("GET"), []byte(path))
	b = h1.AppendField(b, "Host", s.hostOf(sv))
	return append(b, "\r\n"...)
}

// truth is an outcome in words.
func truth(is bool, say string, args ...any) (cause.Value, bool) {
	return cause.Value{True: is, Say: fmt.Sprintf(say, args...)}, true
}

// unseen is no outcome.
func unseen() (cause.Value, bool) { return cause.Value{}, false }

// roundly writes a short time.
func roundly(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return "less than 1 ms"
}
