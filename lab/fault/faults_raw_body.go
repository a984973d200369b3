// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"time"

	"causey/lab/origin"
)

func init() { lists = append(lists, rawBody) }

var rawBody = []*Fault{
	answers{cause: "body.truncated", name: "fin", scope: "path",
		match: always(product), target: "/lab/cut?len=14000&at=9000"}.fault(),
	answers{cause: "body.truncated", name: "rst", scope: "upstream",
		match: sometimes(3, got), target: "/lab/cut?len=14000&at=9000&then=rst"}.fault(),
	answers{cause: "body.bad_chunk", name: "raw", scope: "path",
		match: always(search), target: "/lab/chunk-size-alpha"}.fault(),
	answers{cause: "body.bad_chunk", name: "longer", scope: "upstream",
		match: always(got), target: "/lab/chunk-longer"}.fault(),
	answers{cause: "body.no_last_chunk", scope: "path", match: always(product), target: "/lab/no-last-chunk"}.fault(),
	answers{cause: "body.longer", scope: "upstream", match: always(got), target: "/lab/long-body"}.fault(),
	answers{cause: "body.content_coding", scope: "upstream", match: always(compressed), target: uncompressedLength(),
		asks: []Ask{{Method: "GET", Path: "/product/*", Many: 40, Fields: []string{"Accept-Encoding: gzip"}, Weight: 6}}}.fault(),
	answers{cause: "body.trickle", scope: "path", patience: 5 * time.Second,
		match: always(product), target: "/lab/trickle?n=20&every=40ms&len=14000&what=body"}.fault(),
	answers{cause: "body.stall", scope: "path", lines: []string{slowStall},
		match: always(product), target: "/lab/stall-at?at=4096&len=14000"}.fault(),
}

// compressed are requests whose answers a filter compresses.
func compressed(q origin.Request) bool { return got(q) && q.Get("Accept-Encoding") != "" }

// uncompressedLength is a page that was compressed after its Content-Length had been computed; its end is the close.
func uncompressedLength() string {
	page := bytes.Repeat([]byte("<p>Another line of a long page.</p>\n"), 100)
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nVary: Accept-Encoding\r\n"+
		"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(page))
	z := gzip.NewWriter(&b)
	_, _ = z.Write(page) // neither fails into a buffer
	_ = z.Close()
	return "/lab/raw?b64=" + base64.RawURLEncoding.EncodeToString(b.Bytes())
}
