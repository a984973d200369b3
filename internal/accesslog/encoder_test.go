// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/testkit"
)

// ordinary is a relayed exchange as most are.
func ordinary() *record.Record {
	r := new(record.Record)
	r.Reset()
	r.ID = record.ID{Epoch: 0xfedcba9876, Seq: 4711}
	r.Start = time.Date(2026, 3, 9, 14, 3, 7, 45_600_000, time.FixedZone("", 3600))
	r.Total = 12_345_678 * time.Nanosecond
	r.Outcome = record.Relayed
	r.Peer = netip.MustParseAddrPort("192.0.2.7:51234")
	r.Client = netip.MustParseAddr("192.0.2.7")
	r.Listener = "127.0.0.1:8080"
	r.Exchanges = 3
	r.Version = 11
	r.Site, r.Route, r.Upstream = "shop.example", "/", "shop"
	r.Status, r.UpStatus = 200, 200
	r.BodyOut = 1024
	for _, p := range []struct {
		p phase.Phase
		d time.Duration
	}{
		{phase.ReadHead, 12 * time.Microsecond}, {phase.Route, time.Microsecond}, {phase.Guard, 0},
		{phase.Queue, 2 * time.Microsecond}, {phase.SendHead, 15 * time.Microsecond},
		{phase.AwaitHead, 11 * time.Millisecond}, {phase.ReadHeadUp, 3 * time.Microsecond},
		{phase.RelayBody, 1_200 * time.Microsecond}, {phase.Finish, 5 * time.Microsecond},
	} {
		r.Phases[p.p] = p.d
	}
	a := r.AddAttempt()
	a.Server, a.Dialled, a.Reused, a.RequestNumber = "127.0.0.1:8001", netip.MustParseAddrPort("127.0.0.1:8001"), true, 17
	a.IdleFor = 250 * time.Millisecond
	r.SetText(record.Method, []byte("GET"))
	r.SetText(record.Host, []byte("shop.example"))
	r.SetText(record.Target, []byte("/catalogue/shoes?page=2"))
	r.SetText(record.UserAgent, []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"))
	r.SetText(record.Referer, []byte("https://shop.example/"))
	return r
}

// refused is an exchange whose two attempts failed.
func refused() *record.Record {
	r := ordinary()
	r.Outcome, r.Status, r.UpStatus, r.BodyOut = record.Answered, 502, 0, 1830
	*r.LastAttempt() = record.Attempt{Server: "app.internal:9000", Dialled: netip.MustParseAddrPort("10.0.0.4:9000"),
		Connect: 321 * time.Microsecond, Failure: code("upstream.connect.refused")}
	*r.AddAttempt() = record.Attempt{Server: "unix:/run/app.sock", Failure: code("upstream.connect.no-socket")}
	e := &failure.Error{Code: code("upstream.connect.refused"), Site: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	e.Evidence = failure.Evidence{Errno: syscall.ECONNREFUSED, Dialled: netip.MustParseAddrPort("10.0.0.4:9000"),
		ResolvedLen: 2, BytesAcked: -1, Offset: -1, Missing: -1, DNSServer: netip.MustParseAddrPort("127.0.0.53:53")}
	e.Evidence.ResolvedNow[0] = netip.MustParseAddr("10.0.0.5")
	e.Evidence.ResolvedNow[1] = netip.MustParseAddr("fd00::5")
	r.NoteFailure(e)
	r.NoteFailure(&failure.Error{Code: code("client.relay-body.reset")})
	return r
}

// saved is an exchange whose first attempt failed and whose client saw nothing of it.
func saved() *record.Record {
	r := ordinary()
	*r.LastAttempt() = record.Attempt{Server: "app.internal:9000", Dialled: netip.MustParseAddrPort("10.0.0.4:9000"),
		Connect: 321 * time.Microsecond, Failure: code("upstream.connect.refused")}
	*r.AddAttempt() = record.Attempt{Server: "app2.internal:9000", Dialled: netip.MustParseAddrPort("10.0.0.5:9000"),
		RequestNumber: 1, Connect: 250 * time.Microsecond, Status: 200}
	r.Saved, r.Phases[phase.Queue] = record.ByRetry|record.ByHold, 1800*time.Millisecond
	return r
}

// hostile has what a stranger may send to break a log.
func hostile() *record.Record {
	r := ordinary()
	r.Outcome, r.Status = record.Answered, 502
	r.Client = netip.MustParseAddr("fe80::1").WithZone("\"\n\x1b[31m")
	r.SetText(record.Method, []byte("G\"\\\x00T"))
	r.SetText(record.Host, []byte("a\nb\r\t\u2028\u2029\u0085\u202e"))
	r.SetText(record.Target, []byte("/\xff\xfe\xc3\x28\x7f\x1b[31m\U0001F600é\U000E0001"))
	r.SetText(record.UserAgent, bytes.Repeat([]byte(`"`), 500))
	r.SetText(record.RequestID, []byte(`","failure":"x`))
	r.Trace.ID = [16]byte{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}
	e := &failure.Error{Code: code("upstream.read-head-up.bad-field"), Err: errors.New("bad \"line\"\n" + strings.Repeat("\xff", 400))}
	e.Evidence = failure.Evidence{HasConn: true, Reused: true, RequestNumber: 4, ConnAge: time.Minute, IdleFor: time.Second,
		BytesWritten: 512, BytesAcked: 512, Unacked: 1, Retransmits: 2, RTT: 1500 * time.Microsecond, ResponseBytes: 80,
		End: failure.EndFIN, Offset: 17, Field: "x-\x00\"", Size: 70000, Limit: 65536, Missing: 9}
	e.Evidence.SetFirst([]byte("HTTP/1.1 200 OK\r\nX\x00\"\\:\xff\t"))
	r.NoteFailure(e)
	return r
}

// untrusted is an exchange whose server's certificate could not be trusted.
func untrusted() *record.Record {
	r := ordinary()
	r.Outcome, r.Status, r.UpStatus, r.BodyOut = record.Answered, 502, 0, 1830
	*r.LastAttempt() = record.Attempt{Server: "https://app.internal:8443", Dialled: netip.MustParseAddrPort("10.0.0.4:8443"),
		Connect: 321 * time.Microsecond, Failure: code("upstream.up-handshake.chain-incomplete")}
	e := &failure.Error{Code: code("upstream.up-handshake.chain-incomplete"), Err: errors.New("x509: certificate signed by unknown authority")}
	e.Evidence = failure.Evidence{Dialled: netip.MustParseAddrPort("10.0.0.4:8443"), BytesAcked: -1, Offset: -1, Missing: -1,
		TLS: &failure.TLS{Alert: 48, AlertSent: true, Version: 0x0304, ServerName: "app.internal", CertificateAsked: true, Names: []string{"app.internal", "*.app\x1b[2J"},
			Subject: "CN=app.internal", Issuer: "CN=Intermediate \"2\"", Missing: strings.Repeat("m", tlsTextMaxBytes+1),
			NotBefore: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2026, 4, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
			ClockAhead: -1500 * time.Microsecond, HasClock: true}}
	r.NoteFailure(e)
	return r
}

// unversed is a client with which nothing could be agreed on.
func unversed() *record.Record {
	r := new(record.Record)
	r.Reset()
	r.Outcome = record.Unanswered
	r.NoteFailure(&failure.Error{Code: code("client.handshake.no-cipher"), Evidence: failure.Evidence{BytesAcked: -1, Offset: -1, Missing: -1,
		TLS: &failure.TLS{Alert: -1, Offered: make([]string, tlsListMax+1)}}})
	return r
}

// hidden is an exchange whose failure the cache hid.
func hidden() *record.Record {
	r := ordinary()
	r.UpStatus, r.Cache, r.Hidden = 0, record.CacheStale, code("upstream.connect.refused")
	r.LastAttempt().Failure = r.Hidden
	return r
}

// nothing is a connection that ended before any head.
func nothing() *record.Record {
	r := new(record.Record)
	r.Reset()
	r.Outcome = record.Unanswered
	r.NoteFailure(&failure.Error{Code: code("client.read-head.timeout")})
	return r
}

func code(name string) failure.Code {
	c, ok := failure.ParseCode(name)
	if !ok {
		panic(name)
	}
	return c
}

func samples() []*record.Record {
	return []*record.Record{ordinary(), refused(), hostile(), nothing(), untrusted(), unversed(), saved(), hidden()}
}

func TestLines(t *testing.T) {
	for _, f := range []struct {
		format Format
		name   string
	}{{JSON, "lines.json"}, {Combined, "lines.combined"}} {
		enc := NewEncoder(f.format)
		var got []byte
		for _, r := range samples() {
			got = enc.AppendLine(got, r)
		}
		testkit.Golden(t, filepath.Join("testdata", f.name), got)
	}
}

// checkLine reads a line back with the standard library's decoder (I1).
func checkLine(t *testing.T, got []byte) {
	t.Helper()
	if !bytes.HasSuffix(got, []byte("}\n")) || bytes.Count(got, []byte("\n")) != 1 {
		t.Fatalf("not one line: %q", got)
	}
	if !utf8.Valid(got) {
		t.Fatalf("not UTF-8: %q", got)
	}
	for _, r := range string(got) {
		if r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0x202e {
			t.Fatalf("%U stands in the line: %q", r, got)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(got))
	checkUnique(t, dec, got)
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("more than one value (%v): %q", err, got)
	}
}

// checkUnique reads one value and refuses a key that comes twice in one object.
func checkUnique(t *testing.T, dec *json.Decoder, line []byte) {
	t.Helper()
	tok, err := dec.Token()
	if err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				t.Fatalf("%v: %q", err, line)
			}
			if seen[key.(string)] {
				t.Fatalf("%v comes twice: %q", key, line)
			}
			seen[key.(string)] = true
		}
		checkUnique(t, dec, line)
	}
	if _, err := dec.Token(); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
}

func TestJSONIsOneValidLine(t *testing.T) { // I1
	enc := NewEncoder(JSON)
	for _, r := range samples() {
		checkLine(t, enc.AppendLine(nil, r))
	}
}

func TestJSONKeepsWhatWasSent(t *testing.T) {
	var got struct {
		Host      string `json:"host"`
		Target    string `json:"target"`
		RequestID string `json:"client_request_id"`
		Cut       bool   `json:"user_agent_cut"`
		Failure   string `json:"failure"`
	}
	if err := json.Unmarshal(NewEncoder(JSON).AppendLine(nil, hostile()), &got); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want string }{
		{"host", got.Host, "a\nb\r\t\u2028\u2029\u0085\u202e"},
		{"target", got.Target, "/\\xff\\xfe\\xc3(\x7f\x1b[31m\U0001F600é\U000E0001"},
		{"client_request_id", got.RequestID, `","failure":"x`},
		{"failure", got.Failure, "upstream.read-head-up.bad-field"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.name, c.got, c.want)
		}
	}
	if !got.Cut {
		t.Error("the cut text is not marked")
	}
}

// TestEveryFieldIsWritten: the table has no field that the samples never show, so
// the golden files show each.
func TestEveryFieldIsWritten(t *testing.T) {
	all := string(bytes.Join([][]byte{mustRead(t, "testdata/lines.json")}, nil))
	full := ordinary()
	full.TLS = record.TLS{Version: 0x0304, Cipher: 0x1301}
	for _, text := range []record.Text{record.Method, record.Host, record.Target, record.UserAgent, record.Referer, record.RequestID} {
		full.SetText(text, bytes.Repeat([]byte("x"), 300))
	}
	full.Proxy, full.Proxied = netip.MustParseAddrPort("10.0.0.9:40000"), true
	all += string(NewEncoder(JSON).AppendLine(nil, full))
	line, attempt, evidence := Fields()
	for _, fields := range [][]Field{line, attempt, evidence} {
		seen := map[string]bool{}
		for _, f := range fields {
			if !strings.Contains(all, `"`+f.Name+`":`) {
				t.Errorf("no sample shows %s", f.Name)
			}
			if seen[f.Name] {
				t.Errorf("%s stands in the table twice", f.Name)
			}
			seen[f.Name] = true
		}
	}
}

// TestTypesAreStable: what the table says of types is what a decoder finds (I5).
func TestTypesAreStable(t *testing.T) {
	line, attempt, evidence := Fields()
	for _, raw := range bytes.Split(bytes.TrimSpace(mustRead(t, "testdata/lines.json")), []byte("\n")) {
		var got map[string]any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		checkTypes(t, line, got)
		if ev, ok := got["evidence"].(map[string]any); ok {
			checkTypes(t, evidence, ev)
		}
		list, _ := got["attempt_list"].([]any)
		for _, a := range list {
			checkTypes(t, attempt, a.(map[string]any))
		}
	}
}

func checkTypes(t *testing.T, fields []Field, got map[string]any) {
	t.Helper()
	types := map[string]string{}
	for _, f := range fields {
		types[f.Name] = f.Type
		if _, ok := got[f.Name]; !ok && f.When == always {
			t.Errorf("%s is missing", f.Name)
		}
	}
	for name, v := range got {
		is := ""
		switch v := v.(type) {
		case string:
			is = "string"
		case bool:
			is = "boolean"
		case []any:
			is = "array"
		case map[string]any:
			is = "object"
		case float64:
			if is = "number"; types[name] == "integer" && v == float64(int64(v)) {
				is = "integer"
			}
		}
		if is != types[name] {
			t.Errorf("%s is of type %s, the table says %q", name, is, types[name])
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTimesOfAnyOrder(t *testing.T) {
	enc, r := NewEncoder(JSON), ordinary()
	for _, at := range []string{"2026-03-09T13:03:07.045Z", "1969-12-31T23:59:59.999Z", "2026-03-09T13:03:06.000Z",
		"2026-03-09T13:03:07.999Z", "9999-12-31T23:59:59.001Z"} {
		r.Start, _ = time.Parse(time.RFC3339Nano, at)
		if got := string(enc.AppendLine(nil, r)); !strings.HasPrefix(got, `{"time":"`+at+`",`) {
			t.Errorf("%s is written as %.40s", at, got)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, r := range samples() {
		f.Add(r.Text(record.Method), r.Text(record.Target), r.Text(record.UserAgent), int64(r.Total), uint16(r.Status), "")
	}
	f.Add([]byte("\xf0\x9f\x98"), []byte("\xed\xa0\x80"), []byte("\xe2\x80"), int64(-1), uint16(65535), "\"\n")
	enc, combined := NewEncoder(JSON), NewEncoder(Combined)
	f.Fuzz(func(t *testing.T, a, b, c []byte, n int64, status uint16, zone string) { // I1
		r := hostile()
		r.Start, r.Total, r.Status, r.Version = time.UnixMicro(n%253402300799_000_000), time.Duration(n), int(status), uint8(status)
		r.Client = netip.MustParseAddr("fe80::1").WithZone(zone)
		r.Error.Evidence.SetFirst(b)
		r.Error.Evidence.Field, r.Error.Site, r.Site = string(a), zone, string(c)
		for text, v := range [][]byte{a, b, b, c, c, a} {
			r.SetText(record.Text(text), v)
		}
		if r.Start.Year() >= 0 && r.Start.Year() <= 9999 {
			checkLine(t, enc.AppendLine(nil, r))
		}
		r.Failure, r.Error, r.BodyOut = failure.None, nil, n
		r.Phases[uint(n)%uint(phase.Count)] = time.Duration(n)
		followsTable(t, enc, r)
		for _, c := range bytes.TrimSuffix(combined.AppendLine(nil, r), []byte("\n")) {
			if c < 0x20 || c >= 0x7f {
				t.Fatalf("combined line holds %#x", c)
			}
		}
	})
}

func TestAllocs(t *testing.T) { // I2
	for _, f := range []Format{JSON, Combined} {
		enc, buf := NewEncoder(f), make([]byte, 0, 64<<10)
		for i, r := range samples() {
			if r.Error != nil {
				r.Error.Err = nil
			}
			if i == 2 {
				r.Client = netip.Addr{} // a zone is spelled out with the library's help
			}
			if n := testing.AllocsPerRun(100, func() { buf = enc.AppendLine(buf[:0], r) }); n != 0 {
				t.Errorf("format %d, sample %d: %v allocations per line", f, i, n)
			}
		}
	}
}

func benchmarkLine(b *testing.B, f Format, r *record.Record) {
	enc, buf := NewEncoder(f), make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		r.Start = r.Start.Add(17 * time.Microsecond)
		buf = enc.AppendLine(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

// mixed returns ordinary records that differ as those of a busy gateway do: in
// client, target, server and timings. What a processor foresees in one record sent
// again and again it does not foresee here.
func mixed(n int) []record.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]record.Record, n)
	for i := range out {
		r := ordinary()
		r.ID.Seq += uint64(i)
		r.Start = r.Start.Add(time.Duration(i) * 17 * time.Microsecond)
		r.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(rng.IntN(256)), byte(rng.IntN(256))}), uint16(32768+rng.IntN(28000)))
		r.Client = r.Peer.Addr()
		r.Exchanges = uint32(rng.IntN(5000))
		r.BodyOut = int64(rng.IntN(100_000))
		r.Total = time.Duration(rng.ExpFloat64() * 5e6)
		for p := range r.Phases {
			if r.Phases[p] > 0 {
				r.Phases[p] = time.Duration(rng.ExpFloat64() * float64(r.Phases[p]))
			}
		}
		r.SetText(record.Target, bytes.Repeat([]byte("/shoes"), 1+rng.IntN(10)))
		r.LastAttempt().Server = fmt.Sprintf("10.1.0.%d:8001", rng.IntN(8))
		out[i] = *r
	}
	return out
}

func BenchmarkJSONMixed(b *testing.B) {
	enc, buf, records := NewEncoder(JSON), make([]byte, 0, 64<<10), mixed(1024)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if len(buf) > 32<<10 {
			buf = buf[:0]
		}
		buf = enc.AppendLine(buf, &records[i%len(records)])
	}
}

func BenchmarkJSON(b *testing.B)        { benchmarkLine(b, JSON, ordinary()) }
func BenchmarkJSONFailure(b *testing.B) { benchmarkLine(b, JSON, refused()) }
func BenchmarkCombined(b *testing.B)    { benchmarkLine(b, Combined, ordinary()) }
