// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"causey/internal/failure"
)

// fixed is the fixed part of version 2 with the length of what follows.
func fixed(command, family byte, rest ...[]byte) []byte {
	body := bytes.Join(rest, nil)
	b := append([]byte(v2Start), command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

func tlv(kind byte, value string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value))), value...)
}

var (
	ends4 = []byte{192, 0, 2, 7, 198, 51, 100, 1, 0xc8, 0x22, 0x01, 0xbb}
	ends6 = bytes.Join([][]byte{netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice(), {0xc8, 0x22, 0x01, 0xbb}}, nil)
	sslV  = "\x01\x00\x00\x00\x00" + string(tlv(0x21, "TLSv1.3")) + string(tlv(0x22, "client")) // version and CN
)

// Types that mean nothing to this package.
const (
	typeALPN      = 0x01
	typeAuthority = 0x02
	typeNetNS     = 0x30
)

// summed is a header with a good checksum.
func summed() []byte {
	tlvs := append(tlv(typeALPN, "h2"), tlv(typeCRC32C, "\x00\x00\x00\x00")...)
	return AppendV2(nil, netip.MustParseAddrPort("192.0.2.7:51234"), netip.MustParseAddrPort("198.51.100.1:443"), tlvs)
}

// golden are headers and what they are read as: "more", "KIND SITE", or what is in
// them.
var golden = []struct {
	name string
	in   []byte
	want string
}{
	{"empty", nil, "more"},
	{"http", []byte("GET / HTTP/1.1\r\n"), "no-proxy-header no-header"},
	{"tls", []byte("\x16\x03\x01\x02\x00"), "no-proxy-header no-header"},
	{"near v1", []byte("PROXYX"), "no-proxy-header no-header"},
	{"near v2", []byte("\r\n\r\n\x00\r\nQUIZ"), "no-proxy-header no-header"},

	// Section 2.1.
	{"tcp4", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"), "v1 proxy inet 192.0.2.7:51234 198.51.100.1:443"},
	{"tcp6", []byte("PROXY TCP6 2001:db8::7 2001:DB8::1 51234 443\r\n"), "v1 proxy inet6 [2001:db8::7]:51234 [2001:db8::1]:443"},
	{"port 0", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n"), "v1 proxy inet 192.0.2.7:0 198.51.100.1:65535"},
	{"unknown", []byte("PROXY UNKNOWN\r\n"), "v1 proxy unspec"},
	{"unknown with more", []byte("PROXY UNKNOWN ffff:: \x00 what ever\r\n"), "v1 proxy unspec"},
	{"longest", []byte("PROXY UNKNOWN " + strings.Repeat("f", 91) + "\r\n"), "v1 proxy unspec"},
	{"too long", []byte("PROXY UNKNOWN " + strings.Repeat("f", 92) + "\r\n"), "bad-proxy-header v1-too-long"},
	{"endless", []byte("PROXY TCP4 " + strings.Repeat("1", 200)), "bad-proxy-header v1-too-long"},
	{"bare lf", []byte("PROXY UNKNOWN\n"), "bad-proxy-header v1-bare-lf"},
	{"bare cr", []byte("PROXY UNKNOWN\r \r\n"), "bad-proxy-header v1-bare-cr"},
	{"small letters", []byte("PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-protocol"},
	{"udp", []byte("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-protocol"},
	{"nothing", []byte("PROXY \r\n"), "bad-proxy-header v1-protocol"},
	{"no fields", []byte("PROXY TCP4\r\n"), "bad-proxy-header v1-fields"},
	{"three fields", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"), "bad-proxy-header v1-fields"},
	{"five fields", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"), "bad-proxy-header v1-fields"},
	{"two spaces", []byte("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-fields"},
	{"space behind", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n"), "bad-proxy-header v1-fields"},
	{"other family", []byte("PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-source"},
	{"other family 6", []byte("PROXY TCP6 2001:db8::7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-destination"},
	{"zone", []byte("PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n"), "bad-proxy-header v1-source"},
	{"octet with zero", []byte("PROXY TCP4 192.0.02.7 198.51.100.1 1 2\r\n"), "bad-proxy-header v1-source"},
	{"port with zero", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"), "bad-proxy-header v1-source-port"},
	{"port with sign", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1 +2\r\n"), "bad-proxy-header v1-destination-port"},
	{"port too large", []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n"), "bad-proxy-header v1-destination-port"},

	// Section 2.2.
	{"v2 inet", fixed(0x21, 0x11, ends4), "v2 proxy inet 192.0.2.7:51234 198.51.100.1:443"},
	{"v2 inet6", fixed(0x21, 0x21, ends6), "v2 proxy inet6 [2001:db8::7]:51234 [2001:db8::1]:443"},
	{"v2 unix", fixed(0x21, 0x31, make([]byte, unixBytes)), "v2 proxy unix"},
	{"v2 unspec", fixed(0x21, 0x00), "v2 proxy unspec"},
	{"v2 unspec transport", fixed(0x21, 0x10, ends4), "v2 proxy unspec"},
	{"v2 local", fixed(0x20, 0x00), "v2 local unspec"},
	{"v2 local with a block", fixed(0x20, 0xff, ends4), "v2 local unspec"},
	{"v2 other version", fixed(0x11, 0x11, ends4), "bad-proxy-header v2-version"},
	{"v2 other command", fixed(0x22, 0x11, ends4), "bad-proxy-header v2-command"},
	{"v2 other family", fixed(0x21, 0x41, ends4), "bad-proxy-header v2-family"},
	{"v2 other transport", fixed(0x21, 0x13, ends4), "bad-proxy-header v2-transport"},
	{"v2 datagram", fixed(0x21, 0x12, ends4), "bad-proxy-header v2-datagram"},
	{"v2 short", fixed(0x21, 0x11, ends4[:11]), "bad-proxy-header v2-short-addresses"},
	{"v2 longest", fixed(0x20, 0, make([]byte, MaxBytes-v2Fixed)), "v2 local unspec"},
	{"v2 too long", fixed(0x20, 0, make([]byte, MaxBytes-v2Fixed+1)), "bad-proxy-header v2-too-long"},
	{"v2 not whole", fixed(0x21, 0x11, ends4)[:27], "more"},
	{"v2 tlvs", fixed(0x21, 0x11, ends4, tlv(typeALPN, "http/1.1"), tlv(typeAuthority, "shop.example"), tlv(typeUniqueID, "u1"), tlv(typeNetNS, "blue"), tlv(0xe0, "own")),
		`v2 proxy inet 192.0.2.7:51234 198.51.100.1:443 01"http/1.1" 02"shop.example" 05"u1" 30"blue" e0"own"`},
	{"v2 ssl", fixed(0x21, 0x11, ends4, tlv(typeSSL, sslV)),
		`v2 proxy inet 192.0.2.7:51234 198.51.100.1:443 20` + fmt.Sprintf("%q", sslV)},
	{"v2 tlv cut", fixed(0x21, 0x11, ends4, []byte{1, 0, 5, 'a'}), "bad-proxy-header v2-tlv"},
	{"v2 tlv stump", fixed(0x21, 0x11, ends4, []byte{1, 0}), "bad-proxy-header v2-tlv"},
	{"v2 ssl short", fixed(0x21, 0x11, ends4, tlv(typeSSL, "\x01\x00\x00\x00")), "bad-proxy-header v2-ssl"},
	{"v2 ssl sub cut", fixed(0x21, 0x11, ends4, tlv(typeSSL, sslV[:len(sslV)-1])), "bad-proxy-header v2-ssl"},
	{"v2 unique id", fixed(0x21, 0x11, ends4, tlv(typeUniqueID, strings.Repeat("u", 129))), "bad-proxy-header v2-unique-id"},
	{"v2 checksum", summed(), `v2 proxy inet 192.0.2.7:51234 198.51.100.1:443 01"h2" 03"q0-1"`},
	{"v2 wrong checksum", fixed(0x21, 0x11, ends4, tlv(typeCRC32C, "abcd")), "bad-proxy-header v2-checksum"},
	{"v2 two checksums", fixed(0x21, 0x11, ends4, tlv(typeCRC32C, "abcd"), tlv(typeCRC32C, "abcd")), "bad-proxy-header v2-checksum-tlv"},
	{"v2 long checksum", fixed(0x21, 0x11, ends4, tlv(typeCRC32C, "abcde")), "bad-proxy-header v2-checksum-tlv"},
}

// told is a verdict as golden has it.
func told(h *Header, n int, rej Reject) string {
	switch {
	case rej.Kind != failure.NoKind:
		return rej.Kind.String() + " " + rej.Site
	case n == 0:
		return "more"
	}
	s := fmt.Sprintf("v%d %s %s", h.Version, [...]string{"local", "proxy"}[h.Command], [...]string{"unspec", "inet", "inet6", "unix"}[h.Family])
	if h.Source.IsValid() {
		s += " " + h.Source.String() + " " + h.Destination.String()
	}
	for rest := h.TLVs; ; {
		kind, value, after, ok := rest.next()
		if !ok {
			return s
		}
		s += fmt.Sprintf(" %02x%q", kind, value)
		rest = after
	}
}

// feed gives Parse longer and longer beginnings, by steps, as a connection would,
// and fails the test if a verdict changes (I1) or asks for too much (I2).
func feed(t *testing.T, in []byte, step int) (string, int) {
	t.Helper()
	var h Header
	for end := 0; ; end = min(end+step, len(in)) {
		n, rej := Parse(&h, in[:end])
		verdict := told(&h, n, rej)
		if n > end || n > MaxBytes {
			t.Fatalf("%d bytes of %d", n, end)
		}
		if verdict == "more" && end >= MaxBytes {
			t.Fatalf("%d bytes are not enough", end)
		}
		if verdict != "more" || end == len(in) {
			return verdict, n
		}
	}
}

// TestGolden: I1, I2.
func TestGolden(t *testing.T) {
	for _, c := range golden {
		t.Run(c.name, func(t *testing.T) {
			for step := 1; step <= len(c.in)+1; step++ {
				if got, _ := feed(t, c.in, step); got != c.want {
					t.Fatalf("by %d bytes: %s, want %s", step, got, c.want)
				}
			}
			got, n := feed(t, append(c.in[:len(c.in):len(c.in)], "GET / HTTP/1.1\r\n"...), 1)
			if accepted := strings.HasPrefix(c.want, "v"); accepted && (got != c.want || n != len(c.in)) {
				t.Errorf("with more behind it: %s of %d bytes, want %s of %d", got, n, c.want, len(c.in))
			}
		})
	}
}

// TestIsHeader: what is accepted is known as a header; a request is not.
func TestIsHeader(t *testing.T) {
	for _, c := range golden {
		if strings.HasPrefix(c.want, "v") && !IsHeader(c.in) {
			t.Errorf("%s is not known", c.name)
		}
	}
	for _, s := range []string{"", "PROXY ", "PROXY / HTTP/1.1\r\n", "\r\n\r\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"} {
		if IsHeader([]byte(s)) {
			t.Errorf("%q is taken for a header", s)
		}
	}
}

func TestAppend(t *testing.T) {
	a4, b4 := netip.MustParseAddrPort("192.0.2.7:51234"), netip.MustParseAddrPort("198.51.100.1:443")
	a6 := netip.MustParseAddrPort("[2001:db8::7]:51234")
	none := netip.AddrPort{}
	for _, c := range []struct {
		a, b   netip.AddrPort
		v1, v2 string
	}{
		{a4, b4, "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", "v2 proxy inet 192.0.2.7:51234 198.51.100.1:443"},
		{a6, b4, "PROXY TCP6 2001:db8::7 ::ffff:198.51.100.1 51234 443\r\n", "v2 proxy inet6 [2001:db8::7]:51234 [::ffff:198.51.100.1]:443"},
		{none, b4, "PROXY UNKNOWN\r\n", "v2 proxy unspec"},
		{a4, none, "PROXY UNKNOWN\r\n", "v2 proxy unspec"},
	} {
		if got := string(AppendV1(nil, c.a, c.b)); got != c.v1 {
			t.Errorf("%q, want %q", got, c.v1)
		}
		if got, _ := feed(t, AppendV2(nil, c.a, c.b, nil), 1); got != c.v2 {
			t.Errorf("%s, want %s", got, c.v2)
		}
	}
	if got, _ := feed(t, AppendLocal(nil), 1); got != "v2 local unspec" {
		t.Errorf("%s", got)
	}
	// Padding goes, and so does what has no room.
	tlvs := bytes.Join([][]byte{tlv(typeNoop, "xx"), tlv(0xe0, strings.Repeat("a", 4000)), tlv(0xe1, strings.Repeat("b", 63)), tlv(0xe2, "c")}, nil)
	want := "v2 proxy inet 192.0.2.7:51234 198.51.100.1:443 e0" + fmt.Sprintf("%q", strings.Repeat("a", 4000)) + ` e2"c"`
	if got, _ := feed(t, AppendV2(nil, a4, b4, tlvs), 4096); got != want {
		t.Errorf("%s", got)
	}
}

// FuzzParse: no panic; the same verdict however the bytes come (I1); never beyond
// MaxBytes (I2); written again it is read as the same, and the third time as the same
// bytes (I3).
func FuzzParse(f *testing.F) {
	for _, c := range golden {
		f.Add(c.in, uint16(len(c.in)/2))
	}
	f.Fuzz(func(t *testing.T, in []byte, split uint16) {
		if len(in) > 2*MaxBytes {
			return
		}
		var h Header
		n, rej := Parse(&h, in)
		whole := told(&h, n, rej)
		for _, step := range []int{1, int(split)%(len(in)+1) + 1} {
			if got, _ := feed(t, in, step); got != whole {
				t.Fatalf("by %d bytes %s, whole %s", step, got, whole)
			}
		}
		if n == 0 {
			return
		}
		again := func(h *Header) []byte {
			if h.Version == 1 {
				return AppendV1(nil, h.Source, h.Destination)
			}
			return AppendV2(nil, h.Source, h.Destination, h.TLVs)
		}
		second := again(&h)
		var h2 Header
		if n, rej := Parse(&h2, second); n != len(second) || h2.Source.Port() != h.Source.Port() || h2.Source.Addr().Unmap() != h.Source.Addr().Unmap() {
			t.Fatalf("%s is written as %q, %v", whole, second, rej)
		}
		if third := again(&h2); !bytes.Equal(second, third) {
			t.Fatalf("%q, then %q", second, third)
		}
	})
}

// TestAllocs: I4.
func TestAllocs(t *testing.T) {
	room := make([]byte, 0, MaxBytes)
	for _, c := range golden {
		var h Header
		if n := testing.AllocsPerRun(100, func() { Parse(&h, c.in) }); n > 0 && strings.HasPrefix(c.want, "v") {
			t.Errorf("%s: %v allocations", c.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { AppendV1(room, h.Source, h.Destination); AppendV2(room, h.Source, h.Destination, h.TLVs) }); n > 0 {
			t.Errorf("%s: %v allocations to write", c.name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range golden {
		if c.name != "tcp4" && c.name != "v2 inet6" && c.name != "v2 checksum" {
			continue
		}
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			var h Header
			for b.Loop() {
				Parse(&h, c.in)
			}
		})
	}
}
