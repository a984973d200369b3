// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"causey/lab/client"
	"causey/test/harness"
)

// leakRounds is how often each way to fail is played. What remains of a handshake
// would show as so many times that.
const leakRounds = 4

// leakSlack is what the gateway and this test may keep: goroutines and descriptors that
// wait to be used again.
const leakSlack = 4

// TestHandshakesLeaveNothing plays every way in which a client's handshake fails, again
// and again, at one gateway: connections, goroutines and descriptors are as before. Not
// parallel: others have goroutines and descriptors too.
func TestHandshakesLeaveNothing(t *testing.T) {
	s := &stage{t: t, dir: t.TempDir()}
	s.ctx, s.cancel = t.Context(), func() {}
	c := Case{timeouts: "handshake: 150ms"}
	s.startOrigin(&c)
	mutualTLS(s, &c)
	g := harness.Start(t, c.config())
	s.addr, s.socket, s.log = g.Addr, filepath.Join(g.Dir, "a.sock"), filepath.Join(g.Dir, "access.log")
	plays := 0
	round := func() {
		for _, tc := range tlsClientCases() {
			tc.play(s)
			plays++
		}
		client.HalfRequest(s.ctx, s.target(), client.Hello(hello(nil)), 100, client.RST)
		s.eventually("end of every connection", func() bool {
			text := s.ask("/metrics")
			for _, state := range []string{"active", "idle", "parked"} {
				if !bytes.Contains(text, []byte("causey_connections{state=\""+state+"\"} 0\n")) {
					return false
				}
			}
			return true
		})
	}
	round()
	goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
	for range leakRounds {
		round()
	}
	s.eventually("end of what handshakes held", func() bool {
		return runtime.NumGoroutine() <= goroutines+leakSlack && openFiles(t) <= descriptors+leakSlack
	})
	t.Logf("%d handshakes: %d goroutines and %d descriptors before, %d and %d after",
		plays, goroutines, descriptors, runtime.NumGoroutine(), openFiles(t))
	if n := len(s.failures()); n < plays {
		t.Errorf("%d failures recorded of %d handshakes", n, plays)
	}
}

func openFiles(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
