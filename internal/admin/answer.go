// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Readiness says whether the gateway takes traffic, and why not.
type Readiness struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// Check is one condition of readiness.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// ReloadProblem is one thing wrong with a configuration. Line and Column are 1 for
// the first, 0 if unknown.
type ReloadProblem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// ReloadError is a reload that failed; the old configuration is still in use.
type ReloadError struct{ Problems []ReloadProblem }

// Error lists the problems, one per line.
func (e *ReloadError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Message
	}
	return strings.Join(lines, "\n")
}

// extend moves the deadline of writing for one request, zero for never. (Reading has
// none any more once a request without a body was read.)
func extend(w http.ResponseWriter, deadline time.Time) {
	if err := http.NewResponseController(w).SetWriteDeadline(deadline); err != nil {
		panic(err) // our own server's connections have deadlines
	}
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

// ready answers 200 or 503, with one line per check if ?verbose is given.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	state := s.opts.Ready()
	status, word := http.StatusOK, "ready\n"
	if !state.Ready {
		status, word = http.StatusServiceUnavailable, "not ready\n"
	}
	var b strings.Builder
	if r.URL.Query().Has("verbose") {
		for _, c := range state.Checks {
			mark := "[+] "
			if !c.OK {
				mark = "[-] "
			}
			b.WriteString(mark + c.Name)
			if c.Detail != "" {
				b.WriteString(": " + c.Detail)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString(word)
	write(w, status, "text/plain; charset=utf-8", []byte(b.String()))
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, struct {
		Build
		Started string `json:"started"`
	}{s.opts.Build, formatTime(s.opts.Store.started)})
}

func (s *Server) config(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "application/json", s.opts.Config())
}

// reload waits for the reload. It goes on if the asker leaves: half a reload does
// not exist.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if !s.reloading.TryLock() {
		writeProblem(w, problem{Status: http.StatusConflict, Detail: "Another reload is under way."})
		return
	}
	defer s.reloading.Unlock()
	extend(w, time.Time{})
	err := s.opts.Reload(context.WithoutCancel(r.Context()))
	s.opts.Logger.Info("admin: reload asked for", "peer", r.RemoteAddr, "error", err)
	if err == nil {
		writeJSON(w, json.RawMessage(`{"ok":true}`))
		return
	}
	writeProblem(w, problem{Status: http.StatusUnprocessableEntity, Detail: "The new configuration was refused; the old one is still in use.",
		Problems: problemsOf(err)})
}
