// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strconv"
	"strings"
)

// Percent is a whole number of percent, 0 to 100.
type Percent int

// ParsePercent reads 20%. The error is a *ValueError.
func ParsePercent(s string) (Percent, error) {
	digits, signed := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	switch {
	case err == nil && signed && n >= 0 && n <= 100 && strconv.Itoa(n) == digits:
		return Percent(n), nil
	case err == nil && !signed && n >= 0 && n <= 100:
		return 0, wrong("write "+strconv.Itoa(n)+"%", "%s lacks its percent sign", quote(s))
	case strings.HasPrefix(s, "0.") && !signed:
		return 0, wrong("write a percentage such as 20%", "%s is a fraction", quote(s))
	}
	return 0, wrong("write a whole number from 0% to 100%", "%s is not a percentage", quote(s))
}

// String gives the text: 20%.
func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }

// MarshalText gives String.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Balance is a way to choose a server.
type Balance string

// The ways.
const (
	BalanceAdaptive   Balance = "adaptive"
	BalanceRoundRobin Balance = "round_robin"
	BalanceLeast      Balance = "least_requests"
	BalanceHash       Balance = "hash"
)

// HashBy is what BalanceHash chooses by: HashAddress, HashPath, or the value of the
// cookie or field called Name.
type HashBy struct {
	What HashWhat
	Name string
}

// HashWhat is the kind of a HashBy.
type HashWhat string

// The kinds. Those of cookies and fields have a name.
const (
	HashAddress HashWhat = "address"
	HashPath    HashWhat = "path"
	HashCookie  HashWhat = "cookie"
	HashHeader  HashWhat = "header"
)

// parseHashBy reads address, path, cookie NAME and header NAME.
func parseHashBy(s string) (HashBy, error) {
	what, name, named := strings.Cut(s, " ")
	switch h := (HashBy{HashWhat(what), name}); h.What {
	case HashAddress, HashPath:
		if !named {
			return h, nil
		}
		return HashBy{}, wrong("write "+what, "%s takes no name", quote(what))
	case HashCookie, HashHeader:
		if isToken(name) {
			return h, nil
		}
		return HashBy{}, wrong("write "+what+" and its name, such as "+what+" session", "%s lacks the name of a %s", quote(s), what)
	}
	return HashBy{}, wrong("write address, path, cookie NAME, or header NAME", "%s is nothing to hash by", quote(s))
}

// String gives the text.
func (h HashBy) String() string {
	if h.Name == "" {
		return string(h.What)
	}
	return string(h.What) + " " + h.Name
}

// MarshalText gives String.
func (h HashBy) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

const (
	zonePattern  = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
	tokenPattern = "^[!#-'*+.^_`|~0-9A-Za-z-]{1,64}$"
)

func parseZone(s string) (string, error) {
	if isWord(s, "-_.") && len(s) <= 64 && s[0] != '-' && s[0] != '_' && s[0] != '.' {
		return s, nil
	}
	return "", wrong("letters, digits, and - _ . within; at most 64", "%s is no name for a zone", quote(s))
}

func parseCookieName(s string) (string, error) {
	if isToken(s) && len(s) <= 64 {
		return s, nil
	}
	return "", wrong("letters, digits, and - _ .; at most 64", "%s is no name for a cookie", quote(s))
}

// RetryOn is what a request is repeated after: one of the words, or a status.
type RetryOn string

// The words.
const (
	RetryBroken    RetryOn = "broken"
	RetryMalformed RetryOn = "malformed"
	RetryTimeout   RetryOn = "timeout"
)

func parseRetryOn(s string) (RetryOn, error) {
	switch r := RetryOn(s); r {
	case RetryBroken, RetryMalformed, RetryTimeout:
		return r, nil
	}
	if _, ok := RetryOn(s).Status(); ok {
		return RetryOn(s), nil
	}
	switch s {
	case "error", "conn-failure", "connect-failure", "reset":
		return "", wrong("write "+string(RetryBroken)+"; what could not be sent at all is repeated without a word", "%s is not one of ours", quote(s))
	case "5xx":
		return "", wrong("write the statuses one by one: 500, 502, 503, 504", "%s is a class", quote(s))
	}
	return "", wrong("write broken, malformed, timeout, or a status from 400 to 599", "%s is nothing to repeat after", quote(s))
}

// Status returns the status that r is, if it is one.
func (r RetryOn) Status() (int, bool) {
	n, err := strconv.Atoi(string(r))
	return n, err == nil && n >= 400 && n <= 599 && len(r) == 3
}

// Retry says when a request is repeated.
type Retry struct {
	Tries  int       `json:"tries"`
	On     []RetryOn `json:"on"`
	Within Duration  `json:"within"`
	Body   Size      `json:"body"` // 0: none
}

// UpstreamRetry says so for an upstream, and bounds how many are.
type UpstreamRetry struct {
	Retry
	Share Percent `json:"share"`
	Least int     `json:"least"` // a second
}

// inherit fills in what a route did not say.
func (r *Retry) inherit(from Retry) {
	if r.Tries == 0 {
		r.Tries = from.Tries
	}
	if r.On == nil {
		r.On = from.On
	}
	if r.Within == inherited {
		r.Within = from.Within
	}
	if r.Body < 0 {
		r.Body = from.Body
	}
}

// Outliers says when a server that answers badly is left out.
type Outliers struct {
	Consecutive int      `json:"consecutive"` // 0: never
	FailureRate Percent  `json:"failure_rate"`
	MinRequests int      `json:"min_requests"`
	Latency     int      `json:"latency"` // times that of the others; 0: never
	Silence     Duration `json:"silence"`
	MaxShare    Percent  `json:"max_share"`
	For         Duration `json:"for"`
	MaxFor      Duration `json:"max_for"`
}
