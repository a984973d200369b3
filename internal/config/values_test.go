// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// readsAs checks a parse function: each text is read as the value whose String
// is given, that String is read as the same value, and "" means an error.
func readsAs[T interface {
	comparable
	fmt.Stringer
}](t *testing.T, parse func(string) (T, error), cases map[string]string) {
	t.Helper()
	for text, want := range cases {
		v, err := parse(text)
		if want == "" {
			var value *ValueError
			if err == nil || !errors.As(err, &value) || value.Message == "" {
				t.Errorf("%q was read as %v, %v", text, v, err)
			}
			continue
		}
		if err != nil || v.String() != want {
			t.Errorf("%q was read as %v, %v; want %s", text, v, err, want)
			continue
		}
		if again, err := parse(v.String()); err != nil || again != v {
			t.Errorf("%q, which is %q, was read as %v, %v", v, text, again, err)
		}
	}
}

func TestDuration(t *testing.T) {
	readsAs(t, ParseDuration, map[string]string{
		"0": "0", "0s": "0", "30s": "30s", "1m30s": "1m30s", "90s": "1m30s", "1.5h": "1h30m", "24h": "1d", "7d": "7d",
		"250ms": "250ms", "1.5ms": "1.5ms", "1s500ms": "1s500ms", "0.000001s": "0.001ms", "0.000001ms": "0.000001ms", "1d1h1m1s1ms": "1d1h1m1s1ms",
		"3650d": "3650d", "1.25s": "1s250ms", "0.999999d": "23h59m59s913.6ms",
		"": "", "30": "", "-1s": "", "1s1m": "", "1s1s": "", "1.5h1m": "", "1 s": "", "s": "", ".5s": "", "1.s": "", "1..5s": "", "1us": "", "1S": "",
		"3651d": "", "99999999999999999999d": "", "3650d1ms": "", "1e3s": "", "0.0000001s": "", "1m 30s": "", "٣s": "", "+1s": "", "0x1s": "",
	})
	if d, err := ParseDuration("1h30m"); err != nil || d.Std() != 90*time.Minute {
		t.Errorf("%v, %v", d, err)
	}
}

func TestSize(t *testing.T) {
	readsAs(t, ParseSize, map[string]string{
		"0": "0", "1": "1", "4096": "4KiB", "64KiB": "64KiB", "64k": "64KiB", "64K": "64KiB", "8m": "8MiB", "1g": "1GiB", "1t": "1TiB", "1.5MiB": "1536KiB",
		"10MB": "10000000", "1kB": "1000", "1kb": "1000", "100b": "100", "100B": "100", "1024TiB": "1024TiB", "0.5k": "512",
		"": "", "-1": "", "1.5": "", "1025TiB": "", "99999999999999999999": "", "1 KiB": "", "KiB": "", "1KiBs": "", "1e9": "", "1_000": "", "0x10": "", "unlimited": "", "1.k": "",
	})
}

func TestRate(t *testing.T) {
	readsAs(t, ParseRate, map[string]string{
		"0": "0", "240B/s": "240B/s", "240/s": "240B/s", "1KiB/s": "1KiB/s", "1k/s": "1KiB/s", "0B/s": "0", "1kB/s": "1000B/s",
		"240": "", "240Bps": "", "1KiB/m": "", "240 B/s": "", "": "", "off": "", "/s": "",
	})
	for text, want := range map[string]string{
		"240": "240B/s", "1 KB/sec": "1kB/s", "10 kib/s": "10KiB/s", "240bps": "240B/s", "3mb/s ": "3mB/s", "8 k": "8KiB/s",
	} {
		_, err := ParseRate(text)
		var v *ValueError
		if !errors.As(err, &v) || v.Hint != "a rate is bytes per second; write "+want {
			t.Errorf("%q: %v, want the hint %s", text, err, want)
		} else if _, err := ParseRate(want); err != nil {
			t.Errorf("the hint for %q is wrong itself: %v", text, err)
		}
	}
}

func TestListenAddr(t *testing.T) {
	readsAs(t, ParseListenAddr, map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": ":8080", "*:80": ":80", "[::1]:80": "[::1]:80", "[0:0::1]:80": "[::1]:80", "0.0.0.0:80": "0.0.0.0:80", "[::]:80": "[::]:80",
		"localhost:0": "127.0.0.1:0", "[::ffff:127.0.0.1]:80": "", "[fe80::1%eth0]:80]:80": "", "[fe80::1%eth0]:80": "[fe80::1%eth0]:80",
		"unix:/run/x.sock": "unix:/run/x.sock", "unix:///run/x.sock": "unix:/run/x.sock", "unix:@abstract": "unix:@abstract",
		"systemd:http": "systemd:http", "systemd:0": "systemd:0",
		"": "", "8080": "", "127.0.0.1": "", "::1": "", "::1:80": "", "a.example:80": "", ":65536": "", ":-1": "", ":": "", ":08": "", "unix:": "", "unix:x": "", "unix:@": "", "unix:/a/": "",
		"unix:/" + fmt.Sprintf("%0107d", 0): "", "systemd:": "", "systemd:a b": "", "http://:80": "", "[::1]": "", "[127.0.0.1]:80": "", "1.2.3.4.5:80": "",
	})
	for text, want := range map[string]bool{"127.9.9.9:1": true, "[::1]:1": true, "unix:/a": true, ":1": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "systemd:a": false} {
		if a, err := ParseListenAddr(text); err != nil || a.Loopback() != want {
			t.Errorf("%s: loopback is %v, %v", text, a.Loopback(), err)
		}
	}
}

func TestServerAddr(t *testing.T) {
	readsAs(t, ParseServerAddr, map[string]string{
		"app:3000": "app:3000", "APP.Example:3000": "app.example:3000", "10.0.0.5:80": "10.0.0.5:80", "[::1]:80": "[::1]:80", "3000": "localhost:3000", ":3000": "localhost:3000",
		"http://app": "app:80", "http://app/": "app:80", "HTTP://app:81/": "app:81", "http://[::1]": "[::1]:80", "http://[::1]:81": "[::1]:81", "http://10.0.0.1": "10.0.0.1:80",
		"unix:/run/a.sock": "unix:/run/a.sock", "unix:///run/a.sock": "unix:/run/a.sock", "my_app_1:80": "my_app_1:80", "_http._tcp.App.example": "_http._tcp.app.example", "https://_h._TCP.a.b": "https://_h._tcp.a.b", "http://_http._tcp.a.b": "_http._tcp.a.b",
		"_http._tcp.a:80": "", "_http._tcp": "", "_http._tcp.": "", "https://_h._tcp.a.b/": "", "_http._udp.a": "", "_http.tcp.a:80": "_http.tcp.a:80", "http:3000": "http:3000",
		"": "", "app": "", "app:": "", "app:0": "", "0": "", "65536": "", "https://app": "https://app:443", "https://app:8443/": "https://app:8443", "HTTPS://[::1]": "https://[::1]:443", "wss://app": "", "https://": "", "https:app": "", "h2c://app": "", "http://": "", "http://app/x": "", "http://app?x": "",
		"http://u:p@app": "", "http:app": "", "ws://app": "", "app:80/x": "", "0.0.0.0:80": "", "[::]:80": "", "256.0.0.1:80": "", "-a:80": "", "a..b:80": "", "a.:80": "", "é:80": "", "unix:a": "", "https://app/x": "", "https://0.0.0.0": "",
		"http://::1": "", "a b:80": "", "http://:80": "", "x" + fmt.Sprintf("%063d", 0) + ":80": "", "03000": "", "http://app:": "",
	})
}

func TestPrefix(t *testing.T) {
	readsAs(t, ParsePrefix, map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "192.0.2.7": "192.0.2.7/32", "2001:db8::/32": "2001:db8::/32", "::1": "::1/128", "0.0.0.0/0": "0.0.0.0/0", "::ffff:10.0.0.1": "10.0.0.1/32",
		"": "", "10.0.0.1/8": "", "10.0.0.0/33": "", "10.0.0.0/": "", "10.0.0/8": "", "::ffff:10.0.0.0/104": "", "fe80::1%eth0": "", "10.0.0.0/255.0.0.0": "", "private": "", "10.0.0.0/08": "",
	})
}

func TestExpand(t *testing.T) {
	env := testWorld().env
	for text, want := range map[string]string{
		"a": "a", "${TEST_PORT}": "8099", "x${TEST_PORT}y${TEST_FIELDS}z": "x8099y77z", "${TEST_EMPTY}": "", "${TEST_EMPTY:-d}": "d", "${TEST_UNSET:-}": "",
		"$${TEST_PORT}": "${TEST_PORT}", "$$${TEST_PORT}": "$${TEST_PORT}", "$TEST_PORT": "$TEST_PORT", "${TEST_UNSET:-a:-b}": "a:-b", "100$": "100$", "${TEST_PORT}}": "8099}",
	} {
		if got, err := expand(text, env); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"${", "${}", "${TEST_UNSET}", "${TEST_PORT", "${1A}", "${A B}", "${TEST_PORT:?}", "${TEST_CONTROL}", "${:-x}"} {
		if got, err := expand(text, env); err == nil {
			t.Errorf("%q gave %q", text, got)
		}
	}
	long := func(string) (string, bool) { return fmt.Sprintf("%0*d", expandLimitBytes, 0), true }
	if _, err := expand("x${A}", long); err == nil {
		t.Error("a value above the limit was put in")
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"listen", "limits", "timeouts", "access_log", "shop", "x-forwarded", "a"}
	for word, want := range map[string]string{
		"listne": "listen", "Listen": "listen", "lisen": "listen", "accesslog": "access_log", "Access-Log": "access_log", "shpo": "shop", "timeout": "timeouts",
		"xforwarded": "x-forwarded", "zebra": "", "b": "", "": "", "shopping": "", "listenlistenlistenlistenlistenlistenlistenlistenlistenlistenlisten": "",
	} {
		if got := nearest(word, keys); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
	for _, tc := range []struct {
		a, b string
		n    int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ca", "abc", 3}} {
		if n := edits(tc.a, tc.b); n != tc.n {
			t.Errorf("%q and %q are %d edits apart, want %d", tc.a, tc.b, n, tc.n)
		}
	}
}

func TestConcurrency(t *testing.T) {
	readsAs(t, parseConcurrency, map[string]string{
		"off": "off", "adaptive": "adaptive", "1": "1", "64": "64", "1000000": "1000000",
		"0": "", "-1": "", "01": "", "1.5": "", "1000001": "", "auto": "", "on": "", "": "", "many": "",
	})
}
