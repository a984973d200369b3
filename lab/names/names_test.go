// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package names_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"causey/lab/names"
)

// I1, I2
func TestAnswersAreThoseOfTheLastSet(t *testing.T) {
	s, err := names.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.Addr())
	}}
	for _, want := range [][]netip.Addr{
		{netip.MustParseAddr("127.1.1.1")},
		{netip.MustParseAddr("127.1.1.2"), netip.MustParseAddr("127.1.1.3")},
	} {
		s.Set("app.outage.test", time.Second, want...)
		got, err := r.LookupNetIP(t.Context(), "ip4", "APP.outage.test.")
		if slices.SortFunc(got, netip.Addr.Compare); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	var none *net.DNSError
	if _, err := r.LookupNetIP(t.Context(), "ip4", "db.outage.test."); !errors.As(err, &none) || !none.IsNotFound {
		t.Errorf("a name that nobody set: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTimeToLive(t *testing.T) {
	s, err := names.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Set("app.outage.test", 7*time.Second, netip.MustParseAddr("127.1.1.1"))
	c, err := net.Dial("udp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := dnsmessage.Message{Header: dnsmessage.Header{ID: 5}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName("app.outage.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	query, err := ask.Pack()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write([]byte("no question")) // is not answered
	if _, err := c.Write(query); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 512)
	n, err := c.Read(buf)
	var m dnsmessage.Message
	if err != nil || m.Unpack(buf[:n]) != nil || m.ID != 5 || len(m.Answers) != 1 || m.Answers[0].Header.TTL != 7 {
		t.Errorf("%+v, %v", m, err)
	}
}
