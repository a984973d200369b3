// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Verdict is what a visitor says afterwards.
type Verdict int

const (
	// Whole is an answer of status 200 with all of its bytes.
	Whole Verdict = iota
	// Failed is no answer, an error, or something that is no answer.
	Failed
	// Cut is an answer that began and did not end as it should.
	Cut
)

func (v Verdict) String() string { return [...]string{"whole", "failed", "cut"}[v] }

// The reasons for which a visit failed or was cut. "status NNN" is one too.
const (
	reasonRefused   = "refused"
	reasonReset     = "reset"
	reasonClosed    = "closed"
	reasonTimeout   = "no patience left"
	reasonMalformed = "no HTTP"
	reasonOther     = "other bytes"
	reasonUnknown   = "unknown error"
)

// visit is one request and what came of it.
type visit struct {
	plan  *Plan
	order int // 0: a GET
	due   time.Time

	verdict Verdict
	// reason is empty for whole answers.
	reason string
	// proxy is the field Proxy-Status (RFC 9209), began the first bytes of a body that
	// was no good, and err what the socket said.
	proxy, began string
	err          error
}

// bodyShown is how much of a failure's body an example keeps.
const bodyShown = 80

// make sends the request and judges the answer.
func (v *visit) make(ctx context.Context, p *pool, fresh bool) {
	until := v.due.Add(v.plan.Patience)
	c, err := p.take(ctx, fresh, until)
	if err != nil {
		v.fail(Failed, reasonOf(err), err)
		return
	}
	_ = c.SetDeadline(until)
	// A gateway may answer without having read everything: what counts is what it says.
	_, _ = c.Write(v.request(fresh))
	if v.read(c) && !fresh {
		p.put(c)
		return
	}
	_ = c.Close()
}

// request says in X-Sent when it was sent, which a server that was frozen could not
// know.
func (v *visit) request(fresh bool) []byte {
	last := ""
	if fresh {
		last = "Connection: close\r\n"
	}
	if v.order == 0 {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: outage\r\nUser-Agent: causey-bench\r\nX-Sent: %d\r\n%s\r\n", v.plan.Page, time.Now().UnixNano(), last)
	}
	body := "order=" + strconv.Itoa(v.order) + "\n"
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: outage\r\nUser-Agent: causey-bench\r\nX-Sent: %d\r\nX-Order: %d\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n%s",
		v.plan.Form, time.Now().UnixNano(), v.order, len(body), last, body)
}

// read reads the answer and reports whether the connection is good for another.
func (v *visit) read(c *conn) bool {
	if _, err := c.in.Peek(1); err != nil {
		v.fail(Failed, reasonOf(err), err)
		return false
	}
	resp, err := v.head(c)
	if err != nil {
		// A head that breaks off has begun (I4); one that cannot be read never did.
		switch reason := reasonOf(err); reason {
		case reasonUnknown:
			v.fail(Failed, reasonMalformed, err)
		default:
			v.fail(Cut, reason, err)
		}
		return false
	}
	defer resp.Body.Close()
	v.proxy = resp.Header.Get("Proxy-Status")
	if resp.StatusCode != http.StatusOK {
		return v.status(resp)
	}
	return v.body(resp)
}

// head reads the final head, past interim ones.
func (v *visit) head(c *conn) (*http.Response, error) {
	method := http.MethodGet
	if v.order != 0 {
		method = http.MethodPost
	}
	for {
		resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
		if err != nil || resp.StatusCode >= 200 {
			return resp, err
		}
	}
}

// errorLimitBytes is how much of an error's page is read to keep the connection.
const errorLimitBytes = 64 << 10

func (v *visit) status(resp *http.Response) bool {
	page, err := io.ReadAll(io.LimitReader(resp.Body, errorLimitBytes))
	v.fail(Failed, "status "+strconv.Itoa(resp.StatusCode), err)
	v.began = string(bytes.ToValidUTF8(page[:min(len(page), bodyShown)], []byte("?")))
	return err == nil && len(page) < errorLimitBytes && !resp.Close
}

func (v *visit) body(resp *http.Response) bool {
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		v.fail(Cut, reasonOf(err), err)
		return false
	case v.order == 0 && !bytes.Equal(got, v.plan.Want):
		v.fail(Failed, reasonOther, fmt.Errorf("%d bytes instead of %d", len(got), len(v.plan.Want)))
		v.began = string(bytes.ToValidUTF8(got[:min(len(got), bodyShown)], []byte("?")))
		return false
	}
	v.verdict = Whole
	return !resp.Close
}

func (v *visit) fail(verdict Verdict, reason string, err error) {
	v.verdict, v.reason, v.err = verdict, reason, err
}

// reasonOf names what happened to a socket.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return reasonRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reasonReset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return reasonTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return reasonClosed
	}
	return reasonUnknown
}
