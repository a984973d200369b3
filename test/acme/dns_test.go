// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names answers DNS questions: every name is at 127.0.0.1, and has the TXT records
// that were published.
type names struct {
	addr string
	mu   sync.Mutex
	txt  map[string][]string
}

func startNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	n := &names{addr: conn.LocalAddr().String(), txt: map[string][]string{}}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.answer(buf[:size]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return n
}

func (n *names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	switch q.Type {
	case dnsmessage.TypeA:
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
	case dnsmessage.TypeTXT:
		n.mu.Lock()
		for _, text := range n.txt[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))] {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.TXTResource{TXT: []string{text}}})
		}
		n.mu.Unlock()
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

// records are all TXT records there are.
func (n *names) records() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, values := range n.txt {
		count += len(values)
	}
	return count
}

// publisher takes records over HTTP, as a provider of DNS would.
func (n *names) publisher(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		name, value := r.FormValue("name"), r.FormValue("value")
		var kept []string
		for _, v := range n.txt[name] {
			if v != value {
				kept = append(kept, v)
			}
		}
		if r.FormValue("verb") == "present" {
			kept = append(kept, value)
		}
		n.txt[name] = kept
	}))
	t.Cleanup(s.Close)
	return s
}

// publish is the program that DNS-01 calls: this test binary, with a URL and what
// certs.Exec adds.
func publish(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("want URL VERB NAME VALUE, got %q", args)
	}
	response, err := http.PostForm(args[0], map[string][]string{"verb": {args[1]}, "name": {args[2]}, "value": {args[3]}})
	if err != nil {
		return err
	}
	return response.Body.Close()
}

const publishFlag = "-publish"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == publishFlag {
		if err := publish(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
