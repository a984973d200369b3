// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

//go:build soak

// CAUSEY_SOAK_GIB is how much goes through each direction (10), CAUSEY_SOAK_SECONDS
// how long the slow clients stay (60).
package soak_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/test/harness"
)

// grown is by how much memory may grow while nothing but time passes.
const grown = 16 << 20

func startOrigin(t *testing.T) *origin.Server {
	return harness.Origin(t, origin.Options{LogLimit: -1, MaxConns: 20000})
}

// TestDownload takes half of its bytes with a length and half in chunks, at the same
// time, and compares each with what was sent.
func TestDownload(t *testing.T) {
	c := startChild(t, startOrigin(t).Addr(), "")
	half := setting(t, "CAUSEY_SOAK_GIB", 10) << 29
	var moved atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for _, target := range []string{"/size/%d", "/chunked/%d?chunk=65536"} {
		wg.Go(func() {
			resp, err := http.Get("http://" + c.addr + fmt.Sprintf(target, half))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var check pattern.Checker
			if _, err := io.Copy(io.MultiWriter(&check, counter{&moved}), resp.Body); err != nil || check.Bytes() != half {
				t.Errorf("%s: %d good bytes of %d, %v", target, check.Bytes(), half, err)
			}
		})
	}
	early := c.after(&moved, 2*half/10)
	wg.Wait()
	c.flat(early, c.mark(), grown)
	t.Logf("%.1f GiB down in %v", float64(moved.Load())/(1<<30), time.Since(began).Round(time.Second))
}

// TestUpload is the same in the other direction.
func TestUpload(t *testing.T) {
	c := startChild(t, startOrigin(t).Addr(), "")
	half := setting(t, "CAUSEY_SOAK_GIB", 10) << 29
	var moved atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for _, length := range []int64{half, -1} {
		wg.Go(func() {
			body := io.TeeReader(pattern.NewReader(half), counter{&moved})
			req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+c.addr+"/upload", body)
			if err != nil {
				t.Error(err)
				return
			}
			req.ContentLength = length
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			want := fmt.Sprintf("{\"bytes\":%d,\"sha256\":\"%s\"}\n", half, pattern.Sum(half))
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != want {
				t.Errorf("length %d: %q, %v", length, got, err)
			}
		})
	}
	early := c.after(&moved, 2*half/10)
	wg.Wait()
	c.flat(early, c.mark(), grown)
	t.Logf("%.1f GiB up in %v", float64(moved.Load())/(1<<30), time.Since(began).Round(time.Second))
}

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// after waits until so many bytes have moved and marks.
func (c *child) after(moved *atomic.Int64, n int64) int64 {
	for !c.t.Failed() && moved.Load() < n {
		time.Sleep(20 * time.Millisecond)
	}
	return c.mark()
}

// TestSlowClients holds 10,000 clients of which half never finish their head and
// half read a trickle, from many addresses, while others are served.
func TestSlowClients(t *testing.T) {
	const each = 5000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 4*each-1000 {
		t.Skipf("needs %d descriptors, may have %d: ulimit -n", 4*each-1000, limit.Cur)
	}
	// As slow as they are, they make the progress that is asked.
	c := startChild(t, startOrigin(t).Addr(), "timeouts: {read_head: 30m}\nrates: {download: 100B/s, grace: 20s}\nlimits: {connections: 12000}")
	before := c.mark()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	var here, left atomic.Int64
	slow := func(i int, request string, live func(*client.Conn)) {
		conn, err := client.Dial(ctx, client.Target{Addr: c.addr, Source: client.Loopback(i % 200), RecvBuffer: 4096, KeepBytes: 1, Deadline: time.Hour})
		if err != nil {
			t.Error(err)
			return
		}
		conn.Send([]byte(request))
		here.Add(1)
		live(conn)
		if ctx.Err() == nil {
			left.Add(1)
		}
		conn.Close()
	}
	for i := range each {
		wg.Go(func() {
			slow(i, "GET /half HTTP/1.1\r\nHost: a\r\n", func(c *client.Conn) {
				for n := 0; c.Trickle(ctx, []byte("X: y\r\n"), 6, 20*time.Second) && n < 100; n++ {
				}
			})
		})
		wg.Go(func() {
			slow(i, "GET /size/100000000 HTTP/1.1\r\nHost: a\r\n\r\n", func(c *client.Conn) {
				for next := int64(2000); c.ReceiveUntil(2000, func(_ []byte, n int64) bool { return n >= next }); next += 2000 {
					select {
					case <-time.After(2 * time.Second):
					case <-ctx.Done():
						return
					}
				}
			})
		})
		if i%50 == 49 {
			time.Sleep(20 * time.Millisecond) // no faster than listen queues allow
		}
	}
	for end := time.Now().Add(2 * time.Minute); here.Load() < 2*each; time.Sleep(50 * time.Millisecond) {
		if t.Failed() || time.Now().After(end) {
			t.Fatalf("%d of %d are here", here.Load(), 2*each)
		}
	}
	hold := time.Duration(setting(t, "CAUSEY_SOAK_SECONDS", 60)) * time.Second
	c.serveBeside(t, hold) // the collector lets the heap grow to its goal once
	early := c.mark()
	c.serveBeside(t, hold)
	c.flat(early, c.mark(), grown+early/8)
	t.Logf("%d slow clients, %d left early; %.0f bytes of resident memory each", 2*each, left.Load(), float64(early-before)/(2*each))
	if left.Load() > 0 {
		t.Errorf("%d clients were let go", left.Load())
	}
}

// serveBeside is a fast client beside the others: it is served, and how fast is told.
func (c *child) serveBeside(t *testing.T, d time.Duration) {
	t.Helper()
	nc, err := net.Dial("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	var took []time.Duration
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		began := time.Now()
		nc.SetDeadline(began.Add(harness.Patience))
		io.WriteString(nc, "GET /size/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("the fast client: %v", err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != 1000 || resp.StatusCode != 200 {
			t.Fatalf("the fast client: %s, %d bytes, %v", resp.Status, n, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("the fast client: %d requests, median %v, 99%% within %v", len(took), took[len(took)/2], took[len(took)*99/100])
}

// TestIdleConnections tells what a kept connection costs.
func TestIdleConnections(t *testing.T) {
	const n = 7000
	c := startChild(t, startOrigin(t).Addr(), "timeouts: {idle: 1h}")
	request := []byte("GET /size/100 HTTP/1.1\r\nHost: a\r\n\r\n")
	target := client.Target{Addr: c.addr, Deadline: time.Hour}
	warm, err := client.IdleCrowd(t.Context(), target, 500, 50, request)
	if err != nil {
		t.Fatal(err)
	}
	warm.Close()
	c.settle()
	before := c.resident()
	crowd, err := client.IdleCrowd(t.Context(), target, n, 50, request)
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	c.settle()
	after := c.resident()
	if alive := crowd.Alive(); alive != n {
		t.Errorf("%d of %d connections live", alive, n)
	}
	per := float64(after-before) / n
	t.Logf("%d idle connections: %.1f MiB before, %.1f MiB with them, %.0f bytes each", n, mib(before), mib(after), per)
	if per > 4096 {
		t.Errorf("%.0f bytes each", per)
	}
	// Each of them still works.
	for i := 0; i < n; i += 100 {
		if _, err := crowd.Conn(i).Ask(request); err != nil {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

// settle waits until memory has not changed for a second.
func (c *child) settle() {
	last, same := c.resident(), 0
	for end := time.Now().Add(harness.Patience); same < 10 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := c.resident(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
}
