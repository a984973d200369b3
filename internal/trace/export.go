// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"causey/internal/record"
)

const (
	// requestTimeout bounds one request, as in the SDKs of OpenTelemetry.
	requestTimeout = 10 * time.Second
	// triesMax bounds how often a batch is sent; between tries the wait doubles from
	// retryFirst up to retryMax, or is what the collector asks for up to retryAfterMax:
	// an answer with a slip in it must not end tracing for a day.
	triesMax      = 5
	retryFirst    = time.Second
	retryMax      = 30 * time.Second
	retryAfterMax = 10 * time.Minute
	// troubleEvery and rejectionEvery bound how often the owner is told: of a collector
	// that works every other time, and of one that takes batches but for some spans.
	troubleEvery   = time.Minute
	rejectionEvery = time.Hour
	// answerLimitBytes bounds what is read of an answer.
	answerLimitBytes = 64 << 10
)

// poster is what the goroutine keeps from one request to the next.
type poster struct {
	body bytes.Buffer
	zip  *gzip.Writer
	// told says that the owner was told of trouble that has not ended, toldAt when that
	// was last; rejectedAt is when he was told of spans that were rejected.
	told               bool
	toldAt, rejectedAt time.Time
}

// newClient returns a client that talks to one collector. Redirects are not followed:
// the headers may hold a secret that is meant for one place.
func newClient() *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: answerLimitBytes,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// run sends batches until Close.
func (s *Sink) run() {
	defer close(s.done)
	defer s.client.CloseIdleConnections()
	for {
		select {
		case <-s.wake:
		case <-s.quit:
		}
		if !s.stopping() {
			select {
			case <-s.opts.After(batchEvery):
			case <-s.full:
			case <-s.quit:
			}
		}
		for batch := s.take(); len(batch) > 0; batch = s.take() {
			s.export(batch)
		}
		if s.stopping() {
			return
		}
	}
}

func (s *Sink) stopping() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// export sends one batch, again and again where that may help.
func (s *Sink) export(batch []record.Record) {
	req, spans := s.request(batch)
	counts := s.opts.Counts
	if s.life.Err() != nil {
		counts.Stopped.Add(spans)
		return
	}
	s.post.encode(&req)
	for try := 1; ; try++ {
		res := s.send()
		s.tell(res)
		if res.problem != "" {
			counts.Failures.Add(1)
		}
		switch {
		case res.done:
			rejected := min(res.rejected, spans)
			counts.Exported.Add(spans - rejected)
			counts.Refused.Add(rejected)
			return
		case !res.again:
			counts.Refused.Add(spans)
			return
		case try == triesMax && res.busy:
			counts.Refused.Add(spans)
			return
		case try == triesMax:
			counts.Unreachable.Add(spans)
			return
		case s.stopping():
			counts.Stopped.Add(spans)
			return
		}
		select {
		case <-s.opts.After(pause(try, res.after)):
		case <-s.quit: // one try more
		}
	}
}

// encode makes the compressed body.
func (p *poster) encode(req *exportRequest) {
	p.body.Reset()
	if p.zip == nil {
		p.zip = gzip.NewWriter(&p.body)
	}
	p.zip.Reset(&p.body)
	text, err := json.Marshal(req)
	if err != nil {
		panic("trace: spans do not encode: " + err.Error()) // our own types
	}
	if _, err = p.zip.Write(text); err == nil {
		err = p.zip.Close()
	}
	if err != nil {
		panic("trace: " + err.Error()) // a buffer takes everything
	}
}

// result is what became of one request.
type result struct {
	// done: the collector took it, but for rejected spans, for this reason.
	done      bool
	rejected  uint64
	rejection string
	// again: another try may help, after the time that the collector asked for. busy:
	// it is there, and wants less.
	again, busy bool
	after       time.Duration
	// problem is for the owner, "" if there is none.
	problem string
}

func (s *Sink) send() result {
	req, err := http.NewRequestWithContext(s.life, http.MethodPost, s.opts.Endpoint, bytes.NewReader(s.post.body.Bytes()))
	if err != nil {
		return result{problem: err.Error()}
	}
	for _, h := range s.opts.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "causey")
	resp, err := s.client.Do(req)
	if s.life.Err() != nil {
		return result{again: true, problem: "it did not answer before the time to stop was over"}
	}
	if err != nil {
		return result{again: true, problem: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimitBytes))
	if err != nil {
		body = nil // the status is what counts
	}
	return s.judge(resp, body)
}

// judge reads the answer. "All other 4xx or 5xx response status codes MUST NOT be
// retried" (OTLP, retryable response codes).
func (s *Sink) judge(resp *http.Response, body []byte) result {
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return partial(body)
	case code == 429, code == 502, code == 503, code == 504:
		return result{again: true, busy: code == 429, after: s.retryAfter(resp.Header.Get("Retry-After")), problem: "it answers " + resp.Status}
	default:
		return result{problem: "it refuses with " + resp.Status}
	}
}

// partial reads how many spans a collector did not want of those it took.
func partial(body []byte) result {
	var answer struct {
		PartialSuccess struct {
			RejectedSpans json.RawMessage `json:"rejectedSpans"` // a text, or a number
			ErrorMessage  string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return result{done: true} // it need not say anything
	}
	p := &answer.PartialSuccess
	n, err := strconv.ParseUint(strings.Trim(string(p.RejectedSpans), `"`), 10, 64)
	if err != nil || n == 0 {
		return result{done: true}
	}
	return result{done: true, rejected: n, rejection: fmt.Sprintf("%.200q", p.ErrorMessage)}
}

// retryAfter reads the field of that name (RFC 9110 section 10.2.3), 0 for nothing.
func (s *Sink) retryAfter(v string) time.Duration {
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(s.opts.Now()), 0)
	}
	return 0
}

// pause is how long to wait after a number of tries: a random part of it, so that
// gateways do not come back as one.
func pause(try int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, retryAfterMax)
	}
	d := min(retryFirst<<(try-1), retryMax)
	return d/2 + rand.N(d/2)
}

// tell says so when the collector begins to make trouble, and when it ends.
func (s *Sink) tell(r result) {
	p, now := &s.post, s.opts.Now()
	if r.rejected > 0 && (p.rejectedAt.IsZero() || now.Sub(p.rejectedAt) >= rejectionEvery) {
		p.rejectedAt = now
		s.opts.Logger.Warn("traces: the collector takes batches but rejects some of their spans; they are counted as refused, and this is said once an hour",
			"endpoint", s.opts.Endpoint, "spans", r.rejected, "reason", r.rejection)
	}
	switch {
	case r.problem == "" && p.told:
		p.told = false
		s.opts.Logger.Info("traces: the collector takes spans again", "endpoint", s.opts.Endpoint)
	case r.problem != "" && !p.told && (p.toldAt.IsZero() || now.Sub(p.toldAt) >= troubleEvery):
		p.told, p.toldAt = true, now
		s.opts.Logger.Warn("traces: the collector does not take spans; traffic is not affected, and what does not fit the queue is dropped and counted",
			"endpoint", s.opts.Endpoint, "problem", r.problem)
	}
}
