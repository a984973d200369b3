// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"causey/internal/failure"
	"causey/lab/client"
	"causey/test/harness"
)

// evidence maps names of evidence to what must stand there: a value, or a check.
type evidence map[string]any

// check judges a piece of evidence and says what it wants.
type check struct {
	want string
	ok   func(v any) bool
}

func (c check) String() string { return c.want }

// above wants a number greater than n.
func above(n float64) check {
	return check{fmt.Sprintf("above %v", n), func(v any) bool { f, ok := v.(float64); return ok && f > n }}
}

// atLeast wants a number of n or more.
func atLeast(n float64) check {
	return check{fmt.Sprintf("at least %v", n), func(v any) bool { f, ok := v.(float64); return ok && f >= n }}
}

// begins wants a text that begins so.
func begins(with string) check {
	return check{"begins with " + strconv.Quote(with), func(v any) bool { s, ok := v.(string); return ok && strings.HasPrefix(s, with) }}
}

// absent wants nothing.
var absent = check{"nothing", func(v any) bool { return v == nil }}

// prove checks that the failure stands everywhere where it has to: I2.
func (s *stage) prove(c *Case, r client.Result) {
	t := s.t
	t.Helper()
	var line harness.Line
	s.eventually("failure in the access log", func() bool {
		failed := s.failures()
		if len(failed) > 0 {
			line = failed[0]
		}
		return len(failed) > 0
	})
	if line.Failure != c.code {
		t.Fatalf("the log says %q, want %q: %s\nthe client got %q (%s)", line.Failure, c.code, line.Raw, clip(r.Received), r.End)
	}
	s.proveClient(c, r, line)
	s.proveEvidence(c, line)
	s.proveMetric(c)
	s.proveAPI(c, line)
	s.proveExplain(c, line)
	if failed := s.failures(); len(failed) != 1 {
		t.Errorf("%d exchanges failed, want 1: %+v", len(failed), failed)
	}
}

// answer is what a client can take for an answer.
type answer struct {
	*http.Response
	body []byte
	err  error // why it is not whole
}

func readAnswer(r client.Result) (answer, error) {
	in := bufio.NewReader(bytes.NewReader(r.Received))
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return answer{}, err
		}
		if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		delimited := resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0
		if err == nil && !delimited && r.End == client.PeerRST {
			err = errors.New("the connection was reset")
		}
		return answer{resp, body, err}, nil
	}
}

// proveClient checks what the client saw, and that the record agrees.
func (s *stage) proveClient(c *Case, r client.Result, line harness.Line) {
	t := s.t
	t.Helper()
	outcomes := map[seen]string{answered: "answered", cut: "cut", whole: "relayed", left: "client-left", broken: "cut", quiet: "tunnelled", shut: "unanswered"}
	if want := outcomes[c.seen]; line.Outcome != want {
		t.Errorf("outcome %q, want %q", line.Outcome, want)
	}
	a, err := readAnswer(r)
	switch {
	case c.seen == broken || c.seen == quiet:
		if line.Status != 101 {
			t.Errorf("status %d is logged, want 101", line.Status)
		}
		return
	case c.seen == shut:
		if line.Status != 0 {
			t.Errorf("status %d is logged, want 0", line.Status)
		}
		if err == nil {
			t.Errorf("the client got an answer: %q", clip(r.Received))
		}
		return
	case c.seen == left:
		if line.Status != 499 {
			t.Errorf("status %d is logged, want 499", line.Status)
		}
		if err == nil && a.err == nil { // I3
			t.Errorf("the answer looks complete: %q", clip(r.Received))
		}
		return
	case err != nil:
		t.Fatalf("the client got no answer: %v: %q (%s)", err, clip(r.Received), r.End)
	case a.StatusCode != line.Status:
		t.Errorf("the client got status %d, the log says %d", a.StatusCode, line.Status)
	}
	switch {
	case c.seen == cut && a.err == nil: // I3
		t.Errorf("the cut answer looks complete: %q", clip(r.Received))
	case c.seen != cut && a.err != nil:
		t.Errorf("the answer is not whole: %v: %q", a.err, clip(r.Received))
	}
	if c.seen == answered {
		proveAnswer(s, c, a, line)
	} else if got := a.Header.Get("Proxy-Status"); got != "" {
		t.Errorf("Proxy-Status on the server's answer: %s", got)
	}
}

// proveAnswer checks an answer that the gateway made.
func proveAnswer(s *stage, c *Case, a answer, line harness.Line) {
	s.t.Helper()
	e := entry(s.t, c.code)
	if a.StatusCode != e.Status {
		s.t.Errorf("status %d, the registry says %d", a.StatusCode, e.Status)
	}
	if got := a.Header.Get("X-Request-Id"); got != line.ID {
		s.t.Errorf("X-Request-Id %q, the record has %q", got, line.ID)
	}
	if !bytes.Contains(a.body, []byte(line.ID)) {
		s.t.Errorf("the page does not give the reference: %q", a.body)
	}
	code, hop := e.Name, ""
	if dialled, is := line.Evidence["dialled"].(string); is {
		hop = dialled
	} else if strings.HasPrefix(line.Server, "127.0.0.1:") {
		hop = line.Server // what the gateway itself decided about an answer has no wire's evidence
	}
	if e.Code.Party != failure.Upstream {
		hop = ""
	}
	if c.untrusted {
		code, hop = "", ""
	}
	field := strings.Join(a.Header.Values("Proxy-Status"), ", ")
	if parameter(field, "error") != e.ProxyError || parameter(field, "details") != code || parameter(field, "next-hop") != hop {
		s.t.Errorf("Proxy-Status %q, want error=%s, details=%q and next-hop=%q", field, e.ProxyError, code, hop)
	}
}

// parameter returns a parameter of the only member of a Proxy-Status field.
func parameter(field, name string) string {
	for part := range strings.SplitSeq(field, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), name+"="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

func (s *stage) proveEvidence(c *Case, line harness.Line) {
	s.t.Helper()
	if c.attempts != 0 && line.Attempts != c.attempts {
		s.t.Errorf("%d attempts, want %d", line.Attempts, c.attempts)
	}
	for _, name := range slices.Sorted(maps.Keys(c.evidence)) {
		got, want := line.Evidence[name], c.evidence[name]
		ok := fmt.Sprint(got) == fmt.Sprint(want)
		if check, is := want.(check); is {
			ok = check.ok(got)
		}
		if !ok {
			s.t.Errorf("evidence %s is %v, want %v: %s", name, got, want, line.Raw)
		}
	}
}

// counted matches the counters of failures that are not 0.
var counted = regexp.MustCompile(`(?m)^causey_failures_total\{.*?code="([^"]+)".*\} ([0-9.e+]+)$`)

// proveMetric waits for the count and checks that it is the only one.
func (s *stage) proveMetric(c *Case) {
	s.t.Helper()
	var got map[string]string
	s.eventually("count in the metrics", func() bool {
		got = map[string]string{}
		for _, m := range counted.FindAllStringSubmatch(string(s.ask("/metrics")), -1) {
			if m[2] != "0" {
				got[m[1]] = m[2]
			}
		}
		return len(got) > 0
	})
	if len(got) != 1 || got[c.code] != "1" {
		s.t.Errorf("causey_failures_total counts %v, want 1 of %s", got, c.code)
	}
}

// ask gets a page of the admin side.
func (s *stage) ask(path string) []byte {
	s.t.Helper()
	return s.tell(http.MethodGet, path, "")
}

// tell sends a request to the admin side.
func (s *stage) tell(method, path, body string) []byte {
	s.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
	}}
	req, err := http.NewRequestWithContext(s.ctx, method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: status %d, %v: %s", path, resp.StatusCode, err, answer)
	}
	return answer
}

// proveAPI checks the record by its reference, and the table of failures.
func (s *stage) proveAPI(c *Case, line harness.Line) {
	s.t.Helper()
	var x struct {
		ID, Failure string
		Explanation struct {
			Code      string
			Sentences []string
		}
	}
	if err := json.Unmarshal(s.ask("/api/v1/exchanges/"+line.ID), &x); err != nil {
		s.t.Fatal(err)
	}
	if x.ID != line.ID || x.Failure != c.code || x.Explanation.Code != c.code || len(x.Explanation.Sentences) == 0 {
		s.t.Errorf("the API says %+v", x)
	}
	var f struct {
		Codes []struct {
			Code  string
			Count int
			ID    string `json:"last_id"`
		}
	}
	if err := json.Unmarshal(s.ask("/api/v1/failures"), &f); err != nil {
		s.t.Fatal(err)
	}
	if len(f.Codes) != 1 || f.Codes[0].Code != c.code || f.Codes[0].Count != 1 || f.Codes[0].ID != line.ID {
		s.t.Errorf("/api/v1/failures says %+v", f.Codes)
	}
}

// proveExplain runs causey explain ID.
func (s *stage) proveExplain(c *Case, line harness.Line) {
	s.t.Helper()
	out, err := exec.CommandContext(s.ctx, program(s.t), "explain", "--socket", s.socket, line.ID).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(line.ID)) || !bytes.Contains(out, []byte(c.code)) || !bytes.Contains(out, []byte(entry(s.t, c.code).Title)) {
		s.t.Errorf("causey explain %s: %v\n%s", line.ID, err, out)
	}
}

// clip shortens what is shown.
func clip(b []byte) []byte { return b[:min(len(b), 600)] }
