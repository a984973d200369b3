// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"
	"strings"
)

// An acceptedDifference from net/http. difference is the beginning of what differ
// says; when narrows it down, nil for always; shows is an input that shows it.
type acceptedDifference struct {
	difference string
	reason     string
	shows      string
	when       func(input []byte, response bool) bool
}

// How the examples begin.
const (
	plainGet    = "GET / HTTP/1.1\r\nHost: h\r\n"
	chunkedPost = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	plainAnswer = "HTTP/1.1 200 OK\r\n"
)

var accepted = []acceptedDifference{
	// Where this codec is stricter.
	{
		difference: "we refuse: field-bare-lf",
		reason:     "RFC 9112 2.2 allows a bare LF; it is how lines are smuggled past recipients that do not",
		shows:      "GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n",
	},
	{
		difference: "we refuse: start-line-bare-lf",
		reason:     "as field-bare-lf",
		shows:      "GET / HTTP/1.1\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: trailer-byte",
		reason:     "net/http takes a bare LF for the empty line",
		shows:      chunkedPost + "0\r\n\n: b\r\n\r\n",
	},
	{
		difference: "we refuse: start-line-bare-cr",
		reason:     "net/http refuses a bare CR in fields only; RFC 9112 2.2: consider invalid or replace",
		shows:      "HTTP/1.1 200 O\rK\r\n\r\n",
	},
	{
		difference: "we refuse: start-line-control-byte",
		reason:     "net/http checks a reason phrase for nothing and finds control bytes in a method or version by other names",
		shows:      "HTTP/1.1 200 O\x00K\r\n\r\n",
	},
	{
		difference: "we refuse: obs-fold",
		reason:     "RFC 9112 5.2: reject or replace; net/http unfolds",
		shows:      plainGet + "A: b\r\n c\r\n\r\n",
	},
	{
		difference: "we refuse: trailer-fold",
		reason:     "as obs-fold",
		shows:      chunkedPost + "0\r\nA: b\r\n c\r\n\r\n",
	},
	{
		difference: "we refuse: cl-empty",
		reason:     "the value stands in a folded line",
		shows:      plainAnswer + "Content-Length:\r\n 0\r\n\r\n",
		when:       contains("\n ", "\n\t", "\n\r", ":\r\n", ": \r\n"),
	},
	{
		difference: "we refuse: te-value",
		reason:     "the value stands in a folded line, or the message is of a kind where net/http does not look at it",
		shows:      "HTTP/1.0 200 OK\r\nTransfer-Encoding: x\r\n\r\n",
	},
	{
		difference: "we refuse: host-missing",
		reason:     "RFC 9112 3.2: MUST answer 400; net/http does so in its server, not in ReadRequest",
		shows:      "GET / HTTP/1.1\r\n\r\n",
	},
	{
		difference: "we refuse: host-syntax",
		reason:     "as host-missing; and net/http's check is of characters only",
		shows:      "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
	},
	{
		difference: "we refuse: te-after-cl",
		reason:     "RFC 9112 6.3: ought to be handled as an error; net/http drops the length",
		shows:      plainAnswer + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	},
	{
		difference: "we refuse: cl-after-te",
		reason:     "as te-after-cl",
		shows:      plainAnswer + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	},
	{
		difference: "we refuse: cl-twice",
		reason:     "RFC 9110 8.6: reject or fold equal values; net/http folds",
		shows:      plainAnswer + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
	},
	{
		difference: "we refuse: te-in-http10",
		reason:     "RFC 9112 6.1: treat as faulty framing; net/http ignores the field",
		shows:      "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	},
	{
		difference: "we refuse: space-in-name",
		reason:     "net/http keeps a name with a space inside for compatibility",
		shows:      plainGet + "A B: c\r\n\r\n",
	},
	{
		difference: "we refuse: space-before-colon",
		reason:     "RFC 9112 5.1: MUST reject in a request, remove in an answer; we refuse both",
		shows:      plainGet + "A : c\r\n\r\n",
	},
	{
		difference: "we refuse: trailer-name",
		reason:     "as space-in-name",
		shows:      chunkedPost + "0\r\nA : b\r\n\r\n",
	},
	{
		difference: "we refuse: framing-name-disguised",
		reason:     "net/http does not know what a CGI makes of a name",
		shows:      plainGet + "Content_Length: 5\r\n\r\n",
	},
	{
		difference: "we refuse: expect-value",
		reason:     "RFC 9110 10.1.1: MAY answer 417; net/http does so in its server",
		shows:      plainGet + "Expect: x\r\n\r\n",
	},
	{
		difference: "we refuse: connection-options",
		reason:     "a limit of ours",
		shows:      plainGet + "Connection: " + strings.Repeat("a,", 33) + "\r\n\r\n",
	},
	{
		difference: "we refuse: trailer-count",
		reason:     "a limit of ours",
		shows:      chunkedPost + "0\r\n" + strings.Repeat("A: b\r\n", 129) + "\r\n",
	},
	{
		difference: "we refuse: target-bytes",
		reason:     "a limit of ours",
		shows:      "GET /" + strings.Repeat("a", 17_000) + " HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: method-length",
		reason:     "a limit of ours",
		shows:      strings.Repeat("A", 65) + " / HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: version-major",
		reason:     "net/http parses any version and leaves it to its server",
		shows:      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: status-range",
		reason:     "RFC 9110 15: invalid; net/http takes any three digits",
		shows:      "HTTP/1.1 600 X\r\n\r\n",
	},
	{
		difference: "we refuse: status-code",
		reason:     "net/http trims blanks before the code and takes a sign for a digit",
		shows:      "HTTP/1.1 +99 X\r\n\r\n",
	},
	{
		difference: "we refuse: upgrade-fields",
		reason:     "RFC 9110 15.2.2; net/http leaves 101 to its caller",
		shows:      "HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\n",
	},
	{
		difference: "we refuse: target-empty",
		reason:     "net/http takes an empty target with CONNECT",
		shows:      "CONNECT  HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: target-form",
		reason:     "net/http takes every absolute URI as a target",
		shows:      "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: target-byte",
		reason:     "RFC 3986: not in a URI; net/http's URLs hold them",
		shows:      "GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: authority-syntax",
		reason:     "RFC 9112 3.2.3; net/http takes a path with CONNECT for its RPC package, and checks no port",
		shows:      "CONNECT /x HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: authority-port",
		reason:     "RFC 9112 3.2.3: a port is needed",
		shows:      "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: absolute-authority",
		reason:     "userinfo and empty hosts: RFC 9110 4.2.1 and 4.2.4",
		shows:      "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: absolute-no-path",
		reason:     "the bytes to forward would have to be made up; see README",
		shows:      "GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: asterisk-method",
		reason:     "RFC 9112 3.2.4: only with OPTIONS",
		shows:      "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
	},
	{
		difference: "we refuse: other-protocol",
		reason:     "net/http takes the preface of HTTP/2 for a request, and the words of others for methods",
		shows:      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	},
	{
		difference: "we refuse: chunk-size-byte",
		reason:     "net/http trims blanks behind a size",
		shows:      chunkedPost + "5 \r\nhello\r\n0\r\n\r\n",
	},
	{
		difference: "we refuse: chunk-ext-byte",
		reason:     "RFC 9112 7.1.1: no control byte may stand there; net/http refuses line ends only",
		shows:      chunkedPost + "5;a\x00\r\nhello\r\n0\r\n\r\n",
	},

	// Where net/http is.
	{
		difference: "net/http refuses: parse ",
		reason:     "a broken percent-encoding is the origin's business: paths are passed on, not decoded",
		shows:      "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
		when:       contains("%"),
	},
	{
		difference: "net/http refuses: invalid byte in chunk length",
		reason:     "RFC 9112 7.1.1: bad whitespace before an extension MUST be parsed",
		shows:      chunkedPost + "5 ;a\r\nhello\r\n0\r\n\r\n",
		when:       contains(" ;", "\t;"),
	},
	{
		difference: "net/http refuses: chunked encoding contains too much non-data",
		reason:     "its count of overhead wraps at sizes near 2^62",
		shows:      chunkedPost + "5000000000000005\r\nhello",
	},
	{
		difference: "net/http refuses: http: suspiciously long trailer",
		reason:     "net/http says so of every trailer section that is not complete in its buffer",
		shows:      chunkedPost + "0\r\nA: b\r\n",
	},
	{
		difference: "net/http refuses: http: unexpected EOF reading trailer",
		reason:     "an unfinished message; the error is not io.ErrUnexpectedEOF",
		shows:      chunkedPost + "0\r\n",
	},

	// Where both read a message, but not alike.
	{
		difference: "version: 11",
		reason:     "RFC 9110 2.5: a higher minor version is processed as the highest one known",
		shows:      "HTTP/1.5 200 OK\r\n\r\n",
		when:       contains("HTTP/1."),
	},
	{
		difference: "length: ",
		reason:     "1xx, 204 and 304 have no body; net/http reports 0 whatever they announce, we pass on what a 304 announces",
		shows:      "HTTP/1.1 304 X\r\nContent-Length: 100\r\n\r\n",
		when:       contains("HTTP/1.1 1", "HTTP/1.1 204", "HTTP/1.1 304", "HTTP/1.0 1", "HTTP/1.0 204", "HTTP/1.0 304"),
	},
	{
		difference: "chunked: false",
		reason:     "1xx, 204 and 304 have no body, chunked or not",
		shows:      "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
		when:       contains("HTTP/1.1 1", "HTTP/1.1 204", "HTTP/1.1 304"),
	},
}

// contains returns a condition: one of parts is in the input.
func contains(parts ...string) func([]byte, bool) bool {
	return func(input []byte, _ bool) bool {
		for _, p := range parts {
			if bytes.Contains(input, []byte(p)) {
				return true
			}
		}
		return false
	}
}

// explain returns the entry that d falls under, nil if there is none.
func explain(d string, input []byte, response bool) *acceptedDifference {
	for i := range accepted {
		a := &accepted[i]
		if strings.HasPrefix(d, a.difference) && (a.when == nil || a.when(input, response)) {
			return a
		}
	}
	return nil
}

// refusedByNetHTTP says why net/http refuses a request that this codec forwards,
// or "" if there is no known reason.
func refusedByNetHTTP(f forwarded, err error) string {
	if a := explain("net/http refuses: "+err.Error(), f.bytes, false); a != nil {
		return a.reason
	}
	return ""
}
