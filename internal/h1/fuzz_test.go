// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/internal/wire"
)

// seed adds the inputs of both corpora to f.
func seed(f *testing.F, add func(c testCase)) {
	for _, pattern := range []string{"testdata/*.txt", "testdata/smuggling/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			for _, c := range loadCases(f, file) {
				if len(c.input) < 1000 {
					add(c)
				}
			}
		}
	}
}

// fuzzLimits are small, so that a fuzzer reaches them.
var fuzzLimits = wire.Limits{
	HeadBytes: 400, LineBytes: 100, TargetBytes: 60, Fields: 12, ChunkLineBytes: 20, TrailerBytes: 50,
}

// fuzzMax bounds an input: feeding it byte by byte is quadratic.
const fuzzMax = 4096

// fuzzStream returns a stream for one role.
func fuzzStream(t *testing.T, mode uint8) *stream {
	s := newStream(t, nil)
	s.limits = fuzzLimits
	if mode&1 != 0 {
		s.limits = defaults
	}
	s.upgradeAsked = mode&2 != 0
	s.method = [...]wire.Method{wire.GET, wire.HEAD, wire.CONNECT, wire.POST}[mode>>2&3]
	s.begin() // newStream began with the default limits
	return s
}

// checkStreams demands that s, fed whole, and two other ways of cutting data give
// the same events (I1), that a refusal is a registered one (I4), and that nothing
// grew beyond its limit.
func checkStreams(t *testing.T, data []byte, split uint16, build func() *stream) *stream {
	s := build()
	whole := strings.Join(s.run(data), "\n")
	if strings.Contains(whole, "BUG") {
		t.Fatalf("%s", whole)
	}
	if r := s.refused; r != nil && r.Kind != failure.Short && r.Kind != failure.NoLastChunk {
		if !s.registered(r) {
			t.Errorf("kind %s at %s is not registered here", r.Kind, r.Site)
		}
		if len(r.Field) > fieldNameMax || r.Offset < 0 || r.Offset > len(data) {
			t.Errorf("out of bounds: %+v", *r)
		}
	}
	if n := cap(s.body.trailer.kept); n > 4*(s.limits.TrailerBytes+2*s.limits.Fields+64) {
		t.Errorf("trailers took %d bytes", n)
	}
	if n := len(s.req.Fields) + len(s.res.Fields); n > s.limits.Fields {
		t.Errorf("%d fields", n)
	}
	if got := strings.Join(build().run(data, allCuts(len(data))...), "\n"); got != whole {
		t.Fatalf("byte by byte:\n%s\nwhole:\n%s", got, whole)
	}
	if at := int(split); at < len(data) {
		if got := strings.Join(build().run(data, at), "\n"); got != whole {
			t.Fatalf("split at %d:\n%s\nwhole:\n%s", at, got, whole)
		}
	}
	return s
}

// FuzzRequestHead: no panic; the same verdict however the bytes come (I1); what
// is forwarded is read again as exactly one request, the same one, by this codec,
// by net/http and by sloppy recipients (I3).
func FuzzRequestHead(f *testing.F) {
	seed(f, func(c testCase) {
		if !strings.HasPrefix(strings.Join(c.setup, " "), "response") {
			f.Add(c.input, uint8(1), uint16(len(c.input)/2))
		}
	})
	f.Fuzz(func(t *testing.T, data []byte, mode uint8, split uint16) {
		if len(data) > fuzzMax {
			return
		}
		checkStreams(t, data, split, func() *stream { return fuzzStream(t, mode) })
		if mode&1 != 0 { // with the default limits, which the checks below use
			for _, m := range verdicts(t, data).messages {
				m.check(t)
			}
		}
	})
}

// FuzzResponseHead: no panic; the same verdict however the bytes come; a head
// that is forwarded is read again as the same one.
func FuzzResponseHead(f *testing.F) {
	seed(f, func(c testCase) {
		if strings.HasPrefix(strings.Join(c.setup, " "), "response") {
			f.Add(c.input, uint8(3), uint16(len(c.input)/2))
		}
	})
	f.Fuzz(func(t *testing.T, data []byte, mode uint8, split uint16) {
		if len(data) > fuzzMax {
			return
		}
		build := func() *stream {
			s := fuzzStream(t, mode)
			s.response = true
			s.begin()
			return s
		}
		checkStreams(t, data, split, build)
		if mode&1 != 0 {
			checkForwardedResponse(t, data, mode)
		}
	})
}

// checkForwardedResponse writes the first head of data as a gateway would, reads
// it, and writes it again.
func checkForwardedResponse(t *testing.T, data []byte, mode uint8) {
	s := fuzzStream(t, mode)
	encode := func(in []byte) ([]byte, *wire.Response) {
		var p ResponseParser
		var res wire.Response
		p.Reset(&s.limits, s.method, s.upgradeAsked)
		if n, _ := p.Parse(&res, in); n == 0 {
			return nil, nil
		}
		b := AppendStatusLine(nil, res.Status, res.Bytes(res.ReasonSpan))
		b = AppendFields(b, &res.Head, nil)
		if res.Framing == wire.FramingChunked {
			b = AppendField(b, "Transfer-Encoding", "chunked")
		}
		if res.Status == 101 {
			b = AppendField(b, "Connection", "upgrade")
			b = AppendFieldBytes(b, "Upgrade", res.Bytes(res.UpgradeSpan))
		}
		return append(b, "\r\n"...), &res
	}
	first, a := encode(data)
	if a == nil {
		return
	}
	second, b := encode(first)
	if b == nil || !bytes.Equal(first, second) || a.Framing != b.Framing || a.ContentLength != b.ContentLength || a.Status != b.Status {
		t.Errorf("%q\nis forwarded as\n%q\nwhich is forwarded as\n%q", data, first, second)
	}
}

// FuzzBody: no panic; the same data, trailers, end and refusal however the bytes
// come; every byte is accounted for; what Skip lets pass is what Next would have
// handed out; the body encoded again is decoded to the same.
func FuzzBody(f *testing.F) {
	for _, c := range loadCases(f, "testdata/chunked.txt") {
		if _, body, ok := bytes.Cut(c.input, []byte("\r\n\r\n")); ok {
			f.Add(body, uint8(2), int64(0), uint16(3))
		}
	}
	for _, c := range loadCases(f, "testdata/trailers.txt") {
		if _, body, ok := bytes.Cut(c.input, []byte("\r\n\r\n")); ok {
			f.Add(body, uint8(2), int64(0), uint16(3))
		}
	}
	f.Add([]byte("hello"), uint8(1), int64(4), uint16(2))
	f.Add([]byte("hello"), uint8(3), int64(4), uint16(2))
	f.Fuzz(func(t *testing.T, data []byte, framing uint8, length int64, split uint16) {
		fr := wire.Framing(framing % 5)
		if fr == wire.FramingLength && length < 1 || len(data) > fuzzMax {
			return
		}
		whole := decode(t, data, fr, length, nil)
		for _, cuts := range [][]int{allCuts(len(data)), {min(int(split), len(data))}} {
			if got := decode(t, data, fr, length, cuts); got != whole {
				t.Fatalf("cut at %v:\n%+v\nwhole:\n%+v", cuts, got, whole)
			}
		}
		if got := decodeSkipping(data, fr, length); got != len(whole.data) {
			t.Errorf("Skip let %d bytes pass, Next handed out %d", got, len(whole.data))
		}
		if fr == wire.FramingChunked && whole.end {
			var b []byte
			if len(whole.data) > 0 {
				b = append(append(AppendChunkHeader(b, len(whole.data)), whole.data...), ChunkEnd...)
			}
			b = append(append(append(b, LastChunk...), whole.trailers...), "\r\n"...)
			again := decode(t, b, fr, 0, nil)
			if !again.end || again.data != whole.data || again.trailers != whole.trailers || again.used != len(b) {
				t.Errorf("%q is encoded as %q and decoded as %+v", data, b, again)
			}
		}
	})
}

// A decoded is what a BodyDecoder made of some bytes.
type decoded struct {
	data, trailers string
	used           int // bytes of the body, or before the offending one
	end            bool
	site           string
	eof            string // what EOF says if there was no end
}

func decode(t *testing.T, input []byte, f wire.Framing, length int64, cuts []int) (r decoded) {
	var d BodyDecoder
	limits := fuzzLimits.WithDefaults()
	d.Reset(f, length, &limits)
	at := 0
	for _, c := range append(append([]int{}, cuts...), len(input)) {
		piece := input[at:c:c]
		at = c
		for first := true; first || len(piece) > 0; first = false {
			left := d.Remaining()
			data, used, end, rej := d.Next(piece)
			r.data += string(data)
			r.used += used
			if rej != nil {
				r.site = rej.Site
				r.used += rej.Offset - used
				return r
			}
			if left > 0 && int64(len(data)) > left {
				t.Fatalf("%d bytes of data, %d remained", len(data), left)
			}
			if end {
				r.end, r.trailers = true, string(d.Trailers())
				return r
			}
			if len(data) == 0 && used < len(piece) {
				t.Fatalf("no progress at %q", piece)
			}
			piece = piece[used:]
		}
	}
	if end, rej := d.EOF(); end {
		r.eof = "complete"
	} else {
		r.eof = rej.Site
	}
	return r
}

// decodeSkipping lets all data pass by Skip and returns how much it was.
func decodeSkipping(input []byte, f wire.Framing, length int64) (n int) {
	var d BodyDecoder
	limits := fuzzLimits.WithDefaults()
	d.Reset(f, length, &limits)
	for {
		if r := d.Remaining(); r != 0 && len(input) > 0 {
			take := len(input)
			if r > 0 {
				take = int(min(r, int64(take)))
			}
			d.Skip(int64(take))
			n += take
			input = input[take:]
			continue
		}
		// Framing only: a byte at a time, so that Next meets no data.
		data, used, end, rej := d.Next(input[:min(1, len(input))])
		if end || rej != nil || len(input) == 0 {
			return n
		}
		n += len(data)
		input = input[used:]
	}
}
