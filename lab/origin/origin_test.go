// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
)

func start(t *testing.T, opts origin.Options) *origin.Server {
	t.Helper()
	s, err := origin.Start("tcp", "127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func target(s *origin.Server) client.Target {
	return client.Target{Network: s.Network(), Addr: s.Addr(), Deadline: 10 * time.Second}
}

// get is a GET of path with these more header lines.
func get(path string, lines ...string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n")
}

func post(path, body string, lines ...string) []byte {
	head := get(path, append(lines, "Content-Length: "+itoa(len(body)))...)
	return append([]byte("POST"+strings.TrimPrefix(string(head), "GET")), body...)
}

func one(t *testing.T, s *origin.Server, request []byte) string {
	t.Helper()
	r := client.RawUntil(t.Context(), target(s), request, client.Responses(strings.Fields(string(request))[0]))
	if r.End != client.Satisfied {
		t.Fatalf("%.60q: no whole response: %s, %v, %.200q", request, r.End, r.Err, r.Received)
	}
	return string(r.Received)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// I1
func TestCloseEndsWhateverIsGoingOn(t *testing.T) {
	s := start(t, origin.Options{})
	paths := []string{"/lab/stall", "/slow?ms=600000", "/sse?n=0", "/lab/endless", "/lab/trickle?len=100000", "/lab/never-read", "/lab/interim-flood", "/ws"}
	var conns []*client.Conn
	for _, p := range paths {
		c, err := client.Dial(t.Context(), target(s))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		c.Send(get(p))
	}
	if err := s.Wait(within(t), func(s *origin.Server) bool { return len(s.Requests()) == len(paths) }); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() { defer close(closed); _ = s.Close(); _ = s.Close() }()
	select {
	case <-closed:
	case <-within(t).Done():
		t.Fatal("Close does not return")
	}
	for _, c := range s.Connections() {
		if c.Open {
			t.Errorf("connection %d is still open", c.Number)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	if nc, err := net.Dial("tcp", s.Addr()); err == nil {
		nc.Close()
		t.Error("somebody still listens")
	}
}

func TestLogKeepsWhatArrived(t *testing.T) {
	s := start(t, origin.Options{})
	first := get("/", "X-Odd:  a  ")
	second := []byte("POST /upload HTTP/1.1\r\nhost: b\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n")
	r := client.Pipeline(t.Context(), target(s), first, second)
	if r.End != client.Satisfied {
		t.Fatalf("%s %v %q", r.End, r.Err, r.Received)
	}
	got := s.Requests()
	if len(got) != 2 {
		t.Fatalf("%d requests logged", len(got))
	}
	a, b := got[0], got[1]
	if string(a.Head) != string(first) || a.Fields[1] != (origin.Field{Name: "X-Odd", Value: "a"}) || !a.Complete {
		t.Errorf("first: %+v", a)
	}
	if string(b.Body) != "abc" || b.BodyBytes != 3 || string(b.Trailer) != "T: 1\r\n\r\n" || !b.Complete || b.Get("HOST") != "b" ||
		b.BodySHA256 != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("second: %+v", b)
	}
	if a.Conn != 1 || b.Conn != 1 || a.Seq != 1 || b.Seq != 2 {
		t.Errorf("numbers: %d.%d and %d.%d", a.Conn, a.Seq, b.Conn, b.Seq)
	}
	conns := s.Connections()
	if len(conns) != 1 || string(conns[0].Received) != string(first)+string(second) || conns[0].Requests != 2 {
		t.Errorf("connections: %+v", conns)
	}
}

func TestLogTellsHowThePeerLeft(t *testing.T) {
	for how, want := range map[client.How]string{client.FIN: origin.PeerFIN, client.RST: origin.PeerRST} {
		for _, path := range []string{"/slow?ms=60000", "/lab/stall", "/"} {
			s := start(t, origin.Options{})
			c, err := client.Dial(t.Context(), target(s))
			if err != nil {
				t.Fatal(err)
			}
			c.Send(get(path))
			if err := s.Wait(within(t), func(s *origin.Server) bool { return len(s.Requests()) == 1 }); err != nil {
				t.Fatal(err)
			}
			if path == "/" { // with an answer unread, even our FIN would be an RST
				c.ReceiveUntil(1024, client.Responses("GET"))
			}
			if how == client.FIN {
				c.HalfClose()
			} else {
				c.Leave(how)
			}
			err = s.Wait(within(t), func(s *origin.Server) bool { return s.Connections()[0].PeerEnd == want })
			if err != nil {
				t.Errorf("%s, %s: log says %q", how, path, s.Connections()[0].PeerEnd)
			}
			c.Close()
		}
	}
}

// I2
func TestLogIsBounded(t *testing.T) {
	s := start(t, origin.Options{LogLimit: 3, KeepBytes: 10})
	for i := range 20 {
		one(t, s, post("/upload?", strings.Repeat("x", 100+i)))
	}
	got := s.Requests()
	if len(got) != 3 || got[2].BodyBytes != 119 || len(got[2].Body) != 10 || len(s.Connections()) != 3 {
		t.Errorf("%d requests, the last %+v; %d connections", len(got), got[len(got)-1], len(s.Connections()))
	}
	if c, r := s.Counts(); c != 20 || r != 20 {
		t.Errorf("counts %d, %d", c, r)
	}
	none := start(t, origin.Options{LogLimit: -1})
	one(t, none, get("/"))
	if len(none.Requests()) != 0 || len(none.Connections()) != 0 {
		t.Error("LogLimit -1 keeps something")
	}
}

// I2
func TestHugeHeadIsRefused(t *testing.T) {
	s := start(t, origin.Options{HeadLimit: 5000})
	if got := one(t, s, get("/", "X: "+strings.Repeat("x", 4000))); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("below the limit: %.40q", got)
	}
	if got := one(t, s, get("/", "X: "+strings.Repeat("x", 9000))); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("above the limit: %.40q", got)
	}
}

// I3
func TestUnknownNamesAreRefused(t *testing.T) {
	s := start(t, origin.Options{})
	for path, want := range map[string]string{
		"/lab/nonsense":        "/lab/cut",
		"/nonsense":            "/lab/cut",
		"/lab/cut?att=1":       `no parameter "att"; cut takes: at=100`,
		"/lab/cut?at=x":        `bad value "x" for at`,
		"/lab/cut?at=-1":       `bad value "-1" for at`,
		"/lab/fin?then=lunch":  `bad value "lunch" for then`,
		"/lab/trickle?every=a": `bad value "a" for every`,
		"/size/x":              "needs a number",
	} {
		got := one(t, s, get(path))
		if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, want) {
			t.Errorf("%s: %.300q", path, got)
		}
	}
	if _, err := origin.Start("tcp", "127.0.0.1:0", origin.Options{Accept: "lunch"}); err == nil {
		t.Error("an unknown accept mode was taken")
	}
	if _, err := origin.Start("tcp", "127.0.0.1:0", origin.Options{CloseHow: "lunch"}); err == nil {
		t.Error("an unknown end was taken")
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o.sock")
	s, err := origin.Start("unix", path, origin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := one(t, s, get("/")); !strings.HasSuffix(got, "hello from the lab origin\n") {
		t.Errorf("got %q", got)
	}
	if r := client.Raw(t.Context(), target(s), get("/lab/cut?at=10")); string(r.Received) != "HTTP/1.1 2" || r.End != client.PeerFIN {
		t.Errorf("cut: %q, %s", r.Received, r.End)
	}
}
