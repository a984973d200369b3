// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
)

const hello = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func start(t *testing.T, opts origin.Options) (*origin.Server, client.Target) {
	t.Helper()
	s, err := origin.Start("tcp", "127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, client.Target{Addr: s.Addr()}
}

// eventually waits until ok says so about the log of s.
func eventually(t *testing.T, s *origin.Server, why string, ok func(*origin.Server) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if s.Wait(ctx, ok) != nil {
		t.Errorf("%s: requests %+v, connections %+v", why, s.Requests(), s.Connections())
	}
}

// I3
func TestHalfRequestArrivesInHalfAndEndsAsAsked(t *testing.T) {
	s, to := start(t, origin.Options{})
	for i, c := range []struct {
		how  client.How
		want string
	}{{client.FIN, origin.PeerFIN}, {client.RST, origin.PeerRST}} {
		r := client.HalfRequest(t.Context(), to, []byte(hello), 10, c.how)
		if r.SentBytes != 10 || r.ReceivedBytes != 0 {
			t.Errorf("%s: %+v", c.how, r)
		}
		eventually(t, s, "half a request, then "+string(c.how), func(s *origin.Server) bool {
			conns := s.Connections()
			return len(conns) == i+1 && conns[i].PeerEnd == c.want && conns[i].Requests == 0 &&
				string(conns[i].Received) == hello[:10]
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := client.HalfRequest(ctx, to, []byte(hello), 10, client.Wait); r.End != client.Deadline {
		t.Errorf("wait: %+v", r)
	}
}

func TestTrickleArrivesWholeInPieces(t *testing.T) {
	s, to := start(t, origin.Options{})
	pace := client.Pace{Bytes: 5, Every: time.Millisecond}
	r := client.Trickle(t.Context(), to, []byte(hello), pace, client.Responses("GET"))
	if r.End != client.Satisfied || r.SentBytes != int64(len(hello)) {
		t.Errorf("%+v", r)
	}
	if got := s.Requests(); len(got) != 1 || string(got[0].Head) != hello {
		t.Errorf("%+v", got)
	}
	// A peer that gives up in the middle is noticed, and its last words are heard.
	_, to = start(t, origin.Options{HeadLimit: 20})
	r = client.Trickle(t.Context(), to, []byte(hello+strings.Repeat("x", 10000)), client.Pace{Bytes: 1000}, nil)
	if !strings.HasPrefix(string(r.Received), "HTTP/1.1 431 ") {
		t.Errorf("%+v", r)
	}
}

func TestAbortReceivingLeavesAtTheByte(t *testing.T) {
	s, to := start(t, origin.Options{})
	to.RecvBuffer = 4096
	request := []byte("GET /size/100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
	r := client.AbortReceiving(t.Context(), to, request, 5000, client.RST)
	if r.ReceivedBytes < 5000 || r.ReceivedBytes >= 5000+512 || r.End != client.Satisfied {
		t.Errorf("received %d, %s", r.ReceivedBytes, r.End)
	}
	eventually(t, s, "the origin stops sending", func(s *origin.Server) bool { return !s.Connections()[0].Open })
	if r := client.AbortReceiving(t.Context(), to, []byte("GET /slow?ms=60000 HTTP/1.1\r\n\r\n"), 0, client.RST); r.ReceivedBytes != 0 {
		t.Errorf("%+v", r)
	}
	eventually(t, s, "a client that left before the answer", func(s *origin.Server) bool {
		conns := s.Connections()
		return len(conns) == 2 && conns[1].PeerEnd == origin.PeerRST && !conns[1].Open
	})
}

func TestNeverReadMakesThePeerBlock(t *testing.T) {
	s, to := start(t, origin.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan client.Result)
	go func() {
		results <- client.NeverRead(ctx, to, []byte("GET /size/100000000 HTTP/1.1\r\nHost: a\r\n\r\n"))
	}()
	eventually(t, s, "the request arrives", func(s *origin.Server) bool { return len(s.Requests()) == 1 })
	if !s.Connections()[0].Open {
		t.Error("the origin got rid of 100 MB that nobody reads")
	}
	cancel()
	if r := <-results; r.ReceivedBytes != 0 || r.End != client.Deadline {
		t.Errorf("%+v", r)
	}
	eventually(t, s, "the reset arrives", func(s *origin.Server) bool { return !s.Connections()[0].Open })
	if r := client.NeverRead(t.Context(), to, []byte("GET /lab/rst HTTP/1.1\r\n\r\n")); r.End != client.PeerRST {
		t.Errorf("a peer's reset: %+v", r)
	}
}

func TestPipelineAndHalfClose(t *testing.T) {
	s, to := start(t, origin.Options{})
	r := client.Pipeline(t.Context(), to, []byte(hello), []byte("HEAD /size/9 HTTP/1.1\r\n\r\n"), []byte("GET /chunked/5 HTTP/1.1\r\n\r\n"))
	if r.End != client.Satisfied || len(s.Requests()) != 3 || len(s.Connections()) != 1 {
		t.Errorf("%s: %q", r.End, r.Received)
	}
	r = client.HalfClose(t.Context(), to, []byte(hello))
	if r.End != client.PeerFIN || !bytes.HasSuffix(r.Received, []byte("hello from the lab origin\n")) {
		t.Errorf("an answer after our FIN: %+v", r)
	}
}

func TestSlowReaderGetsEverything(t *testing.T) {
	_, to := start(t, origin.Options{})
	var check pattern.Checker
	body := afterHead(&check)
	to.Sink = body
	request := []byte("GET /size/300000 HTTP/1.1\r\nConnection: close\r\n\r\n")
	r := client.SlowReader(t.Context(), to, request, client.Pace{Bytes: 20000, Every: time.Millisecond}, 0)
	if r.End != client.PeerFIN || check.Bytes() != 300000 {
		t.Errorf("%s, %v after %d body bytes", r.End, r.Err, check.Bytes())
	}
	to.Sink = nil
	r = client.SlowReader(t.Context(), to, request, client.Pace{Bytes: 300, Every: time.Millisecond}, 1000)
	if r.ReceivedBytes != 1000 || r.End != client.Satisfied {
		t.Errorf("limit: %d bytes, %s", r.ReceivedBytes, r.End)
	}
}

// headless passes on what follows a response's head.
type headless struct {
	head []byte
	body io.Writer
	in   bool
}

func afterHead(body io.Writer) *headless { return &headless{body: body} }

func (w *headless) Write(p []byte) (int, error) {
	if w.in {
		return w.body.Write(p)
	}
	w.head = append(w.head, p...)
	if _, rest, ok := bytes.Cut(w.head, []byte("\r\n\r\n")); ok {
		w.in = true
		if _, err := w.body.Write(rest); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// I2
func TestOnlyTheFirstBytesAreKept(t *testing.T) {
	_, to := start(t, origin.Options{})
	to.KeepBytes = 100
	r := client.Raw(t.Context(), to, []byte("GET /size/200000 HTTP/1.1\r\nConnection: close\r\n\r\n"))
	if len(r.Received) != 100 || r.ReceivedBytes < 200000 || r.End != client.PeerFIN {
		t.Errorf("kept %d of %d, %s", len(r.Received), r.ReceivedBytes, r.End)
	}
}

// I1
func TestContextAndDeadlineEndEverything(t *testing.T) {
	_, to := start(t, origin.Options{Accept: "hold"})
	_, full := start(t, origin.Options{Accept: "full-backlog"})
	short := to
	short.Deadline = 30 * time.Millisecond
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	big := bytes.Repeat([]byte("x"), 32<<20)
	to.SendBuffer, short.SendBuffer = 64<<10, 64<<10
	for name, f := range map[string]func() client.Result{
		"deadline, reading": func() client.Result { return client.Raw(t.Context(), short, []byte(hello)) },
		"deadline, writing": func() client.Result { return client.Raw(t.Context(), short, big) },
		"context, reading":  func() client.Result { return client.Raw(cancelled, to, []byte(hello)) },
		"context, pausing": func() client.Result {
			return client.Trickle(cancelled, to, big, client.Pace{Bytes: 1, Every: time.Hour}, nil)
		},
		"context, dialling": func() client.Result { return client.Raw(cancelled, full, nil) },
	} {
		if r := f(); r.End != client.Deadline {
			t.Errorf("%s: %s, %v", name, r.End, r.Err)
		}
	}
}

func TestSourceAddress(t *testing.T) {
	s, to := start(t, origin.Options{})
	to.Source = client.Loopback(254*256 + 3)
	if to.Source != "127.1.0.4" {
		t.Errorf("Loopback: %s", to.Source)
	}
	if r := client.RawUntil(t.Context(), to, []byte(hello), client.Responses("GET")); r.End != client.Satisfied {
		t.Fatalf("%+v", r)
	}
	host, _, _ := net.SplitHostPort(s.Connections()[0].Remote)
	if host != to.Source {
		t.Errorf("the origin saw %s", host)
	}
}

func TestIdleCrowd(t *testing.T) {
	s, to := start(t, origin.Options{})
	crowd, err := client.IdleCrowd(t.Context(), to, 200, 10, []byte(hello))
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	if n := crowd.Alive(); n != 200 || len(s.Connections()) != 200 {
		t.Errorf("%d alive, %d at the origin", n, len(s.Connections()))
	}
	if _, err := crowd.Conn(7).Ask([]byte(hello)); err != nil {
		t.Errorf("a held connection is of no use: %v", err)
	}
	_ = s.Close()
	if n := crowd.Alive(); n != 0 {
		t.Errorf("%d alive after the server has gone", n)
	}
	if _, err := client.IdleCrowd(t.Context(), to, 5, 2, []byte(hello)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("err = %v", err)
	}
}
