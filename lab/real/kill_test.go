// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/real"
	"causey/lab/ws"
)

func dial(t *testing.T, p *real.Process) *client.Conn {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Target{Network: p.Network(), Addr: p.Addr(), RecvBuffer: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func request(path string) []byte { return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path) }

func TestKilledBeforeAndInsideTheAnswer(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			slow, big := dial(t, p), dial(t, p)
			slow.Send(request("/slow?ms=60000"))
			path, err := p.Provide(50_000_000)
			if err != nil {
				t.Fatal(err)
			}
			big.Send(request(path))
			if !big.ReceiveUntil(512, func(_ []byte, n int64) bool { return n > 2000 }) {
				t.Fatal("the download does not begin")
			}
			if err := p.Kill(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			for what, c := range map[string]*client.Conn{"before the answer": slow, "inside the body": big} {
				c.ReceiveUntil(32<<10, nil)
				r := c.Close()
				if r.End != client.PeerFIN && r.End != client.PeerRST {
					t.Errorf("%s: %s, %v", what, r.End, r.Err)
				}
				if begun := r.ReceivedBytes > 0; begun != (c == big) || r.ReceivedBytes > 50_000_000 {
					t.Errorf("%s: %d bytes arrived", what, r.ReceivedBytes)
				}
			}
			// The leader is dead; the others of the group die a moment later.
			eventually(t, "nobody listens", func() bool {
				nc, err := net.Dial(p.Network(), p.Addr())
				if err == nil {
					nc.Close()
				}
				return errors.Is(err, syscall.ECONNREFUSED)
			})
		})
	}
}

func TestKilledWorkersComeBack(t *testing.T) {
	php := startPHP(t, real.PHPOptions{Children: 1})
	n, err := real.StartNginx(t.Context(), real.NginxOptions{PHP: php})
	nginx := must(t, n, err)
	g, err := real.StartGunicorn(t.Context(), real.GunicornOptions{Workers: 1})
	gunicorn := must(t, g, err)
	for _, c := range []struct{ front, dies *real.Process }{{nginx, php}, {gunicorn, gunicorn}} {
		conn := dial(t, c.front)
		conn.Send(request("/sse?n=1000"))
		conn.ReceiveUntil(512, func(b []byte, _ int64) bool { return bytes.Contains(b, []byte("event 1")) })
		if n, err := c.dies.KillWorkers(syscall.SIGKILL); n == 0 || err != nil {
			t.Fatalf("%s: killed %d workers, %v", c.dies.Name(), n, err)
		}
		if conn.ReceiveUntil(512, client.Responses("GET")) {
			t.Errorf("%s: the answer that was being made came whole", c.dies.Name())
		}
		resp := get(t, c.front, "/slow?ms=1")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s from the new worker", c.dies.Name(), resp.Status)
		}
	}
}

func TestNginxAloneServesFiles(t *testing.T) {
	n, err := real.StartNginx(t.Context(), real.NginxOptions{})
	p := must(t, n, err)
	c := dial(t, p)
	c.Send(request("/slow"))
	if !c.ReceiveUntil(512, func(b []byte, _ int64) bool { return bytes.Contains(b, []byte("slow line")) }) || !c.Alive() {
		t.Error("the slow file does not trickle")
	}
	resp, err := http.Post(url(p, "/upload"), "text/plain", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("upload: %s", resp.Status)
	}
}

func TestWebSockets(t *testing.T) {
	n, err := real.StartNode(t.Context(), real.NodeOptions{})
	node := must(t, n, err)
	x, err := real.StartNginx(t.Context(), real.NginxOptions{Proxy: node.Addr()})
	nginx := must(t, x, err)
	for _, p := range []*real.Process{nginx, node} { // in this order: nginx needs Node alive
		path := "/ws"
		if p == nginx {
			path = "/proxy/ws"
		}
		w, err := client.DialWebSocket(t.Context(), client.Target{Addr: p.Addr()}, "a", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 5, 126, 70_000} {
			sent := ws.Frame{Last: true, Opcode: ws.Binary, Payload: bytes.Repeat([]byte{'a'}, n)}
			if err := w.Send(sent); err != nil {
				t.Fatal(err)
			}
			if got, err := w.Receive(); err != nil || !bytes.Equal(got.Payload, sent.Payload) || got.Opcode != ws.Binary {
				t.Errorf("%s, %d bytes: %v", path, n, err)
			}
		}
		if err := p.Kill(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if r := w.Leave(client.Wait); r.End != client.PeerFIN && r.End != client.PeerRST {
			t.Errorf("%s: the tunnel ended by %s", path, r.End)
		}
	}
}

// I1
func TestStopLeavesNothing(t *testing.T) {
	dir := openDir(t)
	a, err := real.StartApache(t.Context(), real.ApacheOptions{Options: real.Options{Dir: dir}})
	p := must(t, a, err)
	c := dial(t, p)
	c.Send(request("/slow?ms=60000")) // a CGI script and its sleep hold on
	eventually(t, "the script runs", func() bool { workers, _ := p.Workers(); return len(workers) >= 4 })
	before, err := p.Workers()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range append(before, p.PID()) {
		if alive(pid) {
			t.Errorf("process %d lives on", pid)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := p.Kill(syscall.SIGTERM); !errors.Is(err, real.ErrStopped) { // I2
		t.Errorf("a signal after Stop: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

// openDir is a directory that any user can walk to; t.TempDir is the caller's alone.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "causey-lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// alive reports whether a process exists and is no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(b, []byte(") Z "))
}

func TestServerComesBackAtItsOldPlace(t *testing.T) {
	n, err := real.StartNode(t.Context(), real.NodeOptions{})
	first := must(t, n, err)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	n, err = real.StartNode(t.Context(), real.NodeOptions{Options: real.Options{Addr: first.Addr()}})
	if second := must(t, n, err); second.Addr() != first.Addr() {
		t.Errorf("came back on %s", second.Addr())
	}
	_, err = real.StartNode(t.Context(), real.NodeOptions{Options: real.Options{Addr: first.Addr()}})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("two servers in one place: %v", err)
	}
}

func TestRestart(t *testing.T) {
	php := startPHP(t, real.PHPOptions{Children: 1})
	x, err := real.StartNginx(t.Context(), real.NginxOptions{PHP: php})
	nginx := must(t, x, err)
	n, err := real.StartNode(t.Context(), real.NodeOptions{})
	node := must(t, n, err)
	for _, c := range []struct {
		front, again *real.Process
		path         string
	}{{nginx, php, "/php/"}, {nginx, nginx, "/"}, {node, node, "/"}} {
		first := c.again.PID()
		if err := c.again.Kill(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := c.again.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.again.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if resp := get(t, c.front, c.path); resp.StatusCode != http.StatusOK || c.again.PID() == first {
			t.Errorf("%s: %s from process %d after %d", c.again.Name(), resp.Status, c.again.PID(), first)
		}
	}
	if err := node.Restart(t.Context()); err != nil { // while it lives
		t.Error(err)
	}
	if err := node.Stop(); err != nil {
		t.Error(err)
	}
	if err := node.Restart(t.Context()); !errors.Is(err, real.ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
}

const childDir = "CAUSEY_LAB_CHILD_DIR"

// TestMain lets the test binary play the program that dies.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		p, err := real.StartNode(context.Background(), real.NodeOptions{Options: real.Options{Dir: dir}})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		_, _ = io.Copy(io.Discard, os.Stdin) // dies when its parent wants it to
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// I3
func TestServersDieWithTheirParent(t *testing.T) {
	n, err := real.StartNode(t.Context(), real.NodeOptions{})
	_ = must(t, n, err) // or skip
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), childDir+"="+openDir(t))
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(bufio.NewReader(out), &pid); err != nil || !alive(pid) {
		t.Fatalf("no server: %v", err)
	}
	in.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server dies with its parent", func() bool { return !alive(pid) })
}

func eventually(t *testing.T, why string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + why)
		}
	}
}
