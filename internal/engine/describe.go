// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"causey/internal/upstream"
)

// Describe tells what the group knows and does now.
func (g *Group) Describe() upstream.Description { return g.Group.Describe(g.eng.mono()) }

// SetHand does with the server called name what the owner wants. It reports false if
// there is no such server.
func (g *Group) SetHand(name string, h upstream.Hand, why string) bool {
	return g.Group.SetHand(name, h, why, g.eng.mono())
}

// TimeOf converts a moment of the clock that groups are told the time by. What others
// call now may have been set since: the moment is as long ago by both.
func (e *Engine) TimeOf(moment int64) time.Time {
	return time.Now().Add(time.Duration(moment - e.mono()))
}
