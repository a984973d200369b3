// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Check is the health check of an upstream. The zero Kind is none.
type Check struct {
	Kind CheckKind `json:"kind"`
	// Path, Method, Status and Body are for CheckHTTP, Service is for CheckGRPC, Host and
	// TLS are for both; where they mean nothing they are zero. Host "" is the upstream's host_header if that is a name, else the
	// server's address.
	Path    string        `json:"path,omitempty"`
	Method  CheckMethod   `json:"method,omitempty"`
	Status  []StatusRange `json:"status,omitempty"`
	Body    string        `json:"body,omitempty"` // "": whatever it is
	Service string        `json:"grpc_service,omitempty"`
	Host    string        `json:"host,omitempty"`
	Port    int           `json:"port"` // 0: the server's own
	TLS     CheckSecure   `json:"tls,omitempty"`

	Interval     Duration `json:"interval"`
	FastInterval Duration `json:"fast_interval"`
	Timeout      Duration `json:"timeout"`
	Fall         int      `json:"fall"`
	Rise         int      `json:"rise"`
}

// IsZero reports that there is no check.
func (c Check) IsZero() bool { return c.Kind == "" }

// CheckKind is what a health check asks.
type CheckKind string

// The kinds of checks.
const (
	CheckHTTP CheckKind = "http"
	CheckTCP  CheckKind = "tcp"
	CheckTLS  CheckKind = "tls"
	CheckGRPC CheckKind = "grpc"
)

// CheckMethod is the method of a check by HTTP.
type CheckMethod string

// The methods of checks.
const (
	CheckGET  CheckMethod = "GET"
	CheckHEAD CheckMethod = "HEAD"
)

// CheckSecure says whether a check speaks TLS.
type CheckSecure string

// The ways.
const (
	CheckAsServer CheckSecure = "as_server"
	CheckAlways   CheckSecure = "always"
	CheckNever    CheckSecure = "never"
)

// StatusRange has the status codes from From to To.
type StatusRange struct{ From, To int }

// String gives the text that reads as r.
func (r StatusRange) String() string {
	if r.From == r.To {
		return strconv.Itoa(r.From)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

// MarshalText gives String.
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// parseStatusRange reads 200, 200-399 and 2xx. The error is a *ValueError.
func parseStatusRange(s string) (StatusRange, error) {
	status := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil || len(s) != 3 || n < 100 || n > 599 {
			return 0
		}
		return n
	}
	if class, ok := strings.CutSuffix(strings.ToLower(s), "xx"); ok && status(class+"00") != 0 {
		n := status(class + "00")
		return StatusRange{n, n + 99}, nil
	}
	from, to, isRange := strings.Cut(s, "-")
	r := StatusRange{status(from), status(to)}
	if !isRange {
		r.To = r.From
	}
	switch {
	case r.From == 0 || r.To == 0:
		return r, wrong("write 200, 200-399 or 2xx; several stand in a list", "%s is no status", quote(s))
	case r.From > r.To:
		return r, wrong(fmt.Sprintf("write %d-%d", r.To, r.From), "%s begins above its end", quote(s))
	}
	return r, nil
}

// parseCheckPath reads a path with its query as it is sent. The error is a *ValueError.
func parseCheckPath(s string) (string, error) {
	_, rest, isURL := cutScheme(s)
	switch {
	case isURL:
		_, path, _ := strings.Cut(rest, "/")
		return "", wrong("write path: /"+path+"; each server of the upstream is asked for it", "%s is a URL", quote(s))
	case !strings.HasPrefix(s, "/"):
		return "", wrong("write /"+encodePath(s), "%s does not begin with a slash", quote(s))
	case len(s) > pathLimitBytes:
		return "", wrong("", "the path has more than %d bytes", pathLimitBytes)
	case strings.Contains(s, "#"):
		return "", wrong("remove the # and what follows: browsers do not send it either", "%s has a fragment", quote(s))
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", wrong("percent-encode it: %20 for a space", "%s has characters that a path cannot have", quote(s))
	}
	return s, nil
}

func parseCheckShort(s string) (Check, error) {
	switch kind := CheckKind(s); kind {
	case "off":
		return Check{}, nil
	case CheckTCP, CheckTLS, CheckGRPC:
		return Check{Kind: kind}, nil
	case CheckHTTP:
		return Check{}, wrong("write the path, such as /health", "a check by http needs a path")
	}
	if near := nearest(s, []string{"tcp", "tls", "grpc", "off"}); near != "" && !strings.Contains(s, "/") {
		return Check{}, wrong("did you mean "+near+"? A path begins with a slash", "%s is no check", quote(s))
	}
	path, err := parseCheckPath(s)
	return Check{Kind: CheckHTTP, Path: path}, err
}
