// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import "strings"

// dockerEvent is one event of a daemon, as far as it is read.
type dockerEvent struct {
	Action string
	Actor  struct {
		ID         string
		Attributes map[string]string
	}
}

// meaning is what an event says of its container.
type meaning uint8

const (
	changes meaning = iota // something that a list will show
	comes                  // it begins, or is well again
	leaves                 // it is to end, or has ended
	ails                   // its health check fails
)

// staySignals are those that servers take for something else than their end: reload
// (HUP), reopen logs and the like (USR1, USR2), go on (CONT), a child's end (CHLD).
const staySignals = " 1 10 12 17 18 "

// meaning reads an event. docker stop sends kill, then the process ends (die), then
// stop is sent; docker kill, a restart and the end of a deployment do alike.
func (e *dockerEvent) meaning() meaning {
	action, detail, _ := strings.Cut(e.Action, ":")
	switch action {
	case "kill":
		if s := e.Actor.Attributes["signal"]; s != "" && strings.Contains(staySignals, " "+s+" ") {
			return changes
		}
		return leaves
	case "stop", "die", "destroy", "pause":
		return leaves
	case "start", "unpause", "restart":
		return comes
	case "health_status":
		// Later versions say it in an attribute.
		if detail = strings.TrimSpace(detail); detail == "" {
			detail = e.Actor.Attributes["health_status"]
		}
		switch detail {
		case "unhealthy":
			return ails
		case "healthy":
			return comes
		}
	}
	return changes
}
