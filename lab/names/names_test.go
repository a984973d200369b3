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

// I1
func TestItAilsAndIsWellAgain(t *testing.T) {
	s, err := names.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	four, six := netip.MustParseAddr("127.1.1.1"), netip.MustParseAddr("fd00::1")
	s.Set("app.test", time.Minute, four, six)
	s.Set("empty.test", time.Minute)
	s.Set("*.wild.test", time.Minute, four)
	s.Fail("zone.test", dnsmessage.RCodeRefused)
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		code dnsmessage.RCode
		n    int
	}{
		{"app.test.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1},
		{"app.test.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 1},
		{"app.test.", dnsmessage.TypeMX, dnsmessage.RCodeSuccess, 0},
		{"empty.test.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 0},
		{"a.b.wild.test.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1},
		{"wild.test.", dnsmessage.TypeA, dnsmessage.RCodeNameError, 0},
		{"zone.test.", dnsmessage.TypeA, dnsmessage.RCodeRefused, 0},
	} {
		if m, err := ask(s, c.name, c.kind, 5*time.Second); err != nil || m.RCode != c.code || len(m.Answers) != c.n {
			t.Errorf("%s %s: %+v, %v", c.name, c.kind, m, err)
		}
	}
	s.Ail(dnsmessage.RCodeServerFailure)
	if m, err := ask(s, "app.test.", dnsmessage.TypeA, 5*time.Second); err != nil || m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("ailing: %+v, %v", m, err)
	}
	s.Ail(dnsmessage.RCodeSuccess)
	s.Silence(true)
	if m, err := ask(s, "app.test.", dnsmessage.TypeA, 50*time.Millisecond); err == nil {
		t.Errorf("silent: %+v", m)
	}
	s.Silence(false)
	const late = 80 * time.Millisecond
	s.Delay(late)
	began := time.Now()
	if m, err := ask(s, "app.test.", dnsmessage.TypeA, 5*time.Second); err != nil || len(m.Answers) != 1 || time.Since(began) < late {
		t.Errorf("late: %+v, %v after %v", m, err, time.Since(began))
	}
	s.Delay(time.Hour) // I2: who is still to be answered does not keep it
	_, _ = ask(s, "app.test.", dnsmessage.TypeA, 10*time.Millisecond)
}

// ask asks one question and waits so long for the answer.
func ask(s *names.Server, name string, kind dnsmessage.Type, patience time.Duration) (m dnsmessage.Message, err error) {
	c, err := net.Dial("udp", s.Addr())
	if err != nil {
		return m, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: 5}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	query, err := question.Pack()
	if err != nil {
		return m, err
	}
	if _, err = c.Write(query); err != nil {
		return m, err
	}
	buf := make([]byte, 512)
	n, err := c.Read(buf)
	if err != nil {
		return m, err
	}
	return m, m.Unpack(buf[:n])
}
