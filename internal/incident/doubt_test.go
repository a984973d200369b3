// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/sensor"
	"causey/internal/upstream"
)

// tester notes what it is told, and says what was tried.
type tester struct {
	doubts []*Doubt
	tried  cause.Facts
}

func (x *tester) Consider(d *Doubt) cause.Facts {
	x.doubts = append(x.doubts, d)
	return x.tried
}

// What was tried counts for the causes, and is no part of what was seen.
func TestExperimentsCount(t *testing.T) {
	c, err := cause.Load()
	if err != nil {
		t.Fatal(err)
	}
	refused, _ := failure.ParseCode("upstream.connect.refused")
	x := &tester{}
	s, now := sensor.New(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := New(Options{Catalogue: c, Sensor: s, Experiments: x})
	at := netip.MustParseAddrPort("10.0.0.3:80")
	looks := []sensor.Look{{Upstream: "app", Description: upstream.Description{
		Servers: []upstream.ServerDescription{{Name: "10.0.0.3:80", State: upstream.Unreachable}}}}}
	look := func() Incident {
		s.Sign("app", "10.0.0.3:80", &failure.Error{Code: refused, Evidence: failure.Evidence{Dialled: at}}, now)
		b.Look(now, looks)
		if list := b.Incidents(); len(list) == 1 {
			return list[0]
		}
		return Incident{}
	}
	look()
	if len(x.doubts) > 0 {
		t.Error("what is no incident is tried out")
	}
	now = now.Add(2 * time.Second)
	look()
	d := x.doubts[0]
	if d.Upstream != "app" || d.Mode != sensor.ModeConnect || fmt.Sprint(d.Servers) != "[10.0.0.3:80]" || d.Dialled != at || !d.FailsOn || !d.Onset.Equal(now.Add(-2*time.Second)) || !d.Now.Equal(now) {
		t.Errorf("%+v", d)
	}
	x.tried = cause.Facts{"try_connect": {Say: "a fresh connection did not open"}}
	now = now.Add(2 * time.Second)
	after := look()
	if d := x.doubts[1]; d.Facts["try_connect"].Say != "" {
		t.Error("what was tried is told as seen")
	}
	if !slices.ContainsFunc(after.Ranked, func(r Ranked) bool {
		return r.Cause == "tcp.refused.down" && slices.Contains(r.Evidence, Line{"try_connect", 1, "a fresh connection did not open"})
	}) {
		t.Errorf("%+v", after.Ranked)
	}
}
