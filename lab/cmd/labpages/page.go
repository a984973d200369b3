// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strings"
	"time"
)

const (
	shotTimeout   = 20 * time.Second
	pageLimit     = 64 << 10 // bytes of a page that are read
	pageKeptBytes = 4 << 10  // and of its body that are saved: four times what is ever looked at
)

// page is an answer: its head as it came, and its body without transfer coding.
type page struct {
	head []byte // up to and with the empty line
	body []byte
}

// take sends the request and reads the answer, which ends with the connection or where its head says.
func (s shot) take(ctx context.Context, addr string) (page, error) {
	request := s.raw
	if request == "" {
		request = "GET " + s.path + " HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: labpages\r\nConnection: close\r\n\r\n"
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return page{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(shotTimeout)); err != nil {
		return page{}, err
	}
	// A server may answer and close before it has read all of a request that it refuses.
	_, sendErr := io.WriteString(conn, request)
	answer, err := io.ReadAll(io.LimitReader(conn, pageLimit))
	if len(answer) == 0 {
		return page{}, fmt.Errorf("no answer: sent with %v, read with %v", sendErr, err)
	}
	p, err := parse(answer)
	if err != nil {
		return p, err
	}
	if want := fmt.Sprintf(" %d ", s.status); !strings.Contains(string(p.head[:min(len(p.head), 16)])+" ", want) {
		return p, fmt.Errorf("is answered %q, not%s", firstLine(p.head), want)
	}
	return p, nil
}

// parse splits an answer, and takes the chunks off its body.
func parse(answer []byte) (page, error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok {
		return page{}, fmt.Errorf("the head of the answer has no end: %q", firstLine(answer))
	}
	p := page{head: append(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")), "\n\n"...), body: body}
	if bytes.Contains(bytes.ToLower(p.head), []byte("\ntransfer-encoding: chunked\n")) {
		whole, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
		if err != nil {
			return p, err
		}
		p.body = whole
	}
	p.body = p.body[:min(len(p.body), pageKeptBytes)]
	return p, nil
}

func (p page) text() []byte { return append(bytes.Clone(p.head), p.body...) }

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}
