// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClockIsTheSystems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		c.set()
		for range 3 {
			time.Sleep(time.Hour)
			now := time.Now()
			if got := c.now(); !got.Equal(now) || got.Sub(now) != 0 || got.Round(0).Sub(now.Round(0)) != 0 {
				t.Errorf("%v, want %v", got, now)
			}
		}
	})
}

// A time of day that was put right is taken over, and durations stay true.
func TestClockFollowsTheTimeOfDay(t *testing.T) {
	var c clock
	wrong := time.Now().Round(0).Add(-time.Hour)
	before := time.Now()
	c.base.Store(&wrong)
	c.set()
	got := c.now()
	if d := got.Sub(before); d < 0 || d > time.Minute {
		t.Errorf("%v passed", d)
	}
	if d := got.Round(0).Sub(before.Round(0)); d < -time.Minute || d > time.Minute {
		t.Errorf("the time of day is off by %v", d)
	}
}
