// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import "slices"

// banner is how a server of another protocol speaks.
type banner struct {
	name, doc, bytes string
	first            bool // speaks before the client does
	then             End
}

// banners are also accept modes: what stands behind a port that somebody took for HTTP.
var banners = []banner{
	{"ssh", "an SSH server", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", true, FIN},
	{"smtp", "an SMTP server", "220 mail.example.org ESMTP\r\n", true, Stall},
	{"ftp", "an FTP server", "220 FTP ready\r\n", true, Stall},
	{"pop3", "a POP3 server", "+OK POP3 ready\r\n", true, Stall},
	{"imap", "an IMAP server", "* OK IMAP4rev1 ready\r\n", true, Stall},
	{"mysql", "a MySQL server", "J\x00\x00\x00\n8.0.36\x00\x01\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00", true, Stall},
	{"vnc", "a VNC server", "RFB 003.008\n", true, Stall},
	{"redis", "a Redis server, which answers the request line as a command",
		"-ERR unknown command 'GET', with args beginning with: '/' 'HTTP/1.1' \r\n", false, Keep},
	{"memcached", "a memcached server", "ERROR\r\n", false, Keep},
	{"tls-alert", "a TLS server's alert to plain bytes (protocol_version)", "\x15\x03\x01\x00\x02\x02\x46", false, FIN},
	{"tls-handshake", "the first bytes of a TLS ServerHello", "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", false, Stall},
	{"h2-settings", "an HTTP/2 server: SETTINGS, unasked", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", true, Stall},
	{"h2-goaway", "an HTTP/2 server: SETTINGS, then GOAWAY with PROTOCOL_ERROR",
		"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", false, FIN},
	{"h2-preface", "an HTTP/2 client's preface sent by the server", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false, FIN},
	{"postgres", "a PostgreSQL server, to which the request is a message too long: an ErrorResponse",
		"E\x00\x00\x00\x2aSFATAL\x00C08P01\x00Minvalid packet length\x00\x00", false, FIN},
	{"amqp", "an AMQP broker, which answers with its own header and closes", "AMQP\x00\x00\x09\x01", false, FIN},
}

// foreignModes put another protocol's bytes where the head should be.
var foreignModes = slices.Concat(
	bannerModes(),
	[]Mode{
		fixed("http09", "HTTP/0.9: a body and no head", "<html><body>no head at all</body></html>\n", FIN),
		fixed("json", "JSON without a head", "{\"error\":\"no head\"}\n", FIN),
		fixed("zeros", "64 NUL bytes", string(make([]byte, 64)), FIN),
		fixed("high-bytes", "bytes above 127", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\r\n", FIN),
		fixed("blank-lines", "empty lines and nothing else", "\r\n\r\n\r\n\r\n", FIN),
		fixed("cgi", "a CGI head that no server turned into HTTP", "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nok", FIN),
		fixed("request", "a request instead of a response", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", FIN),
		fixed("error-line", "a plain error line, as a crashing script prints it", "Fatal error: out of memory in app.php on line 1\n", FIN),
	})

func bannerModes() []Mode {
	var list []Mode
	for _, b := range banners {
		list = append(list, fixed("as-"+b.name, b.doc+" speaks instead of HTTP", b.bytes, b.then))
	}
	return list
}
