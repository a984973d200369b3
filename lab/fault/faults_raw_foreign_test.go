// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import "causey/lab/client"

const proxyHeader = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"

func init() {
	check(map[string]symptom{
		"proto.not_http:ssh":   answered(get("/"), client.PeerFIN, "SSH-2.0-", ""),
		"proto.not_http:smtp":  answered(get("/"), client.Deadline, "220 ", ""),
		"proto.not_http:mysql": answered(get("/"), client.Deadline, "J\x00\x00\x00\n8.0", ""),
		"proto.not_http:redis": answered(get("/"), client.Deadline, "-ERR ", ""),
		"proto.http09:script":  every(fine(get("/")), answered(get("/search?q=1"), client.PeerFIN, "Fatal error", "")),
		"proto.http09:device":  answered(get("/"), client.PeerFIN, "<html>", ""),
		// SETTINGS: 24 bits of length, type 4, no flags, stream 0.
		"proto.h2c":                     answered(get("/"), client.PeerFIN, "\x00\x00\x12\x04\x00\x00\x00\x00\x00", ""),
		"proto.proxy_protocol:expected": every(answered(get("/"), client.PeerFIN, "", ""), fine(proxyHeader+get("/"))),
		"proto.proxy_protocol:haproxy":  every(answered(get("/"), client.PeerRST, "", ""), fine(proxyHeader+get("/"))),
		"proto.proxy_protocol:sent":     every(fine(get("/")), answered(proxyHeader+get("/"), client.Satisfied, "HTTP/1.1 400 ", "")),
	})
}
