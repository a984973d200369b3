// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"strings"
)

// chunks is a chunked answer with this raw body.
func chunks(raw string) string { return okHead + teChunked + "\r\n" + raw }

// badSize is a good first chunk and then a chunk whose size line is bent.
func badSize(line string) string { return chunks("4\r\ngood\r\n" + line + "\r\nok\r\n0\r\n\r\n") }

// chunkModes bend the chunked coding (RFC 9112 section 7.1).
var chunkModes = []Mode{
	fixed("chunk-size-alpha", "a chunk size that is no number", badSize("zz"), Keep),
	fixed("chunk-size-empty", "an empty chunk size", badSize(""), Keep),
	fixed("chunk-size-negative", "a negative chunk size", badSize("-2"), Keep),
	fixed("chunk-size-plus", "a chunk size with a sign", badSize("+2"), Keep),
	fixed("chunk-size-0x", "a chunk size with 0x", badSize("0x2"), Keep),
	fixed("chunk-size-space", "a space before the chunk size", badSize(" 2"), Keep),
	fixed("chunk-size-trailing-space", "a space after the chunk size", badSize("2 "), Keep),
	fixed("chunk-size-overflow", "a chunk size of 65 bits that wraps around to 2", badSize("10000000000000002"), Keep),
	fixed("chunk-size-huge", "a chunk size of 63 bits, and two bytes", badSize("7fffffffffffffff"), FIN),
	fixed("chunk-size-lf", "a chunk-size line that ends in a bare LF", chunks("2\nok\r\n0\r\n\r\n"), Keep),
	fixed("chunk-size-cr", "a bare CR in the chunk-size line", badSize("2\rx"), Keep),
	{Name: "chunk-size-long", Doc: "a chunk size with so many leading zeros", Params: "bytes=100000 then=keep", run: func(x *exchange) End {
		x.send(chunks(""))
		x.repeat("0", x.params.num("bytes"))
		x.send("2\r\nok\r\n0\r\n\r\n")
		return x.params.then()
	}},
	{Name: "chunk-ext-long", Doc: "a chunk extension of so many bytes", Params: "bytes=100000 then=keep", run: func(x *exchange) End {
		x.send(chunks("2;e="))
		x.repeat("x", x.params.num("bytes"))
		x.send("\r\nok\r\n0\r\n\r\n")
		return x.params.then()
	}},
	sound("chunk-ext", "a chunk extension, which is legal", chunks("2;name=value;q=\"a b\"\r\nok\r\n0\r\n\r\n"), Keep),
	fixed("chunk-ext-nul", "NUL in a chunk extension", badSize("2;a\x00b"), Keep),
	fixed("chunk-ext-lf", "a bare LF in a chunk extension", badSize("2;a\nb"), Keep),
	fixed("chunk-no-crlf", "no CRLF after the data", chunks("2\r\nok0\r\n\r\n"), Keep),
	fixed("chunk-lf", "a bare LF after the data", chunks("2\r\nok\n0\r\n\r\n"), Keep),
	fixed("chunk-longer", "more data than the size says", chunks("2\r\nok!!\r\n0\r\n\r\n"), Keep),
	fixed("chunk-cut", "the end comes inside a chunk", chunks("a\r\nhalf"), FIN),
	fixed("chunk-size-cut", "the end comes inside a chunk-size line", chunks("2\r\nok\r\n1"), FIN),
	fixed("no-last-chunk", "the end comes instead of the last chunk", chunks("2\r\nok\r\n"), FIN),
	fixed("last-chunk-cut", "the end comes before the empty line after the last chunk", chunks("2\r\nok\r\n0\r\n"), FIN),
	fixed("chunk-after-last", "another chunk after the last", chunks("2\r\nok\r\n0\r\n\r\n2\r\nno\r\n"), Keep),
	sound("chunk-upper", "upper-case hex and leading zeros, which are legal", chunks("00A\r\n0123456789\r\n000\r\n\r\n"), Keep),
	{Name: "chunk-tiny", Doc: "n chunks of one byte, which is legal", Params: "n=10000 then=keep", Sound: true, run: func(x *exchange) End {
		x.send(chunks(""))
		x.repeat("1\r\nx\r\n", x.params.num("n"))
		x.send("0\r\n\r\n")
		return x.params.then()
	}},
	fixed("trailer-no-colon", "a trailer line without a colon", chunks("2\r\nok\r\n0\r\nBroken\r\n\r\n"), Keep),
	fixed("trailer-space", "a space before a trailer's colon", chunks("2\r\nok\r\n0\r\nX-A : b\r\n\r\n"), Keep),
	fixed("trailer-nul", "NUL in a trailer", chunks("2\r\nok\r\n0\r\nX-A: b\x00\r\n\r\n"), Keep),
	fixed("trailer-fold", "a folded trailer", chunks("2\r\nok\r\n0\r\nX-A: b\r\n c\r\n\r\n"), Keep),
	fixed("trailer-lf", "a trailer that ends in a bare LF", chunks("2\r\nok\r\n0\r\nX-A: b\n\r\n"), Keep),
	sound("trailer-framing", "framing fields as trailers, which must be dropped, not obeyed",
		chunks("2\r\nok\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n"), Keep),
	fixed("trailer-cut", "the end comes inside the trailers", chunks("2\r\nok\r\n0\r\nX-A: "), FIN),
	{Name: "trailer-large", Doc: "one trailer of so many bytes", Params: "bytes=200000 then=keep", run: func(x *exchange) End {
		x.send(chunks("2\r\nok\r\n0\r\nX-Large: "))
		x.repeat("x", x.params.num("bytes"))
		x.send("\r\n\r\n")
		return x.params.then()
	}},
	{Name: "trailer-many", Doc: "n trailers", Params: "n=5000 then=keep", run: func(x *exchange) End {
		x.send(chunks("2\r\nok\r\n0\r\n"))
		x.manyFields(x.params.num("n"))
		x.send("\r\n")
		return x.params.then()
	}},
}

// repeat sends unit n times, in large writes, whatever n is (I2).
func (x *exchange) repeat(unit string, n int64) {
	per := max(1, int64(16<<10)/int64(len(unit)))
	block := strings.Repeat(unit, int(min(per, n)))
	for n > 0 && !x.c.broken {
		k := min(per, n)
		x.send(block[:int(k)*len(unit)])
		n -= k
	}
}

// manyFields sends n header lines.
func (x *exchange) manyFields(n int64) {
	var buf []byte
	for i := int64(0); i < n && !x.c.broken; i++ {
		buf = fmt.Appendf(buf, "X-Field-%d: value\r\n", i)
		if len(buf) > 16<<10 || i == n-1 {
			x.c.write(buf)
			buf = buf[:0]
		}
	}
}
