// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/lab/ws"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ask returns the parsed response and its body, read by an implementation that is not ours.
func ask(t *testing.T, s *origin.Server, request []byte) (*http.Response, string) {
	t.Helper()
	method := strings.Fields(string(request))[0]
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(one(t, s, request))), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestGoodRoutes(t *testing.T) {
	s := start(t, origin.Options{Fields: []string{"Keep-Alive: timeout=5"}})
	for _, c := range []struct {
		request []byte
		status  int
		body    string // "" is not looked at
	}{
		{get("/"), 200, "hello from the lab origin\n"},
		{get("http://other.example/status/503"), 503, "status 503\n"},
		{get("http://other.example?x"), 400, ""},
		{get("/status/204"), 204, ""},
		{get("/status/304"), 304, ""},
		{get("/slow?ms=1"), 200, "slow, but here\n"},
		{get("/sse?n=2&every=1ms"), 200, "id: 1\ndata: event 1\n\nid: 2\ndata: event 2\n\n"},
		{get("/close"), 200, "the last one\n"},
		{get("/ws"), 426, "this is a WebSocket\n"},
		{[]byte("HEAD /size/1000 HTTP/1.1\r\nHost: a\r\n\r\n"), 200, ""},
		{[]byte("GET / HTTP/1.0\r\n\r\n"), 200, "hello from the lab origin\n"},
		{post("/echo-body", "to and fro"), 200, "to and fro"},
	} {
		resp, body := ask(t, s, c.request)
		if resp.StatusCode != c.status || (c.body != "" && body != c.body) {
			t.Errorf("%.50q: %d %.100q", c.request, resp.StatusCode, body)
		}
		if resp.Header.Get("Keep-Alive") != "timeout=5" {
			t.Errorf("%.50q: Options.Fields are missing", c.request)
		}
	}
}

func TestBodiesAreThePattern(t *testing.T) {
	s := start(t, origin.Options{})
	for _, n := range []int{0, 1, 8192, 8193, 65536, 200_001} {
		want := make([]byte, n)
		pattern.Fill(want, 0)
		for _, path := range []string{"/size/", "/chunked/", "/chunked/%?chunk=777"} {
			path = strings.Replace(path, "%", "", 1)
			path, query, _ := strings.Cut(path, "?")
			resp, body := ask(t, s, get(path+itoa(n)+"?"+query))
			if body != string(want) {
				t.Errorf("%s%d: %d bytes differ", path, n, len(body))
			}
			if length := resp.ContentLength; (path == "/size/") != (length == int64(n)) {
				t.Errorf("%s%d: Content-Length %d", path, n, length)
			}
		}
	}
}

func TestEchoTellsWhatArrived(t *testing.T) {
	s := start(t, origin.Options{})
	_, body := ask(t, s, post("/echo?a=b", "abc", "X-Two: 1", "X-Two: 2"))
	var got struct {
		Method, Target, Proto string
		Headers               [][2]string
		Body_bytes            int
		Body_sha256           string
		Connection, Request   int
	}
	if err := json.Unmarshal([]byte(body), &got); err == nil {
		t.Fatal("/echo took a parameter it does not know")
	}
	_, body = ask(t, s, post("/echo", "abc", "X-Two: 1", "X-Two: 2"))
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.Target != "/echo" || got.Proto != "HTTP/1.1" || got.Body_bytes != 3 || got.Request != 1 ||
		got.Body_sha256[:8] != "ba7816bf" || got.Headers[1] != [2]string{"X-Two", "1"} || got.Headers[2] != [2]string{"X-Two", "2"} {
		t.Errorf("%+v", got)
	}
}

func TestEchoBodyIsFullDuplex(t *testing.T) {
	s := start(t, origin.Options{})
	c, err := client.Dial(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Send([]byte("POST /echo-body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"))
	for _, piece := range []string{"first", "again"} {
		c.Send([]byte("5\r\n" + piece + "\r\n"))
		if !c.ReceiveUntil(1000, func(b []byte, _ int64) bool { return bytes.HasSuffix(b, []byte("5\r\n"+piece+"\r\n")) }) {
			t.Fatalf("%q was not echoed before the request ended", piece)
		}
	}
	c.Send([]byte("0\r\n\r\n"))
	if !c.ReceiveUntil(1000, client.Responses("POST")) {
		t.Error("the answer does not end")
	}
}

func TestExpect(t *testing.T) {
	s := start(t, origin.Options{})
	waits := "Expect: 100-continue"
	for path, want := range map[string]string{
		"/expect":              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
		"/upload":              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
		"/expect?answer=0":     "HTTP/1.1 200 OK\r\n",
		"/expect?answer=417":   "HTTP/1.1 417 Expectation Failed\r\n",
		"/lab/continue-never":  "HTTP/1.1 200 OK\r\n",
		"/lab/continue-many":   strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3) + "HTTP/1.1 200 OK\r\n",
		"/lab/early?then=keep": "HTTP/1.1 413 Request Entity Too Large\r\n",
	} {
		if got := one(t, s, post(path, "abc", waits)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.150q", path, got)
		}
	}
	if got := one(t, s, post("/expect", "abc")); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("a 100 that nobody asked for: %.60q", got)
	}
}

func TestInterimAndTrailers(t *testing.T) {
	s := start(t, origin.Options{})
	got := one(t, s, get("/interim?n=2"))
	want := "HTTP/1.1 103 Early Hints\r\nLink: </style-0.css>; rel=preload; as=style\r\n\r\n" +
		"HTTP/1.1 103 Early Hints\r\nLink: </style-1.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 200 OK\r\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("interim: %q", got)
	}
	resp, _ := ask(t, s, get("/trailers"))
	if resp.Trailer.Get("X-Lab-Sum") != "0123456789abcdef" || resp.Trailer.Get("X-Lab-Bytes") != "25" {
		t.Errorf("trailers: %v", resp.Trailer)
	}
}

func TestWebSocketEcho(t *testing.T) {
	s := start(t, origin.Options{})
	w, err := client.DialWebSocket(t.Context(), target(s), "a", "/ws?after=3&then=rst")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range []ws.Frame{
		{Last: true, Opcode: ws.Text, Payload: []byte("hello")},
		{Last: false, Opcode: ws.Binary, Payload: make([]byte, 70_000)},
		{Last: true, Opcode: ws.Ping, Payload: []byte("there?")},
	} {
		if err := w.Send(f); err != nil {
			t.Fatal(err)
		}
		got, err := w.Receive()
		if f.Opcode == ws.Ping {
			f.Opcode = ws.Pong
		}
		if err != nil || got.Opcode != f.Opcode || got.Last != f.Last || !bytes.Equal(got.Payload, f.Payload) {
			t.Errorf("frame %d: %v, opcode %d, %d bytes", i, err, got.Opcode, len(got.Payload))
		}
	}
	if r := w.Leave(client.Wait); r.End != client.PeerRST {
		t.Errorf("the tunnel ended by %s, not by the RST asked for", r.End)
	}
}
