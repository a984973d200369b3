// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"path/filepath"
	"testing"

	"causey/lab/client"
	"causey/test/harness"
)

// strangers repeats a few cases for a client that is no trusted proxy: it is told the error's type and the reference,
// and neither the code nor a server's address.
func strangers() []Case {
	var all []Case
	for _, c := range []Case{connectCases()[0], answerHeadCases()[0], resolveCases()[0], clientCases()[0], gatewayCases()[0]} {
		c.as, c.untrusted = "stranger", true
		all = append(all, c)
	}
	return all
}

// TestStop ends each case of a stop with the gateway's own Stop: the log is whole although the admin side is gone, and
// clients get what they are told in the other cases.
func TestStop(t *testing.T) {
	for _, c := range stopCases() {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			s := &stage{t: t}
			s.ctx, s.cancel = t.Context(), func() {}
			s.dir = t.TempDir()
			s.startOrigin(&c)
			if c.prepare != nil {
				c.prepare(s, &c)
			}
			g := harness.Start(t, c.config())
			s.addr, s.socket, s.log = g.Addr, filepath.Join(g.Dir, "a.sock"), filepath.Join(g.Dir, "access.log")
			now := make(chan struct{})
			close(now)
			s.stop = func() { g.Stop(now) }
			r := c.play(s)
			failed := s.failures()
			if len(failed) != 1 || failed[0].Failure != c.code {
				t.Fatalf("the log says %+v", failed)
			}
			s.proveClient(&c, r, failed[0])
			if c.seen == broken && r.End == client.Deadline {
				t.Error("the tunnel stays open")
			}
		})
	}
}
