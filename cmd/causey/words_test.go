// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"causey/internal/testkit"
	"causey/internal/text"
)

// TestInWords: the evidence in a line, the most telling first.
func TestInWords(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{`{"failure":""}`, ""},
		{`{"failure":"of.another.version"}`, ""},
		{`{"failure":"upstream.connect.refused","server":"app:80","evidence":{"errno":"ECONNREFUSED","end":"rst","dialled":"192.0.2.7:80"}}`,
			"ECONNREFUSED, server 192.0.2.7:80"},
		{`{"failure":"upstream.connect.no-socket","server":"unix:/run/app.sock","evidence":{"errno":"ENOENT","end":"open"}}`,
			"ENOENT, server unix:/run/app.sock"},
		{`{"failure":"upstream.await-head.timeout","phases":{"await-head":60000.5},"evidence":{"end":"open","dialled":"192.0.2.7:80"}}`,
			"nothing for 1m0s, server 192.0.2.7:80"},
		{`{"failure":"upstream.await-head.closed-reused","evidence":{"end":"fin","reused":true,"request_number":3,"idle_ms":4200,"response_bytes":0}}`,
			"closed in order (FIN), request 3 on a connection idle for 4200 ms"},
		{`{"failure":"upstream.relay-body.reset","evidence":{"errno":"ECONNRESET","end":"rst","missing":1,"response_bytes":1234567}}`,
			"ECONNRESET, 1 byte missing, after 1,234,567 bytes of the answer"},
		{`{"failure":"upstream.relay-body.reset","evidence":{"end":"rst"}}`, "reset (RST)"},
		{`{"failure":"upstream.resolve.nxdomain","server":"app.example:80","evidence":{"rcode":3,"dns_server":"192.0.2.53:53","end":"open"}}`,
			"rcode 3 from name server 192.0.2.53:53, server app.example:80"},
		{`{"failure":"client.read-head.bad-field","evidence":{"end":"open","first_bytes":"GET / HTTP/1.1\\r\\n\u001b[2J","offset":17,"field":"X-\u202e"}}`,
			`field X-\u202e, it began "GET / HTTP/1.1\r\n\x1b[2J", at byte 17`},
		{`{"failure":"client.read-head.head-too-large","evidence":{"size":70000,"limit":65536,"offset":-1,"end":"open","first_bytes":"GET"}}`,
			"70,000 came, 65,536 allowed"},
		{`{"failure":"upstream.up-handshake.alert","evidence":{"end":"fin","dialled":"192.0.2.7:443","tls_alert":80,"tls_alert_name":"internal_error","tls_alert_sent":false,"tls_server_name":"a.example"}}`,
			"TLS alert 80 internal_error, asked for a.example, closed in order (FIN), server 192.0.2.7:443"},
		{`{"failure":"upstream.up-handshake.wrong-name","evidence":{"end":"open","tls_alert":42,"tls_alert_name":"bad_certificate","tls_alert_sent":true,"tls_server_name":"a.example","tls_names":["b.example","*.b\u202e"]}}`,
			`we sent TLS alert 42 bad_certificate, asked for a.example, offered b.example *.b\u202e`},
		{`{"failure":"upstream.up-handshake.chain-incomplete","evidence":{"end":"open","tls_server_name":"a.example","tls_missing_issuer":"CN=R11"}}`,
			"no certificate of CN=R11, asked for a.example"},
		{`{"failure":"upstream.up-handshake.cert-expired","evidence":{"end":"open","tls_server_name":"","tls_not_after":"2026-01-02T00:00:00Z"}}`,
			"valid until 2026-01-02T00:00:00Z"},
		{`{"failure":"gateway.up-handshake.clock-wrong","evidence":{"end":"open","tls_clock_ahead_ms":-90000.000}}`, "our clock is off by 1m30s"},
		{`{"failure":"client.handshake.tls-version","evidence":{"end":"open","tls_server_name":"","tls_offered":["TLS 1.0","TLS 1.1"]}}`, "offered TLS 1.0 TLS 1.1"},
		{`{"failure":"upstream.up-handshake.not-tls","evidence":{"end":"open","first_bytes":"HTTP/1.1 400 Bad","offset":0}}`, `it began "HTTP/1.1 400 Bad"`},
		{`{"failure":"gateway.finish.bug","evidence":{"end":"open","error":"it \u0007 broke"}}`, `it \a broke`},
	} {
		x, err := decodeExchange([]byte(c.record))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.inWords(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.record, got, c.want)
		}
	}
}

// TestStrangersTextIsHarmless: what a client sent moves no terminal.
func TestStrangersTextIsHarmless(t *testing.T) {
	x, err := decodeExchange([]byte(`{"time":"\u001b[31m","id":"a","client":"\u001b]0;x\u0007","method":"GET","host":"a\u202eb",` +
		`"target":"/\u001b[2J\u009b","site":"*","upstream":"u","server":"s","failure":"upstream.relay-body.short",` +
		`"phases":{},"evidence":{"first_bytes":"\u001b[H"},"explanation":{"sentences":["\u001b[1m"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := x.tell(&page); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{x.line(style{}), page.String(), (&refusal{Detail: "\x1b[2J"}).Error()} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x9b || r == 0x202e }); i >= 0 {
			t.Errorf("at %d: %q", i, text)
		}
	}
}

func TestSpan(t *testing.T) {
	for ms, want := range map[float64]string{0: "0 ms", -1: "0 ms", 0.1234: "0.123 ms", 1.26: "1.3 ms", 99.6: "100 ms", 9999: "9999 ms", 60000: "1m0s"} {
		if got := span(ms); got != want {
			t.Errorf("%v: %s, want %s", ms, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -123456: "-123,456", math.MaxInt64: "9,223,372,036,854,775,807"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestPlaces: where a gateway is looked for.
func TestPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	const rest = "listen: [127.0.0.1:8080]\nsites: [{host: '*', routes: [{upstream: a}]}]\nupstreams: {a: {servers: ['127.0.0.1:1']}}\n"
	writeFile(t, "token", " 0123456789abcdef0123\n")
	writeFile(t, "own.yaml", "version: 1\nadmin: {listen: 127.0.0.1:9000, socket: /srv/x.sock, token_file: token}\n"+rest)
	writeFile(t, "default.yaml", "version: 1\n"+rest)
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	env := map[string]string{"XDG_RUNTIME_DIR": "/run/user/7", "RUNTIME_DIRECTORY": "/run/service:/run/other"}
	for _, c := range []struct {
		f     finder
		want  []string
		token string
	}{
		{finder{}, []string{"unix:/run/service/admin.sock", "unix:/run/user/7/causey/admin.sock", "unix:/run/causey/admin.sock", "127.0.0.1:8081"}, ""},
		{finder{socket: "/srv/y.sock"}, []string{"unix:/srv/y.sock"}, ""},
		{finder{socket: "unix:/srv/y.sock", tokenFile: "token"}, []string{"unix:/srv/y.sock"}, "0123456789abcdef0123"},
		{finder{admin: "127.0.0.1:9001"}, []string{"127.0.0.1:9001"}, ""},
		{finder{admin: "unix:/srv/z.sock"}, []string{"unix:/srv/z.sock"}, ""},
		{finder{config: "own.yaml"}, []string{"unix:/srv/x.sock", "127.0.0.1:9000"}, "0123456789abcdef0123"},
		// The file leaves it to the environment, and the gateway's may be another.
		{finder{config: "default.yaml"}, []string{"unix:/run/service/admin.sock", "unix:/run/user/7/causey/admin.sock", "unix:/run/causey/admin.sock"}, ""},
	} {
		w := (&outside{env: env}).world()
		list, token, err := c.f.places(w)
		var got []string
		for _, p := range list {
			got = append(got, p.String())
		}
		if err != nil || !reflect.DeepEqual(got, c.want) || token != c.token {
			t.Errorf("%+v: %v %q %v, want %v %q", c.f, got, token, err, c.want, c.token)
		}
	}
	var known *exitError
	if _, _, err := (&finder{socket: "a", config: "b"}).places((&outside{}).world()); !errors.As(err, &known) || known.code != exitUsage {
		t.Errorf("two places: %v", err)
	}
	if _, _, err := (&finder{tokenFile: "none"}).places((&outside{}).world()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no token file: %v", err)
	}
}

// TestWatchdogBeat reads the environment as sd_watchdog_enabled(3) does.
func TestWatchdogBeat(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"2000000", "", time.Second}, {"2000000", "1", 0}, {"-5", "", 0}, {"0", "", 0}, {"x", "", 0},
		{"99999999999999999999", "", 0}, {"9223372036854775807", "", 0},
	} {
		env := (&outside{env: map[string]string{"WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid}}).world().env
		if got := watchdogBeat(env); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestNotifierWithoutService: nobody to tell is normal; a bad address is not.
func TestNotifierWithoutService(t *testing.T) {
	n, err := newNotifier((&outside{}).world().env)
	if err != nil {
		t.Fatal(err)
	}
	n.ready("x")
	n.reloading()
	n.close()
	for _, path := range []string{"vsock:2:1234", filepath.Join(t.TempDir(), "none")} {
		n, err := newNotifier((&outside{env: map[string]string{"NOTIFY_SOCKET": path}}).world().env)
		if err == nil {
			t.Errorf("%s: no error", path)
		}
		n.alive() // must not panic
	}
}

// TestTellSaved tells the golden answer about a saved exchange as a story.
func TestTellSaved(t *testing.T) {
	answer, err := os.ReadFile("../../internal/admin/testdata/exchange-saved.json")
	if err != nil {
		t.Fatal(err)
	}
	x, err := decodeExchange(answer)
	if err != nil {
		t.Fatal(err)
	}
	var got text.Page
	if err := x.tell(&got); err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, "testdata/saved.story", []byte(got.String()))
}
