// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pki"
)

func TestAcceptModes(t *testing.T) {
	nothing, hello := []byte(nil), client.Hello(&tls.Config{ServerName: "a.example"})
	cases := map[string]struct {
		request []byte
		want    string
		end     client.End
	}{
		"serve": {get("/"), h + "…hello from the lab origin\n", quiet}, "full-backlog": {}, // its own test
		"hold": {get("/"), "", quiet}, "fin": {nothing, "", fin}, "close": {nothing, "", fin}, "rst": {nothing, "", rst},
		"ssh": {get("/"), "SSH-2.0-…\r\n", fin}, "smtp": {nothing, "220 …\r\n", quiet}, "ftp": {nothing, "220 …\r\n", quiet},
		"pop3": {nothing, "+OK …\r\n", quiet}, "imap": {nothing, "* OK …\r\n", quiet}, "mysql": {nothing, "J\x00\x00\x00\n8.0…", quiet},
		"vnc": {get("/"), "RFB …\n", quiet}, "redis": {get("/"), "-ERR …\r\n", quiet}, "memcached": {get("/"), "ERROR\r\n", quiet},
		"tls-alert": {get("/"), "\x15\x03\x01\x00\x02\x02\x46", fin}, "tls-handshake": {get("/"), "\x16\x03\x03…", quiet},
		"h2-settings": {nothing, "\x00\x00\x00\x04\x00\x00\x00\x00\x00", quiet}, "h2-goaway": {get("/"), "\x00\x00\x00\x04…\x01", fin},
		"hello-alert": {hello, "\x15\x03\x03\x00\x02\x02\x70", fin}, "hello-hold": {hello, "", quiet}, "hello-plain": {hello, "HTTP/1.1 400 …", fin},
		"hello-garbage": {hello, "\x00\x01\x02garbage…", fin}, "hello-broken": {hello, "\x16\x03\x03\x00\x08…", fin},
		"hello-fin": {hello, "", fin}, "hello-rst": {hello, "", rst},
		"h2-preface": {get("/"), "PRI * …", fin}, "postgres": {get("/"), "E\x00\x00…", fin}, "amqp": {get("/"), "AMQP…", fin},
	}
	for _, m := range origin.AcceptModes() {
		t.Run(m.Name, func(t *testing.T) {
			c, ok := cases[m.Name]
			if !ok {
				t.Fatal("there is no case for it")
			}
			if m.Name == "full-backlog" {
				t.Skip("see TestFullBacklog")
			}
			name := m.Name
			if m.Arg {
				name += "=112"
			}
			s := start(t, origin.Options{Accept: name})
			r := client.Result{}
			if c.end == quiet {
				r = untilQuiet(t, s, c.request, c.want)
			} else {
				r = client.Raw(t.Context(), target(s), c.request)
			}
			if r.End != c.end || !matches(string(r.Received), c.want) {
				t.Errorf("%s (%v), %q", r.End, r.Err, r.Received)
			}
		})
	}
}

func TestAcceptArguments(t *testing.T) {
	for _, name := range []string{"hello-alert", "hello-alert=256", "hello-alert=x", "hold=1", "lunch"} {
		if s, err := origin.Start("tcp", "127.0.0.1:0", origin.Options{Accept: name}); err == nil {
			s.Close()
			t.Errorf("%s was taken", name)
		}
	}
}

// Under TLS an answer that the connection's end ends is whole with a farewell, and cut without.
func TestTLS(t *testing.T) {
	root := pki.Root("Root")
	s := start(t, origin.Options{TLS: root.Issue(pki.Leaf{Names: []string{"a.example"}}).Server(nil)})
	to := target(s)
	to.TLS = pki.Client("a.example", root)
	if r := client.RawUntil(t.Context(), to, get("/"), client.Responses("GET")); !strings.HasPrefix(string(r.Received), h) {
		t.Errorf("%s (%v), %q", r.End, r.Err, r.Received)
	}
	for then, want := range map[origin.End]client.End{origin.FIN: fin, origin.Bare: fin, origin.RST: rst, origin.Close: fin} {
		request := get("/lab/raw?hex=" + hex.EncodeToString([]byte("HTTP/1.1 200 OK\r\n\r\nbody")) + "&then=" + string(then))
		r := client.Raw(t.Context(), to, request)
		if r.End != want || !strings.HasSuffix(string(r.Received), "body") {
			t.Errorf("%s: %s (%v), %q", then, r.End, r.Err, r.Received)
		}
		if farewell := saysFarewell(t, s, to.TLS, request); farewell != (then == origin.FIN) {
			t.Errorf("%s: close_notify: %v", then, farewell)
		}
	}
	to.TLS = pki.Client("a.example")
	if r := client.Raw(t.Context(), to, get("/")); r.End != client.Broken {
		t.Errorf("without trust: %s (%v)", r.End, r.Err)
	}
}

// saysFarewell reports whether the answer to request is followed by an alert. (crypto/tls does not tell its callers.)
func saysFarewell(t *testing.T, s *origin.Server, cfg *tls.Config, request []byte) bool {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	cfg = cfg.Clone()
	cfg.MaxVersion = tls.VersionTLS12 // shows the types of its records
	seen := &recorder{Conn: nc}
	c := tls.Client(seen, cfg)
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c)
	last := byte(0)
	for b := seen.got; len(b) >= 5; {
		last = b[0]
		b = b[min(len(b), 5+(int(b[3])<<8|int(b[4]))):]
	}
	return last == 21
}

// recorder keeps what was read.
type recorder struct {
	net.Conn
	got []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.got = append(r.got, p[:n]...)
	return n, err
}

func TestFullBacklog(t *testing.T) {
	s := start(t, origin.Options{Accept: "full-backlog"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c, err := client.Dial(ctx, target(s)); err == nil {
		c.Close()
		t.Error("tcp: a connect succeeded")
	} else if errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("tcp: refused instead of silence: %v", err)
	}
	u, err := origin.Start("unix", filepath.Join(t.TempDir(), "full.sock"), origin.Options{Accept: "full-backlog"})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := client.Dial(t.Context(), target(u)); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("unix: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	addr, release, err := origin.RefusedAddr()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", addr); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("refused address: %v", err)
	}
	if ln, err := net.Listen("tcp", addr); err == nil {
		ln.Close()
		t.Error("somebody else could take the refused address")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "stale.sock")
	if err := origin.StaleSocket(path); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("unix", path); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("stale socket: %v", err)
	}
}

// afterOne has one request answered and then reports how the connection ends, and what else arrived on it.
func afterOne(t *testing.T, s *origin.Server, then []byte) (client.End, string) {
	t.Helper()
	c, err := client.Dial(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first, err := c.Ask(get("/"))
	if err != nil {
		t.Fatalf("the first request: %v", err)
	}
	if strings.Contains(string(first), "close") {
		t.Errorf("the end was announced: %q", first)
	}
	c.Send(then)
	c.ReceiveUntil(4096, nil)
	r := c.Close()
	return r.End, string(r.Received[len(first):])
}

func TestUnannouncedEnds(t *testing.T) {
	idle := 10 * time.Millisecond
	for name, c := range map[string]struct {
		opts origin.Options
		then []byte
		want client.End
	}{
		"idle, close":           {origin.Options{IdleClose: idle}, nil, fin},
		"idle, FIN":             {origin.Options{IdleClose: idle, CloseHow: origin.FIN}, nil, fin},
		"idle, RST":             {origin.Options{IdleClose: idle, CloseHow: origin.RST}, nil, rst},
		"after one, close":      {origin.Options{CloseAfter: 1}, nil, fin},
		"after one, RST":        {origin.Options{CloseAfter: 1, CloseHow: origin.RST}, nil, rst},
		"reused, FIN":           {origin.Options{ReuseHow: origin.FIN}, get("/"), fin},
		"reused, RST":           {origin.Options{ReuseHow: origin.RST}, get("/"), rst},
		"reused, POST, close":   {origin.Options{ReuseHow: origin.Close}, post("/upload", "abc"), fin},
		"reused, only POST":     {origin.Options{ReuseHow: origin.RST, ReuseMethod: "POST"}, post("/upload", "abc"), rst},
		"by path, close":        {origin.Options{}, get("/lab/reused"), fin},
		"by path, POST and RST": {origin.Options{}, post("/lab/reused?then=rst", "abc"), rst},
	} {
		t.Run(name, func(t *testing.T) {
			end, more := afterOne(t, start(t, c.opts), c.then)
			if end != c.want || more != "" {
				t.Errorf("ended by %s after %q", end, more)
			}
		})
	}
	only := start(t, origin.Options{ReuseHow: origin.RST, ReuseMethod: "POST", CloseAfter: 2})
	if end, more := afterOne(t, only, get("/")); end != fin || !strings.HasPrefix(more, h) {
		t.Errorf("a GET was taken for a POST: %s after %q", end, more)
	}
}

func TestIdleBytes(t *testing.T) {
	s := start(t, origin.Options{IdleBytes: []byte("stray"), IdleBytesAfter: time.Millisecond, IdleClose: 20 * time.Millisecond})
	if end, more := afterOne(t, s, nil); end != fin || more != "stray" {
		t.Errorf("%s after %q", end, more)
	}
}

func TestHTTP10Server(t *testing.T) {
	s := start(t, origin.Options{HTTP10: true})
	r := client.Raw(t.Context(), target(s), get("/chunked/3"))
	if got := string(r.Received); r.End != fin || !matches(got, "HTTP/1.0 200 OK\r\n…Connection: close\r\n\r\n000") || strings.Contains(got, "chunked") {
		t.Errorf("%s %q", r.End, got)
	}
	got := one(t, s, get("/", "Connection: keep-alive"))
	if !matches(got, "HTTP/1.0 200 OK\r\n…Connection: keep-alive\r\n…Content-Length: 26\r\n…") && !matches(got, "HTTP/1.0 200 OK\r\n…Content-Length: 26\r\nConnection: keep-alive\r\n\r\n…") {
		t.Errorf("keep-alive: %q", got)
	}
}

func TestTarget(t *testing.T) {
	s := start(t, origin.Options{Target: func(r origin.Request) string {
		if r.Method == "GET" && r.Target == "/product/7" {
			return "/status/503?retry-after=9"
		}
		return ""
	}})
	for path, want := range map[string]string{"/product/7": "HTTP/1.1 503 ", "/": h, "/product/8": "HTTP/1.1 400 "} {
		if got := one(t, s, get(path)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.60q", path, got)
		}
	}
}

// The same ambiguous request is one request to a server that prefers one length, and two to the other.
func TestPreferLength(t *testing.T) {
	both := []byte("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for prefer, want := range map[bool]string{false: "", true: "0\r\n\r\n"} {
		s := start(t, origin.Options{PreferLength: prefer})
		r := client.RawUntil(t.Context(), target(s), both, client.Responses("POST", "GET"))
		got := s.Requests()
		if r.End != client.Satisfied || len(got) != 2 || string(got[0].Body) != want {
			t.Errorf("PreferLength %v: %s, %d requests, %q", prefer, r.End, len(got), r.Received)
		}
	}
}

// I2
func TestMaxConns(t *testing.T) {
	s := start(t, origin.Options{MaxConns: 1})
	a, err := client.Dial(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ask(get("/")); err != nil {
		t.Fatal(err)
	}
	b, err := client.Dial(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Send(get("/"))
	if n, _ := s.Counts(); n != 1 {
		t.Errorf("%d connections accepted", n)
	}
	a.Close()
	if !b.ReceiveUntil(4096, client.Responses("GET")) {
		t.Error("the second connection is not served when the first has gone")
	}
}

func TestEarlyAnswers(t *testing.T) {
	s := start(t, origin.Options{})
	big := strings.Repeat("x", 4<<20) // more than the sockets buffer
	r := client.Raw(t.Context(), target(s), post("/lab/early?after=1000", big))
	if !strings.HasPrefix(string(r.Received), "HTTP/1.1 413 ") || r.End != fin {
		t.Errorf("lingering: %s %q", r.End, r.Received)
	}
	r = client.Raw(t.Context(), target(s), post("/lab/early?after=1000&then=close", big))
	if r.End != rst {
		t.Errorf("rude: %s %q", r.End, r.Received)
	}
	r = client.RawUntil(t.Context(), target(s), append(post("/lab/early?status=200&then=keep", big), get("/")...), client.Responses("POST", "GET"))
	if r.End != client.Satisfied {
		t.Errorf("keep: %s %.200q", r.End, r.Received)
	}
	to := target(s)
	to.Deadline, to.SendBuffer = 300*time.Millisecond, 64<<10 // the rest cannot leave: nobody reads
	if r = client.Raw(t.Context(), to, post("/lab/never-read", big)); r.End != quiet || r.SentBytes >= int64(len(big)) {
		t.Errorf("never-read: %s after %d bytes sent", r.End, r.SentBytes)
	}
	r = client.Raw(t.Context(), target(s), post("/lab/read-some?after=1000&then=rst", big))
	if r.End != rst {
		t.Errorf("read-some: %s", r.End)
	}
	got := s.Requests()
	if n := got[len(got)-1].BodyBytes; n < 1000 || n > 64<<10 {
		t.Errorf("read-some read %d bytes", n)
	}
}
