// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

// withLine is a good answer with one more raw header line; its CRLF is added.
func withLine(raw string) string { return okHead + raw + "\r\n" + twoBytes + "\r\nok" }

// fieldModes bend header lines (RFC 9112 section 5, RFC 9110 section 5).
var fieldModes = []Mode{
	fixed("no-colon", "a line without a colon", withLine("X-Broken"), Keep),
	fixed("empty-name", "a line that begins with the colon", withLine(": value"), Keep),
	fixed("space-before-colon", "a space between name and colon", withLine("X-A : b"), Keep),
	fixed("tab-before-colon", "a tab between name and colon", withLine("X-A\t: b"), Keep),
	fixed("space-in-name", "a space inside the name", withLine("X A: b"), Keep),
	fixed("name-utf8", "a name outside ASCII", withLine("X-Gr\u00f6\u00dfe: b"), Keep),
	fixed("name-nul", "NUL in the name", withLine("X-\x00A: b"), Keep),
	fixed("name-paren", "a delimiter in the name", withLine("X-(A): b"), Keep),
	fixed("nul", "NUL in the value", withLine("X-A: b\x00c"), Keep),
	fixed("ctl", "another control character in the value", withLine("X-A: b\x01c"), Keep),
	fixed("del", "DEL in the value", withLine("X-A: b\x7fc"), Keep),
	fixed("bare-cr", "a bare CR in the value", withLine("X-A: b\rX-B: c"), Keep),
	fixed("bare-lf", "one line ended by a bare LF", okHead+"X-A: b\n"+twoBytes+"\r\nok", Keep),
	fixed("bare-lf-all", "every line ended by a bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Keep),
	fixed("bare-lf-end", "the empty line is a bare LF", okHead+twoBytes+"\nok", Keep),
	fixed("obs-fold", "a folded line", withLine("X-A: b\r\n c"), Keep),
	fixed("obs-fold-tab", "a line folded with a tab", withLine("X-A: b\r\n\tc"), Keep),
	fixed("fold-first", "the first header line begins with a space", withLine(" X-A: b"), Keep),
	fixed("blank-fold", "a line of one space only", withLine("X-A: b\r\n "), Keep),
	fixed("double-cr", "CR CR LF at a line's end", withLine("X-A: b\r"), Keep),
	sound("value-empty", "an empty value, which is legal", withLine("X-A:"), Keep),
	sound("value-obs-text", "bytes above 127 in the value, which are legal", withLine("X-A: b\xe4\xf6\xfc"), Keep),
	sound("value-spaces", "spaces and tabs around the value, which are legal", withLine("X-A: \t b \t "), Keep),
	sound("name-odd", "every token character in the name, which is legal", withLine("!#$%&'*+-.^_`|~0aZ: b"), Keep),
	sound("set-cookie-twice", "one name twice, which must not be joined", withLine("Set-Cookie: a=1\r\nSet-Cookie: b=2"), Keep),
	sound("hop-by-hop", "fields meant for one hop, named in Connection",
		withLine("Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Public: 2"), Keep),
}
