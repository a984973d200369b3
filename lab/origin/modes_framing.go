// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

const (
	chunkedOK = "2\r\nok\r\n0\r\n\r\n"
	teChunked = "Transfer-Encoding: chunked\r\n"
)

// framed is a head with these raw lines, and a body.
func framed(lines, body string) string { return okHead + lines + "\r\n" + body }

// withLength is a two-byte answer whose Content-Length says v.
func withLength(v string) string { return framed("Content-Length: "+v+"\r\n", "ok") }

// withCoding is a chunked answer whose Transfer-Encoding says v.
func withCoding(v string) string { return framed("Transfer-Encoding: "+v+"\r\n", chunkedOK) }

// framingModes make the length of the body a matter of opinion (RFC 9112 section 6).
var framingModes = []Mode{
	fixed("cl-te", "Content-Length, then Transfer-Encoding", framed(twoBytes+teChunked, chunkedOK), Keep),
	fixed("te-cl", "Transfer-Encoding, then Content-Length", framed(teChunked+twoBytes, chunkedOK), Keep),
	fixed("cl-dup-equal", "Content-Length twice, the same", framed(twoBytes+twoBytes, "ok"), Keep),
	fixed("cl-dup-differ", "Content-Length twice, 2 and 3", framed(twoBytes+"Content-Length: 3\r\n", "ok!"), Keep),
	fixed("cl-list-equal", "Content-Length: 2, 2", withLength("2, 2"), Keep),
	fixed("cl-list-differ", "Content-Length: 1,2", withLength("1,2"), Keep),
	fixed("cl-negative", "Content-Length: -1", withLength("-1"), Keep),
	fixed("cl-plus", "Content-Length: +2", withLength("+2"), Keep),
	fixed("cl-hex", "Content-Length: 0x2", withLength("0x2"), Keep),
	fixed("cl-float", "Content-Length: 2.0", withLength("2.0"), Keep),
	fixed("cl-empty", "Content-Length with no value", withLength(""), Keep),
	fixed("cl-alpha", "Content-Length: two", withLength("two"), Keep),
	fixed("cl-space", "Content-Length: 0 2", withLength("0 2"), Keep),
	fixed("cl-overflow", "Content-Length one above what 63 bits hold", withLength("9223372036854775808"), Keep),
	fixed("cl-overflow-64", "Content-Length that wraps around to 2 in 64 bits", withLength("18446744073709551618"), Keep),
	fixed("cl-endless", "Content-Length of 200 digits", withLength(digits(200)), Keep),
	sound("cl-zeros", "Content-Length: 002, which the grammar allows", withLength("002"), Keep),
	fixed("te-unknown", "an unknown transfer coding", withCoding("quantum"), FIN),
	fixed("te-identity", "the withdrawn coding identity", framed("Transfer-Encoding: identity\r\n", "ok"), FIN),
	fixed("te-not-final", "chunked, gzip: chunked is not last", withCoding("chunked, gzip"), FIN),
	fixed("te-gzip-chunked", "gzip, chunked: a coding that nobody asked for", withCoding("gzip, chunked"), Keep),
	fixed("te-chunked-twice", "chunked, chunked", withCoding("chunked, chunked"), Keep),
	fixed("te-two-lines", "two Transfer-Encoding lines", framed(teChunked+teChunked, chunkedOK), Keep),
	fixed("te-two-lines-differ", "identity in one line, chunked in another", framed("Transfer-Encoding: identity\r\n"+teChunked, chunkedOK), Keep),
	fixed("te-param", "chunked with a parameter", withCoding("chunked;q=1"), Keep),
	fixed("te-quoted", "chunked in quotes", withCoding(`"chunked"`), Keep),
	fixed("te-prefix", "xchunked", withCoding("xchunked"), Keep),
	fixed("te-vtab", "a vertical tab before chunked", withCoding("\vchunked"), Keep),
	fixed("te-empty", "Transfer-Encoding with no value", withCoding(""), FIN),
	fixed("te-comma", "an empty list element after chunked", withCoding("chunked,"), Keep),
	sound("te-case", "Chunked in another letter case, which is legal", withCoding("ChUnKeD"), Keep),
	fixed("te-http10", "chunked in an HTTP/1.0 answer", "HTTP/1.0 200 OK\r\n"+teChunked+"\r\n"+chunkedOK, FIN),
}

func digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '9'
	}
	return string(b)
}
