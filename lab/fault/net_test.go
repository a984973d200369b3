// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"causey/lab/real"
)

// look is what a gateway would see of a stage, in few words: "200", "connect: connection refused", "await: silence".
type look func(*Stage) string

// symptom is what there is to see before and after a fault's Break. A fault without a Break shows after from the start.
type symptom struct {
	look   look
	before string
	after  string
}

var netSymptoms = map[string][]symptom{}

// TestNetSymptoms has many stages at a time, whatever the number of processors: all they do is wait.
func TestNetSymptoms(t *testing.T) {
	var all sync.WaitGroup
	turn := make(chan struct{}, 8)
	for _, f := range All() {
		if symptoms, ours := netSymptoms[f.ID()]; ours {
			all.Go(func() {
				turn <- struct{}{}
				t.Run(f.ID(), func(t *testing.T) { netSymptom(t, f, symptoms) })
				<-turn
			})
		}
	}
	all.Wait()
}

func netSymptom(t *testing.T, f *Fault, symptoms []symptom) {
	s := netStage(t, f)
	if f.Break != nil {
		compare(t, s, "before", symptoms, func(y symptom) string { return y.before })
		if err := f.Break(s); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, s, "after", symptoms, func(y symptom) string { return y.after })
	if f.Mend != nil {
		if err := f.Mend(s); err != nil {
			t.Error(err)
		}
	}
}

func netStage(t *testing.T, f *Fault) *Stage {
	t.Helper()
	gateway, err := real.FreeAddr("0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	s := NewStage(ctx, t.TempDir(), gateway, 1)
	t.Cleanup(func() { s.Close(); cancel() })
	var needs ErrNeeds
	if err := f.Set(s); errors.As(err, &needs) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return s
}

// compare waits a little for what a fault needs to show.
func compare(t *testing.T, s *Stage, when string, symptoms []symptom, want func(symptom) string) {
	t.Helper()
	for i, y := range symptoms {
		if want(y) == "" {
			continue
		}
		var got string
		for end := time.Now().Add(6 * time.Second); ; {
			if got = y.look(s); got == want(y) || time.Now().After(end) {
				break
			}
		}
		if got != want(y) {
			t.Errorf("%s, look %d: %q, want %q", when, i, got, want(y))
		}
	}
}

// where is the namespace that the stage's gateway will run in, nil for ours.
func where(s *Stage) (n *space, leave func()) {
	for _, word := range s.Before {
		if path, ok := strings.CutPrefix(word, "--net="); ok {
			f, err := os.Open(path)
			if err != nil {
				panic(err)
			}
			return &space{f}, func() { f.Close() }
		}
	}
	return nil, func() {}
}

const (
	connectPatience = 1200 * time.Millisecond
	answerPatience  = 1200 * time.Millisecond
)

// get asks for a path over a connection of its own.
func get(addr, path string) look {
	return func(s *Stage) string {
		return request(s, addr, "GET "+path+" HTTP/1.1\r\nHost: shop.test\r\n\r\n", connectPatience)
	}
}

// request sends one and reads the whole answer.
func request(s *Stage, addr, text string, patience time.Duration) string {
	c, err := connect(s, addr, patience)
	if err != nil {
		return "connect: " + short(err)
	}
	defer c.Close()
	said, _ := over(c, text)
	return said
}

func connect(s *Stage, addr string, patience time.Duration) (net.Conn, error) {
	n, leave := where(s)
	defer leave()
	return n.dial(net.Dialer{Timeout: patience}, addr)
}

// over sends a request over an open connection, and says whether the answer ends it.
func over(c net.Conn, text string) (said string, closes bool) {
	_ = c.SetDeadline(time.Now().Add(answerPatience))
	resp, err := exchange(c, text)
	if err != nil {
		phase, _, _ := strings.Cut(err.Error(), ":")
		return phase + ": " + short(err), false
	}
	return fmt.Sprint(resp.StatusCode), resp.Close
}

// exchange reads the whole answer.
func exchange(c net.Conn, text string) (*http.Response, error) {
	if _, err := io.WriteString(c, text); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, fmt.Errorf("await: %w", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return resp, nil
}

func short(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case os.IsTimeout(err), errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "end"
	}
	return err.Error()
}

// lookup asks the name server once.
func lookup(server func(*Stage) string, name string, kind dnsmessage.Type) look {
	return func(s *Stage) string {
		var c net.Conn
		n, leave := where(s)
		defer leave()
		err := n.in(func() (err error) {
			c, err = net.Dial("udp", server(s))
			return err
		})
		if err != nil {
			return short(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(answerPatience))
		question := dnsmessage.Message{Header: dnsmessage.Header{ID: 5}, Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
		query, err := question.Pack()
		if err != nil {
			return err.Error()
		}
		if _, err := c.Write(query); err != nil {
			return "send: " + short(err)
		}
		buf := make([]byte, 512)
		k, err := c.Read(buf)
		if err != nil {
			return short(err)
		}
		var m dnsmessage.Message
		if err := m.Unpack(buf[:k]); err != nil {
			return err.Error()
		}
		said := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
		for _, r := range m.Answers {
			switch a := r.Body.(type) {
			case *dnsmessage.AResource:
				said = append(said, net.IP(a.A[:]).String())
			case *dnsmessage.AAAAResource:
				said = append(said, net.IP(a.AAAA[:]).String())
			}
		}
		return strings.Join(said, " ")
	}
}

// mixed looks n times at once, and says which of these were seen at least once.
func mixed(n int, one look) look {
	return func(s *Stage) string {
		seen := make(chan string, n)
		for range n {
			go func() { seen <- one(s) }()
		}
		all := map[string]bool{}
		for range n {
			all[<-seen] = true
		}
		return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
	}
}

// open are the connections that keptOpen holds, by stage.
var open sync.Map

// held is a stage's connection to addr, opened when it is first asked for.
func held(s *Stage, addr string) (c net.Conn, fresh bool, err error) {
	if c, ok := open.Load(s); ok {
		return c.(net.Conn), false, nil
	}
	c, err = connect(s, addr, connectPatience)
	if err == nil {
		open.Store(s, c)
		s.AtEnd(func() { c.Close() })
	}
	return c, true, err
}

// release has held open another one.
func release(s *Stage) { open.Delete(s) }

// I1: what comes in by the door comes as it is, and nothing is open when the stage has ended.
func TestDoor(t *testing.T) {
	s := netStage(t, &Fault{Set: func(s *Stage) error {
		n, err := s.space()
		if err != nil {
			return err
		}
		s.door(n)
		return s.serve(n, s.Gateway, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.RemoteAddr)
		}))
	}})
	d := net.Dialer{Timeout: connectPatience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 7, 7, 7)}}
	var c net.Conn
	for end := time.Now().Add(5 * time.Second); c == nil; {
		var err error
		if c, err = d.Dial("tcp", s.Gateway); err != nil && time.Now().After(end) {
			t.Fatal(err)
		}
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c) // to the FIN
	if err != nil || !strings.Contains(string(answer), "127.7.7.7:") {
		t.Errorf("%q, %v", answer, err)
	}
	kept, err := d.Dial("tcp", s.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	s.Close()
	_ = kept.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := kept.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a connection outlives its stage: %v", err)
	}
	if _, err := d.Dial("tcp", s.Gateway); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the door is still open: %v", err)
	}
}

func TestNetFaultsHaveSymptoms(t *testing.T) {
	for _, list := range [][]*Fault{netDNS(), netDial(), netPath(), netGateway()} {
		for _, f := range list {
			if len(netSymptoms[f.ID()]) == 0 {
				t.Errorf("%s has nothing to be seen by", f.ID())
			}
			if (len(f.Twins) > 0) != (f.Why != "") {
				t.Errorf("%s: twins %v, why %q", f.ID(), f.Twins, f.Why)
			}
		}
	}
}
