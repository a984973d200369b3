// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"time"

	"causey/internal/phase"
)

// heldLeast is the shortest wait that counts as one: to find that there is no place
// in line takes microseconds.
const heldLeast = time.Millisecond

// Held returns how long the gateway kept the request waiting for a server, 0 if it
// did not.
func (r *Record) Held() time.Duration {
	if d := r.Phases[phase.Queue]; d >= heldLeast {
		return d
	}
	return 0
}
