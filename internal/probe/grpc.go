// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"causey/internal/upstream"
)

const (
	// grpcWhat is what is called: grpc.health.v1, which gRPC's own servers have.
	grpcWhat = "grpc.health.v1 Check"
	grpcPath = "/grpc.health.v1.Health/Check"
	// grpcHeadMax bounds the head of an answer and its trailers, grpcBodyMax its body: a
	// status takes seven bytes.
	grpcHeadMax = 16 << 10
	grpcBodyMax = 1 << 10
)

// askGRPC calls Check of grpc.health.v1 over conn.
func (c *Checker) askGRPC(ctx context.Context, conn net.Conn, s *upstream.Server) upstream.Check {
	first := &opening{Conn: conn}
	client, err := clientOn(ctx, conn, first)
	if err != nil {
		return failed(c.brokenHTTP2(ctx, first, err))
	}
	defer client.Close()
	res, err := client.RoundTrip(c.grpcRequest(ctx, s))
	if err != nil {
		return failed(c.brokenHTTP2(ctx, first, err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, grpcBodyMax+1))
	switch kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); {
	case err != nil:
		return failed(c.brokenHTTP2(ctx, first, err))
	case res.StatusCode != http.StatusOK:
		return failed(grpcWhat + " answered " + statusText(res.StatusCode) + ", which is no answer of gRPC")
	case kind != "application/grpc" && !strings.HasPrefix(kind, "application/grpc+"):
		return failed(grpcWhat + " was answered with " + strconv.Quote(clip(kind)) + ", which is not gRPC")
	case len(body) > grpcBodyMax:
		return failed(fmt.Sprintf("%s: the answer is larger than %d bytes", grpcWhat, grpcBodyMax))
	}
	return c.judgeGRPC(res, body)
}

func (c *Checker) grpcRequest(ctx context.Context, s *upstream.Server) *http.Request {
	scheme := "http"
	if c.o.overTLS(s) {
		scheme = "https"
	}
	host := c.o.authority(s)
	r := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: scheme, Host: host, Path: grpcPath},
		Host:   host,
		Header: http.Header{
			"Content-Type": {"application/grpc"},
			"Te":           {"trailers"},
			"User-Agent":   {userAgent},
			"Grpc-Timeout": {strconv.FormatInt(max(int64(c.o.Timeout/time.Millisecond), 1), 10) + "m"},
		},
	}
	message := appendHealthRequest(nil, c.o.Service)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(message)), int64(len(message))
	return r.WithContext(ctx)
}

// judgeGRPC judges an answer that is one of gRPC. Its status stands in the trailers,
// or in the head where there is nothing else ("Trailers-Only").
func (c *Checker) judgeGRPC(res *http.Response, body []byte) upstream.Check {
	about := ""
	if c.o.Service != "" {
		about = " for " + strconv.Quote(c.o.Service)
	}
	status := or(res.Trailer.Get("Grpc-Status"), res.Header.Get("Grpc-Status"))
	switch status {
	case "0":
	case "":
		return failed(grpcWhat + about + ": the answer ended without a gRPC status")
	case "5":
		return failed("the server does not know the service" + strings.TrimPrefix(about, " for") + " (gRPC status 5 NOT_FOUND)")
	case "12":
		return failed("the server has no grpc.health.v1 (gRPC status 12 UNIMPLEMENTED)")
	default:
		return failed(grpcWhat + about + " answered " + grpcStatus(status))
	}
	serving, ok := parseHealthAnswer(body)
	switch {
	case !ok:
		return failed(grpcWhat + about + ": the answer cannot be read")
	case serving != healthServing:
		return failed(grpcWhat + about + " answered " + serving.String() + ", wanted SERVING")
	}
	return passed(grpcWhat + about + " answered SERVING")
}

// grpcStatuses are the names of gRPC's status codes.
var grpcStatuses = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
}

func grpcStatus(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= len(grpcStatuses) {
		return "the gRPC status " + strconv.Quote(clip(text))
	}
	return "gRPC status " + strconv.Itoa(n) + " " + grpcStatuses[n]
}

// clientOn makes conn one of HTTP/2. Package net/http knows by their type which
// connections have agreed on it by ALPN; any other is taken to speak it from the
// start ("prior knowledge", RFC 9113 section 3.3), and first sees whether it does.
func clientOn(ctx context.Context, conn net.Conn, first *opening) (*http.ClientConn, error) {
	t := &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: grpcHeadMax,
		Protocols:              new(http.Protocols),
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return first, nil },
		DialTLSContext:         func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(true)
	scheme := "http"
	if _, secured := conn.(*tls.Conn); secured {
		scheme = "https"
		first.n = len(first.first) // agreed
		first.first[frameType] = frameSettings
	}
	return t.NewClientConn(ctx, scheme, "server:1") // the address is not dialled
}

// Of a frame's header (RFC 9113 section 4.1).
const (
	frameHeader   = 9
	frameType     = 3
	frameSettings = 4
)

// opening is a connection of which the first bytes that come are kept: "The server
// connection preface consists of a potentially empty SETTINGS frame that MUST be the
// first frame the server sends" (RFC 9113 section 3.4).
type opening struct {
	net.Conn
	mu    sync.Mutex
	first [frameHeader]byte
	n     int
}

func (o *opening) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += copy(o.first[o.n:], b[:n])
	return n, err
}

// begun reports whether anything came, and whether that was HTTP/2.
func (o *opening) begun() (any, http2 bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n > 0, o.n > frameType && o.first[frameType] == frameSettings
}

// streamError is the error of a stream that was reset, as errors.As gets it out of
// package net/http, whose own type has no exported name: it fills any struct with
// these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "" }

// http2Codes are the error codes of RFC 9113 section 7.
var http2Codes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

func http2Code(code uint32) string {
	if code < uint32(len(http2Codes)) {
		return http2Codes[code]
	}
	return fmt.Sprintf("the code %#x", code)
}

// brokenHTTP2 says how an exchange by HTTP/2 ended.
func (c *Checker) brokenHTTP2(ctx context.Context, first *opening, err error) string {
	var stream streamError
	any, isHTTP2 := first.begun()
	switch {
	case errors.As(err, &stream):
		return grpcWhat + ": the server reset the call with " + http2Code(stream.Code)
	case any && !isHTTP2:
		return grpcWhat + ": what the server sends is not HTTP/2"
	case timedOut(ctx, err):
		return c.late(grpcWhat + " was not answered")
	}
	return c.broken(ctx, grpcWhat, err)
}
