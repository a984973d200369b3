// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	pauseMax     = 24 * time.Hour
	pauseDefault = 15 * time.Minute // of a CA that is over its limit and does not say for how long
)

// pauses are what the CA said about when it wants to be asked again. Its limits are
// per name more often than not, so a pause holds for the name whose request met it;
// for all names only if the request belongs to none.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time // by subject, "" for all
}

// of returns the end of the pause of a subject.
func (p *pauses) of(subject string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return later(p.until[""], p.until[subject])
}

// note keeps the later of two ends: an answer to another request may come late.
func (p *pauses) note(subject string, now, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, at := range p.until {
		if !now.Before(at) {
			delete(p.until, s) // no more of them than names that were paused within a day
		}
	}
	if p.until == nil {
		p.until = map[string]time.Time{}
	}
	p.until[subject] = later(p.until[subject], until)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// subjectKey is the key of a context's subject: what its requests are about.
type subjectKey struct{}

func about(ctx context.Context, subject string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject)
}

// pausing notes the pauses that a CA's answers ask for. certmagic does not look at
// them, and would go on asking by its own schedule.
type pausing struct {
	directory string
	pauses    *pauses
	now       func() time.Time
	base      http.RoundTripper
}

func (p pausing) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := p.base.RoundTrip(request)
	if err != nil {
		return response, err
	}
	now := p.now()
	wait, said := retryAfter(response.Header.Get("Retry-After"), now)
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		if !said {
			wait = pauseDefault
		}
	case http.StatusServiceUnavailable: // "how long the service is expected to be unavailable" (RFC 9110, section 10.2.3)
	default:
		return response, nil
	}
	if wait > 0 {
		p.pauses.note(p.subject(request), now, now.Add(wait))
	}
	return response, nil
}

// subject returns what a request is about, "" if it belongs to no name. The
// directory and a nonce are asked for on the way of an order, but not for its sake.
func (p pausing) subject(request *http.Request) string {
	if request.Method == http.MethodHead || request.URL.String() == p.directory {
		return ""
	}
	subject, _ := request.Context().Value(subjectKey{}).(string)
	return subject
}

func (p pausing) CloseIdleConnections() {
	if c, ok := p.base.(*http.Transport); ok {
		c.CloseIdleConnections()
	}
}

// retryAfter reads a Retry-After field, capped before it can overflow, and reports
// whether there is a usable one.
func retryAfter(field string, now time.Time) (time.Duration, bool) {
	seconds, err := strconv.ParseUint(field, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return pauseMax, true
	case err == nil:
		return time.Duration(min(seconds, uint64(pauseMax/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(field)
	return max(0, min(at.Sub(now), pauseMax)), err == nil
}

// pausedError: the CA asked for a pause, or the name failed too often, and it is too
// early for another try.
type pausedError struct{ until time.Time }

func (e *pausedError) Error() string {
	return "certs: no order is made before " + e.until.UTC().Format(time.RFC3339)
}
