// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answers is a CA that gives one answer to everything.
type answers struct {
	status int
	after  string
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	h := http.Header{}
	if a.after != "" {
		h.Set("Retry-After", a.after)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(""))}, nil
}

const directoryOfTest = "https://ca.test/dir"

// asks makes one request about a subject through a fresh record of pauses.
func asks(t *testing.T, p pausing, method, url, subject string) {
	t.Helper()
	ctx := context.Background()
	if subject != "" {
		ctx = about(ctx, subject)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	must(t, err)
	response, err := p.RoundTrip(request)
	must(t, err)
	response.Body.Close()
}

// A pause holds for the name that met it, and for all only if no name did.
func TestPauseOfOneName(t *testing.T) {
	r := newRig()
	hour := r.Now().Add(time.Hour)
	for _, c := range []struct {
		method, url, subject string
		a, b                 bool // are a.test and b.test paused
	}{
		{"POST", "https://ca.test/order", "a.test", true, false},
		{"POST", "https://ca.test/account", "", true, true},
		{"GET", directoryOfTest, "a.test", true, true},
		{"HEAD", "https://ca.test/nonce", "a.test", true, true},
	} {
		var known pauses
		asks(t, pausing{directoryOfTest, &known, r.Now, &answers{http.StatusTooManyRequests, "3600"}}, c.method, c.url, c.subject)
		if got := known.of("a.test").Equal(hour); got != c.a {
			t.Errorf("%s %s: a.test is paused: %v", c.method, c.url, got)
		}
		if got := known.of("b.test").Equal(hour); got != c.b {
			t.Errorf("%s %s: b.test is paused: %v", c.method, c.url, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	r := newRig()
	var known pauses
	for _, c := range []struct {
		status int
		after  string
		want   time.Duration // the pause, after this answer and those before
	}{
		{http.StatusServiceUnavailable, "", 0},
		{http.StatusBadRequest, "60", 0},
		{http.StatusServiceUnavailable, "60", time.Minute},
		{http.StatusTooManyRequests, "", pauseDefault},
		{http.StatusTooManyRequests, "no time", pauseDefault},
		{http.StatusTooManyRequests, r.Now().Add(time.Hour).Format(http.TimeFormat), time.Hour},
		{http.StatusTooManyRequests, "", time.Hour}, // the later of two
		{http.StatusTooManyRequests, "-1", time.Hour},
		{http.StatusServiceUnavailable, "7200", 2 * time.Hour},
		{http.StatusTooManyRequests, "86400000000", pauseMax}, // no overflow
		{http.StatusTooManyRequests, "86400000000000000000000000", pauseMax},
	} {
		asks(t, pausing{directoryOfTest, &known, r.Now, &answers{c.status, c.after}}, "POST", "https://ca.test/order", "a.test")
		got := max(0, known.of("a.test").Sub(r.Now()))
		if c.want == 0 && known.of("a.test").IsZero() {
			got = 0
		}
		if got != c.want {
			t.Errorf("%d with Retry-After %q: paused for %v, want %v", c.status, c.after, got, c.want)
		}
	}
	r.advance(pauseMax)
	known.note("b.test", r.Now(), r.Now().Add(time.Hour))
	if len(known.until) != 1 {
		t.Errorf("%d pauses are remembered", len(known.until))
	}
}

// However often it is asked for an order, the issuer lets less than five validations
// of a name fail in an hour.
func TestSpacedTries(t *testing.T) {
	for _, challenges := range []int{1, 2} {
		now := epoch
		s := &slot{name: "a.test"}
		var failed []time.Time // one for each validation
		for range 20 {
			s.refuted(now)
			for range challenges {
				failed = append(failed, now)
			}
			next := later(now.Add(retry[min(s.failed(), len(retry)-1)]), s.spaced(challenges))
			s.note(now, errors.New("refuted"), next)
			now = next
		}
		for i := 4; i < len(failed); i++ {
			if long := failed[i].Sub(failed[i-4]); long < time.Hour {
				t.Errorf("%d challenges: five failures in %v", challenges, long)
			}
		}
	}
}

// certmagic renews by a schedule of its own; the issuer does not go along.
func TestNoOrderBeforeItsTime(t *testing.T) {
	r := newRig()
	var asked atomic.Int64
	ca := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer ca.Close()
	o := r.options(Site{Hosts: []string{"a.test"}})
	o.Automatic = &Automatic{Directory: ca.URL + "/dir", Storage: t.TempDir(), HTTP: true}
	a := r.keeper(t, o).live.Load().automatic
	s := a.find("a.test")
	order := func() error {
		_, err := a.issuer.Issue(t.Context(), &x509.CertificateRequest{DNSNames: []string{"a.test"}})
		a.failed(s, err)
		return err
	}
	var paused *pausedError
	if err := order(); errors.As(err, &paused) || asked.Load() != 1 {
		t.Fatalf("the first try: %v, asked %d times", err, asked.Load())
	}
	if err := order(); !errors.As(err, &paused) || asked.Load() != 1 || s.failed() != 1 {
		t.Errorf("the second at once: %v, asked %d times, %d failures", err, asked.Load(), s.failed())
	}
	r.advance(retry[0])
	if err := order(); errors.As(err, &paused) || asked.Load() != 2 || s.failed() != 2 {
		t.Errorf("the second in time: %v, asked %d times, %d failures", err, asked.Load(), s.failed())
	}
}
