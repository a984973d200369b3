// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// quiet keeps a server of the test from telling what it is meant to suffer.
var quiet = log.New(io.Discard, "", 0)

// grpcServer serves handler by HTTP/2, over TLS with cert or without.
func grpcServer(t *testing.T, cert *tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = quiet
	s.Config.Protocols = new(http.Protocols)
	if cert == nil {
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	} else {
		s.Config.Protocols.SetHTTP2(true)
		s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{"h2"}}
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// answers is a handler that answers with a message, and a status in the trailers.
func answers(message []byte, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc+proto")
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write(message)
		w.Header().Set("Grpc-Status", status)
	}
}

func TestGRPC(t *testing.T) {
	o := usual()
	o.Kind = GRPC
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		service string
		ok      bool
		says    string
	}{
		"serving":         {answers(framed("\x08\x01"), "0"), "", true, "grpc.health.v1 Check answered SERVING"},
		"not serving":     {answers(framed("\x08\x02"), "0"), "shop.Cart", false, `grpc.health.v1 Check for "shop.Cart" answered NOT_SERVING, wanted SERVING`},
		"empty":           {answers(framed(""), "0"), "", false, "grpc.health.v1 Check answered UNKNOWN, wanted SERVING"},
		"nonsense":        {answers([]byte("nonsense"), "0"), "", false, "grpc.health.v1 Check: the answer cannot be read"},
		"too large":       {answers(framed(strings.Repeat("\x08\x01", 1000)), "0"), "", false, "grpc.health.v1 Check: the answer is larger than 1024 bytes"},
		"no status":       {answers(framed("\x08\x01"), ""), "", false, "grpc.health.v1 Check: the answer ended without a gRPC status"},
		"unavailable":     {answers(nil, "14"), "", false, "grpc.health.v1 Check answered gRPC status 14 UNAVAILABLE"},
		"a strange one":   {answers(nil, "14x"), "", false, `grpc.health.v1 Check answered the gRPC status "14x"`},
		"unknown service": {answers(nil, "5"), "shop.Cart", false, `the server does not know the service "shop.Cart" (gRPC status 5 NOT_FOUND)`},
		"no service": {func(w http.ResponseWriter, _ *http.Request) { // Trailers-Only
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "12")
		}, "", false, "the server has no grpc.health.v1 (gRPC status 12 UNIMPLEMENTED)"},
		"a web server": {http.NotFound, "", false, "grpc.health.v1 Check answered 404 Not Found, which is no answer of gRPC"},
		"a page":       {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>hello") }, "", false, `grpc.health.v1 Check was answered with "text/html", which is not gRPC`},
		"reset":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", false, "grpc.health.v1 Check: the server reset the call with INTERNAL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			o.Service = c.service
			wantSays(t, realCheck(t, o, grpcServer(t, nil, c.handler)), c.ok, c.says)
		})
	}
}

// The call as it goes out.
func TestGRPCRequest(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue("app.test", time.Now().Add(time.Minute))
	var got *http.Request
	var body []byte
	address := grpcServer(t, &cert, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		answers(framed("\x08\x01"), "0")(w, r)
	})
	o := usual()
	o.Kind, o.Service, o.Host, o.TLS = GRPC, "shop.Cart", "cart.test", ca.policy()
	wantSays(t, realCheck(t, o, address), true, `grpc.health.v1 Check for "shop.Cart" answered SERVING`)
	if got.Method != "POST" || got.URL.Path != grpcPath || got.Host != "cart.test" || got.TLS == nil || got.ProtoMajor != 2 ||
		got.Header.Get("Content-Type") != "application/grpc" || got.Header.Get("Te") != "trailers" || got.Header.Get("Grpc-Timeout") != "5000m" {
		t.Errorf("%+v", got)
	}
	if string(body) != string(framed("\x0a\x09shop.Cart")) {
		t.Errorf("%q", body)
	}
}

// Servers that do not speak HTTP/2.
func TestGRPCOfOthers(t *testing.T) {
	ca := newAuthority(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(http.NotFound))
	s.Config.ErrorLog = quiet
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue("app.test", time.Now().Add(time.Minute))}, NextProtos: []string{}}
	s.StartTLS()
	defer s.Close()
	o := usual()
	o.Kind, o.TLS = GRPC, ca.policy()
	wantSays(t, realCheck(t, o, s.Listener.Addr().String()), false, "the server does not agree on HTTP/2 (ALPN h2), which gRPC needs")
	o.TLS = nil
	inWorld(t, func(t *testing.T, w *world) {
		w.serve[at] = func(c net.Conn) {
			go io.Copy(io.Discard, c)
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
			time.Sleep(time.Second)
		}
		w.wantCheck(o, at, "bad: grpc.health.v1 Check: what the server sends is not HTTP/2")
		w.serve[at] = silent
		w.wantCheck(o, at, "bad: grpc.health.v1 Check was not answered within 2s")
		w.serve[at] = func(net.Conn) {}
		w.wantCheck(o, at, "bad: grpc.health.v1 Check: the server closed without answering")
	})
}
