// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causey/lab/origin"
)

// patience bounds every wait of these tests; nothing is expected to take long.
const patience = 20 * time.Second

// built is where binary put the program, "" as long as nobody asked.
var built string

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "causey-test-")
	if err != nil {
		return "", err
	}
	built = dir
	name := filepath.Join(dir, "causey")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", name, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// process is a running causey.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err buffer
	ended    chan struct{}
}

// start starts causey in dir, with its output collected.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t}
	p.prepare(dir, args...)
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout = &p.out
	p.begin()
	return p
}

// prepare says what to run: with its runtime and state directories in dir, and nobody
// to notify.
func (p *process) prepare(dir string, args ...string) {
	p.t.Helper()
	name, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir, "STATE_DIRECTORY="+filepath.Join(dir, "state"), "NOTIFY_SOCKET=")
	p.cmd.Stderr = &p.err
}

// begin starts what was prepared; it is killed at the end of the test if it still
// runs.
func (p *process) begin() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if p.t.Failed() {
			p.t.Logf("stderr of %v:\n%s", p.cmd.Args, p.err.String())
		}
	})
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("never: %s", what)
		}
	}
}

// said waits until stderr has text.
func (p *process) said(text string) {
	p.t.Helper()
	eventually(p.t, "stderr says "+text, func() bool { return strings.Contains(p.err.String(), text) })
}

var (
	listens = regexp.MustCompile(`listens   http://(\S+)\n`)
	pageAt  = regexp.MustCompile(`admin     http://(\S+)/\n`)
)

// addresses waits for the lines that say where it listens.
func (p *process) addresses() (site, page string) {
	p.t.Helper()
	p.said("admin     unix:")
	text := p.err.String()
	s, a := listens.FindStringSubmatch(text), pageAt.FindStringSubmatch(text)
	if s == nil || a == nil {
		p.t.Fatalf("it does not say where it listens:\n%s", text)
	}
	return s[1], a[1]
}

// lab starts a good origin and returns its address.
func lab(t *testing.T, opts origin.Options) string {
	t.Helper()
	s, err := origin.Start("tcp", "127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.Addr()
}

// configure writes causey.yaml into dir, with one upstream.
func configure(t *testing.T, dir, server string, more ...string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, "causey.yaml"), fmt.Sprintf(`version: 1
listen: [127.0.0.1:0]
admin: 127.0.0.1:0
access_log: {format: json, path: access.log}
%s
sites: [{host: "*", routes: [{path: /, upstream: shop}]}]
upstreams: {shop: {servers: [%q]}}
`, strings.Join(more, "\n"), server))
}

// get asks a site for a path over a connection of its own.
func get(t *testing.T, site, path string) (status int, body string) {
	t.Helper()
	status, body, err := fetch(site, path)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func fetch(site, path string) (status int, body string, err error) {
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + site + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// notified collects what a service is told to have become.
func notified(t *testing.T, dir string) (socket string, told func() string) {
	t.Helper()
	socket = filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var b buffer
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			_, _ = b.Write(append(buf[:n], '\n'))
		}
	}()
	return socket, b.String
}

// stopped ends a process in order.
func (p *process) stopped() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		p.t.Errorf("exit %d after SIGTERM", code)
	}
}
