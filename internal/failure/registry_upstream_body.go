// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// upstreamBodyEntries are the failures after the head of the answer.
var upstreamBodyEntries = []Entry{
	{
		Code:   Code{Upstream, phase.RelayBody, Short},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer ended before its length",
		Meaning: "The server closed the connection before it had sent as many bytes as Content-Length promised. The " +
			"visitor has a cut page or file, and the gateway ended the connection so that it does not look complete.",
		Reasons: []string{
			"The process crashed or was killed in the middle of the answer.",
			"The length was computed before a filter changed the size: compression, minification, a byte order mark.",
			"The file shrank or was replaced while it was being read, or an inner proxy's disk for temporary files is " +
				"full.",
			"A worker timeout ended a slow download.",
		},
		LookAt: []string{
			"Look at how much is missing: a constant number of bytes is a wrong length, a random one a crash.",
			"Request it uncompressed, `curl -H 'Accept-Encoding: identity' URL | wc -c`, and compare with " +
				"Content-Length.",
			"Check the space for temporary files on the server: `df -h /var/lib/nginx /tmp`.",
			"Read the log of the application at the end of the transfer, not at its start.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer broken off by a reset",
		Meaning: "The connection to the server was reset in the middle of the answer's body. The status had been " +
			"sent; what the visitor got is incomplete and marked so.",
		Reasons: []string{
			"The server process was killed: out of memory while building a big page, deploy, container stop.",
			"A server or inner proxy aborts an answer on purpose after its own error.",
			"A network device ended a long transfer, or its connection table was flushed.",
		},
		LookAt: []string{
			"Check container events: `docker events --since 10m`, `kubectl get events --sort-by=.lastTimestamp`.",
			"See if only long or large answers are hit; then search for a limit in time or volume.",
			"Give the server time to finish on SIGTERM: `stop_grace_period`, `terminationGracePeriodSeconds`.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_read_timeout",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer stalled",
		Meaning: "The server sent a part of the body and then nothing until the read timeout ran out. The visitor " +
			"waits with half a page.",
		Reasons: []string{
			"The application streams and waits in the middle for a query, a remote file or a lock.",
			"A stream that is not declared as `text/event-stream` (LLM output, long polling) was silent for longer " +
				"than `timeouts.body_stall`, without being ill.",
			"The server's machine froze, or packets from it no longer arrive (MTU, lost route).",
			"An inner proxy waits for its own server.",
		},
		LookAt: []string{
			"Declare event streams as `text/event-stream`: those may be silent here; send a heartbeat for the other " +
				"proxies on the way.",
			"Note the number of bytes before the silence: the same each time leads to the place in the code.",
			"Raise `timeouts.body_stall` of the route that needs it.",
			"Compare with the server's own log: if it believes that it sent everything, suspect the network.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, BadChunk},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_response_transfer_coding",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's chunks are malformed",
		Meaning: "The answer is sent in chunks and one of them has a wrong size line or a wrong end. From there on " +
			"nothing can be trusted; the visitor's answer was cut.",
		Reasons: []string{
			"The application writes raw output next to the framework's chunked writer, for example `print` or a PHP " +
				"warning.",
			"Hand-made chunking counts characters where bytes are needed.",
			"Two threads write into the same answer.",
			"A wrapper says chunked and sends the plain body.",
		},
		LookAt: []string{
			"Look at the wire: `curl -s --raw URL | head -c 300 | od -c`.",
			"Remove manual chunking; write through the framework only.",
			"Send diagnostics to stderr.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, ChunkExtTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_transfer_coding",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's chunk extensions too long",
		Meaning: "A chunk-size line of the answer is longer than `limits.chunk_line`. Size lines are a few " +
			"characters; this one is filled with extensions or is not a size line at all.",
		Reasons: []string{
			"The chunk framing slipped, and text without a line end is read as a size line.",
			"A server pads its chunk sizes with extensions or long runs of zeros.",
			"A hostile or compromised server tries to occupy the gateway.",
		},
		LookAt: []string{
			"Read the raw bytes at the position given; HTML there means that framing slipped.",
			"Check with `curl -s --raw URL | head -c 2000` what stands in place of the size.",
			"Replace hand-written streaming code by that of the web framework.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, NoLastChunk},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Chunked answer ended without its end mark",
		Meaning: "The server closed the connection before the final zero chunk. Everything before arrived, but " +
			"whether the answer is complete nobody knows, so the visitor's answer is not ended as complete either.",
		Reasons: []string{
			"A timer cut a stream: worker timeout, inner proxy, load balancer; then all of them have the same age.",
			"The application died or was redeployed while it streamed.",
			"Code returns or throws in the middle of a generator, and the framework just closes.",
			"A hand-written server forgets `0\\r\\n\\r\\n`.",
		},
		LookAt: []string{
			"Compare the ages: 30, 60, 100, 300 s are typical timers.",
			"Search the log for an exception after the first output.",
			"Finish the stream properly in all cases (`finally`, `defer`).",
			"Try `curl -sN URL -o /dev/null`: exit code 18 confirms the missing end.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, NoCloseNotify},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Encrypted answer ended without farewell",
		Meaning: "The answer had no length, so only the end of the connection could end it, and TCP ended it without " +
			"the farewell of TLS (`close_notify`). Whether the answer was cut cannot be told, so the visitor's is not " +
			"ended as complete.",
		Reasons: []string{
			"The server's software closes the socket without ending TLS; old and hand-written servers do.",
			"The application died, or its container was stopped, while it sent.",
			"A device on the way closed the connection, by accident or by attack: a truncation attack looks like this.",
		},
		LookAt: []string{
			"Let the application send Content-Length or chunks: HTTP/1.1 and no `Connection: close` streaming.",
			"See how the server ends: `curl -v https://ADDRESS:PORT/PATH -o f` reports `unexpected eof while reading`.",
			"Compare the sizes that came for one URL: always the same is a rude server, different ones are cuts.",
			"Update the server's TLS software.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, BadTrailer},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's trailer is malformed",
		Meaning: "After the last chunk the server sent lines that are no legal trailer fields. The body had arrived, " +
			"but the end of the message is wrong.",
		Reasons: []string{
			"Bytes of something else follow the last chunk, for example log output.",
			"A gRPC-web or checksum trailer contains a line break or bytes outside the allowed set.",
			"The chunked writer was closed twice.",
		},
		LookAt: []string{
			"Show the end of the raw answer: `curl -s --raw URL | tail -c 200 | od -c`.",
			"Encode messages in trailers by percent, as gRPC does for `grpc-message`.",
			"Look for code which writes after the end of the answer.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, TrailersTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_trailer_section_size",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's trailers too large",
		Meaning: "The trailer section of the answer passes `limits.trailers`. The body was delivered, the trailers " +
			"were not.",
		Reasons: []string{
			"A gRPC error carries a whole stack trace or many details in its trailers.",
			"An application writes logs or metrics as trailers of a streamed answer.",
			"A chunked writer went astray and sends body lines as trailers.",
		},
		LookAt: []string{
			"Shorten error details at the server; give an id and log the rest there.",
			"See the size that came against the limit, in the record.",
			"Move large metadata to the end of the body.",
		},
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Excess},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityWarning,
		Title: "Extra bytes after the answer",
		Meaning: "The server sent more after a complete answer. The visitor got everything that belongs to it; the " +
			"extra bytes were thrown away with the connection, since they could be read as somebody else's answer.",
		Reasons: []string{
			"Content-Length is smaller than the body, for instance counted in characters or before a filter added " +
				"something.",
			"A body follows where none may be: after HEAD, 204 or 304.",
			"An extra line break follows the end, from a closing `?>` or a template.",
			"The server sends an answer nobody asked for, such as 408 on an idle connection.",
		},
		LookAt: []string{
			"Compare `curl -sI URL` with `curl -s URL | wc -c`.",
			"Let the framework set the length, or switch the wrong filter off.",
			"Leave out the closing `?>` at the end of PHP files.",
			"Take it seriously though nobody complained: behind another proxy this mixes visitors' pages.",
		},
	},
	{
		Code:   Code{Upstream, phase.Tunnel, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server reset the tunnel",
		Meaning: "The server's side of an upgraded connection, mostly a WebSocket, was reset. Client and server had " +
			"been talking; the break came from the server or the way to it.",
		Reasons: []string{
			"The application was restarted or redeployed.",
			"The WebSocket process crashed or was killed for memory: one slow consumer with a growing queue is " +
				"enough.",
			"The server's library cut a client that answered no pings.",
			"A device between gateway and server expires quiet flows.",
		},
		LookAt: []string{
			"See if all tunnels of this server broke in one instant; that is a restart.",
			"Look up the memory of that process over the last hours.",
			"Compare the time of silence before the break with the timeouts on the way.",
		},
	},
}
