// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"time"

	"causey/internal/sensor"
	"causey/internal/upstream"
)

// onset decides when failures are more than ordinary: a cumulative sum of what comes
// above what is usual (CUSUM; Page, 1954). There is one for each case.
type onset struct {
	sum   float64
	usual float64 // failures per second in calm times
	last  int64   // second
}

// alarm is the sum at which an incident begins: so many failures above what is usual.
const alarm = 3

// slack is which part of the attempts may fail without being noticed, and a rate that
// may always fail.
const (
	slackShare = 0.02
	slackRate  = 0.05
)

// usualWeight is how fast what is usual follows, per second: in half an hour.
const usualWeight = 1.0 / 1800

// step looks at the seconds since the last look and reports an alarm.
func (o *onset) step(c *sensor.Case, now time.Time) bool {
	sec := now.Unix() - 1              // the present one is not over
	if o.last == 0 || o.last > sec+1 { // the clock was put back
		o.last = c.First.Unix() - 1
	}
	for at := max(o.last+1, sec-10); at <= sec; at++ {
		bad, good := c.Recent(time.Unix(at, 0), 1)
		usual := max(o.usual*2, slackRate+slackShare*float64(bad+good))
		o.sum = min(max(o.sum+float64(bad)-usual, 0), 10*alarm)
		o.usual += (float64(bad) - o.usual) * usualWeight
	}
	o.last = max(o.last, sec)
	return o.sum >= alarm
}

// downFor is how long an upstream has to be without a server until that is an incident:
// shorter gaps are bridged, and nobody loses anything.
const downFor = time.Second

// down reports that no server of the upstream can be reached, although no request has
// failed yet: they wait.
func down(c *sensor.Case, look *sensor.Look, now time.Time) bool {
	if look == nil || len(look.Servers) == 0 || now.Sub(c.Onset()) < downFor {
		return false
	}
	for i := range look.Servers {
		if look.Servers[i].State != upstream.Unreachable {
			return false
		}
	}
	return true
}

// hopeless reports that all that was tried of late failed, which is soon seen.
func hopeless(c *sensor.Case, now time.Time) bool {
	bad, good := c.Recent(now, 10)
	return bad >= 3 && good == 0
}
