// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package judge plays faults before the real program and reads what it says of them.
//
// What it is: Play, one stage with the program on it and the visitors coming, which breaks
// when it is told to; the incidents, as the admin side tells them.
//
// What it never does: it tells the program nothing of the fault, and reads nothing of it
// but the admin side.
//
// Invariants:
//
//	I1. What is read is the answer of the admin side, not a state inside the program.
//	I2. Play.End ends everything that Begin began.
//
// Start reading with Begin.
package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"causey/lab/fault"
	"causey/lab/real"
)

// Play is faults on their stages, with one program before all and the visitors.
type Play struct {
	Stages []*fault.Stage
	Crowds []*fault.Crowd

	faults []*fault.Fault
	admin  *http.Client
	ends   []func()
}

// Build builds the program into dir and returns its path.
func Build(dir string) (string, error) {
	if err := os.Chmod(dir, 0o755); err != nil { // a stage may run it as another user
		return "", err
	}
	name := filepath.Join(dir, "causey")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", name, "causey/cmd/causey").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building causey: %w: %s", err, out)
	}
	return name, nil
}

// Begin sets a stage up for each fault, starts the program on them and has the visitors
// come. What the machine lacks for it is a fault.ErrNeeds, and faults that cannot be behind
// one gateway are ErrApart. The play is to be ended in any case.
func Begin(ctx context.Context, program string, seed uint64, faults ...*fault.Fault) (*Play, error) {
	p := &Play{faults: faults}
	addr, err := real.FreeAddr("0")
	if err != nil {
		return p, err
	}
	config := ""
	for n, f := range faults {
		dir, err := os.MkdirTemp("", "cz") // short: a socket's path has 107 bytes
		if err != nil {
			return p, err
		}
		p.atEnd(func() { os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil { // servers run as another user
			return p, err
		}
		s := fault.NewStage(ctx, dir, addr, seed+uint64(n))
		p.Stages = append(p.Stages, s)
		p.atEnd(s.Close)
		if err := f.Set(s); err != nil {
			return p, err
		}
		if len(faults) > 1 && len(s.Before) > 0 {
			return p, ErrApart
		}
		if n > 0 {
			s.Config = renamed(s.Config)
		}
		if config, err = together(config, s.Config); err != nil {
			return p, err
		}
	}
	if err := p.start(program, config); err != nil {
		return p, err
	}
	visit, leave := context.WithCancel(ctx)
	for _, s := range p.Stages {
		p.Crowds = append(p.Crowds, s.Visit(visit)...)
	}
	p.atEnd(func() {
		leave()
		for _, c := range p.Crowds {
			c.Wait()
		}
	})
	return p, nil
}

func (p *Play) atEnd(end func()) { p.ends = append(p.ends, end) }

// End ends the play. I2.
func (p *Play) End() {
	for ; len(p.ends) > 0; p.ends = p.ends[:len(p.ends)-1] {
		p.ends[len(p.ends)-1]()
	}
}

// Break makes the faults happen that were not there from the start.
func (p *Play) Break() error {
	for n, f := range p.faults {
		if f.Break == nil {
			continue
		}
		if err := f.Break(p.Stages[n]); err != nil {
			return err
		}
	}
	return nil
}

// start starts the program with the sites of a configuration and waits until its admin
// side answers.
func (p *Play) start(program, sites string) error {
	s := p.Stages[0]
	socket, config := filepath.Join(s.Dir, "a.sock"), filepath.Join(s.Dir, "causey.yaml")
	text := fmt.Sprintf("version: 1\nlisten: %q\nadmin: {socket: %q}\naccess_log: {format: json, path: %q}\n%s",
		s.Gateway, socket, filepath.Join(s.Dir, "access.log"), sites)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	args := append(slices.Clone(s.Before), program, "run", "-c", config)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+s.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := os.Create(filepath.Join(s.Dir, "stderr"))
	if err != nil {
		return err
	}
	defer said.Close()
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.atEnd(func() {
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
	p.atEnd(p.admin.CloseIdleConnections)
	for end := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		resp, err := p.admin.Get("http://localhost/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-ended:
			ended <- err
			log, _ := os.ReadFile(said.Name())
			return fmt.Errorf("the program ended at its start: %w\n%s\n%s", err, log, text)
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("the program is not ready after %v: %w", startTime, err)
		}
	}
}

const startTime = 20 * time.Second

// Incident is what the admin side says of one.
type Incident struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Ranked   []struct {
		Cause      string  `json:"cause"`
		Party      string  `json:"party"`
		Confidence float64 `json:"confidence"`
		Score      float64 `json:"score"`
	} `json:"ranked"`
	Sure  bool `json:"sure"`
	Scope struct {
		Level string `json:"level"`
		Value string `json:"value"`
	} `json:"scope"`
	Upstreams []string  `json:"upstreams"`
	Opened    time.Time `json:"opened"`
	Failed    uint64    `json:"failed"`
	Saved     uint64    `json:"saved"`
}

// Top is the cause that the incident has first, "" for none.
func (i *Incident) Top() string {
	if len(i.Ranked) == 0 {
		return ""
	}
	return i.Ranked[0].Cause
}

// Party is the side of the first cause, "" for none.
func (i *Incident) Party() string {
	if len(i.Ranked) == 0 {
		return ""
	}
	return i.Ranked[0].Party
}

// Confidence is that of the first cause.
func (i *Incident) Confidence() float64 {
	if len(i.Ranked) == 0 {
		return 0
	}
	return i.Ranked[0].Confidence
}

// Rank is the place of the first of the causes, 0 if it has none of them.
func (i *Incident) Rank(causes []string) int {
	for at, r := range i.Ranked {
		if slices.Contains(causes, r.Cause) {
			return at + 1
		}
	}
	return 0
}

// IsOf reports that an upstream of the fault of this number is among its own.
func (i *Incident) IsOf(n int) bool {
	return slices.ContainsFunc(i.Upstreams, func(name string) bool { return strings.HasSuffix(name, second) == (n > 0) })
}

// Incidents asks the admin side. I1.
func (p *Play) Incidents() ([]Incident, error) {
	data, err := p.get("/api/v1/incidents")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Incidents []Incident `json:"incidents"`
	}
	err = json.Unmarshal(data, &answer)
	return answer.Incidents, err
}

// Whole is all that the admin side says of each incident, as JSON: {"incidents": [...]}.
// Its list lacks the facts. I1.
func (p *Play) Whole() ([]byte, error) {
	list, err := p.Incidents()
	if err != nil {
		return nil, err
	}
	whole := make([]json.RawMessage, 0, len(list))
	for i := range list {
		data, err := p.get("/api/v1/incidents/" + list[i].ID)
		if err != nil {
			return nil, err
		}
		whole = append(whole, data)
	}
	return json.Marshal(map[string]any{"incidents": whole})
}

func (p *Play) get(path string) ([]byte, error) {
	resp, err := p.admin.Get("http://localhost" + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s is answered %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
