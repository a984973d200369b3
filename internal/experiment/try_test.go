// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"causey/internal/upstream"
)

func TestTryConnect(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(silent)))
	r.try("try_connect", "yes: a fresh connection to 127.0.0.1:… opened at once")
	r.servers(at(r.listen(nil)))
	r.try("try_connect", "no: a fresh connection to 127.0.0.1:… did not open: it was refused")
	r.servers(r.listenUnix(silent))
	r.try("try_connect", "yes: a fresh connection to /… opened at once")
	r.servers(upstream.Place{Name: "unix:/nowhere/s", Path: "/nowhere/s"})
	r.try("try_connect", "no: a fresh connection to /nowhere/s did not open: there is no such socket")
}

// I5.
func TestOurOwnLackSaysNothing(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(nil)), at(r.listen(nil)))
	r.o.Dial = func(_ context.Context, network, _ string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	for i := range experiments {
		switch x := experiments[i]; x.fact {
		case "try_connect", "try_idle", "try_secure", "try_http2", "try_fastcgi", "try_root", "try_get", "try_small", "try_padded", "try_proxy_header", "try_other_server":
			r.try(x.fact, "unseen")
		}
	}
}

func TestTryIdle(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(silent)))
	r.try("try_idle", "yes: a fresh connection on which nothing was sent stayed open")
	r.servers(at(r.listen(func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n"); silent(c) })))
	r.try("try_idle", "yes: a fresh connection on which nothing was sent stayed open")
	r.servers(at(r.listen(func(net.Conn) {})))
	r.try("try_idle", "no: a fresh connection on which nothing was sent was ended by the server after …")
	r.servers(at(r.listen(nil)))
	r.try("try_idle", "unseen")
}

func TestTryTLS(t *testing.T) {
	r := newRig(t)
	r.servers(overTLS(r.listen(r.secure(silent))))
	r.try("try_tls", "no: a TLS handshake on a fresh connection failed: the certificate is not accepted: …")
	r.try("try_sni", "yes: a TLS handshake that asks for shop.example went well")
	r.up.TLS.ServerName = "shop.example"
	r.try("try_tls", "yes: a TLS handshake on a fresh connection went well")
	r.try("try_sni", "unfit")
	r.try("try_secure", "unfit")
	r.up.TLS.ServerName, r.d.Wanted.Host = "", "other.example:8443"
	r.try("try_sni", "no: a TLS handshake that asks for other.example failed too: the certificate is not accepted: …")
	r.servers(overTLS(r.listen(blurts(fine))))
	r.try("try_tls", "no: a TLS handshake on a fresh connection failed: what answers does not speak TLS")
	r.servers(overTLS(r.listen(nil)))
	r.try("try_tls", "unseen")
}

func TestTrySecure(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(r.secure(silent))))
	r.try("try_secure", "yes: its port answers a TLS handshake")
	r.servers(at(r.listen(blurts("\x15\x03\x03\x00\x02\x02\x28"))))
	r.try("try_secure", "yes: its port answers a TLS handshake") // by the alert handshake_failure
	r.servers(at(r.listen(blurts("HTTP/1.1 400 Bad Request\r\n\r\n"))))
	r.try("try_secure", "no: its port does not answer a TLS handshake: what answers does not speak TLS")
	r.servers(at(r.listen(closes)))
	r.try("try_secure", "no: its port does not answer a TLS handshake: the connection was closed without an answer")
}

func TestTryPlain(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ answers, want string }{
		{fine, "yes: asked by plain HTTP on that port: status 200 after …"},
		{ill, "no: asked by plain HTTP on that port: status 503 after …"},
		{"HTTP/1.1 400 Bad Request\r\n\r\n<title>400 The plain HTTP request was sent to HTTPS port</title>", "no: asked by plain HTTP on that port: an answer that says that the port wants TLS"},
		{"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "no: asked by plain HTTP on that port: an answer that says that the port wants TLS"},
		{"HTTP/1.1 400 Bad Request\r\n\r\nThis combination of host and port requires TLS.", "no: asked by plain HTTP on that port: an answer that says that the port wants TLS"},
		{"HTTP/1.1 400 Bad Request\r\n\r\nno such host", "unseen"},
		{"HTTP/1.1 302 Found\r\nLocation: https://shop.example/\r\n\r\n", "unseen"},
		{"\x15\x03\x01\x00\x02\x02\x16", "no: asked by plain HTTP on that port: no answer by HTTP: …"},
	} {
		r.servers(overTLS(r.listen(r.says(c.answers))))
		r.try("try_plain", c.want)
	}
	r.servers(at(r.listen(r.says(fine))))
	r.try("try_plain", "unfit")
	r.servers(overTLS(r.listen(nil)))
	r.try("try_plain", "unseen")
}

func TestTryHTTP2(t *testing.T) {
	settings := func(c net.Conn) {
		c.Read(make([]byte, 64))
		io.WriteString(c, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64")
	}
	r := newRig(t)
	r.servers(at(r.listen(settings)))
	r.try("try_http2", "yes: its port answers the preface of HTTP/2")
	r.servers(at(r.listen(r.says("HTTP/1.1 400 Bad Request\r\n\r\n"))))
	r.try("try_http2", "no: its port answers the preface of HTTP/2 with something else")
	r.servers(at(r.listen(closes)))
	r.try("try_http2", "no: its port does not answer the preface of HTTP/2: …")
	r.servers(overTLS(r.listen(r.secure(settings))))
	r.up.TLS.ServerName = "shop.example"
	r.try("try_http2", "yes: its port answers the preface of HTTP/2")
}

func TestTryFastCGI(t *testing.T) {
	r := newRig(t)
	// As php-fpm does: a record is read by what its head announces.
	fpm := func(c net.Conn) {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil || head[0] != 1 || head[1] != 9 {
			return
		}
		body := make([]byte, int(head[4])<<8+int(head[5])+int(head[6]))
		if _, err := io.ReadFull(c, body); err != nil || string(body[2:16]) != "FCGI_MAX_CONNS" || len(body)%8 != 0 {
			return
		}
		io.WriteString(c, "\x01\x0a\x00\x00\x00\x00\x00\x00")
	}
	r.servers(at(r.listen(fpm)))
	r.try("try_fastcgi", "yes: its port answers a question by FastCGI")
	r.servers(r.listenUnix(fpm))
	r.try("try_fastcgi", "yes: its port answers a question by FastCGI")
	r.servers(at(r.listen(func(c net.Conn) { c.Read(make([]byte, 64)); io.WriteString(c, ill) })))
	r.try("try_fastcgi", "no: its port answers a question by FastCGI with something else")
	r.servers(at(r.listen(nil)))
	r.try("try_fastcgi", "unseen")
}

func TestTryProxyHeader(t *testing.T) {
	r := newRig(t)
	wants := func(c net.Conn) { // as HAProxy with accept-proxy
		if head := r.read(c); strings.HasPrefix(head, "PROXY TCP4 127.0.0.1 127.0.0.1 ") {
			io.WriteString(c, fine)
		}
	}
	refuses := func(c net.Conn) {
		if head := r.read(c); strings.HasPrefix(head, "GET ") {
			io.WriteString(c, fine)
		} else {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}
	}
	r.servers(at(r.listen(wants)))
	r.try("try_proxy_header", "yes: asked with a PROXY header: status 200 after …")
	r.servers(at(r.listen(refuses)))
	r.try("try_proxy_header", "no: asked with a PROXY header: status 400 after …")
	r.up.Proxy = upstream.ProxyV2
	r.try("try_proxy_header", "yes: asked without the PROXY header: status 200 after …")
	r.servers(at(r.listen(wants)))
	r.try("try_proxy_header", "no: asked without the PROXY header: the connection was closed without an answer")
}

func TestTryPages(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(func(c net.Conn) {
		head := r.read(c)
		switch {
		case strings.HasPrefix(head, "GET / ") && len(head) < 2000, strings.Count(head, "\r\n") == 3:
			io.WriteString(c, fine)
		case strings.HasPrefix(head, "GET / "):
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n")
		}
	})))
	r.try("try_root", "yes: the page / on a fresh connection: status 200 after …")
	r.try("try_get", "no: the same page on a fresh connection: the connection was closed without an answer")
	r.try("try_small", "yes: the same page asked for with the shortest head: status 200 after …")
	r.try("try_padded", "no: the page / asked for with a head of 4 KiB: status 502 after …")
	if n := len(r.heads[3]); n != paddedBytes {
		t.Errorf("a padded head has %d bytes", n)
	}
	if r.heads[2] != "GET /cart HTTP/1.1\r\nHost: shop.example\r\n\r\n" {
		t.Errorf("the shortest head: %q", r.heads[2])
	}
	r.servers(at(r.listen(r.says("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"))))
	r.try("try_get", "no: the same page on a fresh connection: an answer that says that the port wants TLS")
	r.servers(at(r.listen(r.says("SSH-2.0-OpenSSH_9.6\r\n"))), at(r.listen(r.says(fine))))
	r.try("try_get", "no: the same page on a fresh connection: no answer by HTTP: …")
	r.try("try_other_server", "yes: the same page at 127.0.0.1:…: status 200 after …")
	r.servers(at(r.listen(nil)), at(r.listen(r.says(ill))))
	r.try("try_root", "no: the page / on a fresh connection: it was refused")
	r.try("try_small", "unseen")
	r.try("try_padded", "unseen")
	r.try("try_other_server", "no: the same page at 127.0.0.1:…: status 503 after …")
	r.servers(at(r.listen(nil)))
	r.try("try_other_server", "unfit")
}

// I4.
func TestSilentServerIsLeft(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(silent)))
	begin := time.Now()
	r.try("try_get", "no: the same page on a fresh connection: no answer within 2s")
	if took := time.Since(begin); took > Longest+time.Second {
		t.Errorf("it took %s", took)
	}
}

// A request says where it goes as requests of visitors do.
func TestHostField(t *testing.T) {
	r := newRig(t)
	r.servers(at(r.listen(r.says(fine))))
	r.try("try_root", "yes: …")
	r.up.Host = "inside.example"
	r.try("try_root", "yes: …")
	r.up.HostOfServer = true
	r.try("try_root", "yes: …")
	for i, host := range []string{"shop.example", "inside.example", r.d.Servers[0]} {
		if !strings.HasPrefix(r.heads[i], "GET / HTTP/1.1\r\nHost: "+host+"\r\nUser-Agent: causey-experiment\r\n") {
			t.Errorf("want %s in %q", host, r.heads[i])
		}
	}
}

func TestTryOtherFamily(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback")
	}
	r := newRig(t)
	r.serve(ln, r.says(ill))
	six := netip.MustParseAddrPort(ln.Addr().String())
	four := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), six.Port())
	r.names.names = map[string][]netip.Addr{"app.example": {four.Addr(), six.Addr()}}
	p := at(netip.AddrPortFrom(netip.Addr{}, six.Port()))
	p.Name, p.Host = "app.example", "app.example"
	r.servers(p)
	r.d.Dialled = four
	r.try("try_other_family", "yes: asked by IPv6, at [::1]:…: status 503 after …")
	r.d.Dialled = six
	r.try("try_other_family", "no: asked by IPv4, at 127.0.0.1:…: it was refused")
	r.names.names["app.example"] = r.names.names["app.example"][1:]
	r.try("try_other_family", "unfit")
}

func TestTryResolve(t *testing.T) {
	r := newRig(t)
	r.names.names = map[string][]netip.Addr{"app.example": {netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.4")}, "slow.example": nil}
	named := func(name string) {
		p := at(netip.AddrPortFrom(netip.Addr{}, 80))
		p.Name, p.Host = name, name
		r.servers(p)
	}
	named("app.example")
	r.try("try_resolve", "yes: app.example resolves to 10.0.0.3, 10.0.0.4 now")
	named("gone.example")
	r.try("try_resolve", "no: gone.example does not resolve now (upstream.resolve.nxdomain)")
	named("slow.example")
	r.try("try_resolve", "no: slow.example does not resolve now (upstream.resolve.timeout)")
	r.servers(at(r.listen(nil)))
	r.try("try_resolve", "unfit")
}

func TestTryNeighbours(t *testing.T) {
	r := newRig(t)
	r.servers(at(netip.MustParseAddrPort("10.0.0.3:8080")))
	r.o.Dial = func(_ context.Context, network, address string) (net.Conn, error) {
		if address == "10.0.0.3:22" || address == "10.0.0.3:443" || address == "10.0.0.3:8080" {
			c, _ := net.Pipe()
			return c, nil
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	r.try(neighbours, "yes: other ports of 10.0.0.3 are open: 22, 443")
	r.servers(at(netip.MustParseAddrPort("10.0.0.4:8080")))
	r.try(neighbours, "no: no other usual port of 10.0.0.4 is open")
}
