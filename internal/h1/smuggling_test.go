// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"causey/internal/wire"
)

// TestSmuggling runs the corpus of testdata/smuggling, whose README describes
// the format. Each case is refused, or becomes requests of which each reads as
// exactly that one request to every recipient behind (I3).
func TestSmuggling(t *testing.T) {
	files, err := filepath.Glob("testdata/smuggling/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		for _, c := range loadCases(t, file) {
			total++
			t.Run(c.name, func(t *testing.T) { runSmuggling(t, c) })
		}
	}
	if total < 160 {
		t.Errorf("the corpus has %d cases", total)
	}
}

func runSmuggling(t *testing.T, c testCase) {
	var want []string
	marks := map[string]bool{} // field name: kept
	for _, w := range c.want {
		if name, ok := strings.CutPrefix(w, "keeps "); ok {
			marks[name] = true
		} else if name, ok := strings.CutPrefix(w, "drops "); ok {
			marks[name] = false
		} else {
			want = append(want, w)
		}
	}
	whole := verdicts(t, c.input)
	if got := strings.Join(whole.verdicts, "\n"); got != strings.Join(want, "\n") {
		t.Fatalf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	cuts := allCuts(len(c.input))
	if got := verdicts(t, c.input, cuts...); strings.Join(got.verdicts, "\n") != strings.Join(want, "\n") {
		t.Errorf("byte by byte:\n%s", strings.Join(got.verdicts, "\n"))
	}
	for _, m := range whole.messages {
		m.check(t)
	}
	for name, kept := range marks {
		if got := bytes.Contains(whole.messages[0].bytes, []byte("\r\n"+name+":")); got != kept {
			t.Errorf("%s: forwarded %v, want %v", name, got, kept)
		}
	}
}

// A forwarded is a request as a gateway would send it, and what it must be read
// as.
type forwarded struct {
	bytes              []byte
	method, path, host string
	body               string
}

type judged struct {
	verdicts []string
	messages []forwarded
}

// verdicts runs input as a client's stream.
func verdicts(t testing.TB, input []byte, cuts ...int) judged {
	var j judged
	s := newStream(t, nil)
	s.message = func(h *wire.Head, data, trailers []byte) {
		r := &s.req
		host := string(h.Bytes(r.HostSpan))
		if host == "" {
			host = "-"
		}
		j.verdicts = append(j.verdicts, fmt.Sprintf("one: %s %s %s %d", h.Bytes(r.MethodSpan), pathOf(r), host, len(data)))
		j.messages = append(j.messages, forward(r, data, trailers))
	}
	s.run(input, cuts...)
	switch {
	case s.refused == nil && len(s.buf) > 0:
		j.verdicts = append(j.verdicts, "more")
	case s.refused != nil && strings.HasPrefix(s.events[len(s.events)-1], "cut"):
		j.verdicts = append(j.verdicts, "cut")
	case s.refused != nil:
		j.verdicts = append(j.verdicts, "refuse "+s.refused.Kind.String())
	}
	return j
}

func pathOf(r *wire.Request) []byte {
	if r.Form == wire.AuthorityForm {
		return r.Bytes(r.TargetSpan)
	}
	return r.Bytes(r.PathSpan)
}

// forward writes r as a gateway would: its own Host first, the body framed as it
// was decoded.
func forward(r *wire.Request, data, trailers []byte) forwarded {
	f := forwarded{method: string(r.Bytes(r.MethodSpan)), path: string(pathOf(r)), body: string(data)}
	f.host = string(r.Bytes(r.HostSpan))
	if f.host == "" {
		f.host = "default.example"
	}
	skip := [wire.FieldCount]bool{wire.Host: true}
	b := AppendRequestLine(nil, []byte(f.method), []byte(f.path))
	b = AppendField(b, "Host", f.host)
	b = AppendFields(b, &r.Head, &skip)
	if r.Framing == wire.FramingChunked {
		b = AppendField(b, "Transfer-Encoding", "chunked")
	}
	b = append(b, "\r\n"...)
	if r.Framing == wire.FramingChunked {
		if len(data) > 0 {
			b = AppendChunkHeader(b, len(data))
			b = append(b, data...)
			b = append(b, ChunkEnd...)
		}
		b = append(b, LastChunk...)
		b = append(b, trailers...)
		b = append(b, "\r\n"...)
	} else {
		b = append(b, data...)
	}
	f.bytes = b
	return f
}

// check reads f again with this codec, with net/http and with sloppy recipients;
// all must see the same single request.
func (f forwarded) check(t testing.TB) {
	t.Helper()
	again := verdicts(t, f.bytes)
	want := fmt.Sprintf("one: %s %s %s %d", f.method, f.path, f.host, len(f.body))
	if got := strings.Join(again.verdicts, "\n"); got != want {
		t.Fatalf("%q\nis read again as\n%s\nwant\n%s", f.bytes, got, want)
	}
	if !bytes.Equal(again.messages[0].bytes, f.bytes) {
		t.Errorf("%q\nis forwarded again as\n%q", f.bytes, again.messages[0].bytes)
	}
	f.checkNetHTTP(t)
	for _, r := range sloppyRecipients() {
		if end, body := r.read(f.bytes); end != len(f.bytes) || body != f.body {
			t.Errorf("%+v reads %d of %d bytes with body %q of\n%q", r, end, len(f.bytes), body, f.bytes)
		}
	}
}

func (f forwarded) checkNetHTTP(t testing.TB) {
	t.Helper()
	src := bufio.NewReader(bytes.NewReader(f.bytes))
	req, err := http.ReadRequest(src)
	if err != nil {
		if refusedByNetHTTP(f, err) == "" {
			t.Errorf("net/http refuses %q: %v", f.bytes, err)
		}
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil || string(body) != f.body || req.Method != f.method || req.RequestURI != f.path || req.Host != f.host {
		t.Errorf("net/http reads %q as %s %s %s with body %q, %v", f.bytes, req.Method, req.RequestURI, req.Host, body, err)
	}
	if rest, _ := io.ReadAll(src); len(rest) > 0 {
		t.Errorf("net/http leaves %q of %q", rest, f.bytes)
	}
}

// sloppy is a recipient with habits that real ones have or had: lines end at LF,
// names are trimmed, folded and disguised, numbers are what strtol makes of them.
type sloppy struct {
	lastLength  bool // the last Content-Length counts, not the first
	lengthFirst bool // Content-Length wins over Transfer-Encoding
	octal       bool // a leading zero means octal
	controls    bool // control bytes around names and values are trimmed
}

func sloppyRecipients() (all []sloppy) {
	for i := range 16 {
		all = append(all, sloppy{i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0})
	}
	return all
}

// read returns where the first request of b ends, and its body.
func (s sloppy) read(b []byte) (int, string) {
	at, length, chunked, lengths := 0, int64(0), false, 0
	for first := true; ; first = false {
		line, next := sloppyLine(b, at)
		at = next
		if line == "" || next >= len(b) {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if first || !ok {
			continue
		}
		cutset := " \t"
		if s.controls {
			cutset += "\x00\x08\x0b\x0c\x7f\x85\xa0"
		}
		name = strings.NewReplacer("_", "-", ".", "-", "~", "-").Replace(strings.ToLower(strings.Trim(name, cutset)))
		value = strings.Trim(value, cutset)
		switch name {
		case "content-length":
			if lengths++; lengths == 1 || s.lastLength {
				length = s.number(value, 10)
			}
		case "transfer-encoding":
			chunked = chunked || strings.Contains(strings.ToLower(value), "chunked")
		}
	}
	if !chunked || s.lengthFirst && lengths > 0 {
		end := min(int64(len(b)), int64(at)+max(length, 0))
		return int(end), string(b[at:end])
	}
	var body []byte
	for at < len(b) {
		line, next := sloppyLine(b, at)
		n := s.number(line, 16)
		at = next
		if n <= 0 {
			break
		}
		end := min(int64(len(b)), int64(at)+n)
		body = append(body, b[at:end]...)
		_, at = sloppyLine(b, int(end))
	}
	for at < len(b) {
		line, next := sloppyLine(b, at)
		at = next
		if line == "" {
			break
		}
	}
	return at, string(body)
}

// number is strtol: blanks, a sign, digits, and anything behind.
func (s sloppy) number(v string, base int64) (n int64) {
	v = strings.TrimLeft(v, " \t\v\f")
	sign := int64(1)
	if v != "" && (v[0] == '-' || v[0] == '+') {
		if v[0] == '-' {
			sign = -1
		}
		v = v[1:]
	}
	if base == 10 && s.octal && strings.HasPrefix(v, "0") {
		base = 8
	}
	for i := 0; i < len(v) && n < 1<<50; i++ {
		d := int64(hexValue[v[i]])
		if d < 0 || d >= base {
			break
		}
		n = n*base + d
	}
	return sign * n
}

// sloppyLine returns the line at index at, which ends at LF, and where the next
// one begins.
func sloppyLine(b []byte, at int) (string, int) {
	rest := b[min(at, len(b)):]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		return string(rest), len(b)
	}
	return strings.TrimRight(string(rest[:i]), "\r"), at + i + 1
}
