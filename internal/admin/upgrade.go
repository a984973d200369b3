// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Upgraded says who has taken over from whom.
type Upgraded struct {
	PID     int    `json:"pid"`     // of the new process
	Version string `json:"version"` // of the new process
	Old     int    `json:"old_pid"`
}

// ErrUpgrading refuses an upgrade, a reload or a decision about a server during another
// upgrade.
var ErrUpgrading = errors.New("an upgrade is under way")

// How long a new process may take to get ready: if nobody says, and the bounds for
// who does. A second is what the exec and a small configuration need on a slow
// machine; certificates by the thousand take some.
const (
	UpgradeWait    = 60 * time.Second
	upgradeWaitMin = time.Second
	upgradeWaitMax = 10 * time.Minute
)

// upgrade waits for the upgrade. It goes on if the asker leaves.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	wait := UpgradeWait
	if text := r.URL.Query().Get("wait"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < upgradeWaitMin || d > upgradeWaitMax {
			writeProblem(w, problem{Status: http.StatusBadRequest,
				Detail: "wait must be a duration from " + upgradeWaitMin.String() + " to " + upgradeWaitMax.String() + ", such as 90s."})
			return
		}
		wait = d
	}
	extend(w, time.Time{})
	next, err := s.opts.Upgrade(context.WithoutCancel(r.Context()), wait)
	s.opts.Logger.Info("admin: upgrade asked for", "peer", r.RemoteAddr, "error", err)
	switch {
	case err == nil:
		writeJSON(w, struct {
			OK bool `json:"ok"`
			Upgraded
		}{true, next})
	case errors.Is(err, ErrUpgrading):
		writeProblem(w, problem{Status: http.StatusConflict, Detail: "Another upgrade is under way."})
	default:
		writeProblem(w, problem{Status: http.StatusUnprocessableEntity, Detail: "There was no upgrade; the gateway goes on as before.",
			Problems: problemsOf(err)})
	}
}

// problemsOf lists what an error tells, each with its place if it has one.
func problemsOf(err error) []ReloadProblem {
	var re *ReloadError
	if errors.As(err, &re) {
		return re.Problems
	}
	return []ReloadProblem{{Message: err.Error()}}
}
