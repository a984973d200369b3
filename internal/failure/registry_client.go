// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"

	"causey/internal/phase"
)

// clientEntries are all failures of clients in phase order.
var clientEntries = slices.Concat(clientProxyEntries, clientTLSEntries, clientHeadEntries, clientExchangeEntries)

// clientExchangeEntries are the failures of a client whose request head was whole:
// wishes that no route fulfils, bad bodies, and clients that went away.
var clientExchangeEntries = []Entry{
	{
		Code:   Code{Client, phase.Route, NoSite},
		Family: FamilyNoMatch, Status: 421, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "No site of this name",
		Meaning: "The gateway has no site for the host name that was asked for. It says 421 instead of showing " +
			"another customer's pages.",
		Reasons: []string{
			"A domain or its `www.` form points here in DNS but was never added to the configuration.",
			"Bots go through address ranges and use the bare IP as host.",
			"A CDN or load balancer rewrites Host to an internal name.",
			"An old domain still points to this machine.",
		},
		LookAt: []string{
			"Add the name to `sites` if it is yours, then run `causey check FILE` and reload.",
			"Ask DNS where the name points: `dig +short NAME`.",
			"Pass the visitor's Host through the proxy in front, in nginx `proxy_set_header Host $host`.",
			"Add a site with host `*` only if a default for strangers is really wanted.",
		},
	},
	{
		Code:   Code{Client, phase.Route, Misdirected},
		Family: FamilyNoMatch, Status: 421, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Host differs from the TLS name",
		Meaning: "The request is for a host other than the one that the connection's TLS handshake named, and one of " +
			"the two requires client certificates. It was refused with 421, or a connection opened for an open site " +
			"would be a way into the protected one.",
		Reasons: []string{
			"A browser uses one connection for several names of one certificate and address; on 421 it opens another " +
				"one by itself.",
			"A proxy in front sends its own name as SNI and the visitor's as Host.",
			"A script sets Host by hand: `curl -H 'Host: NAME' https://OTHER/`.",
			"Somebody tries to get around the client certificate.",
		},
		LookAt: []string{
			"Compare Host with the name of the handshake in the record.",
			"Let the proxy send the same name in both: nginx `proxy_ssl_server_name on; proxy_ssl_name $host;`.",
			"Give the protected site a certificate of its own, so that browsers do not share the connection.",
			"Test with `curl --connect-to NAME:443:ADDRESS:443 https://NAME/` in place of a Host field.",
		},
	},
	{
		Code:   Code{Client, phase.Route, NoRoute},
		Family: FamilyNoMatch, Status: 404, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "No route for this path",
		Meaning: "The site exists, but none of its routes covers the path. The gateway answered 404 itself; the " +
			"application was not asked.",
		Reasons: []string{
			"The configuration has routes for some prefixes and none for `/`.",
			"A route is written without the slash or prefix that the links use.",
			"Bots look for `/wp-login.php`, `/.env` and other things that this site does not have.",
			"A new part of the application was deployed without its route.",
		},
		LookAt: []string{
			"Compare the path in the log with the `routes` of the site.",
			"Add a last route `path: /` if the application should answer everything else.",
			"Group these by path: a few known probes are noise, a page of your own is a gap.",
		},
	},
	{
		Code:   Code{Client, phase.Route, MethodNotAllowed},
		Family: FamilyNoMatch, Status: 405, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Method not allowed on this route",
		Meaning: "The route for this path accepts other methods only; the Allow field of the answer lists them. Your " +
			"configuration said so, and the client asked otherwise.",
		Reasons: []string{
			"The route restricts methods and the application uses one more, such as PUT, PATCH or the OPTIONS of a " +
				"CORS preflight.",
			"A form posts to a page that is meant to be read only.",
			"Bots send TRACE, PROPFIND or POST to every URL.",
		},
		LookAt: []string{
			"Add it to `methods` of the route if the application needs it; do not forget OPTIONS for cross-origin " +
				"calls.",
			"Open the browser's network tab to see which call fails.",
			"Leave it as it is where the refusal is your intention.",
		},
	},
	{
		Code:   Code{Client, phase.Route, ConnectMethod},
		Family: FamilyNoMatch, Status: 405, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "CONNECT is for forward proxies",
		Meaning: "The client asked for a tunnel to another host with CONNECT. A gateway for websites does not open " +
			"tunnels to anywhere, so this is refused before any server is chosen.",
		Reasons: []string{
			"Somebody is looking for open proxies to hide behind.",
			"A browser, `https_proxy` variable or package manager has the gateway's address as its proxy setting.",
		},
		LookAt: []string{
			"Check `env | grep -i proxy` on the machine that the request came from if it is yours.",
			"Ignore it otherwise; nothing was tunnelled.",
		},
	},
	{
		Code:   Code{Client, phase.Route, BodyTooLarge},
		Family: FamilyTooLarge, Status: 413, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Announced upload exceeds the limit",
		Meaning: "Content-Length announces a body larger than `limits.body` allows, so the upload was refused with " +
			"413 before it began. Neither disk nor server was burdened.",
		Reasons: []string{
			"A visitor uploads a video, a backup or a photo larger than the site expects.",
			"The limit here was set below what the application accepts, such as PHP's `upload_max_filesize`.",
			"An API client sends a batch in one request that should be several.",
			"Somebody tries to fill your disk.",
		},
		LookAt: []string{
			"Compare the announced size with the limit: both are in the record.",
			"Raise `limits.body`, and with it the application's own limits (`post_max_size`, `client_max_body_size`, " +
				"multer).",
			"State the permitted size in the upload form so that visitors learn it before they wait.",
		},
	},
	{
		Code:   Code{Client, phase.Connect, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor left while a server was dialled",
		Meaning: "The client closed its connection while the gateway was still looking up or connecting to a server. " +
			"It is the visitor's decision, yet a slow connect may be the reason for it.",
		Reasons: []string{
			"Opening the connection took seconds because SYN packets were lost or dropped, and the visitor gave up.",
			"The client has a very short timeout, as probes with one second have.",
			"The page was closed or reloaded at once.",
			"DNS for the server's name answered late.",
		},
		LookAt: []string{
			"Read the resolve and connect times in this record: healthy ones are below a few milliseconds in one data " +
				"centre.",
			"Look for `upstream.connect.timeout` at the same time and server.",
			"Count by client: a single monitor that always leaves has its own timeout to blame.",
		},
	},
	{
		Code:   Code{Client, phase.Connect, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor reset while a server was dialled",
		Meaning: "The client's side reset the connection while the gateway was resolving or connecting to a server. " +
			"Nothing had been sent to the application yet.",
		Reasons: []string{
			"An application on the client's side cancelled the call hard, for instance on shutdown or on a superseded " +
				"search.",
			"A load balancer in front ends its check or its timeout with RST.",
			"The client's address changed, and its network dropped all old connections.",
		},
		LookAt: []string{
			"Check the timeout of whatever stands in front of the gateway against the connect time here.",
			"Read the total time of these exchanges: one constant value is a timer, scattered values are people.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Upload ended too early",
		Meaning: "The client closed in the middle of the body that it had announced. The server received a part only " +
			"and the request must not count as complete.",
		Reasons: []string{
			"The visitor cancelled the upload or left the page.",
			"The mobile connection broke off and the phone closed in order.",
			"A program announced a longer Content-Length than it sent, for instance by counting characters instead of " +
				"bytes.",
			"A client timeout is shorter than the upload takes on that line.",
		},
		LookAt: []string{
			"Look at how many bytes are missing: always the same small number is a length bug, any number is a lost " +
				"visitor.",
			"Measure the length in bytes (`Buffer.byteLength`, `strlen`, `len(data.encode())`).",
			"Offer resumable uploads (tus, multipart parts) for large files on mobile networks.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Upload reset by the client",
		Meaning: "The connection was reset while the request body flowed. The sender's machine aborted, so neither " +
			"gateway nor server could finish.",
		Reasons: []string{
			"The user pressed cancel, and the browser dropped the socket with unsent data.",
			"The uploading app was killed by its phone's system in the background.",
			"Wi-Fi changed to mobile data and the old address disappeared.",
			"A security appliance cut the upload by its content or size.",
		},
		LookAt: []string{
			"Group by network operator and app version to tell radio trouble from an app's bug.",
			"See whether the resets come at the same number of bytes: a filter or limit on the way would explain " +
				"that.",
			"Split big uploads into parts so that a break costs little.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, TooSlow},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Upload slower than the minimum rate",
		Meaning: "The client delivered its body below the minimum progress rate for too long. The gateway ended it, " +
			"since a body that never ends occupies a server's worker as long.",
		Reasons: []string{
			"The visitor's uplink is really bad: congested mobile cell, satellite, hotel network.",
			"A slow-body attack (R-U-Dead-Yet) holds connections with one byte every few seconds.",
			"The client computes while it sends, such as a backup that compresses on the fly.",
			"A throttled tool: `curl --limit-rate` or a sync program with a bandwidth cap.",
		},
		LookAt: []string{
			"Count the bodies in progress per address: one attacker has many.",
			"Lower `rates.upload`, or raise `rates.grace`, if such clients are legitimate.",
			"Let the backup compress to a file first and upload afterwards.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, BadChunk},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Chunked upload is malformed",
		Meaning: "A chunk of the request body has a wrong size line or a wrong end. The place where the body ends can " +
			"no longer be known, so the connection was closed.",
		Reasons: []string{
			"A client frames chunks by hand and gets the hexadecimal size or a CRLF wrong.",
			"Smuggling tests use sizes such as `0x10`, `+5` or seventeen digits.",
			"Two threads write to the same connection without a lock.",
			"A proxy on the way altered the body without framing it anew.",
		},
		LookAt: []string{
			"Use the library's streaming upload in place of own chunk code.",
			"Read the position in the record: at byte 0 the format is wrong, later a count is.",
			"Serialise writes in the client when it fails only under load.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, ChunkExtTooLarge},
		Family: FamilyTooLarge, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Chunk extensions too long",
		Meaning: "A chunk-size line of the upload, with its extensions, is longer than `limits.chunk_line`. " +
			"Extensions have no use on the web, and an endless one is an attack that never sends a body byte.",
		Reasons: []string{
			"A resource attack of the kind published in 2023 and 2024 against the servers of Go and Node.",
			"A fuzzer mutates chunk headers.",
			"An unusual client library puts signatures or checksums into chunk extensions.",
		},
		LookAt: []string{
			"Block the source if it repeats; no browser ever sends chunk extensions.",
			"Have a signing client carry its data in header fields or the body instead.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, BadTrailer},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request trailer is malformed",
		Meaning: "The lines behind the last chunk of the upload are not legal trailer fields, or name one that must " +
			"not be there, such as Content-Length. Relaying them could change what the request means.",
		Reasons: []string{
			"Somebody hides framing or authentication fields in the trailer section to get past filters.",
			"A client ends its last chunk with one CRLF too few, and the next request is read as a trailer.",
			"A checksum trailer was written with an illegal name.",
		},
		LookAt: []string{
			"Look at which line was rejected before blaming the client's author.",
			"End a chunked body with exactly `0\\r\\n\\r\\n` when there are no trailers.",
			"Send the checksum as a header or a Digest field known in advance.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, TrailersTooLarge},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request trailers too large",
		Meaning: "The trailer section of the upload passes `limits.trailers`. The exchange was ended so that a " +
			"stranger cannot grow our memory after the body.",
		Reasons: []string{
			"An attack continues with header-like lines once the head limit stopped it.",
			"A gRPC client returns a stack trace or large metadata in trailers.",
			"A program puts per-part checksums for thousands of parts there.",
		},
		LookAt: []string{
			"Put bulk metadata into the body.",
			"Compare the amount received with the limit kept in the record.",
		},
	},
	{
		Code:   Code{Client, phase.SendBody, BodyTooLarge},
		Family: FamilyTooLarge, Status: 413, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Streamed upload passed the limit",
		Meaning: "A chunked upload, whose length nobody announced, has grown beyond `limits.body`. It was stopped at " +
			"the limit with 413, and the server got no complete request.",
		Reasons: []string{
			"A program streams a file of unknown size: a backup, a database dump, a container image layer.",
			"The site's limit is meant for forms and the route receives files.",
			"An attacker streams without end to fill memory or disk.",
		},
		LookAt: []string{
			"Leave `limits.body` at 0 (no limit) where the application bounds its uploads itself.",
			"Let the client state Content-Length, so that it learns the refusal before it sends.",
			"Check which endpoint it was: registries and WebDAV need generous values, login pages do not.",
		},
	},
	{
		Code:   Code{Client, phase.AwaitHead, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor left before the answer began",
		Meaning: "The client closed its connection while the server was still working on the request, before any byte " +
			"of an answer. Logged as 499; not an error of the site, though many of them say that it is slow.",
		Reasons: []string{
			"People do not wait: after some three seconds they reload or go back.",
			"Something in front gave up first: Cloudflare, an AWS load balancer at 60 s, an uptime check at 10 s.",
			"The page's own script cancelled the call, as search boxes do with every key.",
			"The client closed its sending side after the request, as some `nc` and socket scripts do, and got no " +
				"answer within `timeouts.half_close`.",
		},
		LookAt: []string{
			"Look at how long they waited: one sharp value is somebody's timer, a broad hump is impatience.",
			"Find the slow path in the log and treat it like a timeout that has not happened yet.",
			"Order timeouts so that the outer one is the longest: CDN, then gateway, then application.",
		},
	},
	{
		Code:   Code{Client, phase.AwaitHead, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor reset before the answer began",
		Meaning: "The client's connection was reset while the application was computing its answer. The attempt was " +
			"cancelled so that the server does not work for nobody.",
		Reasons: []string{
			"A tab was closed or a fetch aborted with data still unread on the client's side.",
			"A calling service ran into its deadline, and its HTTP library destroys the socket.",
			"A load test such as `wrk` or `ab` ended and dropped its open connections.",
			"A mobile device slept and its operator's NAT dropped the flow.",
		},
		LookAt: []string{
			"Check whether the callers are your own services and what deadline they use.",
			"Watch the rate, not single cases: a rise is the earliest sign of a slow application.",
			"See that the application stops work when its client is gone, else each abort still costs a worker.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHeadUp, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor left as the answer's head came in",
		Meaning: "The client closed in the moment in which the head of the answer was arriving from the server. Some " +
			"bytes had come, but nothing final had been delivered.",
		Reasons: []string{
			"Chance: the visitor gave up just as a slow answer began.",
			"The application sent an early 103 or 100 and then kept the visitor waiting for the real head.",
			"The server emits its header lines one by one with pauses between them.",
		},
		LookAt: []string{
			"Look at the time between the first byte of the answer and the failure; it should be far below a " +
				"millisecond per line.",
			"Make the application write its head in one piece, after it knows the status.",
			"Compare with `client.await-head.closed`: if both rise, the answer simply comes too late.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHeadUp, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor reset as the answer's head came in",
		Meaning: "The client reset its connection after the server had begun its head and before it was complete. It " +
			"is the client's doing; the answer was thrown away.",
		Reasons: []string{
			"A script or app cancelled the call in the very instant of the answer.",
			"The server's head is cut in two by packet loss, and a nervous client did not wait for the second half.",
			"A speculative request of the browser (prefetch, preconnect) was no longer wanted.",
		},
		LookAt: []string{
			"Check retransmits on the connection to the server if these cases are frequent.",
			"Treat single cases as noise.",
		},
	},
	{
		Code:   Code{Client, phase.RelayBody, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor left during the answer",
		Meaning: "The client closed fully while the answer was being sent. It has a part of it and wanted no more; " +
			"the server did nothing wrong.",
		Reasons: []string{
			"A download or video was stopped, or the player jumped to another place.",
			"Link previews, crawlers and monitors read only the beginning of a page.",
			"The visitor clicked on before the page had finished.",
			"The answer is a stream (SSE, log tail, LLM output) and its viewer is gone.",
		},
		LookAt: []string{
			"Compare bytes sent with the size of the answer: mostly-finished downloads point to a timer, early ends " +
				"to people.",
			"Offer byte ranges for large files so that a player need not fetch what it skips.",
			"End your stream in the application when the client goes, and send heartbeats to notice it.",
		},
	},
	{
		Code:   Code{Client, phase.RelayBody, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor reset during the answer",
		Meaning: "The client reset the connection in the middle of the answer, discarding what was still on its way. " +
			"Its own network or program decided so.",
		Reasons: []string{
			"Media players and download managers drop a range request as soon as they have enough.",
			"`curl | head` and similar pipes end with unread data.",
			"A phone changed networks, or its carrier's middlebox expired the flow.",
			"Antivirus on the visitor's computer cut off a file that it judged harmful.",
		},
		LookAt: []string{
			"Group by content type: video and large files are normal here, small pages are not.",
			"If one file is always cut at the same byte, fetch it from that network and look for a filter.",
			"Check for packet loss towards the visitors with `ss -ti` when many networks are affected.",
		},
	},
	{
		Code:   Code{Client, phase.RelayBody, TooSlow},
		Family: FamilyTimeout, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Visitor reads too slowly",
		Meaning: "The gateway had bytes to send and the client took them below the minimum rate for too long. The " +
			"answer was cut so that a slow reader cannot hold a server's worker for ever.",
		Reasons: []string{
			"The visitor's line is very slow or was lost without a word.",
			"A paused video, a sleeping laptop or a background tab stopped reading.",
			"A slow-read attack announces a tiny receive window to tie up connections.",
			"A consumer of an export processes row by row and reads only as fast as it stores.",
		},
		LookAt: []string{
			"Count slow readers per address; attackers have many at once, visitors one.",
			"Lower `rates.download` if far-away visitors fetch large files.",
			"Let a slow consumer save to a file before it processes.",
		},
	},
	{
		Code:   Code{Client, phase.Tunnel, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client reset the tunnel",
		Meaning: "The visitor's side of an upgraded connection, mostly a WebSocket, was reset. Whatever the " +
			"application had not yet delivered is lost, and a good client connects again.",
		Reasons: []string{
			"The tab or app was killed without the closing handshake.",
			"The visitor's network changed, or the laptop woke from sleep.",
			"A corporate proxy or mobile carrier expires quiet WebSockets after a minute or five.",
			"The client's library ran into its own ping timeout.",
		},
		LookAt: []string{
			"Send a ping every 25 to 30 seconds from one side, so that no box on the way takes the tunnel for dead.",
			"Check how long the tunnels lived: a constant age is a timer on the way.",
			"Let the client reconnect with a growing, random delay.",
		},
	},
}
