// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package smuggling_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"causey/test/harness"
)

// TestCorpus sends each case of the corpus through a gateway, alone, in
// small pieces and with a request behind it, and compares what reached the origin with the verdicts.
func TestCorpus(t *testing.T) { // I1
	cases := load(t)
	if len(cases) < 150 {
		t.Errorf("the corpus has %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Run("alone", func(t *testing.T) { c.send(t, len(c.input), false) })
			// What follows a request that ends the connection may meet a closed one.
			if !strings.Contains(strings.ToLower(c.input), "connection: close") && !strings.Contains(c.input, "HTTP/1.0") {
				t.Run("byte by byte", func(t *testing.T) { c.send(t, 1, false) })
			}
			if last := c.verdicts[len(c.verdicts)-1]; last.word != "more" && last.word != "cut" {
				t.Run("canary", func(t *testing.T) { c.send(t, len(c.input), true) })
			}
		})
	}
}

const canary = "GET /canary HTTP/1.1\r\nHost: canary.example\r\n\r\n"

// send gives the case to a gateway of its own, in pieces of n bytes, and closes the
// client's side.
func (c *smugglingCase) send(t *testing.T, n int, withCanary bool) {
	o := startRecorder(t)
	g := harness.Start(t, harness.Config{Servers: []string{o.ln.Addr().String()}})
	conn := g.Dial()
	for piece := range slices.Chunk([]byte(c.input), n) {
		conn.Send(string(piece))
	}
	if withCanary {
		conn.Send(canary)
	}
	conn.CloseWrite()
	reached, closed := c.readAnswers(t, conn)
	if withCanary && !closed {
		if a := conn.Read("GET"); a.StatusCode >= 500 || a.Err != nil {
			t.Errorf("the canary was answered %d, %v", a.StatusCode, a.Err)
		}
		reached = append(reached, request{"GET", "/canary", "canary.example", 0})
	}
	rest, _ := io.ReadAll(conn.In)
	if len(rest) > 0 && c.verdicts[len(c.verdicts)-1].word != "more" {
		t.Errorf("the client is sent more: %q", rest)
	}

	// Everything has ended before the origin's log is looked at.
	now := make(chan struct{})
	close(now)
	g.Stop(now)
	o.finish()
	if !same(o.requests, reached) {
		t.Errorf("the origin got %v, want %v", o.requests, reached)
	}
	for _, f := range o.faults {
		t.Error("the origin got " + f)
	}
	checkCanary(t, o.received, withCanary && !closed)
}

// readAnswers reads the answer to each message and returns the requests that must
// have reached the origin. closed reports that the gateway reads no more.
func (c *smugglingCase) readAnswers(t *testing.T, conn *harness.Conn) (reached []request, closed bool) {
	for _, v := range c.verdicts {
		switch v.word {
		case "refuse":
			a := conn.Read("GET")
			if a.StatusCode < 400 || a.Header.Get("Proxy-Status") == "" || !a.Close {
				t.Errorf("refused with %d, Proxy-Status %q, close %v", a.StatusCode, a.Header.Get("Proxy-Status"), a.Close)
			}
			kind := v.kind
			if kind == "other-protocol" && strings.HasPrefix(c.input, "PROXY ") {
				kind = "proxy-untrusted" // the codec knows no proxies, the engine does
			}
			if !strings.Contains(a.Header.Get("Proxy-Status"), "."+kind+`"`) {
				t.Errorf("Proxy-Status is %q, want kind %s", a.Header.Get("Proxy-Status"), kind)
			}
			return reached, true
		case "more", "cut":
			return reached, true
		}
		a := conn.Read(v.method)
		for a.StatusCode < 200 {
			a = conn.Read(v.method)
		}
		if a.Err != nil {
			t.Errorf("the answer to %v: %v", v.request, a.Err)
		}
		if v.method == "CONNECT" {
			if a.StatusCode < 400 || a.Header.Get("Proxy-Status") == "" {
				t.Errorf("CONNECT is answered %d", a.StatusCode)
			}
			return reached, true
		}
		if a.Header.Get("Proxy-Status") != "" {
			t.Errorf("the gateway answers %v itself: %d, %s", v.request, a.StatusCode, a.Header.Get("Proxy-Status"))
			return reached, true
		}
		reached = append(reached, v.request)
		if a.Close {
			return reached, true
		}
	}
	return reached, false
}

// same compares requests; a request that named no host may have any.
func same(got, want []request) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		g := got[i]
		if want[i].host == "-" {
			g.host = "-"
		}
		if g != want[i] {
			return false
		}
	}
	return true
}

// checkCanary looks at the bytes themselves: the canary comes once, as a request
// with nothing before it but whole other ones, or not at all.
func checkCanary(t *testing.T, received [][]byte, wanted bool) {
	t.Helper()
	line := []byte("GET /canary HTTP/1.1\r\n")
	var found, mentioned int
	for _, b := range received {
		found += bytes.Count(b, line)
		mentioned += bytes.Count(b, []byte("/canary"))
	}
	if wanted && (found != 1 || mentioned != 1) || !wanted && mentioned > 0 {
		t.Errorf("the canary came %d times, as a request %d times: %q", mentioned, found, received)
	}
}

func (r request) String() string {
	return fmt.Sprintf("%s %s %s %d", r.method, r.target, r.host, r.body)
}
