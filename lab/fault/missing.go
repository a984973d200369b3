// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

// Missing says of root causes that no fault makes why not.
var Missing = map[string]string{
	"atk.h2_rapid_reset": "only with HTTP/2 from clients; the gateway's listeners speak HTTP/1.1 so far",
	"body.too_large":     "the gateway has no limit on the body of an answer and keeps none on disk: nothing can be above it",
	"cap.memory_thrash": "needs swap, which whoever else is on the machine would lose, and minutes; a limit of memory " +
		"without swap ends in app.oom_killed",
	"gw.bad_config": "a configuration that is wrong is never in use: the gateway does not start, or keeps the old one, " +
		"so no visitor meets it",
	"gw.bug":          "needs a defect in the gateway; the lab, from outside, can put none in",
	"h2.goaway_storm": "only with HTTP/2 to servers; the gateway asks them by HTTP/1.1 so far",
	"h2.saturated":    "only with HTTP/2 to servers; the gateway asks them by HTTP/1.1 so far",
	"h2.stream_reset": "only with HTTP/2 to servers; the gateway asks them by HTTP/1.1 so far",
}
