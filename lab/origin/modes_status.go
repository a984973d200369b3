// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

const (
	afterStatus = "\r\nContent-Length: 2\r\n\r\nok"
	twoBytes    = "Content-Length: 2\r\n"
)

// statusModes bend the status line (RFC 9112 section 4).
var statusModes = []Mode{
	fixed("status-short", "a status of two digits", "HTTP/1.1 20 OK"+afterStatus, Keep),
	fixed("status-long", "a status of four digits", "HTTP/1.1 2000 OK"+afterStatus, Keep),
	fixed("status-alpha", "a status of letters", "HTTP/1.1 abc OK"+afterStatus, Keep),
	fixed("status-negative", "a negative status", "HTTP/1.1 -200 OK"+afterStatus, Keep),
	fixed("status-plus", "a status with a sign", "HTTP/1.1 +20 OK"+afterStatus, Keep),
	fixed("status-000", "status 000", "HTTP/1.1 000 Zero"+afterStatus, Keep),
	fixed("status-099", "status 099, below every class", "HTTP/1.1 099 Low"+afterStatus, Keep),
	sound("status-599", "status 599, unknown but in a class", "HTTP/1.1 599 Odd"+afterStatus, Keep),
	fixed("status-missing", "a version and nothing else", "HTTP/1.1"+afterStatus, Keep),
	fixed("status-empty", "a version, a space and nothing else", "HTTP/1.1 "+afterStatus, Keep),
	fixed("status-two-spaces", "two spaces before the status", "HTTP/1.1  200 OK"+afterStatus, Keep),
	fixed("status-tab", "a tab before the status", "HTTP/1.1\t200 OK"+afterStatus, Keep),
	fixed("status-no-space", "reason glued to the status", "HTTP/1.1 200OK"+afterStatus, Keep),
	sound("status-no-reason", "an empty reason after its space, which is legal", "HTTP/1.1 200 "+afterStatus, Keep),
	fixed("status-bare", "no space after the status, which the grammar wants and many omit", "HTTP/1.1 200"+afterStatus, Keep),
	fixed("status-leading-space", "a space before the version", " HTTP/1.1 200 OK"+afterStatus, Keep),
	fixed("status-leading-crlf", "an empty line before the status line", "\r\nHTTP/1.1 200 OK"+afterStatus, Keep),
	fixed("status-nul", "NUL in the reason", "HTTP/1.1 200 O\x00K"+afterStatus, Keep),
	fixed("status-bare-cr", "a bare CR in the reason", "HTTP/1.1 200 O\rK"+afterStatus, Keep),
	fixed("status-bare-lf", "the status line ends in a bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", Keep),
	fixed("version-lower", "the version in lower case", "http/1.1 200 OK"+afterStatus, Keep),
	fixed("version-2", "HTTP/2.0 in an HTTP/1 status line", "HTTP/2.0 200 OK"+afterStatus, Keep),
	fixed("version-0.9", "HTTP/0.9 in a status line", "HTTP/0.9 200 OK"+afterStatus, Keep),
	fixed("version-short", "a version without minor number", "HTTP/1 200 OK"+afterStatus, Keep),
	fixed("version-long", "a minor version of two digits", "HTTP/1.10 200 OK"+afterStatus, Keep),
	fixed("version-garbage", "a version of letters", "HTTP/x.y 200 OK"+afterStatus, Keep),
	fixed("version-space", "a space inside the version", "HTTP/ 1.1 200 OK"+afterStatus, Keep),
	fixed("version-icy", "another protocol's name", "ICY 200 OK"+afterStatus, Keep),
	sound("version-1.0", "an HTTP/1.0 answer with a length, closed after it", "HTTP/1.0 200 OK"+afterStatus, FIN),
	sound("version-1.0-keep", "an HTTP/1.0 answer that offers keep-alive",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive"+afterStatus, Keep),
	sound("no-date", "an answer without Date and Server", okHead+twoBytes+"\r\nok", Keep),
	sound("close-said", "says Connection: close and yet keeps the connection open",
		okHead+"Connection: close\r\n"+twoBytes+"\r\nok", Stall),
}
