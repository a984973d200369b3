// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/internal/wire"
)

var defaults = wire.Limits{}.WithDefaults()

// A testCase is one case of a testdata file; testdata/README.md describes the
// format.
type testCase struct {
	name   string // file and title
	title  string
	setup  []string // directives before the bytes
	input  []byte
	want   []string
	quoted []string // the input as written, for -update
	notes  []string // comment lines above the title
}

// loadCases reads a file of cases.
func loadCases(t testing.TB, file string) []testCase {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var (
		cases  []testCase
		c      *testCase
		notes  []string
		events bool
	)
	lines := bufio.NewScanner(strings.NewReader(string(raw)))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		fail := func(err error) { t.Fatalf("%s:%d: %v", file, n, err) }
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			notes = append(notes, line)
		case strings.HasPrefix(line, "== "):
			title := strings.TrimSpace(line[3:])
			cases = append(cases, testCase{name: filepath.Base(file) + ": " + title, title: title, notes: notes})
			c, notes, events = &cases[len(cases)-1], nil, false
		case c == nil:
			fail(fmt.Errorf("no case yet"))
		case line == "----":
			events = true
		case events:
			c.want = append(c.want, line)
		case strings.HasPrefix(line, `"`):
			b, err := unquoteRepeat(line)
			if err != nil {
				fail(err)
			}
			c.input = append(c.input, b...)
			c.quoted = append(c.quoted, line)
		default:
			c.setup = append(c.setup, line)
		}
	}
	if len(cases) == 0 {
		t.Fatalf("%s holds no case", file)
	}
	return cases
}

// unquoteRepeat reads a Go string literal, optionally followed by "* N".
func unquoteRepeat(line string) (string, error) {
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", err
	}
	s, err := strconv.Unquote(quoted)
	if err != nil {
		return "", err
	}
	times := 1
	if rest := strings.TrimSpace(line[len(quoted):]); rest != "" {
		if times, err = strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(rest, "*"))); err != nil {
			return "", err
		}
	}
	return strings.Repeat(s, times), nil
}

// A stream reads messages from bytes that come in pieces, as the engine does,
// and writes down what it saw. Each Parse gets the bytes in memory of their own,
// so that a span kept from an earlier call shows.
type stream struct {
	response     bool
	method       wire.Method
	upgradeAsked bool
	limits       wire.Limits

	reqParser RequestParser
	resParser ResponseParser
	req       wire.Request
	res       wire.Response
	body      BodyDecoder

	buf     []byte // not yet consumed
	base    int    // offset of buf in the stream
	inBody  bool
	skipped int    // bytes of empty lines before the current head
	data    []byte // of the current body
	events  []string
	refused *Reject
	heads   int
	// message is called with each complete message.
	message func(h *wire.Head, data, trailers []byte)
}

func (s *stream) event(format string, args ...any) {
	s.events = append(s.events, fmt.Sprintf(format, args...))
}

// newStream reads the directives of a case.
func newStream(t testing.TB, setup []string) *stream {
	s := &stream{limits: defaults, method: wire.GET}
	for _, line := range setup {
		for _, word := range strings.Fields(line) {
			key, value, _ := strings.Cut(word, "=")
			n, _ := strconv.Atoi(value)
			switch key {
			case "request":
			case "response":
				s.response = true
			case "upgrade":
				s.upgradeAsked = true
			case "to":
				s.method = wire.LookupMethod([]byte(value))
			case "head-bytes":
				s.limits.HeadBytes = n
			case "line-bytes":
				s.limits.LineBytes = n
			case "target-bytes":
				s.limits.TargetBytes = n
			case "fields":
				s.limits.Fields = n
			case "chunk-line-bytes":
				s.limits.ChunkLineBytes = n
			case "trailer-bytes":
				s.limits.TrailerBytes = n
			default:
				t.Fatalf("unknown directive %q", word)
			}
		}
	}
	s.begin()
	return s
}

func (s *stream) begin() {
	s.inBody, s.data, s.skipped = false, nil, 0
	if s.response {
		s.resParser.Reset(&s.limits, s.method, s.upgradeAsked)
	} else {
		s.reqParser.Reset(&s.limits)
	}
}

// feed gives the stream its next piece.
func (s *stream) feed(piece []byte) {
	s.buf = append(append(make([]byte, 0, len(s.buf)+len(piece)), s.buf...), piece...)
	for s.refused == nil && s.step() {
	}
}

func (s *stream) consume(n int) {
	s.buf = s.buf[n:]
	s.base += n
}

// step reads one head or one piece of body; false means more bytes are needed.
func (s *stream) step() bool {
	if s.inBody {
		return s.stepBody()
	}
	if !s.response {
		n := min(LeadingCRLF(s.buf), MaxLeadingCRLF-s.skipped)
		s.skipped += n
		s.consume(n)
	}
	if len(s.buf) == 0 {
		return false
	}
	var n int
	var rej *Reject
	head := &s.req.Head
	if s.response {
		n, rej = s.resParser.Parse(&s.res, s.buf)
		head = &s.res.Head
	} else {
		n, rej = s.reqParser.Parse(&s.req, s.buf)
	}
	if rej != nil {
		s.refuse(rej)
		return false
	}
	if n == 0 {
		return false
	}
	s.heads++
	if len(head.Buf) != n {
		s.event("BUG: head of %d bytes has a Buf of %d", n, len(head.Buf))
	}
	// The head must stay valid while the body is read: keep its bytes.
	head.Buf = append([]byte(nil), head.Buf...)
	s.describe()
	s.consume(n)
	s.inBody = true
	s.body.Reset(head.Framing, head.ContentLength, &s.limits)
	return s.stepBody()
}

func (s *stream) stepBody() bool {
	data, n, end, rej := s.body.Next(s.buf)
	s.data = append(s.data, data...)
	if rej != nil {
		if len(s.data) > 0 {
			s.event("body %q", s.data)
		}
		s.refuse(rej)
		return false
	}
	if len(data) == 0 && n < len(s.buf) && !end {
		s.event("BUG: Next left %d bytes and made no progress", len(s.buf)-n)
		return false
	}
	progress := n > 0
	s.consume(n)
	if !end {
		return progress && len(s.buf) > 0
	}
	s.finishBody()
	s.begin()
	return len(s.buf) > 0
}

func (s *stream) finishBody() {
	if len(s.data) > 0 {
		s.event("body %q", s.data)
	}
	trailers := s.body.Trailers()
	if trailers != nil {
		s.event("trailers %q", trailers)
	}
	head := &s.req.Head
	if s.response {
		head = &s.res.Head
	}
	if s.message != nil {
		s.message(head, s.data, trailers)
	}
}

func (s *stream) refuse(rej *Reject) {
	s.refused = rej
	line := fmt.Sprintf("refuse %s %s @%d", rej.Kind, rej.Site, s.base+rej.Offset)
	if rej.Limit != 0 {
		line += fmt.Sprintf(" size=%d limit=%d", rej.Size, rej.Limit)
	}
	if rej.Field != "" {
		line += fmt.Sprintf(" field=%q", rej.Field)
	}
	s.event("%s", line)
}

// close tells the stream that no more bytes come.
func (s *stream) close() {
	switch {
	case s.refused != nil:
	case !s.inBody:
		if len(s.buf) > 0 {
			s.event("unfinished head")
		}
	default:
		end, rej := s.body.EOF()
		if !end {
			if len(s.data) > 0 {
				s.event("body %q", s.data)
			}
			s.event("cut %s %s missing=%d", rej.Kind, rej.Site, rej.Size)
			s.refused = rej
			return
		}
		s.finishBody()
		s.event("end of connection")
	}
}

// describe writes down a head: what differs from the plainest message.
func (s *stream) describe() {
	var b strings.Builder
	h := &s.req.Head
	if s.response {
		h = &s.res.Head
		fmt.Fprintf(&b, "status %d %q", s.res.Status, h.Bytes(s.res.ReasonSpan))
	} else {
		r := &s.req
		fmt.Fprintf(&b, "request %s %s", h.Bytes(r.MethodSpan), h.Bytes(r.TargetSpan))
		if r.Method != wire.LookupMethod(h.Bytes(r.MethodSpan)) {
			b.WriteString(" BUG: method")
		}
		if path := h.Bytes(r.PathSpan); string(path) != string(h.Bytes(r.TargetSpan)) {
			fmt.Fprintf(&b, " path=%s", path)
		}
		if int(r.QueryStart) != int(r.PathSpan.End) {
			fmt.Fprintf(&b, " query=%s", h.Buf[r.QueryStart:r.PathSpan.End])
		}
		fmt.Fprintf(&b, " host=%s", h.Bytes(r.HostSpan))
		if r.Form != wire.OriginForm {
			fmt.Fprintf(&b, " form=%s", [...]string{"origin", "absolute", "authority", "asterisk"}[r.Form])
		}
	}
	if h.Version != 11 {
		fmt.Fprintf(&b, " version=%d", h.Version)
	}
	fmt.Fprintf(&b, " framing=%s", h.Framing)
	if h.ContentLength >= 0 {
		fmt.Fprintf(&b, " length=%d", h.ContentLength)
	}
	flag := func(on bool, name string) {
		if on {
			b.WriteString(" " + name)
		}
	}
	flag(h.Close, "close")
	flag(h.Trailers, "trailers")
	if s.response {
		if s.res.KeepAliveTimeout >= 0 {
			fmt.Fprintf(&b, " keep-alive=%d", s.res.KeepAliveTimeout)
		}
		if s.res.UpgradeSpan.Len() > 0 {
			fmt.Fprintf(&b, " upgrade=%s", h.Bytes(s.res.UpgradeSpan))
		}
	} else {
		flag(s.req.Expect100, "expect")
		flag(s.req.TETrailers, "te-trailers")
		if s.req.Upgrade {
			fmt.Fprintf(&b, " upgrade=%s", h.Bytes(s.req.UpgradeSpan))
		}
	}
	s.event("%s", b.String())
	var hop []string
	for i := range h.Fields {
		if got := wire.LookupField(h.Name(i)); got != h.Fields[i].ID {
			s.event("BUG: field %q has ID %d", h.Name(i), h.Fields[i].ID)
		}
		if h.Fields[i].Hop {
			hop = append(hop, string(h.Name(i)))
		}
	}
	if len(hop) > 0 {
		s.event("hop %s", strings.Join(hop, ", "))
	}
	if fwd := AppendFields(nil, h, nil); len(fwd) > 0 {
		s.event("forward %q", fwd)
	}
}

// cut runs input through s, cut at the given offsets, and returns the events.
func (s *stream) run(input []byte, cuts ...int) []string {
	at := 0
	for _, c := range append(cuts, len(input)) {
		s.feed(input[at:c])
		at = c
	}
	s.close()
	return s.events
}

// registered reports whether the kind of rej is legal for the party and the
// phase in which s met it (I4).
func (s *stream) registered(rej *Reject) bool {
	code := failure.Code{Party: failure.Client, Phase: clientHead, Kind: rej.Kind}
	switch {
	case s.response && s.inBody:
		code.Party, code.Phase = failure.Upstream, upstreamBody
	case s.response:
		code.Party, code.Phase = failure.Upstream, upstreamHead
	case s.inBody:
		code.Phase = clientBody
	}
	return failure.Lookup(code) != nil
}
