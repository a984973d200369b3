// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
)

// wireCase is what one mode puts on the wire when asked by GET.
type wireCase struct {
	path string // after /lab/
	want string // what arrives exactly or, with a … in it, how it begins and how it ends
	end  client.End
}

// Ends as a client sees them: a stalled or kept connection is one that stays silent until our deadline.
const (
	fin   = client.PeerFIN
	rst   = client.PeerRST
	quiet = client.Deadline
)

const (
	h  = "HTTP/1.1 200 OK\r\n"
	cl = "\r\nContent-Length: 2\r\n\r\nok"
	te = "Transfer-Encoding: chunked\r\n\r\n"
	ch = "2\r\nok\r\n0\r\n\r\n"
)

var wireCases = []wireCase{
	// ends
	{"fin", "", fin}, {"close", "", fin}, {"rst", "", rst}, {"stall", "", quiet}, {"stall?then=rst", "", rst},
	{"half-head", "HTTP/1.1 200 OK\r\nContent-Type: text/pl", quiet}, {"half-head?then=fin", "HTTP/1.1 200 OK\r\nContent-Type: text/pl", fin},
	{"half-status?then=rst", "HTTP/1.1 2", rst}, {"head-only?then=fin", h + "Content-Length: 100\r\n\r\n", fin},
	{"cut?at=0&then=rst", "", rst}, {"cut?at=1", "H", fin}, {"cut?at=40&len=9&then=rst", h + "Content-Length: 9\r\n\r\n00", rst},
	{"cut?at=47&len=9&then=stall", h + "Content-Length: 9\r\n\r\n000000000", quiet},
	{"cut?at=1000&len=3&chunked=1", h + te + "3\r\n000\r\n0\r\n\r\n", fin}, {"cut?at=49&len=3&chunked=1", h + te + "3\r", fin},
	{"cut?at=200000&len=300000&then=rst", h + "Content-Length: 300000\r\n\r\n000000000000000\n…", rst},
	{"reused", h + "…hello from the lab origin\n", quiet}, {"flaky?key=a&then=rst", "", rst}, {"flaky?key=a&then=rst", h + "…hello from the lab origin\n", quiet},
	{"flaky?key=b&status=503", "HTTP/1.1 503 Service Unavailable\r\n…not yet\n", quiet},
	// status lines
	{"status-short", "HTTP/1.1 20 OK" + cl, quiet}, {"status-long", "HTTP/1.1 2000 OK" + cl, quiet}, {"status-alpha", "HTTP/1.1 abc OK" + cl, quiet},
	{"status-negative", "HTTP/1.1 -200 OK" + cl, quiet}, {"status-plus", "HTTP/1.1 +20 OK" + cl, quiet}, {"status-000", "HTTP/1.1 000 Zero" + cl, quiet},
	{"status-099", "HTTP/1.1 099 Low" + cl, quiet}, {"status-599", "HTTP/1.1 599 Odd" + cl, quiet}, {"status-missing", "HTTP/1.1" + cl, quiet},
	{"status-empty", "HTTP/1.1 " + cl, quiet}, {"status-two-spaces", "HTTP/1.1  200 OK" + cl, quiet}, {"status-tab", "HTTP/1.1\t200 OK" + cl, quiet},
	{"status-no-space", "HTTP/1.1 200OK" + cl, quiet}, {"status-no-reason", "HTTP/1.1 200 " + cl, quiet}, {"status-bare", "HTTP/1.1 200" + cl, quiet},
	{"status-leading-space", " " + h[:15] + cl, quiet}, {"status-leading-crlf", "\r\n" + h[:15] + cl, quiet}, {"status-nul", "HTTP/1.1 200 O\x00K" + cl, quiet},
	{"status-bare-cr", "HTTP/1.1 200 O\rK" + cl, quiet}, {"status-bare-lf", "HTTP/1.1 200 OK\n" + cl[2:], quiet}, {"version-lower", "http/1.1 200 OK" + cl, quiet},
	{"version-2", "HTTP/2.0 200 OK" + cl, quiet}, {"version-0.9", "HTTP/0.9 200 OK" + cl, quiet}, {"version-short", "HTTP/1 200 OK" + cl, quiet},
	{"version-long", "HTTP/1.10 200 OK" + cl, quiet}, {"version-garbage", "HTTP/x.y 200 OK" + cl, quiet}, {"version-space", "HTTP/ 1.1 200 OK" + cl, quiet},
	{"version-icy", "ICY 200 OK" + cl, quiet}, {"version-1.0", "HTTP/1.0 200 OK" + cl, fin},
	{"version-1.0-keep", "HTTP/1.0 200 OK\r\nConnection: keep-alive" + cl, quiet}, {"no-date", "HTTP/1.1 200 OK" + cl, quiet},
	{"close-said", h + "Connection: close" + cl, quiet},
	// fields
	{"no-colon", h + "X-Broken" + cl, quiet}, {"empty-name", h + ": value" + cl, quiet}, {"space-before-colon", h + "X-A : b" + cl, quiet},
	{"tab-before-colon", h + "X-A\t: b" + cl, quiet}, {"space-in-name", h + "X A: b" + cl, quiet}, {"name-utf8", h + "X-Größe: b" + cl, quiet},
	{"name-nul", h + "X-\x00A: b" + cl, quiet}, {"name-paren", h + "X-(A): b" + cl, quiet}, {"nul", h + "X-A: b\x00c" + cl, quiet},
	{"ctl", h + "X-A: b\x01c" + cl, quiet}, {"del", h + "X-A: b\x7fc" + cl, quiet}, {"bare-cr", h + "X-A: b\rX-B: c" + cl, quiet},
	{"bare-lf", h + "X-A: b\n" + cl[2:], quiet}, {"bare-lf-all", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", quiet},
	{"bare-lf-end", h + "Content-Length: 2\r\n\nok", quiet}, {"obs-fold", h + "X-A: b\r\n c" + cl, quiet}, {"obs-fold-tab", h + "X-A: b\r\n\tc" + cl, quiet},
	{"fold-first", h + " X-A: b" + cl, quiet}, {"blank-fold", h + "X-A: b\r\n " + cl, quiet}, {"double-cr", h + "X-A: b\r" + cl, quiet},
	{"value-empty", h + "X-A:" + cl, quiet}, {"value-obs-text", h + "X-A: b\xe4\xf6\xfc" + cl, quiet}, {"value-spaces", h + "X-A: \t b \t " + cl, quiet},
	{"name-odd", h + "!#$%&'*+-.^_`|~0aZ: b" + cl, quiet}, {"set-cookie-twice", h + "Set-Cookie: a=1\r\nSet-Cookie: b=2" + cl, quiet},
	{"hop-by-hop", h + "Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Public: 2" + cl, quiet},
	// framing
	{"cl-te", h + "Content-Length: 2\r\n" + te + ch, quiet}, {"te-cl", h + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n" + ch, quiet},
	{"cl-dup-equal", h + "Content-Length: 2" + cl, quiet}, {"cl-dup-differ", h + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", quiet},
	{"cl-list-equal", h + "Content-Length: 2, 2\r\n\r\nok", quiet}, {"cl-list-differ", h + "Content-Length: 1,2\r\n\r\nok", quiet},
	{"cl-negative", h + "Content-Length: -1\r\n\r\nok", quiet}, {"cl-plus", h + "Content-Length: +2\r\n\r\nok", quiet},
	{"cl-hex", h + "Content-Length: 0x2\r\n\r\nok", quiet}, {"cl-float", h + "Content-Length: 2.0\r\n\r\nok", quiet},
	{"cl-empty", h + "Content-Length: \r\n\r\nok", quiet}, {"cl-alpha", h + "Content-Length: two\r\n\r\nok", quiet},
	{"cl-space", h + "Content-Length: 0 2\r\n\r\nok", quiet}, {"cl-overflow", h + "Content-Length: 9223372036854775808\r\n\r\nok", quiet},
	{"cl-overflow-64", h + "Content-Length: 18446744073709551618\r\n\r\nok", quiet},
	{"cl-endless", h + "Content-Length: " + strings.Repeat("9", 200) + "\r\n\r\nok", quiet}, {"cl-zeros", h + "Content-Length: 002\r\n\r\nok", quiet},
	{"te-unknown", h + "Transfer-Encoding: quantum\r\n\r\n" + ch, fin}, {"te-identity", h + "Transfer-Encoding: identity\r\n\r\nok", fin},
	{"te-not-final", h + "Transfer-Encoding: chunked, gzip\r\n\r\n" + ch, fin}, {"te-gzip-chunked", h + "Transfer-Encoding: gzip, chunked\r\n\r\n" + ch, quiet},
	{"te-chunked-twice", h + "Transfer-Encoding: chunked, chunked\r\n\r\n" + ch, quiet},
	{"te-two-lines", h + "Transfer-Encoding: chunked\r\n" + te + ch, quiet}, {"te-two-lines-differ", h + "Transfer-Encoding: identity\r\n" + te + ch, quiet},
	{"te-param", h + "Transfer-Encoding: chunked;q=1\r\n\r\n" + ch, quiet}, {"te-quoted", h + "Transfer-Encoding: \"chunked\"\r\n\r\n" + ch, quiet},
	{"te-prefix", h + "Transfer-Encoding: xchunked\r\n\r\n" + ch, quiet}, {"te-vtab", h + "Transfer-Encoding: \vchunked\r\n\r\n" + ch, quiet},
	{"te-empty", h + "Transfer-Encoding: \r\n\r\n" + ch, fin}, {"te-comma", h + "Transfer-Encoding: chunked,\r\n\r\n" + ch, quiet},
	{"te-case", h + "Transfer-Encoding: ChUnKeD\r\n\r\n" + ch, quiet}, {"te-http10", "HTTP/1.0 200 OK\r\n" + te + ch, fin},
	// bodies
	{"short-body?len=9&sent=3", h + "Content-Length: 9\r\n\r\n000", fin}, {"short-body?len=9&sent=3&then=rst", h + "Content-Length: 9\r\n\r\n000", rst},
	{"long-body", h + cl[2:] + "!!!", quiet}, {"leftover", h + cl[2:] + "stray", quiet},
	{"second-response", h + cl[2:] + h + "Content-Length: 4\r\n\r\nevil", quiet},
	{"second-response-glued", h + cl[2:] + h + "Content-Length: 4\r\n\r\nevil", quiet},
	{"until-close", h + "\r\nuntil the close", fin}, {"until-close-rst", h + "\r\nuntil the close", rst},
	{"until-close-1.0", "HTTP/1.0 200 OK\r\n\r\nuntil the close", fin}, {"empty-body", h + "Content-Length: 0\r\n\r\n", quiet},
	{"204-body", "HTTP/1.1 204 No Content\r\n\r\nbody after 204", quiet}, {"204-length", "HTTP/1.1 204 No Content" + cl, quiet},
	{"204-chunked", "HTTP/1.1 204 No Content\r\n" + te + ch, quiet},
	{"304-length", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n", quiet},
	{"304-body", "HTTP/1.1 304 Not Modified" + cl, quiet}, {"head-body", h + cl[2:], quiet},
	{"endless?limit=131072", h + te + "10000\r\n000000000000000\n…\r\n", fin},
	// chunks
	{"chunk-size-alpha", bad("zz"), quiet}, {"chunk-size-empty", bad(""), quiet}, {"chunk-size-negative", bad("-2"), quiet}, {"chunk-size-plus", bad("+2"), quiet},
	{"chunk-size-0x", bad("0x2"), quiet}, {"chunk-size-space", bad(" 2"), quiet}, {"chunk-size-trailing-space", bad("2 "), quiet},
	{"chunk-size-overflow", bad("10000000000000002"), quiet}, {"chunk-size-huge", bad("7fffffffffffffff"), fin}, {"chunk-size-lf", h + te + "2\nok\r\n0\r\n\r\n", quiet},
	{"chunk-size-cr", bad("2\rx"), quiet}, {"chunk-size-long?bytes=40000", h + te + strings.Repeat("0", 40000) + ch, quiet},
	{"chunk-ext-long?bytes=40000", h + te + "2;e=" + strings.Repeat("x", 40000) + ch[1:], quiet}, {"chunk-ext", h + te + "2;name=value;q=\"a b\"" + ch[1:], quiet},
	{"chunk-ext-nul", bad("2;a\x00b"), quiet}, {"chunk-ext-lf", bad("2;a\nb"), quiet}, {"chunk-no-crlf", h + te + "2\r\nok0\r\n\r\n", quiet},
	{"chunk-lf", h + te + "2\r\nok\n0\r\n\r\n", quiet}, {"chunk-longer", h + te + "2\r\nok!!\r\n0\r\n\r\n", quiet}, {"chunk-cut", h + te + "a\r\nhalf", fin},
	{"chunk-size-cut?then=rst", h + te + "2\r\nok\r\n1", rst}, {"no-last-chunk", h + te + "2\r\nok\r\n", fin}, {"no-last-chunk?then=rst", h + te + "2\r\nok\r\n", rst},
	{"no-last-chunk?then=stall", h + te + "2\r\nok\r\n", quiet}, {"last-chunk-cut", h + te + "2\r\nok\r\n0\r\n", fin}, {"chunk-after-last", h + te + ch + "2\r\nno\r\n", quiet},
	{"chunk-upper", h + te + "00A\r\n0123456789\r\n000\r\n\r\n", quiet}, {"chunk-tiny?n=3", h + te + "1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n", quiet},
	{"trailer-no-colon", h + te + ch[:10] + "Broken\r\n\r\n", quiet}, {"trailer-space", h + te + ch[:10] + "X-A : b\r\n\r\n", quiet},
	{"trailer-nul", h + te + ch[:10] + "X-A: b\x00\r\n\r\n", quiet}, {"trailer-fold", h + te + ch[:10] + "X-A: b\r\n c\r\n\r\n", quiet},
	{"trailer-lf", h + te + ch[:10] + "X-A: b\n\r\n", quiet}, {"trailer-cut", h + te + ch[:10] + "X-A: ", fin},
	{"trailer-framing", h + te + ch[:10] + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n", quiet},
	{"trailer-large?bytes=5", h + te + ch[:10] + "X-Large: xxxxx\r\n\r\n", quiet},
	{"trailer-many?n=2", h + te + ch[:10] + "X-Field-0: value\r\nX-Field-1: value\r\n\r\n", quiet},
	// sizes
	{"head-large?bytes=2000", h + "X-Pad: 99…99\r\n" + cl[2:], quiet}, {"fields-many?n=2", h + "X-Field-0: value\r\nX-Field-1: value" + cl, quiet},
	{"field-large?bytes=30000", h + "X-Large: " + strings.Repeat("x", 30000) + cl, quiet}, {"name-large?bytes=3", h + "X-xxx: b" + cl, quiet},
	{"reason-large?bytes=3", "HTTP/1.1 200 xxx" + cl, quiet}, {"head-endless?n=3&then=rst", h + "X-Field-0: value\r\nX-Field-1: value\r\nX-Field-2: value\r\n", rst},
	// pace
	{"trickle?n=7&every=1ms&len=3", h + "Content-Length: 3\r\n\r\n000", quiet}, {"trickle?n=7&every=1&len=3&what=head", h + "Content-Length: 3\r\n\r\n000", quiet},
	{"trickle?n=2&every=1ms&len=3&what=body", h + "Content-Length: 3\r\n\r\n000", quiet}, {"stall-at?at=2&len=9", h + "Content-Length: 9\r\n\r\n00", quiet},
	{"pause?ms=5&len=3", h + "Content-Length: 3\r\n\r\n000", quiet}, {"late-close?ms=5", "", fin}, {"late-close?ms=5&then=rst", "", rst},
	// interim and upgrade
	{"interim-flood?n=2&code=102", "HTTP/1.1 102 Interim\r\n\r\nHTTP/1.1 102 Interim\r\n\r\n", fin},
	{"interim-end", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n", fin},
	{"interim-length", "HTTP/1.1 103 Early Hints" + cl + h + cl[2:], quiet}, {"interim-bad", "HTTP/1.1 103 Early Hints\r\nLink\r\n\r\n" + h + cl[2:], quiet},
	{"interim-1.0", "HTTP/1.0 103 Early Hints\r\n\r\n" + h + cl[2:], quiet}, {"interim-large?bytes=3", "HTTP/1.1 103 Early Hints\r\nLink: xxx\r\n\r\n" + h + cl[2:], quiet},
	{"100-unasked", "HTTP/1.1 100 Continue\r\n\r\n" + h + cl[2:], quiet}, {"102", "HTTP/1.1 102 Processing\r\n\r\n" + h + cl[2:], quiet},
	{"199", "HTTP/1.1 199 Odd\r\n\r\n" + h + cl[2:], quiet},
	{"101-unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", quiet},
	{"101-wrong", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: quantum\r\nConnection: Upgrade\r\n\r\n", quiet},
	{"101-no-upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n", quiet},
	{"101-no-connection", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", quiet},
	{"101-length", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade" + cl, quiet},
	{"101-end", "HTTP/1.1 101 Switching Protocols\r\n…Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", fin},
	{"101-early", "HTTP/1.1 101 Switching Protocols\r\n…\r\n\r\n\x81\x05hello", fin},
	{"upgrade-ignored", h + cl[2:], quiet}, {"upgrade-refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", quiet},
	{"426", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n…\r\n\r\nno", quiet},
	// other protocols
	{"as-ssh", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", fin}, {"as-smtp", "220 mail.example.org ESMTP\r\n", quiet}, {"as-ftp", "220 FTP ready\r\n", quiet},
	{"as-pop3", "+OK POP3 ready\r\n", quiet}, {"as-imap", "* OK IMAP4rev1 ready\r\n", quiet}, {"as-mysql", "J\x00\x00\x00\n8.0.36\x00…\x02\x00", quiet},
	{"as-vnc", "RFB 003.008\n", quiet}, {"as-redis", "-ERR unknown command 'GET'…\r\n", quiet}, {"as-memcached", "ERROR\r\n", quiet},
	{"as-tls-alert", "\x15\x03\x01\x00\x02\x02\x46", fin}, {"as-tls-handshake", "\x16\x03\x03…", quiet},
	{"as-h2-settings", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", quiet}, {"as-h2-goaway", "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07…\x00\x01", fin},
	{"as-h2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", fin}, {"as-postgres", "E\x00\x00\x00\x2aSFATAL\x00…\x00\x00", fin}, {"as-amqp", "AMQP\x00\x00\x09\x01", fin},
	{"http09", "<html>…</html>\n", fin}, {"json", "{\"error\":\"no head\"}\n", fin}, {"zeros", strings.Repeat("\x00", 64), fin},
	{"high-bytes", "\xff\xfe…\xf8\r\n", fin}, {"blank-lines", "\r\n\r\n\r\n\r\n", fin}, {"cgi", "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nok", fin},
	{"request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", fin}, {"error-line", "Fatal error: …\n", fin},
	// early
	{"early?status=200&len=2", h + cl[2:len(cl)-2] + "00", fin}, {"never-read", "", quiet}, {"read-some?then=fin", "", fin}, {"slow-read", h + "…\"bytes\":0…\n", quiet},
	{"close-head", "", fin}, {"continue-stall", "", quiet}, {"continue-end?then=rst", "", rst}, {"continue-never", h + "…\"bytes\":0…\n", quiet},
	{"continue-many?n=1", "HTTP/1.1 100 Continue\r\n\r\n" + h + "…\n", quiet},
	// raw
	{"raw?hex=00ff0d0a&then=rst", "\x00\xff\r\n", rst}, {"raw?b64=-_8=&then=keep", "\xfb\xff", quiet}, {"raw?b64=+/8", "\xfb\xff", fin},
	{"raw?hex=414243&split=1&every=1ms", "ABC", fin},
}

// bad is a good chunk and then one with this size line.
func bad(line string) string { return h + te + "4\r\ngood\r\n" + line + "\r\nok\r\n0\r\n\r\n" }

// I3, I4
func TestEachModeOnTheWire(t *testing.T) {
	s := start(t, origin.Options{})
	seen := map[string]bool{}
	for _, c := range wireCases {
		name, _, _ := strings.Cut(c.path, "?")
		seen[name] = true
	}
	for _, m := range origin.Modes() {
		if !seen[m.Name] {
			t.Errorf("mode %q has no case here", m.Name)
		}
	}
	for _, c := range wireCases {
		t.Run(c.path, func(t *testing.T) {
			if !strings.HasPrefix(c.path, "flaky") { // which remembers, so its cases keep their order
				t.Parallel()
			}
			var r client.Result
			if c.end == quiet {
				r = untilQuiet(t, s, get("/lab/"+c.path), c.want)
			} else {
				r = client.Raw(t.Context(), target(s), get("/lab/"+c.path))
			}
			if r.End != c.end {
				t.Errorf("ended by %s (%v), not %s, after %.200q", r.End, r.Err, c.end, r.Received)
			}
			if !matches(string(r.Received), c.want) {
				t.Errorf("got  %.300q\nwant %.300q", r.Received, c.want)
			}
		})
	}
}

// untilQuiet receives what is wanted and then listens a moment longer: whatever follows (a byte, FIN, RST) is a mistake.
// A slow machine may miss such a mistake, it cannot make one up.
func untilQuiet(t *testing.T, s *origin.Server, request []byte, want string) client.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn, err := client.Dial(ctx, target(s))
	if err != nil {
		t.Fatal(err)
	}
	conn.Send(request)
	if conn.ReceiveUntil(64<<10, func(b []byte, _ int64) bool { return matches(string(b), want) }) {
		defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
		conn.ReceiveUntil(64<<10, nil)
	}
	return conn.Close()
}

// matches compares got with want, in which … stands for any bytes.
func matches(got, want string) bool {
	parts := strings.Split(want, "…")
	if len(parts) == 1 {
		return got == want
	}
	got, ok := strings.CutPrefix(got, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		var found bool
		_, got, found = strings.Cut(got, part)
		ok = ok && found
	}
	return ok && strings.HasSuffix(got, parts[len(parts)-1])
}

// I4
func TestResetWaitsForASlowReader(t *testing.T) {
	s := start(t, origin.Options{})
	to := target(s)
	to.RecvBuffer = 4096
	r := client.SlowReader(t.Context(), to, get("/lab/cut?at=300000&len=400000&then=rst"), client.Pace{Bytes: 10000, Every: time.Millisecond}, 0)
	if r.ReceivedBytes != 300000 || r.End != rst {
		t.Errorf("%d bytes, then %s", r.ReceivedBytes, r.End)
	}
}
