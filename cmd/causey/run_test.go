// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"causey/lab/origin"
)

// TestRunRelaysAndExplains goes the way of the README: a server, a failure, and
// every command that tells about it.
func TestRunRelaysAndExplains(t *testing.T) {
	dir := t.TempDir()
	refused, release, err := origin.RefusedAddr()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p := start(t, dir, nil, "run", "--listen", "127.0.0.1:0", "--to", refused, "--admin", "127.0.0.1:0")
	site, page := p.addresses()
	if status, _ := get(t, site, "/cart?item=7"); status != 502 {
		t.Errorf("status %d", status)
	}
	socket := filepath.Join(dir, "admin.sock")

	var lines string
	eventually(t, "the failure is listed", func() bool {
		code, stdout, stderr := causey("failures", "--no-follow", "--socket", socket)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		lines = stdout
		return lines != ""
	})
	for _, want := range []string{"  502  upstream.connect.refused  ", "GET " + site + "/cart?item=7", "ECONNREFUSED, server " + refused} {
		if !strings.Contains(lines, want) {
			t.Errorf("the line lacks %q:\n%s", want, lines)
		}
	}
	id := strings.Fields(lines)[3]
	_, stdout, _ := causey("failures", "--no-follow", "--json", "--admin", page)
	var x exchange
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || x.ID != id || x.Failure != "upstream.connect.refused" {
		t.Errorf("%q: %v", stdout, err)
	}

	code, stdout, stderr := causey("explain", "--admin", page, id)
	if code != exitOK {
		t.Errorf("explain: exit %d, %s", code, stderr)
	}
	for _, want := range []string{id, "Server refuses connections", "ECONNREFUSED", refused, "Time by phase", "Likely reasons"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, stdout)
		}
	}
	// The same words everywhere: an id in capitals, and the JSON of the API.
	if code, stdout, _ := causey("explain", "--json", "--socket", socket, strings.ToUpper(id)); code != exitOK || !strings.Contains(stdout, `"sentences":[`) {
		t.Errorf("explain --json: exit %d, %s", code, stdout)
	}
	if code, _, stderr := causey("explain", "--socket", socket, "00000000-00000000000"); code != exitProblem || !strings.Contains(stderr, "No exchange with this id") {
		t.Errorf("unknown id: exit %d, %s", code, stderr)
	}
	if code, stdout, _ := causey("servers", "--socket", socket); code != exitProblem || !strings.Contains(stdout, refused) || !strings.Contains(stdout, "upstream.connect.refused") {
		t.Errorf("servers: exit %d, %s", code, stdout)
	}
	// Its incident: the reference id leads there.
	eventually(t, "an incident is open", func() bool {
		code, stdout, _ = causey("why", "--socket", socket)
		return code == exitProblem
	})
	if !strings.Contains(stdout, "`causey incidents show 2") || strings.Contains(stdout, "Nothing") {
		t.Errorf("why: %s", stdout)
	}
	eventually(t, "it has the exchange as an example", func() bool { // it is looked at once a second
		code, stdout, _ = causey("incidents", "show", "--socket", socket, id)
		return code == exitOK && strings.Contains(stdout, "\n  "+id+"\n") && strings.Contains(stdout, refused)
	})
	if code, stdout, _ := causey("explain", "--socket", socket, id); code != exitOK || !strings.Contains(stdout, "  Incident  2") {
		t.Errorf("explain after that: exit %d, %s", code, stdout)
	}
	// What the flags said is not read again.
	if code, _, stderr := causey("reload", "--socket", socket); code != exitProblem || !strings.Contains(stderr, "without a configuration file") {
		t.Errorf("reload: exit %d, %s", code, stderr)
	}
	p.stopped()
	if code, _, stderr := causey("failures", "--no-follow", "--socket", socket); code != exitProblem || !strings.Contains(stderr, "no running gateway") {
		t.Errorf("after the end: exit %d, %s", code, stderr)
	}
}

// TestReload: by SIGHUP and by command, a good configuration and a bad one.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	first := lab(t, origin.Options{})
	second := lab(t, origin.Options{Fields: []string{"X-Server: second"}})
	configure(t, dir, first)
	socket, told := notified(t, dir)
	p := start(t, dir, []string{"NOTIFY_SOCKET=" + socket}, "run", "-c", "causey.yaml")
	site, _ := p.addresses()
	admin := filepath.Join(dir, "admin.sock")

	// The address stays, although the configuration says port 0 (I2 of gateway).
	writeFile(t, filepath.Join(dir, "causey.yaml"), "version: 1\nlisten: [127.0.0.1:0]\nsites: []\nupstrems: {}\n")
	p.signal(syscall.SIGHUP)
	p.said("causey.yaml:4:1")
	p.said("did you mean")
	if status, body := get(t, site, "/"); status != 200 || !strings.Contains(body, "hello") {
		t.Errorf("after a bad reload: %d %q", status, body)
	}
	code, _, stderr := causey("reload", "--socket", admin)
	if code != exitProblem || !strings.Contains(stderr, "causey.yaml:4:1: ") || !strings.Contains(stderr, "still in use") {
		t.Errorf("reload of a bad file: exit %d, %s", code, stderr)
	}

	configure(t, dir, second)
	if code, stdout, stderr := causey("reload", "--socket", admin); code != exitOK || stdout != "reloaded\n" {
		t.Errorf("reload: exit %d, %q, %q", code, stdout, stderr)
	}
	if _, servers, _ := causey("servers", "--socket", admin); !strings.Contains(servers, second) {
		t.Errorf("the new server is not in use:\n%s", servers)
	}
	if status, _ := get(t, site, "/"); status != 200 {
		t.Errorf("after a good reload: %d", status)
	}
	eventually(t, "the service manager hears of all of it", func() bool {
		text := told()
		return strings.Contains(text, "READY=1\nSTATUS=listening on ["+site+"]") && strings.Contains(text, "RELOADING=1\nMONOTONIC_USEC=") &&
			strings.LastIndex(text, "READY=1") > strings.LastIndex(text, "RELOADING=1")
	})
	p.stopped()
	eventually(t, "the service manager hears of the end", func() bool { return strings.Contains(told(), "STOPPING=1") })
}

// TestStopDrains: what runs is finished, nobody new is let in.
func TestStopDrains(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, lab(t, origin.Options{}), "timeouts: {drain: 15s}")
	p := start(t, dir, nil, "run", "-c", "causey.yaml")
	site, _ := p.addresses()
	type answer struct {
		status int
		body   string
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		status, body, err := fetch(site, "/slow?ms=700")
		answered <- answer{status, body, err}
	}()
	admin := filepath.Join(dir, "admin.sock")
	eventually(t, "the request is with the server", func() bool {
		_, stdout, _ := causey("servers", "--json", "--socket", admin)
		return strings.Contains(stdout, `"active":1`)
	})
	p.signal(syscall.SIGTERM)
	p.said("draining")
	if a := <-answered; a.err != nil || a.status != 200 {
		t.Errorf("the request that ran: %d %q %v", a.status, a.body, a.err)
	}
	if code := p.exit(); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if _, _, err := fetch(site, "/"); err == nil {
		t.Error("it still answers")
	}
	log, err := os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil || !strings.Contains(string(log), `"target":"/slow?ms=700"`) {
		t.Errorf("the access log has not the last exchange: %q %v", log, err)
	}
}

// TestSecondSignalStopsAtOnce: the drain time is far longer than this test.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, lab(t, origin.Options{}), "timeouts: {drain: 10m, await_head: 10m}")
	p := start(t, dir, nil, "run", "-c", "causey.yaml")
	site, _ := p.addresses()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = fetch(site, "/lab/stall")
	}()
	admin := filepath.Join(dir, "admin.sock")
	eventually(t, "the request is with the server", func() bool {
		_, stdout, _ := causey("servers", "--json", "--socket", admin)
		return strings.Contains(stdout, `"active":1`)
	})
	p.signal(syscall.SIGINT)
	p.said("draining")
	select {
	case <-p.ended:
		t.Fatal("it did not wait for the exchange that runs")
	default:
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit %d", code)
	}
	<-ended
}

// TestReopenLogs is what logrotate does.
func TestReopenLogs(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, lab(t, origin.Options{}))
	p := start(t, dir, nil, "run", "-c", "causey.yaml")
	site, _ := p.addresses()
	name := filepath.Join(dir, "access.log")
	has := func(file, target string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(file)
			return strings.Contains(string(text), target)
		}
	}
	get(t, site, "/size/1")
	eventually(t, "the first line", has(name, "/size/1"))
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	p.said("opened again")
	get(t, site, "/size/2")
	eventually(t, "the second line", has(name, "/size/2"))
	if has(name+".1", "/size/2")() {
		t.Error("the old file was written to")
	}
	p.stopped()
}

// TestReadersOfOutputLeave: a pipe without a reader, behind stdout or stderr, ends
// no gateway.
func TestReadersOfOutputLeave(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &process{t: t}
	p.prepare(dir, "run", "--listen", "127.0.0.1:0", "--to", lab(t, origin.Options{}), "--admin", "127.0.0.1:0")
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.begin()
	_ = w.Close()
	lines := bufio.NewScanner(r)
	_ = r.SetReadDeadline(time.Now().Add(patience))
	for !strings.Contains(p.err.String(), "admin     unix:") && lines.Scan() {
		_, _ = p.err.Write(append(lines.Bytes(), '\n'))
	}
	site, _ := p.addresses()
	_ = r.Close()
	admin := filepath.Join(dir, "admin.sock")
	for i := range 3 {
		// The access log writes to stdout, a reload that is refused to stderr.
		if status, _ := get(t, site, fmt.Sprintf("/size/%d", i)); status != 200 {
			t.Errorf("request %d: %d", i, status)
		}
		if code, _, stderr := causey("reload", "--socket", admin); code != exitProblem || !strings.Contains(stderr, "without a configuration file") {
			t.Errorf("reload: exit %d, %s", code, stderr)
		}
	}
	p.stopped()
}

// TestStartFails: one clear message, and the code that tells a service manager
// whether to try again (I1).
func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	dir := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", dir)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"port in use", []string{"run", "--listen", addr, "--to", "127.0.0.1:1"}, exitTemporary, []string{addr, "in use", "ss -ltnp"}},
		{"admin port in use", []string{"run", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--admin", addr}, exitTemporary, []string{addr, "in use"}},
		{"no such address", []string{"run", "--listen", "192.0.2.1:8080", "--to", "127.0.0.1:1"}, exitProblem, []string{"192.0.2.1:8080", "no such address"}},
		{"a directory", []string{"run", "-c", dir}, exitConfig, []string{dir, "directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := outside{env: map[string]string{"STATE_DIRECTORY": dir}}
			code := run(context.Background(), c.args, o.world())
			stderr := o.err.String()
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("lacks %q: %s", want, stderr)
				}
			}
		})
	}
}

// TestUnreadableFile needs a user whom permissions bind.
func TestUnreadableFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads every file")
	}
	file := filepath.Join(t.TempDir(), "causey.yaml")
	writeFile(t, file, "version: 1\n")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := causey("run", "-c", file)
	if code != exitConfig || !strings.Contains(stderr, file) || !strings.Contains(stderr, "the right to read it") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestWatchdog: whoever asks for signs of life gets them.
func TestWatchdog(t *testing.T) {
	dir := t.TempDir()
	socket, told := notified(t, dir)
	p := start(t, dir, []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=20000"},
		"run", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--admin", "127.0.0.1:0", "--log-format", "json")
	eventually(t, "signs of life", func() bool { return strings.Count(told(), "WATCHDOG=1") >= 3 })
	p.said(`"msg":"started"`)
	for line := range strings.Lines(p.err.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("with --log-format json: %q", line)
		}
	}
	p.stopped()
}

// TestFailuresFollow: a failure that happens while somebody watches is shown, and
// Ctrl-C ends it.
func TestFailuresFollow(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil, "run", "--listen", "127.0.0.1:0", "--to", lab(t, origin.Options{}), "--admin", "127.0.0.1:0")
	site, page := p.addresses()
	o := outside{sig: make(chan os.Signal, 1)}
	done := make(chan int, 1)
	go func() { done <- run(context.Background(), []string{"failures", "--admin", page}, o.world()) }()
	// It may not watch yet; what happened before is shown as well.
	_, _, _ = fetch(site, "/lab/short-body?len=1000&sent=600")
	eventually(t, "the failure is shown", func() bool {
		return strings.Contains(o.out.String(), "upstream.relay-body.short") && strings.Contains(o.out.String(), "400 bytes missing, closed in order (FIN)")
	})
	get(t, site, "/lab/rst")
	eventually(t, "the next one too", func() bool { return strings.Contains(o.out.String(), "upstream.await-head.reset") })
	p.stopped()
	eventually(t, "it says that it waits", func() bool { return strings.Contains(o.err.String(), "the gateway is gone") })
	o.sig <- os.Interrupt
	if code := <-done; code != exitOK {
		t.Errorf("exit %d: %s", code, o.err.String())
	}
}
