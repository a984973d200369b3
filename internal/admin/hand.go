// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"causey/internal/failure"
	"causey/internal/upstream"
)

// whyMax bounds the owner's reason, in bytes: it is logged and kept.
const whyMax = 200

// Decision is what the owner wants of one server.
type Decision struct {
	Upstream string `json:"-"`
	Server   string `json:"-"`
	// State is upstream.Drain, Maintain or Auto.
	State upstream.Hand `json:"state"`
	// Why is the owner's reason, which may be "".
	Why string `json:"why"`
}

// Decided is what came of a decision.
type Decided struct {
	Upstream string         `json:"upstream"`
	Server   UpstreamServer `json:"server"`
	// Warnings tell what the owner should know about it.
	Warnings []string `json:"warnings"`
}

// ErrNoServer says that a decision is about a server that is not there.
var ErrNoServer = errors.New("there is no such server")

// decide does with one server what the owner wants.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	d, err := readDecision(r.Body)
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	d.Upstream, d.Server = r.PathValue("upstream"), r.PathValue("server")
	if _, why := findServer(s.opts.Upstreams(), d.Upstream, d.Server); why != "" {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: why})
		return
	}
	warnings, err := s.opts.Decide(d)
	s.opts.Logger.Info("admin: a server's state was asked for", "peer", r.RemoteAddr,
		"upstream", d.Upstream, "server", d.Server, "state", string(d.State), "why", d.Why, "error", err)
	if errors.Is(err, ErrUpgrading) {
		writeProblem(w, problem{Status: http.StatusConflict, Detail: "An upgrade is under way; ask again when it is over."})
		return
	}
	if err != nil { // it went away since we looked
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: err.Error()})
		return
	}
	ups := s.upstreamsNow()
	at, why := findServer(ups, d.Upstream, d.Server)
	if why != "" {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: why})
		return
	}
	u := &ups[at.upstream]
	if d.State != upstream.Auto && !slices.ContainsFunc(u.Servers, func(o UpstreamServer) bool { return o.InService() }) {
		warnings = append(warnings, "no server of "+u.Name+" is in service now: its visitors wait for one, and get an error if none comes back")
	}
	writeJSON(w, Decided{Upstream: u.Name, Server: u.Servers[at.server], Warnings: list(warnings)})
}

// readDecision reads the body of a request. What is not understood is an error: a
// misspelt "why" would silently be lost.
func readDecision(body io.Reader) (Decision, error) {
	var d Decision
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf(`the body must be JSON such as {"state":"drain","why":"version 2"}: %w`, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return d, errors.New("the body must be one JSON object and nothing after it")
	}
	if states := []upstream.Hand{upstream.Drain, upstream.Maintain, upstream.Auto}; !slices.Contains(states, d.State) {
		return d, fmt.Errorf("state must be drain, maintenance or auto, not %q", d.State)
	}
	switch {
	case len(d.Why) > whyMax:
		return d, fmt.Errorf("why must not be longer than %d bytes", whyMax)
	case !utf8.ValidString(d.Why) || strings.ContainsFunc(d.Why, func(c rune) bool { return !strconv.IsPrint(c) }):
		return d, errors.New("why must be one line of printable text")
	}
	return d, nil
}

// serverAt is the place of a server in a list of upstreams.
type serverAt struct{ upstream, server int }

// findServer returns where the server is, or why it is not there and what was
// probably meant.
func findServer(ups []Upstream, inUpstream, server string) (at serverAt, why string) {
	var groups, servers, elsewhere []string
	for i := range ups {
		groups = append(groups, ups[i].Name)
		for j := range ups[i].Servers {
			switch name := ups[i].Servers[j].Name; {
			case ups[i].Name == inUpstream && name == server:
				return serverAt{i, j}, ""
			case ups[i].Name == inUpstream:
				servers = append(servers, name)
			case name == server:
				elsewhere = append(elsewhere, ups[i].Name)
			}
		}
	}
	switch {
	case !slices.Contains(groups, inUpstream):
		why = fmt.Sprintf("There is no upstream %q%s", inUpstream, meant(inUpstream, groups))
	default:
		why = fmt.Sprintf("The upstream %q has no server %q%s", inUpstream, server, meant(server, servers))
	}
	if len(elsewhere) > 0 {
		why += fmt.Sprintf(" A server of this name is in %s.", strings.Join(elsewhere, ", "))
	}
	return at, why
}

// namesShown bounds how many names a hint lists.
const namesShown = 8

// meant ends a sentence with what was probably meant by name: the nearest of known if
// it is near, or one that has all of it, else all of them if they are few.
func meant(name string, known []string) string {
	const longest = 128
	nearest, least := "", max(len(name)/3, 1)+1
	for _, k := range known {
		if len(name) > longest || len(k) > longest {
			continue
		}
		n := failure.EditDistance(name, k)
		if len(name) > 2 && strings.Contains(k, name) {
			n = 1
		}
		if n < least {
			nearest, least = k, n
		}
	}
	switch {
	case nearest != "":
		return fmt.Sprintf("; did you mean %q?", nearest)
	case len(known) == 0:
		return "; there is none at all."
	case len(known) <= namesShown:
		return "; there are " + strings.Join(known, ", ") + "."
	}
	return fmt.Sprintf("; there are %s and %d more.", strings.Join(known[:namesShown], ", "), len(known)-namesShown)
}
