// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrMissing is a program that is not installed.
type ErrMissing struct{ Program, Package string }

func (e ErrMissing) Error() string {
	return fmt.Sprintf("%s is not installed (Debian package %s)", e.Program, e.Package)
}

// ErrStopped is a signal to a process that was stopped.
var ErrStopped = errors.New("real: the process was stopped")

// Options is what every server takes.
type Options struct {
	// Dir is where the server's own directory is made; "" is the system's directory for temporary files. Where the
	// caller is root the server runs as another user, who must be able to walk to it.
	Dir string
	// Addr is the host:port to listen on, for a server that comes back at its old place, or the path of its unix
	// socket; "" picks one.
	Addr string
}

// Process is a running server.
type Process struct {
	name, network, addr string
	dir                 string
	script              string // php-fpm: what FastCGI asks for
	files               string // where Provide puts files; "" if the program makes the bytes itself

	// program, args, env and probe run it again.
	program string
	args    []string
	env     []string
	probe   func(context.Context) error

	cmd     *exec.Cmd
	exited  chan struct{} // closed when the leader has ended; it is not reaped yet
	reap    chan struct{} // closed to have it reaped
	reaped  chan struct{}
	mu      sync.Mutex // held while signalling and while stopping
	stopped bool
}

// Name is the program's name: "nginx".
func (p *Process) Name() string { return p.name }

// Network is "tcp" or, for php-fpm, perhaps "unix".
func (p *Process) Network() string { return p.network }

// Addr is host:port or the path of a unix socket.
func (p *Process) Addr() string { return p.addr }

// Dir is the server's directory; the user that it runs as owns it.
func (p *Process) Dir() string { return p.dir }

// PID is the id of the leader of the server's process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait returns when no process of the server lives any more, or with ctx's error. Use it after Kill, since each
// process of a group dies in its own time.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		return ctx.Err()
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := p.Workers()
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("real: processes %v of %s live on: %w", left, p.name, ctx.Err())
		}
	}
}

// Log is the end of what the server printed and logged so far, at most 64 KiB. It is gone after Stop.
func (p *Process) Log() string { return tail(filepath.Join(p.dir, logName)) }

// Kill sends sig to every process of the server: SIGKILL is a crash of all of it.
func (p *Process) Kill(sig syscall.Signal) error { return p.signal(-p.PID(), sig) }

// Signal sends sig to the leader only: SIGHUP, SIGQUIT and the like have their meaning there.
func (p *Process) Signal(sig syscall.Signal) error { return p.signal(p.PID(), sig) }

// KillWorkers sends sig to every process but the leader, as the kernel does when memory is out, and reports to how
// many.
func (p *Process) KillWorkers(sig syscall.Signal) (int, error) {
	workers, err := p.Workers()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, pid := range workers {
		if err := p.signal(pid, sig); err == nil {
			n++
		} else if !errors.Is(err, unix.ESRCH) {
			return n, err
		}
	}
	return n, nil
}

func (p *Process) signal(pid int, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return ErrStopped
	}
	return unix.Kill(pid, sig)
}

const stopGrace = 3 * time.Second

// Stop asks the server to end, ends it if it does not, and removes its directory (I1). It may be called twice.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil
	}
	p.stopped = true
	return errors.Join(p.halt(), os.RemoveAll(p.dir))
}

// halt ends the group. It is called with mu held.
func (p *Process) halt() error {
	_ = unix.Kill(-p.PID(), unix.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
	}
	_ = unix.Kill(-p.PID(), unix.SIGKILL) // I2: the leader is at worst a zombie, its group still ours
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	err := p.Wait(ctx)
	close(p.reap)
	if err == nil {
		<-p.reaped
	}
	return err
}

// Restart runs the program again, in its directory and at its address, and waits until it answers. What is left of its
// last life is ended as by Stop. It must not be called while another goroutine uses the process.
func (p *Process) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return ErrStopped
	}
	if err := p.halt(); err != nil {
		return err
	}
	if err := p.exec(); err != nil {
		p.stopped = true // there is nothing to signal any more
		return errors.Join(err, os.RemoveAll(p.dir))
	}
	return p.ready(ctx)
}

// run starts the command and waits for its end. The thread is kept, for the kernel sends the parent-death signal (I3)
// when the thread that started the child ends.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.reaped)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	for unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	close(p.exited)
	<-p.reap
	_ = p.cmd.Wait()
}

// ready polls until probe succeeds, the program ends, or ctx does.
func (p *Process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := p.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("real: %s ended at its start: %s", p.name, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("real: %s does not answer on %s: %w; %s", p.name, p.addr, err, p.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

const (
	logName  = "log"
	logBytes = 64 << 10
)

func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-logBytes), io.SeekStart)
	}
	b, _ := io.ReadAll(io.LimitReader(f, logBytes))
	return string(bytes.ToValidUTF8(b, []byte("?")))
}
