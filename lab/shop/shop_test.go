// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package shop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"causey/lab/pattern"
	"causey/lab/shop"
)

// open starts a shop with a journal.
func open(t *testing.T, o shop.Options) (s *shop.Server, entries func() []shop.Entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Journal = f
	s, err = shop.Start("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); f.Close() })
	return s, func() []shop.Entry {
		list, err := shop.ReadJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
}

func ask(t *testing.T, s *shop.Server, method, path, order string) (string, error) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+s.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if order != "" {
		req.Header.Set("X-Order", order)
		req.Header.Set("X-Sent", "1000000007")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return resp.Status, err
	}
	return string(body), err
}

func TestItServesAndWritesDown(t *testing.T) {
	s, entries := open(t, shop.Options{Work: time.Millisecond})
	var want bytes.Buffer
	if _, err := io.Copy(&want, pattern.NewReader(shop.PageBytes)); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{{"GET", shop.Page, ""}, {"POST", shop.Form, "7"}} {
		if got, err := ask(t, s, c[0], c[1], c[2]); got != want.String() || err != nil {
			t.Errorf("%s %s: %d bytes, %v", c[0], c[1], len(got), err)
		}
	}
	if got, err := ask(t, s, "GET", shop.Health, ""); got != "open\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, _ := ask(t, s, "POST", shop.Form, ""); !strings.HasPrefix(got, "400") {
		t.Errorf("an order without number: %q", got)
	}
	list := entries()
	if len(list) != 3 || list[0].What != "page" || list[1].What != "order" || list[1].Order != 7 || !list[1].Sent.Equal(time.Unix(1, 7)) || !list[0].Sent.IsZero() || list[2].What != "health" ||
		time.Since(list[0].At) > time.Minute {
		t.Errorf("%+v", list)
	}
}

// Whatever ails it, it writes down what came: I1, I3.
func TestAilments(t *testing.T) {
	s, entries := open(t, shop.Options{})
	for i, c := range []struct {
		order, health string
		page          func(got string, err error) bool
	}{
		{"well", "open\n", func(got string, err error) bool { return len(got) == shop.PageBytes }},
		{"slow 100ms", "open\n", func(got string, err error) bool { return len(got) == shop.PageBytes }},
		{"fail 500 1", "500 ", func(got string, err error) bool { return strings.HasPrefix(got, "500 ") }},
		{"fail 503 1", "503 ", func(got string, err error) bool { return strings.HasPrefix(got, "503 ") }},
		{"fail garbage 1", "", func(got string, err error) bool { return got == "" && err != nil && !errors.Is(err, io.EOF) }},
		{"fail reset 1", "", func(got string, err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{"fail close 1", "", func(got string, err error) bool { return errors.Is(err, io.EOF) }},
		{"fail silence 1", "", func(got string, err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{"sick", "500 ", func(got string, err error) bool { return len(got) == shop.PageBytes }},
	} {
		if err := s.Tell(c.order); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got, err := ask(t, s, "GET", shop.Page, ""); !c.page(got, err) {
			t.Errorf("%s: the page is %.40q, %v", c.order, got, err)
		}
		if took := time.Since(began); c.order == "slow 100ms" && took < 100*time.Millisecond {
			t.Errorf("%s: the page takes %s", c.order, took)
		}
		if got, _ := ask(t, s, "GET", shop.Health, ""); !strings.HasPrefix(got, c.health) || c.health == "" && got != "" {
			t.Errorf("%s: the health check is %.40q", c.order, got)
		}
		if got := len(entries()); got != 2*(i+1) {
			t.Errorf("%s: %d lines", c.order, got)
		}
	}
	for _, bad := range []string{"", "fail", "fail 500", "fail asleep 1", "slow down", "fail 500 x", "well done"} {
		if s.Tell(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAShareIsSpreadEvenly(t *testing.T) {
	s, _ := open(t, shop.Options{})
	if err := s.Tell("fail 500 0.3"); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range 20 {
		if got, _ := ask(t, s, "GET", shop.Page, ""); strings.HasPrefix(got, "500") {
			failed++
		}
	}
	if failed != 6 {
		t.Errorf("%d of 20 failed", failed)
	}
}

// Shut, it ends what is connected and accepts no more; open again, it serves.
func TestShut(t *testing.T) {
	s, _ := open(t, shop.Options{})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := ask(t, s, "GET", shop.Page, ""); err != nil { // c was accepted before
		t.Fatal(err)
	}
	if err := s.Tell("shut"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what was connected: %v", err)
	}
	hung := false
	for range 5 {
		nc, err := net.DialTimeout("tcp", s.Addr(), 50*time.Millisecond)
		if err != nil {
			var slow net.Error
			hung = errors.As(err, &slow) && slow.Timeout()
			break
		}
		nc.Close() // it stays in the queue, as nobody accepts it
	}
	if !hung {
		t.Error("its queue is not full")
	}
	if err := s.Tell("well"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if got, err := ask(t, s, "GET", shop.Page, ""); len(got) == shop.PageBytes {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("open again: %q, %v", got, err)
		}
	}
	if err := s.Leave(10 * time.Second); err != nil { // a connection without a request counts as idle after 5 s
		t.Error(err)
	}
}

// I2
func TestJournals(t *testing.T) {
	if list, err := shop.ReadJournal(filepath.Join(t.TempDir(), "none")); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	path := filepath.Join(t.TempDir(), "journal")
	for _, bad := range []string{"1 0 page\n", "x 0 page -\n", "1 x page -\n", "1 0 order -\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if list, err := shop.ReadJournal(path); err == nil {
			t.Errorf("%q is read as %v", bad, list)
		}
	}
}
