// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causey/lab/fault"
	"causey/lab/real"
)

// built is where binary puts the program, "" as long as nobody asked.
var built string

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "causey-causes-")
	if err != nil {
		return "", err
	}
	built = dir
	if err := os.Chmod(dir, 0o755); err != nil { // a stage may run it as another user
		return "", err
	}
	name := filepath.Join(dir, "causey")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", name, "causey/cmd/causey").CombinedOutput()
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

// performance is one fault on its stage, with the program and the visitors.
type performance struct {
	stage  *fault.Stage
	crowds []*fault.Crowd
	admin  *http.Client
}

// raise sets a stage up, starts the program on it and has the visitors come.
func raise(t *testing.T, f *fault.Fault, seed uint64) *performance {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	dir, err := os.MkdirTemp("", "cz") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // servers run as another user
		t.Fatal(err)
	}
	addr, err := real.FreeAddr("0")
	if err != nil {
		t.Fatal(err)
	}
	p := &performance{stage: fault.NewStage(ctx, dir, addr, seed)}
	p.stage.Logf = t.Logf
	t.Cleanup(p.stage.Close)
	unless(t, f.Set(p.stage))
	p.start(t)
	visit, leave := context.WithCancel(ctx)
	p.crowds = p.stage.Visit(visit)
	t.Cleanup(func() {
		leave()
		for _, c := range p.crowds {
			c.Wait()
		}
	})
	return p
}

// start starts the program and waits until its admin side answers.
func (p *performance) start(t *testing.T) {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := p.stage
	socket, config := filepath.Join(s.Dir, "a.sock"), filepath.Join(s.Dir, "causey.yaml")
	text := fmt.Sprintf("version: 1\nlisten: %q\nadmin: {socket: %q}\naccess_log: {format: json, path: %q}\n%s",
		s.Gateway, socket, filepath.Join(s.Dir, "access.log"), s.Config)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(s.Before), name, "run", "-c", config)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := os.Create(filepath.Join(s.Dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // the second one ends the drain
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	p.admin = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}}}
	t.Cleanup(p.admin.CloseIdleConnections)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := p.admin.Get("http://localhost/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-ended:
			ended <- err
			log, _ := os.ReadFile(said.Name())
			t.Fatalf("the program ended at its start: %v\n%s\n%s", err, log, text)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("the program is not ready after 20 s: %v", err)
		}
	}
}

// incident is what the admin side says of one.
type incident struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Ranked   []struct {
		Cause      string  `json:"cause"`
		Confidence float64 `json:"confidence"`
		Score      float64 `json:"score"`
	} `json:"ranked"`
	Sure  bool `json:"sure"`
	Scope struct {
		Level string `json:"level"`
		Value string `json:"value"`
	} `json:"scope"`
	Opened time.Time `json:"opened"`
}

// top is the cause that the incident has first, "" for none.
func (i incident) top() string {
	if len(i.Ranked) == 0 {
		return ""
	}
	return i.Ranked[0].Cause
}

// rank is the place of the first of the causes, 0 if it has none of them.
func (i incident) rank(causes []string) int {
	for at, r := range i.Ranked {
		if slices.Contains(causes, r.Cause) {
			return at + 1
		}
	}
	return 0
}

// incidents asks the admin side.
func (p *performance) incidents(t *testing.T) []incident {
	t.Helper()
	resp, err := p.admin.Get("http://localhost/api/v1/incidents")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /api/v1/incidents is answered %s", resp.Status)
	}
	var answer struct {
		Incidents []incident `json:"incidents"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Incidents
}

// incidentsThere reports whether the program has incidents at all.
func incidentsThere(t *testing.T) bool {
	t.Helper()
	addr, err := real.FreeAddr("0")
	if err != nil {
		t.Fatal(err)
	}
	p := &performance{stage: fault.NewStage(t.Context(), t.TempDir(), addr, 1)}
	p.stage.Config = strings.Join([]string{"sites:", "  - host: a.example", "    routes: [{upstream: a}]",
		"upstreams:", "  a: {servers: [127.0.0.1:1]}", ""}, "\n")
	p.start(t)
	resp, err := p.admin.Get("http://localhost/api/v1/incidents")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode != http.StatusNotFound
}
