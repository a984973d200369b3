// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// followsTable demands that what the encoder writes of r is what the table says.
func followsTable(t *testing.T, enc *Encoder, r *record.Record) {
	t.Helper()
	got, want := enc.AppendMembers(nil, r), appendMembers(nil, fields, line{r, enc.stamp})
	if !bytes.Equal(got, want) {
		t.Fatalf("differs from the table of fields\ngot:  %s\nwant: %s", got, want)
	}
}

// TestOrdinaryLinesFollowTheTable gives each part of an ordinary record the values
// at which its text changes shape. (FuzzLine goes on from there.)
func TestOrdinaryLinesFollowTheTable(t *testing.T) {
	enc := NewEncoder(JSON)
	change := func(what string, do func(r *record.Record)) {
		t.Helper()
		r := ordinary()
		do(r)
		if !isOrdinary(r) {
			t.Fatalf("%s: no longer an ordinary record", what)
		}
		followsTable(t, enc, r)
	}
	change("nothing", func(*record.Record) {})
	for _, id := range []record.ID{{}, {Seq: 1}, {Seq: 1<<20 - 1}, {Seq: 1 << 20}, {Epoch: 1, Seq: 1 << 20}, {Epoch: 1}, {Epoch: 1<<40 - 1, Seq: math.MaxUint64}} {
		change("ID", func(r *record.Record) { r.ID = id })
	}
	change("empty", func(r *record.Record) { r.Reset() })
	addrs := []string{"192.0.2.7", "10.0.0.1", "fd00::5", "::ffff:192.0.2.7", "fe80::1%eth0", "fe80::1%\"\n", ""}
	for _, c := range addrs {
		for _, p := range addrs {
			change("addresses", func(r *record.Record) {
				r.Client, _ = netip.ParseAddr(c)
				peer, _ := netip.ParseAddr(p)
				r.Peer = netip.AddrPortFrom(peer, 443)
			})
			change("proxy", func(r *record.Record) {
				proxy, _ := netip.ParseAddr(p)
				r.Proxy, r.Proxied = netip.AddrPortFrom(proxy, 443), true
			})
		}
	}
	for _, n := range []int64{math.MinInt64, -1, 0, 9, 10, 99, 100, 999, 1000, 99_999, 999_999, 1_000_000, math.MaxInt64} {
		change("numbers", func(r *record.Record) {
			r.BodyIn, r.BodyOut, r.Exchanges, r.Status, r.UpStatus, r.Version = n, n, uint32(n), int(n), int(n), uint8(n)
			r.Total = time.Duration(n)
		})
	}
	for p := range phase.Count {
		change("one phase", func(r *record.Record) { r.Reset(); r.Phases[p] = 999 * time.Microsecond })
		change("all but one phase", func(r *record.Record) { clear(r.Phases[:]); r.Phases[p] = record.NotReached })
	}
	for o := record.OutcomeNone; int(o) < record.OutcomeCount; o++ {
		change("outcome", func(r *record.Record) { r.Outcome = o })
	}
	for c := record.CacheNone; int(c) < record.CacheCount; c++ {
		change("cache", func(r *record.Record) { r.Cache = c })
		change("hidden", func(r *record.Record) { r.Cache, r.Hidden = c, code("upstream.connect.refused") })
	}
	for _, v := range []uint16{0x0303, 0x0304, 0xffff} {
		change("TLS", func(r *record.Record) { r.TLS = record.TLS{Version: v, Cipher: v, Resumed: v == 0x0304} })
	}
	change("trace", func(r *record.Record) { r.Trace.ID[15] = 0xf0 })
	change("no attempt", func(r *record.Record) { r.AttemptLen = 0 })
	change("new connection", func(r *record.Record) { r.LastAttempt().Reused = false })
	change("names", func(r *record.Record) {
		r.Listener, r.Site, r.Route, r.Upstream, r.LastAttempt().Server = "unix:\"\\", "é", "/\x00", "\xff", "a\u2028b"
	})
	for text := record.Method; text <= record.RequestID; text++ {
		for _, s := range []string{"", "x", "\"", strings.Repeat("\n", 300), strings.Repeat("é", 150)} {
			change("texts", func(r *record.Record) { r.SetText(text, []byte(s)) })
		}
	}
}

// TestOthersAreNotOrdinary: what appendOrdinary leaves out keeps a record from it.
func TestOthersAreNotOrdinary(t *testing.T) {
	for what, do := range map[string]func(r *record.Record){
		"a failure":        func(r *record.Record) { *r = *refused() },
		"a trail":          func(r *record.Record) { r.TrailLen = 1 },
		"a second attempt": func(r *record.Record) { r.AddAttempt() },
		"a saved failure":  func(r *record.Record) { r.Saved = record.ByStale },
		"a wait":           func(r *record.Record) { r.Phases[phase.Queue] = time.Millisecond },
		"a failed attempt": func(r *record.Record) { r.Attempts[0].Failure = code("upstream.connect.refused") },
	} {
		r := ordinary()
		do(r)
		if isOrdinary(r) {
			t.Errorf("%s makes no difference", what)
		}
		followsTable(t, NewEncoder(JSON), r)
	}
}

// TestTextIsEscapedAtAnyPlace puts each byte at each place of texts of any length,
// so that it meets every step by which appendPlain takes bytes.
func TestTextIsEscapedAtAnyPlace(t *testing.T) {
	for size := 1; size <= 17; size++ {
		for at := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte("a"), size)
				b[at] = byte(c)
				want := append([]byte{}, b...)
				if !plain[c] {
					want = slices.Replace(want, at, at+1, appendEscaped(nil, b[at:at+1])...)
				}
				if got := appendText(nil, b); !bytes.Equal(got, want) {
					t.Fatalf("byte %#x at %d of %d: %q, want %q", c, at, size, got, want)
				}
			}
		}
	}
}

func TestIntegersAreDecimal(t *testing.T) {
	check := func(n int64) {
		t.Helper()
		if got := string(appendInt([]byte("x"), n)); got != "x"+strconv.FormatInt(n, 10) {
			t.Fatalf("%d is written as %s", n, got[1:])
		}
	}
	for n := range int64(5_000) {
		check(n)
		check(1_000_000 - 2_500 + n)
		check(rand.Int64N(1_000_000))
		check(-n)
	}
	check(math.MaxInt64)
	check(math.MinInt64)
}

// TestPhaseKeysFit: a longer name of a phase needs a larger phaseKey.
func TestPhaseKeysFit(t *testing.T) {
	for i, k := range phaseKeys {
		if got, want := string(k.text[:k.len]), `,"`+phase.Phase(i).String()+`":`; got != want {
			t.Errorf("the key of phase %d is %s, want %s", i, got, want)
		}
	}
}

func TestMillisecondsHaveThreeDecimals(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.000", 0: "0.000", 999: "0.000", time.Microsecond: "0.001", 999_999: "0.999",
		time.Millisecond: "1.000", 9_999_999: "9.999", 12_345_678: "12.345", time.Second: "1000.000",
		time.Hour: "3600000.000", math.MaxInt64: "9223372036854.775",
	} {
		if got := string(appendMS(nil, d)); got != want {
			t.Errorf("%d ns is written as %s, want %s", d, got, want)
		}
	}
}
