// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package peers has the gateways that causey is compared with: their configurations
// and how they run.
//
// What it is: the templates beside this file, and programs on loopback, each in a
// process group of its own.
//
// What it never does: it touches no service of the machine, and ends only processes
// that it started.
//
// Invariants:
//
//	I1. A Process is returned once its program accepts; one that ended instead is
//	    an error with the program's own words.
//	I2. A signal reaches only the process group that Start made: the leader is
//	    reaped by Stop and not before, so its id cannot be anybody else's.
//
// Start reading with Named and Program.Start.
package peers

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"text/template"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed *.conf *.cfg *.yaml *Caddyfile
var files embed.FS

// Gateway is how a gateway is told what to do, and how it is run.
type Gateway struct {
	// Config is its file, in the directory where it runs.
	Config string
	Argv   []string
}

// Named returns the gateway of that name; causey is our own binary, which need not be in
// the path.
func Named(name, causey string) (Gateway, error) {
	switch name {
	case "nginx":
		return Gateway{"nginx.conf", []string{"nginx", "-p", ".", "-c", "nginx.conf"}}, nil
	case "haproxy":
		return Gateway{"haproxy.cfg", []string{"haproxy", "-db", "-f", "haproxy.cfg"}}, nil
	case "caddy":
		return Gateway{"Caddyfile", []string{"caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"}}, nil
	case "causey":
		binary, err := filepath.Abs(causey)
		return Gateway{"causey.yaml", []string{binary, "run", "-c", "causey.yaml"}}, err
	}
	return Gateway{}, fmt.Errorf("unknown contender %q", name)
}

// Render writes the template name, filled with v, to the file as in dir.
func Render(dir, name, as string, v any) error {
	text, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	t, err := template.New(name).Funcs(template.FuncMap{
		"mod":  func(a, b int) int { return a % b },
		"host": host,
		"port": Port,
	}).Parse(string(text))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, as), b.Bytes(), 0o644)
}

// FreeAddr returns a loopback address that was free a moment ago.
func FreeAddr() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer ln.Close()
	return ln.Addr().String()
}

func host(addr string) string {
	name, _, _ := net.SplitHostPort(addr)
	return name
}

// Port is the port of a host:port.
func Port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// Program is what to start.
type Program struct {
	// Name is what errors call it.
	Name string
	// Dir is its working directory, where its configuration lies, and where it may keep what
	// outlives it.
	Dir string
	// Addr is where it listens.
	Addr string
	Argv []string
	// Env is added to our own environment.
	Env []string
	// Stdin is its standard input, nil for none.
	Stdin *os.File
}

// Process is a program that runs.
type Process struct {
	cmd *exec.Cmd
	log *bytes.Buffer
	// ended is closed when the program has ended. It is not reaped yet.
	ended chan struct{}
	// mu is held while signalling and while stopping (I2).
	mu      sync.Mutex
	stopped bool
}

// startLimit is how long a program may take until it accepts.
const startLimit = 10 * time.Second

// Start runs the program and waits until it accepts (I1).
func (p Program) Start() (*Process, error) {
	r := &Process{log: &bytes.Buffer{}, ended: make(chan struct{})}
	r.cmd = exec.Command(p.Argv[0], p.Argv[1:]...)
	r.cmd.Dir = p.Dir
	r.cmd.Env = append(append(os.Environ(), "STATE_DIRECTORY="+p.Dir), p.Env...)
	r.cmd.Stderr = r.log
	if p.Stdin != nil {
		r.cmd.Stdin = p.Stdin
	}
	// What a program logs to stdout is thrown away, as its log file would be.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		for unix.Waitid(unix.P_PID, r.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
		close(r.ended)
	}()
	for deadline := time.Now().Add(startLimit); ; {
		conn, err := net.Dial("tcp", p.Addr)
		if err == nil {
			_ = conn.Close()
			return r, nil
		}
		if time.Now().After(deadline) {
			r.Stop()
			return nil, fmt.Errorf("%s does not accept on %s: %s", p.Name, p.Addr, r.log)
		}
		select {
		case <-r.ended:
			r.Stop()
			return nil, fmt.Errorf("%s ended with %s instead of accepting: %s", p.Name, r.cmd.ProcessState, r.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// PID is the id of the program, and of its process group.
func (r *Process) PID() int { return r.cmd.Process.Pid }

// Ended is closed when the program has ended.
func (r *Process) Ended() <-chan struct{} { return r.ended }

// Signal sends sig to every process of the group.
func (r *Process) Signal(sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return os.ErrProcessDone
	}
	return unix.Kill(-r.PID(), sig)
}

// Stop ends the whole process group. It may be called twice.
func (r *Process) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.stopped = true
	_ = unix.Kill(-r.PID(), unix.SIGKILL)
	<-r.ended
	_ = r.cmd.Wait()
}
