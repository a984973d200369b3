// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// CacheState is what the cache keeps.
type CacheState struct {
	// On reports that some route has a cache; without it the rest is zero.
	On bool `json:"on"`
	// Objects counts the targets that answers are kept for in memory; Bytes is what
	// they take of BytesMax, and IncomingBytes what answers on their way in take besides.
	Objects       int64 `json:"objects"`
	Bytes         int64 `json:"bytes"`
	BytesMax      int64 `json:"bytes_max"`
	IncomingBytes int64 `json:"incoming_bytes"`
	// Kept counts answers that were taken in, Abandoned those given up on the way.
	Kept      uint64 `json:"kept"`
	Abandoned uint64 `json:"abandoned"`
	// Disk is nil without a disk.
	Disk *CacheDiskState `json:"disk,omitempty"`
}

// CacheDiskState is what the cache has on disk.
type CacheDiskState struct {
	Path     string `json:"path"`
	Objects  int64  `json:"objects"`
	Bytes    int64  `json:"bytes"`
	BytesMax int64  `json:"bytes_max"`
	// Loaded counts answers that were read, Skipped those that were not written since
	// the disk is slower than they come, Failed writes that failed, and Broken files
	// that were not believed.
	Loaded  uint64 `json:"loaded"`
	Skipped uint64 `json:"skipped"`
	Failed  uint64 `json:"failed"`
	Broken  uint64 `json:"broken"`
	// Trouble is why nothing is written just now, "" if all is well.
	Trouble string `json:"trouble"`
}

// Purge says what the cache is to forget. One of its fields is set.
type Purge struct {
	URL, Tag, Host string
	All            bool
}

// PurgeResult is what came of it.
type PurgeResult struct {
	// Dropped counts the answers that were in memory; others that are only on disk, or
	// on their way in, are not used any more either.
	Dropped int `json:"dropped"`
}

func (s *Server) cache(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.opts.Cache()) }

// purge forgets answers.
func (s *Server) purge(w http.ResponseWriter, r *http.Request) {
	p, err := parsePurge(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	if !s.opts.Cache().On {
		writeProblem(w, problem{Status: http.StatusConflict, Detail: "No route has a cache: there is nothing to purge."})
		return
	}
	result, err := s.opts.Purge(p)
	s.opts.Logger.Info("admin: purge asked for", "peer", r.RemoteAddr, "url", p.URL, "tag", p.Tag, "host", p.Host, "all", p.All,
		"dropped", result.Dropped, "error", err)
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	writeJSON(w, result)
}

// purgeLimitBytes bounds what a purge names.
const purgeLimitBytes = 16 << 10

// parsePurge reads what to forget. Whoever names two things may mean their union or their
// intersection, so that one is all there is.
func parsePurge(v url.Values) (p Purge, err error) {
	const one = "give one of url, tag, host and all=1"
	if len(v) != 1 {
		return p, errors.New(one)
	}
	for name, values := range v {
		value := values[0]
		if len(values) != 1 || value == "" || len(value) > purgeLimitBytes {
			return p, fmt.Errorf("%s must be given once, and not be empty", name)
		}
		switch name {
		case "url":
			p.URL = value
		case "tag":
			p.Tag = value
		case "host":
			p.Host = value
		case "all":
			if p.All = value == "1" || value == "true"; !p.All {
				return p, errors.New("all must be 1")
			}
		default:
			return p, fmt.Errorf("there is no parameter %q; %s", name, one)
		}
	}
	return p, nil
}
