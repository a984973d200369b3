// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"causey/lab/client"
)

func init() {
	const ok = "HTTP/1.1 200 OK\r\n"
	whole := client.Satisfied
	prove(map[string]proof{
		"resp.bad_header:space":    answered(getting("/"), whole, ok, "\r\nX-A : b\r\n"),
		"resp.bad_header:nul":      every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, ok, "\r\nX-A: b\x00c\r\n")),
		"resp.bad_header:no-colon": every(fine(getting("/")), answered(getting("/product/1"), client.Deadline, ok, "\r\nX-Broken\r\n")),
		"resp.bad_length:twice":    answered(getting("/"), client.Deadline, ok, "Content-Length: 2\r\nContent-Length: 3\r\n"),
		"resp.bad_length:negative": every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, ok, "Content-Length: -1\r\n")),
		"resp.empty:fin":           ofSome(answered(getting("/"), client.PeerFIN, "", "")),
		"resp.empty:rst":           ofSome(answered(getting("/"), client.PeerRST, "", "")),
		"resp.bad_status:word":     every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, "HTTP/1.1 abc OK\r\n", "")),
		"resp.bad_status:short":    answered(getting("/"), client.Deadline, "HTTP/1.1 20 OK\r\n", ""),
		"resp.desync:stray":        after("stray"),
		"resp.desync:answer":       after(ok),
		"resp.interim":             every(fine(getting("/")), interims),
		"body.truncated:fin":       every(fine(getting("/")), answered(getting("/product/1"), client.PeerFIN, ok, "Content-Length: 14000\r\n")),
		"body.truncated:rst":       ofSome(answered(getting("/"), client.PeerRST, ok, "Content-Length: 14000\r\n")),
		"body.bad_chunk:raw":       every(fine(getting("/")), answered(getting("/search?q=1"), client.Deadline, ok, "\r\nzz\r\n")),
		"body.bad_chunk:longer":    answered(getting("/"), client.Deadline, ok, "2\r\nok!!\r\n"),
		"body.no_last_chunk":       answered(getting("/product/1"), client.PeerFIN, ok, "2\r\nok\r\n"),
		"body.longer":              answered(getting("/"), whole, ok, "Content-Length: 2\r\n\r\nok!!!"),
		"body.content_coding":      every(fine(getting("/")), answered(getting("/", "Accept-Encoding: gzip"), client.PeerFIN, ok, "\r\n\r\n\x1f\x8b")),
		"body.trickle":             every(fine(getting("/")), part("/product/1", 200, 4000)),
		"body.stall":               every(fine(getting("/")), part("/product/1", 4096, 4400)),
	})
}

// after is what comes on an idle connection that nobody asked for.
func after(begins string) proof {
	return func(ctx context.Context, s *Stage) error {
		r := client.RawUntil(ctx, client.Target{Addr: s.servers()[0], Deadline: time.Second}, []byte(getting("/")), nil)
		in := bufio.NewReader(bytes.NewReader(r.Received))
		resp, err := http.ReadResponse(in, &http.Request{Method: "GET"})
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if more, _ := io.ReadAll(in); !strings.HasPrefix(string(more), begins) {
			return instead("%s (%v), and %.120q after the answer", r.End, r.Err, more)
		}
		return nil
	}
}

// interims come without end.
func interims(ctx context.Context, s *Stage) error {
	r := client.RawUntil(ctx, client.Target{Addr: s.servers()[0], Deadline: time.Second}, []byte(getting("/search?q=1")),
		func(_ []byte, total int64) bool { return total > 100<<10 })
	return looks(r, client.Satisfied, "HTTP/1.1 103 ", "")
}

// part is an answer that has come so far, and no further, after the time that a request is given here.
func part(target string, least, most int64) proof {
	return func(ctx context.Context, s *Stage) error {
		r := askServer(ctx, s, 0, getting(target))
		if r.End != client.Deadline || r.ReceivedBytes < least || r.ReceivedBytes > most {
			return instead("%s (%v) after %d bytes", r.End, r.Err, r.ReceivedBytes)
		}
		return nil
	}
}
