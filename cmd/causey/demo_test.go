// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDemo: one sees named failures of many kinds, each with its evidence, before
// the first round of trouble is over, and a summary at the end.
func TestDemo(t *testing.T) {
	want := []string{
		"upstream.connect.refused", "upstream.connect.no-socket", "upstream.relay-body.reset", "upstream.relay-body.short",
		"upstream.await-head.timeout", "upstream.read-head-up.other-protocol", "upstream.relay-body.bad-chunk",
		"upstream.read-head-up.head-too-large", "upstream.await-head.closed-reused", "client.relay-body.reset",
		"client.read-head.cl-te", "client.read-head.other-protocol",
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := outside{sig: make(chan os.Signal, 1)}
	o.out.seen = func(text string) {
		for _, code := range want {
			if !strings.Contains(text, "  "+code+" ") {
				return
			}
		}
		select {
		case o.sig <- os.Interrupt:
		default:
		}
	}
	timeout := time.AfterFunc(patience, func() { o.sig <- os.Interrupt })
	defer timeout.Stop()
	code := run(t.Context(), []string{"demo", "--listen", taken.Addr().String(), "--admin", "127.0.0.1:0"}, o.world())
	text := o.out.String()
	if code != exitOK {
		t.Errorf("exit %d: %s", code, o.err.String())
	}
	story, summary, ended := strings.Cut(text, " requests went well and ")
	if !ended {
		t.Fatalf("there is no summary:\n%s", text)
	}
	for _, code := range want {
		if !strings.Contains(story, "  "+code+" ") {
			t.Errorf("the demo shows no %s:\n%s", code, text)
		}
		if !strings.Contains(summary, "  "+code+" ") {
			t.Errorf("the summary counts no %s:\n%s", code, summary)
		}
	}
	for _, evidence := range []string{"ECONNREFUSED, server 127.0.0.1:", "ENOENT, server unix:", "1,300 bytes missing", "it speaks ssh", "65,536 allowed"} {
		if !strings.Contains(story, evidence) {
			t.Errorf("no evidence %q:\n%s", evidence, story)
		}
	}
	if strings.Contains(summary, "\x1b") || strings.Contains(story, "\x1b") {
		t.Error("colours for somebody who is no terminal")
	}
	if note := o.err.String(); !strings.Contains(note, taken.Addr().String()+" is in use; taking 127.0.0.1:") {
		t.Errorf("it does not say that it took another port: %q", note)
	}
	if strings.Contains(o.err.String(), "level=") {
		t.Errorf("the gateway complains: %s", o.err.String())
	}
}
