// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package smuggling_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recorder is an origin that answers every request alike once it has read it
// whole, and finds fault with whatever another origin could read differently.
// (The lab's origin does not read the bodies of paths that it does not know.)
type recorder struct {
	ln net.Listener
	wg sync.WaitGroup

	mu       sync.Mutex
	requests []request // those that arrived whole, in order
	received [][]byte  // all bytes, by connection
	faults   []string
}

func startRecorder(t *testing.T) *recorder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{ln: ln}
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r.wg.Add(1)
			go func() {
				defer r.wg.Done()
				r.serve(c)
			}()
		}
	}()
	t.Cleanup(func() { ln.Close() })
	return r
}

// finish waits until every connection has ended.
func (r *recorder) finish() {
	r.ln.Close()
	r.wg.Wait()
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	var all bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &all))
	for {
		q, err := r.read(in)
		if err != nil {
			break
		}
		r.mu.Lock()
		r.requests = append(r.requests, q)
		r.mu.Unlock()
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
			break
		}
	}
	r.mu.Lock()
	r.received = append(r.received, all.Bytes())
	r.mu.Unlock()
}

func (r *recorder) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// headForm is a head that no two recipients read differently: one target without
// spaces, names that are tokens, values without controls, CRLF everywhere.
var headForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\\.1\r\n" +
	"([!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\u0080-\u00ff]*\r\n)+\r\n$")

// read reads one request.
func (r *recorder) read(in *bufio.Reader) (q request, err error) {
	var head []rune // the expression looks at runes: each byte is made one
	for !strings.HasSuffix(string(head[max(0, len(head)-4):]), "\r\n\r\n") {
		b, err := in.ReadByte()
		if err != nil {
			return q, err
		}
		head = append(head, rune(b))
	}
	text := string(head)
	if !headForm.MatchString(text) {
		r.fault("an ambiguous head: %q", text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\r\n\r\n"), "\r\n")
	fmt.Sscanf(lines[0], "%s %s", &q.method, &q.target)
	fields := map[string][]string{}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.Trim(value, " \t"))
	}
	if len(fields["host"]) != 1 || len(fields["content-length"])+len(fields["transfer-encoding"]) > 1 {
		r.fault("ambiguous fields: %q", text)
	}
	q.host = strings.Join(fields["host"], ", ")
	switch {
	case fields["transfer-encoding"] != nil:
		if fields["transfer-encoding"][0] != "chunked" {
			r.fault("Transfer-Encoding is %q", fields["transfer-encoding"][0])
		}
		q.body, err = r.readChunks(in)
	case fields["content-length"] != nil:
		n, err := strconv.ParseUint(fields["content-length"][0], 10, 62)
		if err != nil || strconv.FormatUint(n, 10) != fields["content-length"][0] {
			r.fault("Content-Length is %q", fields["content-length"][0])
		}
		q.body, err = io.CopyN(io.Discard, in, int64(n))
		return q, err
	}
	return q, err
}

// chunkLine is a chunk's first line as a gateway has to write it.
var chunkLine = regexp.MustCompile("^[0-9a-fA-F]{1,15}\r\n$")

func (r *recorder) readChunks(in *bufio.Reader) (total int64, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return total, err
		}
		if !chunkLine.MatchString(line) {
			r.fault("a chunk begins with %q", line)
		}
		n, _ := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if n == 0 {
			break
		}
		if _, err := io.CopyN(io.Discard, in, n); err != nil {
			return total, err
		}
		total += n
		var end [2]byte
		if _, err := io.ReadFull(in, end[:]); err != nil {
			return total, err
		}
		if end != [2]byte{'\r', '\n'} {
			r.fault("a chunk ends with %q", end)
		}
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == "\r\n" {
			return total, err
		}
	}
}
