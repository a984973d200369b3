// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"causey/internal/wire"
)

// I1: a signature that is complete sooner is found sooner, so it must win over
// the longer ones in one piece too.
func TestSignatureOrder(t *testing.T) {
	for _, list := range [][]signature{requestSignatures, responseSignatures} {
		for j := range list {
			for i := range list[:j] {
				if compatible(list[i].start, list[j].start) && len(list[i].start) > len(list[j].start) {
					t.Errorf("%q must stand before %q", list[j].start, list[i].start)
				}
			}
		}
	}
}

func compatible(a, b string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] && a[i] != anyByte && b[i] != anyByte {
			return false
		}
	}
	return true
}

// No signature may catch a request or an answer that is HTTP.
func TestSignaturesSpareHTTP(t *testing.T) {
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "PROPFIND", "PROPPATCH", "PURGE", "PRI", "SEARCH", "SUBSCRIBE", "EDIT", "HELLO"} {
		if rej, _ := sniff([]byte(m+" / HTTP/1.1\r\nHost: h\r\n\r\n"), requestSignatures); rej != nil {
			t.Errorf("%s is taken for %s", m, rej.Field)
		}
	}
	for _, s := range responseSignatures {
		if compatible(s.start, "HTTP/") {
			t.Errorf("%q could begin an answer", s.start)
		}
	}
}

func TestSkipText(t *testing.T) {
	const length = 40
	for c := range 256 {
		for at := range length {
			b := bytes.Repeat([]byte("~"), length)
			b[at] = byte(c)
			want := length
			if c < 0x20 && c != '\t' || c == 0x7f {
				want = at
			}
			for from := range 10 {
				w := want
				if from > at {
					w = length
				}
				if got := skipText(b, from); got != w {
					t.Fatalf("byte %#02x at %d, from %d: %d, want %d", c, at, from, got, w)
				}
			}
		}
	}
	// Bytes that borrow from their neighbours in the word.
	for _, pair := range []string{"\x00\x80", "\x00\x20", "\x1f\x21", "\x7f\x7e", "\x7f\x80", "\t\x00", "\t\x20", "\xff\x00"} {
		b := []byte("abc" + pair + "defgh")
		want := strings.IndexAny(string(b), "\x00\x1f\x7f")
		if want < 0 {
			want = len(b)
		}
		if got := skipText(b, 0); got != want {
			t.Errorf("%q: %d, want %d", b, got, want)
		}
	}
}

func TestBadHost(t *testing.T) {
	good := []string{
		"a", "a.b-c_d.", "1.2.3.4", "a:80", "a:", "a:0", "a:65535", "xn--bcher-kva.example", "a%20b", "!$&'()*+;=~",
		"[::]", "[::1]", "[1::]", "[::1]:443", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:1.2.3.4]", "[::ffff:192.0.2.1]", "[a:b::c]:",
		"[::255.255.255.255]", "[::0.0.0.0]", "[::10.99.100.249]",
	}
	for _, h := range good {
		if at := badHost([]byte(h)); at >= 0 {
			t.Errorf("%q is refused at %d", h, at)
		}
	}
	bad := map[string]int{
		"": 0, ":80": 0, "a b": 1, "a,b": 1, "a@b": 1, "a/b": 1, "a?": 1, "a#": 1, "a\\": 1, "a\"": 1, "a<": 1, "a|": 1, "a^": 1,
		"a:80:80": 4, "a:x": 2, "a:65536": 6, "a:999999999999999999999": 6, "a:-1": 2, "%": 0, "a%2": 1, "a%zz": 1,
		"[": 0, "[]": 1, "[:]": 1, "[::1": 3, "[:::]": 3, "[1]": 2, "[1:2:3:4:5:6:7:8:9]": 0, "[1:2:3:4:5:6:7::8]": 0,
		"[12345::]": 0, "[::1::]": 0, "[::g]": 3, "[::1]x": 5, "[::1.2.3]": 0, "[::1.2.3.256]": 0, "[::01.2.3.4]": 0,
		"[:": 0, "[::": 0, "[1:": 0, "[1::": 0, "[::1.": 0, "[::1.2": 0, "[::1.2.3.": 0, "[::1.2.3.4": 0, "[::1.2.3.4:80": 0, "[::1.2.3.4x]": 0,
		"[1:2:3:4:5:6:7:1.2.3.4]": 0, "[1:2:3:4:5:1.2.3.4]": 0, "[1:2:3:4:5:6:7:]": 0, "[1:]": 0, "[::1.2.3.4:]": 0,
		"[1.2.3.4]": 0, "[fe80::1%eth0]": 0, "[v1.x]": 0, "\xc3\xa4": 0, "a:\x00": 2,
	}
	for h, want := range bad {
		at := badHost([]byte(h))
		if at < 0 || want != 0 && at != want {
			t.Errorf("%q is refused at %d, want %d", h, at, want)
		}
		if at > len(h) {
			t.Errorf("%q is refused at %d, behind its end", h, at)
		}
	}
}

// The address parser agrees with net/netip on everything of its alphabet.
func FuzzIPv6(f *testing.F) {
	for _, s := range []string{"::", "::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::8", "1:2:3:4:5:6:7::", ":::", "1:2:3:4:5:6:7:1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "%[]") {
			return
		}
		a, err := netip.ParseAddr(s)
		want := err == nil && a.Is6()
		if got := badHost([]byte("["+s+"]")) < 0; got != want {
			t.Errorf("%q: %v, net/netip: %v", s, got, want)
		}
	})
}

func TestLeadingCRLF(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "\r": 0, "\r\n": 2, "\n": 0, "\r\n\r": 2, "\r\n\r\n": 4, "\r\n\r\n\r\n": 4, "\r\nGET": 2, "GET\r\n": 0,
	} {
		if got := LeadingCRLF([]byte(in)); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func TestAppend(t *testing.T) {
	for want, got := range map[string][]byte{
		"x1\r\n":                               AppendChunkHeader([]byte("x"), 1),
		"ffff0\r\n":                            AppendChunkHeader(nil, 0xffff0),
		"HTTP/1.1 200 OK\r\n":                  AppendStatusLine(nil, 200, nil),
		"HTTP/1.1 200 Fine\r\n":                AppendStatusLine(nil, 200, []byte("Fine")),
		"HTTP/1.1 421 Misdirected Request\r\n": AppendStatusLine(nil, 421, nil),
		"HTTP/1.1 299 \r\n":                    AppendStatusLine(nil, 299, nil),
		"GET /x HTTP/1.1\r\n":                  AppendRequestLine(nil, []byte("GET"), []byte("/x")),
		"A: b\r\n":                             AppendField(nil, "A", "b"),
		"C: d\r\n":                             AppendFieldBytes(nil, "C", []byte("d")),
	} {
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Runs of lines, skipped IDs, hop-by-hop fields and fields without a line, in
// every position.
func TestAppendFields(t *testing.T) {
	const via, date, other, hop, bare = "Via: 1\r\n", "Date: 2\r\n", "X-Any: 3\r\n", "Connection: close\r\n", "Content-Length: 0\r\n"
	lines := []string{via, date, other, hop, bare}
	for n := range 5 * 5 * 5 * 5 {
		text, want := "HTTP/1.1 304 x\r\n", ""
		bares := 0
		for i := n; len(text) < 1000 && i > 0; i /= 5 {
			line := lines[i%5]
			if line == bare {
				if bares++; bares > 1 {
					continue
				}
				text += "Content-Length: 00\r\n" // goes on as 0, so not as the line it came in
				want += bare
				continue
			}
			text += line
			if line != hop && line != date {
				want += line
			}
		}
		var p ResponseParser
		var res wire.Response
		p.Reset(&defaults, wire.GET, false)
		if got, rej := p.Parse(&res, []byte(text+"\r\n")); got == 0 {
			t.Fatal(rej)
		}
		got := AppendFields([]byte(">"), &res.Head, &[wire.FieldCount]bool{wire.Date: true})
		if string(got) != ">"+want {
			t.Fatalf("%q\nbecomes %q\nwant    %q", text, got, want)
		}
	}
}

// Zero limits mean the defaults.
func TestZeroLimits(t *testing.T) {
	var p RequestParser
	p.Reset(&wire.Limits{})
	if p.headBytes != wire.DefaultHeadBytes || p.lineBytes != wire.DefaultLineBytes ||
		p.targetBytes != wire.DefaultTargetBytes || p.maxFields != wire.DefaultFields {
		t.Errorf("%+v", p.lines)
	}
}

func TestSkipRefusesWhatIsNoData(t *testing.T) {
	for name, prepare := range map[string]func(d *BodyDecoder){
		"more than the length":  func(d *BodyDecoder) { d.Reset(wire.FramingLength, 3, &defaults) },
		"before a chunk":        func(d *BodyDecoder) { d.Reset(wire.FramingChunked, 0, &defaults) },
		"inside a chunk's size": func(d *BodyDecoder) { d.Reset(wire.FramingChunked, 0, &defaults); d.Next([]byte("ff")) },
		"no body":               func(d *BodyDecoder) { d.Reset(wire.FramingNone, 0, &defaults) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("bytes that are no data were let pass")
				}
			}()
			var d BodyDecoder
			prepare(&d)
			d.Skip(4)
		})
	}
}

// What passed by Skip is gone, and the framing behind it is read as usual.
func TestSkip(t *testing.T) {
	var d BodyDecoder
	next := func(in, wantData string, wantUsed int, wantEnd bool) {
		t.Helper()
		data, used, end, rej := d.Next([]byte(in))
		if string(data) != wantData || used != wantUsed || end != wantEnd || rej != nil {
			t.Errorf("%q: data %q, used %d, end %v, rej %+v", in, data, used, end, rej)
		}
	}
	remaining := func(want int64) {
		t.Helper()
		if got := d.Remaining(); got != want {
			t.Errorf("%d bytes remain, want %d", got, want)
		}
	}

	d.Reset(wire.FramingLength, 10, &defaults)
	remaining(10)
	d.Skip(4)
	remaining(6)
	next("abc", "abc", 3, false)
	d.Skip(3)
	remaining(0)
	if end, rej := d.EOF(); !end || rej != nil {
		t.Errorf("EOF behind the last byte: %v, %+v", end, rej)
	}
	next("", "", 0, true)

	d.Reset(wire.FramingChunked, 0, &defaults)
	d.Skip(0) // nothing is always data
	remaining(0)
	next("5\r\n", "", 3, false)
	remaining(5)
	d.Skip(2)
	remaining(3)
	d.Skip(3)
	remaining(0)
	if _, rej := d.EOF(); rej == nil || rej.Site != "eof-before-last-chunk" {
		t.Errorf("EOF behind a skipped chunk: %+v", rej)
	}
	d.Skip(0)
	next("\r", "", 1, false)
	next("\n3\r\nabc\r\n0\r\n\r\nGET", "abc", 14, true)
	next("GET", "", 0, true)

	for _, f := range []wire.Framing{wire.FramingClose, wire.FramingTunnel} {
		d.Reset(f, 0, &defaults)
		remaining(-1)
		d.Skip(1 << 40)
		remaining(-1)
		next("abc", "abc", 3, false)
	}
}

// A refusal behind data waits until the data is handed out, and is then final.
func TestRefusalBehindData(t *testing.T) {
	var d BodyDecoder
	d.Reset(wire.FramingChunked, 0, &defaults)
	in := []byte("3\r\nabcX")
	data, used, end, rej := d.Next(in)
	if string(data) != "abc" || used != 6 || end || rej != nil {
		t.Fatalf("data %q, used %d, end %v, rej %+v", data, used, end, rej)
	}
	for range 2 {
		if _, used, _, rej := d.Next(in[6:]); rej == nil || rej.Offset != 0 || used != 0 || rej.Site != "chunk-data-end" {
			t.Fatalf("used %d, rej %+v", used, rej)
		}
	}
	if end, rej := d.EOF(); end || rej == nil || rej.Site != "chunk-data-end" {
		t.Errorf("EOF: %v, %+v", end, rej)
	}
}
