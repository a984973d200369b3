// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package peers

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A program that refuses its configuration says so at once, in its own words: I1.
func TestProgramThatEndsIsReported(t *testing.T) {
	began := time.Now()
	p := Program{Name: "causey", Dir: t.TempDir(), Addr: FreeAddr(), Argv: []string{"sh", "-c", "echo the reason >&2; exit 3"}}
	_, err := p.Start()
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > startLimit/2 {
		t.Errorf("reported after %s", took)
	}
	p.Argv = []string{"a program that nobody has"}
	if _, err := p.Start(); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// I2
func TestSignalsReachTheGroupUntilItIsStopped(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // stands for the program, which listens nowhere
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p, err := Program{Name: "sleeper", Addr: ln.Addr().String(), Argv: []string{"sh", "-c", "sleep 60 & wait"}}.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-p.Ended():
	case <-time.After(10 * time.Second):
		t.Error("it lives on")
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		t.Errorf("before it is reaped: %v", err)
	}
	p.Stop()
	p.Stop()
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("after Stop: %v", err)
	}
}

// Every configuration of the outages names both servers, or the name server that
// knows them.
func TestOutagesAreRendered(t *testing.T) {
	type values struct {
		Listen, NameServer, Health string
		Servers                    []string
	}
	for _, name := range []string{"outage-causey.yaml", "outage-nginx.conf", "outage-haproxy.cfg", "outage-Caddyfile"} {
		for _, v := range []values{
			{"127.0.0.1:9000", "", "/", []string{"127.1.1.1:8001", "127.1.1.2:8002"}},
			{"127.0.0.1:9000", "127.0.0.1:5353", "/", []string{"app.outage.test:8001"}},
		} {
			dir := t.TempDir()
			if err := Render(dir, name, "file", v); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(dir + "/file")
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range append(v.Servers, v.NameServer) {
				if name, port, _ := net.SplitHostPort(word); !strings.Contains(string(text), name) || !strings.Contains(string(text), port) {
					t.Errorf("%s lacks %q:\n%s", name, word, text)
				}
			}
		}
	}
}
