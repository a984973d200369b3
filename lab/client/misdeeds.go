// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// talk runs f on a fresh connection. A connect that fails is a Result too.
func talk(ctx context.Context, t Target, f func(*Conn) Result) Result {
	c, err := Dial(ctx, t)
	if err != nil {
		return Result{End: classify(err), Err: err}
	}
	defer c.Close()
	return f(c)
}

// Raw sends data and receives until the peer ends.
func Raw(ctx context.Context, t Target, data []byte) Result {
	return RawUntil(ctx, t, data, nil)
}

// RawUntil sends data and receives until done says enough; see Responses.
func RawUntil(ctx context.Context, t Target, data []byte, done func(received []byte, total int64) bool) Result {
	return Stream(ctx, t, bytes.NewReader(data), done)
}

// Stream sends what source gives and receives until done says enough, or the peer ends. Sending and receiving go on at
// the same time, so a peer that answers before it has read everything is heard. When the source ends nothing more is
// sent; the connection stays open.
func Stream(ctx context.Context, t Target, source io.Reader, done func(received []byte, total int64) bool) Result {
	return talk(ctx, t, func(c *Conn) Result {
		type outcome struct {
			n   int64
			err error
		}
		sent := make(chan outcome, 1)
		go func() {
			n, err := io.Copy(c.nc, source)
			sent <- outcome{n, err}
		}()
		c.ReceiveUntil(readSize, done)
		r := c.Close() // ends the sending as well
		out := <-sent
		r.SentBytes = out.n
		if r.End == PeerFIN && errors.Is(out.err, unix.ECONNRESET) {
			r.End, r.Err = PeerRST, out.err // the sending side was told first; see note
		}
		return r
	})
}

// Responses is a done function: enough when whole responses to these methods, in order, have arrived (1xx aside). It
// looks at what is kept, so the responses have to fit Target.KeepBytes.
func Responses(methods ...string) func([]byte, int64) bool {
	return func(received []byte, _ int64) bool {
		in := bufio.NewReader(bytes.NewReader(received))
		for i := 0; i < len(methods); {
			resp, err := http.ReadResponse(in, &http.Request{Method: methods[i]})
			if err != nil {
				return false
			}
			if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != 101 {
				continue
			}
			delimited := resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.StatusCode == 101
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || !delimited {
				return false
			}
			i++
		}
		return true
	}
}

// HalfRequest sends the first n bytes of request and then ends or waits in the given way.
func HalfRequest(ctx context.Context, t Target, request []byte, n int, how How) Result {
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Send(request[:min(n, len(request))]) {
			return c.Close()
		}
		return c.Leave(how)
	})
}

// Trickle sends request at the given pace and receives until the peer ends or done says enough. A peer that ends
// before it has everything is noticed at the next piece; what it sent is received all the same.
func Trickle(ctx context.Context, t Target, request []byte, pace Pace, done func([]byte, int64) bool) Result {
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Trickle(ctx, request, max(pace.Bytes, 1), pace.Every) && c.result.End == Deadline {
			return c.Close()
		}
		c.ReceiveUntil(readSize, done)
		return c.Close()
	})
}

// Pace is so many bytes at each interval.
type Pace struct {
	Bytes int
	Every time.Duration
}

// AbortReceiving sends request, receives at least n bytes of the answer, and leaves in the given way. Reads are small,
// so little more than n bytes are taken from the socket.
func AbortReceiving(ctx context.Context, t Target, request []byte, n int64, how How) Result {
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Send(request) {
			return c.Close()
		}
		piece := int(min(max(n, 1), 512))
		if n > 0 && !c.ReceiveUntil(piece, func(_ []byte, total int64) bool { return total >= n }) {
			return c.Close()
		}
		return c.Leave(how)
	})
}

// NeverRead sends request with the smallest receive buffer and reads nothing until ctx or the deadline ends; then it
// resets the connection. End is PeerRST if the peer had done so before.
func NeverRead(ctx context.Context, t Target, request []byte) Result {
	if t.RecvBuffer == 0 {
		t.RecvBuffer = 1 // the kernel makes it its minimum
	}
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Send(request) {
			return c.Close()
		}
		end := c.awaitReset(ctx)
		r := c.Leave(RST)
		r.End = end
		return r
	})
}

// Pipeline sends all requests in one write and receives whole responses to their methods.
func Pipeline(ctx context.Context, t Target, requests ...[]byte) Result {
	var methods []string
	for _, r := range requests {
		methods = append(methods, methodOf(r))
	}
	return RawUntil(ctx, t, slices.Concat(requests...), Responses(methods...))
}

func methodOf(request []byte) string {
	method, _, _ := bytes.Cut(request, []byte(" "))
	return string(method)
}

// HalfClose sends data, then FIN, and receives until the peer ends.
func HalfClose(ctx context.Context, t Target, data []byte) Result {
	return HalfRequest(ctx, t, data, len(data), FIN)
}

// SlowReader sends request and receives at the given pace until the peer ends or limit bytes have come (0: no limit),
// with the smallest receive buffer, so that the peer feels it.
func SlowReader(ctx context.Context, t Target, request []byte, pace Pace, limit int64) Result {
	if t.RecvBuffer == 0 {
		t.RecvBuffer = 1
	}
	return talk(ctx, t, func(c *Conn) Result {
		if !c.Send(request) {
			return c.Close()
		}
		for {
			next := c.result.ReceivedBytes + int64(max(pace.Bytes, 1))
			if limit > 0 {
				next = min(next, limit)
			}
			enough := func(_ []byte, total int64) bool { return total >= next }
			if !c.ReceiveUntil(int(next-c.result.ReceivedBytes), enough) || (limit > 0 && c.result.ReceivedBytes >= limit) || !c.pause(ctx, pace.Every) {
				return c.Close()
			}
		}
	})
}
