// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
)

var (
	errHead         = errors.New("origin: the head is no request")
	errHeadTooLarge = errors.New("origin: the head is above the limit")
)

// exchange is one request and its answer.
type exchange struct {
	c      *conn
	req    *Request // owned by the log once the head was seen
	body   *bodyReader
	arg    string // of a route: what follows its name and a slash
	params params
}

// readHead reads up to the first empty line. The exchange it returns can always be answered.
func (c *conn) readHead() (*exchange, error) {
	r := &Request{Conn: c.seen.Number, Seq: c.seq + 1}
	x := &exchange{c: c, req: r, body: &bodyReader{c: c, req: r}}
	for started := false; ; {
		line, err := c.in.ReadSlice('\n')
		r.Head = append(r.Head, line...)
		whole := err == nil
		switch {
		case len(r.Head) > c.srv.opts.HeadLimit:
			err = errHeadTooLarge
		case errors.Is(err, bufio.ErrBufferFull):
			err = nil
		}
		if err != nil {
			c.srv.log.headSeen(c.seen, r, false)
			return x, err
		}
		if !whole {
			started = true
			continue
		}
		blank := len(line) <= 2 && len(bytes.TrimRight(line, "\r\n")) == 0 && endsLine(r.Head, len(line))
		if blank && started {
			break
		}
		started = started || !blank // RFC 9112 section 2.2: empty lines before the request line are skipped
	}
	c.seq++
	err := r.parse()
	x.body.frame(c.srv.opts.PreferLength)
	c.srv.log.headSeen(c.seen, r, err == nil)
	return x, err
}

// endsLine reports whether the last n bytes of head are a line of their own, and not the rest of a long one.
func endsLine(head []byte, n int) bool {
	return len(head) == n || head[len(head)-n-1] == '\n'
}

// parse splits the head leniently: CRLF or LF ends a line, whatever stands before the first colon is a name.
func (r *Request) parse() error {
	lines := strings.Split(strings.TrimLeft(string(r.Head), "\r\n"), "\n")
	words := strings.Fields(lines[0])
	if len(words) < 2 {
		return errHead
	}
	r.Method, r.Target = words[0], words[1]
	if len(words) > 2 {
		r.Proto = words[2]
	}
	for _, line := range lines[1:] {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		r.Fields = append(r.Fields, Field{name, strings.Trim(value, " \t")})
	}
	return nil
}

// Get is the value of the first field of that name, in any letter case; "" if there is none.
func (r *Request) Get(name string) string {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// has reports whether a list field holds token, in any letter case.
func (r *Request) has(name, token string) bool {
	for _, f := range r.Fields {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		for part := range strings.SplitSeq(f.Value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// path is the target without scheme, authority (absolute-form) and query; query is what follows the question mark.
func (r *Request) path() (path, query string) {
	path = r.Target
	if _, rest, ok := strings.Cut(path, "://"); ok && !strings.HasPrefix(path, "/") {
		at := strings.IndexAny(rest, "/?")
		if at < 0 {
			return "/", ""
		}
		path = rest[at:]
	}
	path, query, _ = strings.Cut(path, "?")
	return path, query
}

// persistent reports whether the client lets the connection be used again.
func (r *Request) persistent() bool {
	if r.has("Connection", "close") {
		return false
	}
	return r.Proto == "HTTP/1.1" || r.has("Connection", "keep-alive")
}

// contentLength is the first Content-Length, or -1 where there is none or it is no number.
func (r *Request) contentLength() int64 {
	n, err := strconv.ParseInt(r.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
