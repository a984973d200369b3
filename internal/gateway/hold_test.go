// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"causey/internal/config"
	"causey/internal/engine"
)

// An exchange that waits for a name when a reload brings other resolver settings
// gets its answer: a reload ends nothing that runs.
func TestReloadLetsLookupsEnd(t *testing.T) {
	dns, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	_, port, _ := net.SplitHostPort(origin(t, "found"))
	text := plain + "resolver: [\"" + dns.LocalAddr().String() + "\"]\n"
	g, load := gatewayFor(t, text, "ORIGIN", "name.test:"+port)
	answer := make(chan string)
	go func() { answer <- ask(t, g.Addrs()[0]) }()

	type query struct {
		m    dnsmessage.Message
		from netip.AddrPort
	}
	var asked []query
	b := make([]byte, 1500)
	next := func() {
		dns.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, from, err := dns.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatal(err)
		}
		var m dnsmessage.Message
		if err := m.Unpack(b[:n]); err != nil {
			t.Fatal(err)
		}
		asked = append(asked, query{m, from})
	}
	next()
	load(text + "timeouts: {resolve: 7s}\n")
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	next() // the question for the other family
	for _, q := range asked {
		q.m.Response, q.m.Additionals = true, nil
		if q.m.Questions[0].Type == dnsmessage.TypeA {
			q.m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		out, err := q.m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		dns.WriteToUDPAddrPort(out, q.from)
	}
	if got := <-answer; got != "found" {
		t.Errorf("the exchange that was resolving: %q", got)
	}
}

// Whoever stops a gateway that is stopping may rely on its end as well. I3.
func TestSecondStopWaitsForTheFirst(t *testing.T) {
	g, _ := gatewayFor(t, plain, "ORIGIN", origin(t, "one"))
	conn, err := net.Dial("tcp", g.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); g.eng.Counts().Active == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no exchange")
		}
	}
	now, second := make(chan struct{}), make(chan engine.Counts)
	go g.Stop(now)
	for !g.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	go func() {
		g.Stop(nil)
		second <- g.eng.Counts()
	}()
	close(now)
	if c := <-second; c != (engine.Counts{}) {
		t.Errorf("behind the second Stop: %+v", c)
	}
}

func TestRatesOfClients(t *testing.T) {
	const s = time.Second
	for rates, want := range map[string][2]engine.Rate{
		"":                        {{BytesPerSecond: 240, Grace: 5 * s}, {BytesPerSecond: 240, Grace: 5 * s}},
		"{grace: 9s}":             {{BytesPerSecond: 240, Grace: 9 * s}, {BytesPerSecond: 240, Grace: 9 * s}},
		"{grace: 0}":              {{BytesPerSecond: 240, Grace: s}, {BytesPerSecond: 240, Grace: s}},
		"{upload: 0}":             {{}, {BytesPerSecond: 240, Grace: 5 * s}},
		"{download: 0}":           {{BytesPerSecond: 240, Grace: 5 * s}, {Grace: 30 * s}}, // send_stall
		"{upload: 0, grace: 0}":   {{}, {BytesPerSecond: 240, Grace: s}},
		"{download: 0, grace: 0}": {{BytesPerSecond: 240, Grace: s}, {Grace: 30 * s}},
	} {
		text := strings.NewReplacer("DIR", t.TempDir(), "ORIGIN", "127.0.0.1:1").Replace(plain)
		if rates != "" {
			text += "rates: " + rates + "\n"
		}
		cfg, err := config.Parse("causey.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if o := engineOptions(cfg); o.Upload != want[0] || o.Download != want[1] {
			t.Errorf("rates %s: upload %v, download %v, want %v", rates, o.Upload, o.Download, want)
		}
	}
}
