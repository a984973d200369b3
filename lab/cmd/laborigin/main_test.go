// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"causey/lab/client"
	"causey/lab/origin"
)

func TestRunServesAndLogs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-log", "-accept", "serve", "-reuse", "rst"}, in); in.Close() }()
	lines := bufio.NewScanner(out)
	lines.Scan()
	r := client.Raw(t.Context(), client.Target{Addr: lines.Text()}, []byte("GET /lab/cut?at=9 HTTP/1.1\r\n\r\n"))
	if string(r.Received) != "HTTP/1.1 " || r.End != client.PeerFIN {
		t.Errorf("%s %q", r.End, r.Received)
	}
	lines.Scan()
	if want := `connection 1 request 1: "GET" "/lab/cut?at=9", head 30 bytes`; lines.Text() != want {
		t.Errorf("logged %q, want %q", lines.Text(), want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestModesAreListed(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), []string{"-modes"}, &b); err != nil {
		t.Fatal(err)
	}
	for _, m := range append(origin.Modes(), origin.Routes()...) {
		if !strings.Contains(b.String(), "  "+m.Name) || !strings.Contains(b.String(), m.Doc) {
			t.Errorf("%s is not listed", m.Name)
		}
	}
}

// I1
func TestEachOptionHasAFlag(t *testing.T) {
	c, err := parse(strings.Fields("-accept=hold -tls=a.example,127.0.0.1 -backlog=1 -field=A:b -http10 -prefer-length -idle-close=1s -close-after=1 -close-how=rst"+
		" -reuse=fin -reuse-method=POST -idle-bytes=x -idle-bytes-after=1s -max-conns=1 -head-limit=1 -hold-limit=1s"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(c.opts)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if local := name == "KeepBytes" || name == "LogLimit" || name == "Target"; v.Field(i).IsZero() != local {
			t.Errorf("%s cannot be set", name)
		}
	}
	for _, bad := range [][]string{{"-nonsense"}, {"word"}, {"-close-after", "x"}} {
		if _, err := parse(bad, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := run(t.Context(), []string{"-accept", "lunch"}, io.Discard); err == nil {
		t.Error("an unknown accept mode was taken")
	}
}
