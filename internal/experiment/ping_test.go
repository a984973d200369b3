// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestTryPing(t *testing.T) {
	r := newRig(t)
	r.servers(at(netip.MustParseAddrPort("192.0.2.3:80")))
	asked := netip.Addr{}
	answers, err := true, error(nil)
	r.o.Ping = func(_ context.Context, to netip.Addr, _ func() time.Time) (bool, error) {
		asked = to
		return answers, err
	}
	r.o.Now = func() time.Time { return time.Time{} }
	r.try("try_ping", "yes: the machine 192.0.2.3 answers a ping after less than 1 ms")
	if asked.String() != "192.0.2.3" {
		t.Errorf("%s was asked", asked)
	}
	answers = false
	r.try("try_ping", "no: the machine 192.0.2.3 answers no ping")
	err = errors.New("not permitted")
	r.try("try_ping", "unseen")
}

// The own machine answers, and an address that nobody has does not.
func TestPing(t *testing.T) {
	for _, to := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.2"} {
		answers, err := Ping(t.Context(), netip.MustParseAddr(to), time.Now)
		if err != nil {
			t.Skip(err)
		}
		if !answers {
			t.Errorf("%s does not answer", to)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ping(ctx, netip.MustParseAddr("127.0.0.1"), time.Now); !errors.Is(err, context.Canceled) {
		t.Errorf("given up, it says %v", err)
	}
}
