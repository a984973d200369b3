// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import "causey/internal/failure"

// A signature is how another protocol begins. The byte anyByte stands for every
// byte.
type signature struct{ start, name string }

const anyByte = 0xff

// requestSignatures are first bytes of clients that speak no HTTP/1. Where one
// signature can match the beginning of another, the shorter one stands first, or
// the verdict would depend on how the bytes were cut (I1).
var requestSignatures = []signature{
	{"\x16\x03", "tls"},
	{"PRI * HTTP/2.0", "http2"},
	{"SSH-", "ssh"},
	{"PROXY TCP", "proxy-protocol"},
	{"PROXY UNKNOWN", "proxy-protocol"},
	// Version 2, whole and after LeadingCRLF took its first four bytes.
	{"\r\n\r\n\x00\r\nQUIT\n", "proxy-protocol"},
	{"\x00\r\nQUIT\n", "proxy-protocol"},
	{"\x04\x01", "socks4"},
	{"\x04\x02", "socks4"},
	{"\x05", "socks5"},
	{"\x03\x00", "rdp"},
	{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "postgresql"},
	{"\x10\xff\x00\x04MQTT", "mqtt"},
	{"EHLO ", "smtp"},
	{"HELO ", "smtp"},
}

// requestSniffed marks the bytes that a signature of a request begins with.
var requestSniffed = func() (t [256]bool) {
	for _, s := range requestSignatures {
		t[s.start[0]] = true
	}
	return t
}()

// responseSignatures are first bytes of servers that speak no HTTP/1.
var responseSignatures = []signature{
	{"\x15\x03", "tls"},
	{"\x16\x03", "tls"},
	{"\x00\x00\xff\x04\x00\x00\x00\x00\x00", "http2"},
	{"SSH-", "ssh"},
	{"220 ", "smtp-or-ftp"},
	{"220-", "smtp-or-ftp"},
	{"\xff\x00\x00\x00\x0a", "mysql"},
	{"+OK", "pop3-or-redis"},
	{"-ERR", "redis"},
	{"-DENIED", "redis"},
	{"-NOAUTH", "redis"},
	{"-LOADING", "redis"},
	{"* OK", "imap"},
	{"AMQP", "amqp"},
	{"E\x00\x00\xff\xffS", "postgresql"},
	{"RFB ", "vnc"},
	{"RTSP/", "rtsp"},
	{"SIP/", "sip"},
	{"ICY ", "icecast"},
	{"ERROR\r\n", "memcached"},
	{"This is not a HTTP port", "elasticsearch-transport"},
	{"This is not an HTTP port", "elasticsearch-transport"},
}

// sniff compares the first bytes with the signatures. It returns the rejection
// for the protocol found, or reports that more bytes could still make one.
func sniff(buf []byte, signatures []signature) (rej *Reject, maybe bool) {
	for i := range signatures {
		s := &signatures[i]
		n := min(len(buf), len(s.start))
		j := 0
		for j < n && (buf[j] == s.start[j] || s.start[j] == anyByte) {
			j++
		}
		switch {
		case j == len(s.start):
			rej = reject(failure.OtherProtocol, "other-protocol", 0)
			rej.Field = s.name
			return rej, false
		case j == len(buf):
			maybe = true
		}
	}
	return nil, maybe
}

// methodMax bounds the methods that LooksLikeRequest knows: the longest registered
// one has 16 letters.
const methodMax = 16

// LooksLikeRequest reports whether b begins as a request of HTTP/1 does: capital
// letters, a space, and a target.
func LooksLikeRequest(b []byte) bool {
	n := 0
	for n < len(b) && n <= methodMax && b[n] >= 'A' && b[n] <= 'Z' {
		n++
	}
	return n >= 3 && n <= methodMax && n+1 < len(b) && b[n] == ' ' && b[n+1] > ' ' && b[n+1] < 0x7f
}
