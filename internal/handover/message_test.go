// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// offered has Inherit read text from a pair whose successor's end is followed by the
// given descriptors, as after an exec. answer is what it says.
func offered(t *testing.T, text string, fds ...int) (p *Predecessor, answer message, err error) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connOf(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// A row of descriptors that nobody else has: high ones.
	at, err := unix.FcntlInt(uintptr(pair[1]), unix.F_DUPFD_CLOEXEC, 700)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[1])
	for i, fd := range fds {
		if err := unix.Dup3(fd, at+1+i, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(at + 1 + i) }) // if nobody took it
	}
	go conn.Write([]byte(text))
	ctx, cancel := context.WithTimeoutCause(context.Background(), 300*time.Millisecond, errors.New("says nothing"))
	defer cancel()
	p, err = Inherit(ctx, strconv.Itoa(at))
	if err != nil {
		answer, _ = newLink(conn).receive(bounded(t, patience))
	}
	return p, answer, err
}

func listening(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	raw, _ := ln.(syscall.Conn).SyscallConn()
	fd := -1
	raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 3) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// TestOffers: good ones, those of later versions, and hostile ones (I3).
func TestOffers(t *testing.T) {
	ln := listening(t)
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	const one = `{"step":"offer","protocol":1,"sockets":[{"kind":"listen","name":":80"}]}` + "\n"
	for _, c := range []struct {
		what, text string
		fds        []int
		wants      string // "" for good
	}{
		{"a good one", one, []int{ln}, ""},
		{"none", `{"step":"offer","protocol":1}` + "\n", nil, ""},
		{"unknown kinds and fields", `{"step":"offer","protocol":1,"more":{"a":[1]},"sockets":[{"kind":"quic","name":":443","x":1}]}` + "\n", []int{ln}, ""},
		{"a name of any bytes", `{"step":"offer","protocol":1,"sockets":[{"kind":"listen","name":"unix:/a b\n:;=\u0000"}]}` + "\n", []int{ln}, ""},
		{"the same name twice", `{"step":"offer","protocol":1,"sockets":[{"kind":"listen","name":"a"},{"kind":"listen","name":"a"}]}` + "\n", []int{ln, ln}, ""},
		{"another protocol", strings.Replace(one, `"protocol":1`, `"protocol":2`, 1), []int{ln}, "speaks protocol 2"},
		{"no protocol", strings.Replace(one, `"protocol":1,`, ``, 1), []int{ln}, "speaks protocol 0"},
		{"another step", strings.Replace(one, "offer", "go", 1), []int{ln}, `begins with "go"`},
		{"a descriptor that is missing", one, nil, "descriptor"},
		{"a file", one, []int{null}, "which should be the listening socket"},
		{"a long name", fmt.Sprintf(`{"step":"offer","protocol":1,"sockets":[{"kind":"listen","name":"%s"}]}`, strings.Repeat("x", nameLimitBytes+1)) + "\n", []int{ln}, "bytes, more than"},
		{"many sockets", `{"step":"offer","protocol":1,"sockets":[{}` + strings.Repeat(",{}", socketsMax) + "]}\n", nil, "are more than"},
		{"no JSON", "GET / HTTP/1.1\r\n\r\n", nil, "no message"},
		{"wrong types", `{"step":7}` + "\n", nil, "no message"},
		{"endless", strings.Repeat("x", messageLimitBytes+10), nil, "a message of more than"},
		{"half", `{"step":`, nil, "says nothing"},
		{"nothing", "", nil, "says nothing"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p, answer, err := offered(t, c.text, c.fds...)
			switch {
			case c.wants == "" && err != nil:
				t.Error(err)
			case c.wants == "":
				p.Fail(nil)
			case err == nil || !strings.Contains(err.Error(), c.wants):
				t.Errorf("%v, want %q", err, c.wants)
			case answer.Step != failed || len(answer.Problems) != 1 || answer.Problems[0].Message != err.Error():
				t.Errorf("the other side is told %+v", answer)
			}
		})
	}
}

// TestVariable: what cannot be meant is refused with what to do, and nothing is
// closed that is somebody else's.
func TestVariable(t *testing.T) {
	if p, err := Inherit(t.Context(), ""); p != nil || err != nil {
		t.Errorf("without the variable: %v, %v", p, err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	for _, value := range []string{"x", "-1", "0", "2", "3x", "99999999999999999999", "100000", strconv.Itoa(null), strconv.Itoa(listening(t))} {
		if p, err := Inherit(t.Context(), value); p != nil || err == nil || !strings.Contains(err.Error(), "unset it") {
			t.Errorf("%q: %v, %v", value, p, err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(null), unix.F_GETFD, 0); err != nil {
		t.Error("a descriptor that is no pair was closed")
	}
}

// TestMessages: what is sent is what is received.
func TestMessages(t *testing.T) {
	a, b := net.Pipe()
	out, in := newLink(a), newLink(b)
	for _, m := range []message{
		{Step: offer, Protocol: protocol, Sockets: []Socket{{Kind: Listen, Name: "unix:/a b:\n\"é\x7f"}, {Kind: AdminUnix, Name: ""}}},
		{Step: prepared, Version: "1.2", Took: []int{0, 3}},
		{Step: failed, Problems: []Problem{{"f", 1, 2, "m\nn"}}},
		{Step: goAhead}, {Step: serving}, {Step: released},
	} {
		go out.send(m)
		if got, err := in.receive(bounded(t, patience)); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v, want %+v", got, err, m)
		}
	}
	a.Close()
	if _, err := in.receive(bounded(t, patience)); !errors.Is(err, errGone) {
		t.Errorf("the end: %v", err)
	}
	if err := out.send(message{Step: goAhead}); !errors.Is(err, errGone) {
		t.Errorf("a send after the end: %v", err)
	}
	var none *Predecessor
	if ln, err := none.Take(Listen, "a"); ln != nil || err != nil || none.TakeAll(Listen) != nil || none.Prepared("") != nil {
		t.Error("nobody is somebody")
	}
	none.Serving(t.Context())
	none.Fail(nil)
}

// TestTake: each socket once, the first of a name first; what is not taken is closed.
func TestTake(t *testing.T) {
	one, two := listening(t), listening(t)
	p, _, err := offered(t, `{"step":"offer","protocol":1,"sockets":[{"kind":"listen","name":"a"},{"kind":"listen","name":"a"},`+
		`{"kind":"activated","name":"http"},{"kind":"activated","name":""},{"kind":"listen","name":"b"}]}`+"\n", one, two, one, two, one)
	if err != nil {
		t.Fatal(err)
	}
	rest := p.sockets[4].FD
	for _, want := range []int{0, 1} {
		ln, err := p.Take(Listen, "a")
		if err != nil || ln == nil || p.took[want] != want {
			t.Fatalf("%v, %v, took %v", ln, err, p.took)
		}
		ln.Close()
	}
	for kind, name := range map[Kind]string{Listen: "a", AdminTCP: "b", Activated: "none"} {
		if ln, err := p.Take(kind, name); ln != nil || err != nil {
			t.Errorf("%s %s: %v, %v", kind, name, ln, err)
		}
	}
	all := p.TakeAll(Activated)
	if len(all) != 2 || all[0].Name != "http" || all[1].Name != "" {
		t.Errorf("%+v", all)
	}
	for _, n := range all {
		unix.Close(n.FD)
	}
	p.Fail(nil)
	if _, err := unix.FcntlInt(uintptr(rest), unix.F_GETFD, 0); err == nil {
		t.Error("what nobody took is still open")
	}
}
