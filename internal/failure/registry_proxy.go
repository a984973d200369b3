// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// clientProxyEntries are the failures of connections that were to begin with a header
// of the PROXY protocol, or were not.
var clientProxyEntries = []Entry{
	{
		Code:   Code{Client, phase.Accept, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Proxy closed inside its PROXY header",
		Meaning: "A proxy of `proxy_protocol` began the header that names its client and closed the connection " +
			"before the header was whole. Nobody knows for whom it was, and no request was read.",
		Reasons: []string{
			"The load balancer was restarted or reloaded at that moment.",
			"Its own client left while the connection was being handed over.",
			"A program that is no load balancer writes the header by hand, in pieces.",
		},
		LookAt: []string{
			"Look into the proxy's log at that time for a reload or a client that aborted.",
			"Ignore single cases; a header normally fits into one packet and cannot be cut.",
		},
	},
	{
		Code:   Code{Client, phase.Accept, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Proxy reset inside its PROXY header",
		Meaning: "The connection of a proxy was reset while only a part of its PROXY header had come. It carried no " +
			"request yet; whom it was opened for stays unknown.",
		Reasons: []string{
			"The proxy's process was killed, or its machine failed over to another one.",
			"A firewall between proxy and gateway cuts connections it has no entry for.",
			"A health check of the proxy is set up to end with RST after some bytes.",
		},
		LookAt: []string{
			"Compare with restarts and fail-overs of the load balancer.",
			"Count by peer address: only one of several proxies points to that machine.",
		},
	},
	{
		Code:   Code{Client, phase.Accept, Timeout},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "PROXY header did not come in time",
		Meaning: "A peer inside the networks of `proxy_protocol` connected and did not send a whole PROXY header " +
			"within `timeouts.proxy_header`. The connection was closed, since its client cannot be known.",
		Reasons: []string{
			"Something other than the load balancer connects from that network and waits for us to speak first, such " +
				"as a TCP check.",
			"The PROXY protocol is switched off in the proxy, and it opens connections ahead of need.",
			"Packets between proxy and gateway are lost.",
		},
		LookAt: []string{
			"See in the record how many bytes had come: none means that the other side does not send the header at " +
				"all.",
			"Name only the proxies' own addresses in `proxy_protocol`, not their whole network.",
			"Raise `timeouts.proxy_header` only where the way between the two really is that slow.",
		},
	},
	{
		Code:   Code{Client, phase.Accept, NoProxyHeader},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "PROXY header expected and not sent",
		Meaning: "The peer is inside the networks of this listener's `proxy_protocol`, and its first bytes are no PROXY " +
			"header. It was turned away, because anything else would let it speak for whom it likes.",
		Reasons: []string{
			"The PROXY protocol is not switched on in the load balancer (HAProxy `send-proxy-v2`, nginx stream " +
				"`proxy_protocol on`, a target group attribute on AWS).",
			"Somebody on the proxy's own machine or network tests the gateway directly, for example with `curl`.",
			"The proxy's health check is plain HTTP and comes without the header.",
			"`proxy_protocol` lists a network in which ordinary clients live too.",
		},
		LookAt: []string{
			"Read the first bytes in the record: a request line or a TLS hello shows who was not configured for it.",
			"Switch it on in the proxy, health checks included (HAProxy `check-send-proxy`).",
			"Test from there with `curl --haproxy-protocol http://GATEWAY/`.",
			"Take the network out of `proxy_protocol` if its members connect directly, or give them a listener of " +
				"their own.",
		},
	},
	{
		Code:   Code{Client, phase.Accept, BadProxyHeader},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "PROXY header is malformed",
		Meaning: "A trusted proxy's connection begins like a PROXY header, which then breaks the rules of the protocol: " +
			"a wrong address, port, length, version or checksum. The address in it cannot be believed.",
		Reasons: []string{
			"A home-made sender gets the format wrong, such as ports with leading zeros or a bare line feed.",
			"The proxy relays datagrams (QUIC, DNS) to this TCP port and says so in the header.",
			"Bytes were changed on the way: the checksum that the sender added does not fit.",
			"The header carries certificates or other values of more than four kilobytes.",
		},
		LookAt: []string{
			"Read `failure_site` in the record, which names the rule that was broken, and the first bytes.",
			"Try the other version: version 1 is text and easy to check with `tcpdump -A port PORT`.",
			"Update the program that writes the header, or have HAProxy or nginx write it.",
		},
	},
	{
		Code:   Code{Client, phase.Accept, ProxyUntrusted},
		Family: FamilyDenied, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "PROXY header from an untrusted address",
		Meaning: "The connection begins with a PROXY header, but its peer is not in `proxy_protocol` of this listener. " +
			"The header would let it name any client address, so it was refused instead of believed.",
		Reasons: []string{
			"A load balancer in front sends the header, and the listener was never told to expect it from there.",
			"The load balancer has more addresses than `proxy_protocol` lists, or got a new one.",
			"Another hop in between, such as Docker's userland proxy or a NAT, changes the address that we see.",
			"Somebody tries to forge a client address.",
		},
		LookAt: []string{
			"Compare `peer` in the record with your proxies' addresses.",
			"Add it if it is yours: `listen: [{address: ':80', proxy_protocol: [ADDRESS]}]`, then reload.",
			"Switch the protocol off in the proxy if this listener is also used without it.",
			"Leave it as it is when the address is a stranger's.",
		},
	},
}
