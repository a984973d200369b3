// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"sync/atomic"
	"time"
)

// clock is the exchanges' clock. time.Now reads two clocks of the system, the time
// of day and the monotonic one; an exchange asks seven times. This one reads only
// the second and counts on from a time of day that is set anew every so often, so
// that a system clock that is put right is followed.
type clock struct{ base atomic.Pointer[time.Time] }

// set takes the time of day.
func (c *clock) set() {
	now := time.Now()
	c.base.Store(&now)
}

// now is the present time, with its monotonic reading. set was called before.
func (c *clock) now() time.Time {
	base := c.base.Load()
	return base.Add(time.Since(*base))
}
