// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/test/harness"
)

// A piece that the server sends is passed on before the next one exists.
func TestEventsArriveOneByOne(t *testing.T) {
	o, g := pair(t, origin.Options{})
	c := g.Dial()
	// Endless, an hour between events: what arrives was not held back.
	c.Send(get("/sse?n=0&every=1h"))
	resp, err := http.ReadResponse(c.In, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	events := bufio.NewReader(resp.Body)
	for _, want := range []string{"id: 1\n", "data: event 1\n", "\n"} {
		if line, err := events.ReadString('\n'); err != nil || line != want {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
	}
	// The client goes: the server is told although it is silent.
	c.Reset()
	g.Eventually("end of the server's connection", func() bool { return !o.Connections()[0].Open || o.Connections()[0].PeerEnd != "" })

	c = g.Dial()
	c.Send(get("/sse?n=20&every=5ms"))
	a := c.Read("GET")
	if a.Err != nil || strings.Count(a.Text, "data: event") != 20 {
		t.Errorf("%d events, %v", strings.Count(a.Text, "data: event"), a.Err)
	}
}

// Full duplex: the answer begins, and goes on, while the request is being sent.
func TestFullDuplex(t *testing.T) {
	_, g := pair(t, origin.Options{})
	c := g.Dial()
	c.Send("POST /echo-body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
	resp, err := http.ReadResponse(c.In, &http.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("%q, %v", first, err)
	}
	for i := range 100 {
		word := fmt.Sprintf("word %03d", i)
		c.Send(fmt.Sprintf("%x\r\n%s\r\n", len(word), word))
		got := make([]byte, len(word))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != word {
			t.Fatalf("%q, %v", got, err)
		}
	}
	c.Send("0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}

	if !resp.Close {
		t.Error("the answer began before the request ended, and does not say that the connection closes")
	}

	const much = 8 << 20
	c = g.Dial()
	go func() {
		fmt.Fprintf(c, "POST /echo-body HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", much)
		io.Copy(c, pattern.NewReader(much))
	}()
	resp, err = http.ReadResponse(c.In, &http.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	var check pattern.Checker
	if _, err := io.Copy(&check, resp.Body); err != nil || check.Bytes() != much {
		t.Errorf("%d bytes came back, %v", check.Bytes(), err)
	}
}

// An answer that comes before the request was read reaches the client, whatever
// the server does with the rest, and no byte of the rest becomes a request.
func TestEarlyAnswer(t *testing.T) {
	const much = 32 << 20
	for _, then := range []string{"fin", "close", "keep", "rst"} {
		for _, after := range []int{0, 100000} {
			t.Run(fmt.Sprintf("%s after %d", then, after), func(t *testing.T) {
				o, g := pair(t, origin.Options{})
				c := g.Dial()
				target := fmt.Sprintf("/lab/early?then=%s&after=%d", then, after)
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", target, much)
					// The body is made of requests.
					smuggled := strings.Repeat("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", 1024)
					for n := 0; n < much; {
						k, err := io.WriteString(c, smuggled[:min(len(smuggled), much-n)])
						if n += k; err != nil {
							return
						}
					}
				}()
				a := c.Read("POST")
				if a.StatusCode != 413 || a.Err != nil || len(a.Text) != 20 {
					t.Fatalf("status %d, %d bytes, %v", a.StatusCode, len(a.Text), a.Err)
				}
				c.Close()
				<-sent
				// The gateway goes on with others.
				isPattern(t, g.Dial().Ask(get("/size/100")), 100)
				for _, r := range o.Requests() {
					if r.Target == "/smuggled" {
						t.Error("the rest of the body was read as a request")
					}
				}
				l := g.Line(harness.Of(target))
				if l.Status != 413 || l.UpstreamStatus != 413 {
					t.Errorf("line: %s", l.Raw)
				}
			})
		}
	}
}

// The gateway's own refusal of a body that is too large arrives while the client
// still sends, and reads nothing behind it.
func TestBodyLimit(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "limits: {body: 1MiB}"})
	for _, head := range []string{"Content-Length: 4194304\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n400000\r\n"} {
		c := g.Dial()
		go func() {
			io.WriteString(c, "POST /upload HTTP/1.1\r\nHost: a\r\n"+head)
			io.Copy(c, pattern.NewReader(4<<20))
		}()
		a := c.Read("POST")
		if a.StatusCode != 413 || a.Err != nil || !strings.Contains(a.Header.Get("Proxy-Status"), "body-too-large") {
			t.Errorf("%q: %d, %q, %v", head, a.StatusCode, a.Header.Get("Proxy-Status"), a.Err)
		}
		c.Close()
	}
}
