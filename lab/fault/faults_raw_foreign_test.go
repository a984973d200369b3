// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import "causey/lab/client"

const proxyHeader = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"

func init() {
	prove(map[string]proof{
		"proto.not_http:ssh":   answered(getting("/"), client.PeerFIN, "SSH-2.0-", ""),
		"proto.not_http:smtp":  answered(getting("/"), client.Deadline, "220 ", ""),
		"proto.not_http:mysql": answered(getting("/"), client.Deadline, "J\x00\x00\x00\n8.0", ""),
		"proto.not_http:redis": answered(getting("/"), client.Deadline, "-ERR ", ""),
		"proto.http09:script":  every(fine(getting("/")), answered(getting("/search?q=1"), client.PeerFIN, "Fatal error", "")),
		"proto.http09:device":  answered(getting("/"), client.PeerFIN, "<html>", ""),
		// SETTINGS: 24 bits of length, type 4, no flags, stream 0.
		"proto.h2c":                     answered(getting("/"), client.PeerFIN, "\x00\x00\x12\x04\x00\x00\x00\x00\x00", ""),
		"proto.proxy_protocol:expected": every(answered(getting("/"), client.PeerFIN, "", ""), fine(proxyHeader+getting("/"))),
		"proto.proxy_protocol:haproxy":  every(answered(getting("/"), client.PeerRST, "", ""), fine(proxyHeader+getting("/"))),
		"proto.proxy_protocol:sent":     every(fine(getting("/")), answered(proxyHeader+getting("/"), client.Satisfied, "HTTP/1.1 400 ", "")),
	})
}
