// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// clientHeadEntries are the failures of a client before its request was whole.
var clientHeadEntries = []Entry{
	{
		Code:   Code{Client, phase.ReadHead, BadRequestLine},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request line is not a request",
		Meaning: "The first line that the client sent is not `METHOD target HTTP/1.1`, so nobody can say what it " +
			"wants. The client is at fault; your server never saw it.",
		Reasons: []string{
			"A port scanner or a hand-written script sent something that only looks like HTTP.",
			"The body of the request before was longer than its Content-Length, and its rest was read as a new " +
				"request.",
			"A monitoring tool or a device sends a bare word such as `HELLO` to see whether the port is alive.",
			"A target with an unencoded space splits the line into more than three parts.",
		},
		LookAt: []string{
			"Read the first bytes in the record: they show what the client took this port for.",
			"Ignore single cases from addresses you do not know; they are the background noise of a public port.",
			"If one of your own programs is named in the log, count its body bytes against the Content-Length it " +
				"sends.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadMethod},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Method contains illegal bytes",
		Meaning: "The method, the first word of the request, holds bytes that no HTTP method may contain, or is " +
			"absurdly long. This is the client's error and harmed nobody else.",
		Reasons: []string{
			"A client library miscounted the body before, so that the next method is glued to old bytes, as in " +
				"`}GET`.",
			"A scanner tries binary or control bytes to see how the parser reacts.",
			"A half-working proxy between client and gateway damaged the stream.",
		},
		LookAt: []string{
			"Look whether the request before on the same connection came from the same client and had a body.",
			"Repeat the request with `curl -v`: if that works, the client's own HTTP code is wrong.",
			"Update the client library or the proxy that the address belongs to.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadTarget},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request target is malformed",
		Meaning: "The path or address that was asked for contains characters that must be percent-encoded, or has a " +
			"form that the method does not allow. The client built a wrong URL.",
		Reasons: []string{
			"A link or a script holds a raw space, quote, control byte or non-ASCII letter instead of its `%XX` form.",
			"A vulnerability scanner probes with broken paths and encodings.",
			"`*` was asked for with a method other than OPTIONS.",
			"A client sent the fragment, the part behind `#`, which never belongs on the wire.",
		},
		LookAt: []string{
			"Find the page or mail that holds the link: the Referer of neighbouring requests often names it.",
			"Encode file names where links are made, for example with `encodeURI` or `rawurlencode`.",
			"Check the offset in the record; it points at the first wrong byte.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadVersion},
		Family: FamilyMalformed, Status: 505, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "HTTP version not spoken here",
		Meaning: "The request line names a version other than HTTP/1.0 or HTTP/1.1, or none. The client asked in a " +
			"language that does not exist on this connection.",
		Reasons: []string{
			"A scanner sends invented versions such as `HTTP/9.9`.",
			"A script writes `HTTP/2` into a request line by hand; HTTP/2 is never negotiated that way.",
			"A very old tool sends HTTP/0.9, that is `GET /` without a version.",
		},
		LookAt: []string{
			"Compare the client's address with your own monitors and cron jobs.",
			"Let your script send `HTTP/1.1` and a Host field, or better use `curl`.",
			"Leave strangers alone: nothing of yours failed.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadField},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Illegal request header field",
		Meaning: "A header line of the request has an illegal name or value: a space before the colon, no colon, a " +
			"control byte. Such lines are refused since two programs may read them differently, which is how requests " +
			"are smuggled.",
		Reasons: []string{
			"A scanner tests for request smuggling.",
			"A home-made client joins header lines with wrong code, for instance a newline inside a token or cookie.",
			"An antivirus or corporate proxy on the way adds a header with an illegal name.",
			"A non-breaking space or a tab was copied into an API key.",
		},
		LookAt: []string{
			"See the field's name and the offset in the record.",
			"Print the header with `curl --trace-ascii - URL` from the client's machine and look for invisible " +
				"characters.",
			"Trim secrets when you read them from files: a trailing newline is the usual offender.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, ObsFold},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Folded request header line",
		Meaning: "A header field of the request continues on a second line. That form was abolished because servers " +
			"disagree about it, so the gateway refuses it from clients.",
		Reasons: []string{
			"An old mail-style library wraps long values, for example a long Authorization or Cookie value.",
			"A script encodes Basic credentials with `base64`, which breaks the text after 76 characters.",
			"A smuggling probe hides a field in what looks like a continuation.",
		},
		LookAt: []string{
			"Encode with `base64 -w0` so that no line break gets into the value.",
			"Upgrade the HTTP library of that client; none in use today needs to fold.",
			"Count the sources: one address with many variants is a probe.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BareLF},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request lines end with LF only",
		Meaning: "Lines of the request head end with a bare LF instead of CRLF. Some servers accept that and some do " +
			"not, and the difference is a way to smuggle requests; so it is refused here.",
		Reasons: []string{
			"Somebody typed or piped the request, for example `printf 'GET / HTTP/1.1\\n\\n' | nc`.",
			"A microcontroller or a hand-written socket program prints `\\n`.",
			"A health check script was saved with Unix line endings and sent as it is.",
		},
		LookAt: []string{
			"End each line with `\\r\\n`; with netcat use `nc -C`.",
			"Replace the hand-made health check by `curl -fsS`.",
			"Expect this one from smuggling scanners and do not chase it.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BareCR},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Lone CR in the request head",
		Meaning: "A carriage return stands in the request head without the line feed that must follow. No honest " +
			"client sends that; accepting it would let a request mean two things.",
		Reasons: []string{
			"A security scanner tries header injection or smuggling.",
			"User input with an old Macintosh or Windows line break was put into a header value unchecked.",
			"The client writes `\\r\\r\\n` after a double text conversion.",
		},
		LookAt: []string{
			"Find out which header holds it: the record names the field and the position.",
			"If the request is from your own program, strip CR and LF from every value before it becomes a header.",
			"Block the address at the firewall if it sends hundreds of these.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, NoHost},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Host field missing",
		Meaning: "An HTTP/1.1 request must say in Host which site it wants, and this one does not. The client is " +
			"broken or is no browser.",
		Reasons: []string{
			"A load balancer or uptime check sends `GET / HTTP/1.1` without Host; HAProxy's plain `option httpchk` " +
				"line is known for it.",
			"Somebody tests by hand with telnet or `openssl s_client`.",
			"Internet-wide scanners that go by address leave Host out.",
		},
		LookAt: []string{
			"Give the health check a Host, in HAProxy `http-check send hdr Host example.org`.",
			"Try `curl -v http://ADDRESS/ -H 'Host: example.org'`; it should pass.",
			"Keep the refusal: guessing a site for such requests is how one customer sees another's pages.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadHost},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Host field is not usable",
		Meaning: "The Host field occurs twice, or is not a name or an address with an optional port. Choosing one of " +
			"the readings would be a guess, so the request is refused.",
		Reasons: []string{
			"A scanner sends rubbish in Host to poison caches or password-reset links.",
			"A proxy in front adds its own Host and forgets to remove the first.",
			"A client configuration holds a whole URL such as `https://example.org/` where a name belongs.",
			"A name with a space or another character that names cannot have.",
		},
		LookAt: []string{
			"Check the Host settings of the CDN or load balancer in front for a second `Host` line.",
			"Write only name and port into the client's host setting.",
			"Look at the kept first bytes to see both values side by side.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, CLTE},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Content-Length and Transfer-Encoding together",
		Meaning: "The request states its length in two ways at once. Whichever is right, a server that believes the " +
			"other one would take body bytes for a new request: this is the classic smuggling attempt and is refused, " +
			"and the connection closed.",
		Reasons: []string{
			"Somebody is testing your site for request smuggling, with Burp or a similar tool.",
			"A home-grown HTTP client sets Content-Length by hand while its library already sends chunks.",
			"An intermediate proxy re-chunked the body and left the old length in place.",
		},
		LookAt: []string{
			"Treat many of these from one address as an attack and block it.",
			"Remove the manual Content-Length from your own client, and leave framing to the library.",
			"Update the proxy in front of the gateway; a current one deletes the length when it chunks.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, DupCL},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "More than one Content-Length",
		Meaning: "The request carries more than one Content-Length, be they equal or not. Two readers could cut the " +
			"body at different places, hence the refusal.",
		Reasons: []string{
			"A smuggling probe varies the second length.",
			"Client code adds the header itself and the library adds it again.",
			"Two proxies on the way both add the field after they changed the body.",
		},
		LookAt: []string{
			"Search the client's code for a literal `Content-Length` and delete it.",
			"Look at the Via field of the request to learn which proxies touched it.",
			"Note the source address; repeated attempts belong to a scanner.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadCL},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Content-Length is not a number",
		Meaning: "The length of the request's body is negative, has a sign or letters, or is too large to be real. " +
			"The body's end is unknown, so the request cannot be relayed.",
		Reasons: []string{
			"A script computed the length of a missing file and sent `undefined`, `null`, `-1` or `NaN`.",
			"A fuzzer looks for integer overflows.",
			"A locale formats the number with separators, as in `1,024`.",
		},
		LookAt: []string{
			"Log the length where the client computes it.",
			"Let the library set the header from the buffer it sends.",
			"Disregard it when User-Agent and address are unknown to you.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadTE},
		Family: FamilyMalformed, Status: 501, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Transfer coding not understood",
		Meaning: "The request uses a Transfer-Encoding other than plain `chunked`, or uses one in HTTP/1.0. The " +
			"gateway would have to guess where the body ends, and answers 501 instead.",
		Reasons: []string{
			"A smuggling test writes the value with tricks: `xchunked`, `chunked, identity`, odd spaces.",
			"A client compresses uploads with `Transfer-Encoding: gzip, chunked`, which hardly anything supports.",
			"An HTTP/1.0 tool such as an old `ab` or a device streams with chunks.",
		},
		LookAt: []string{
			"Use Content-Encoding for compressed uploads, not Transfer-Encoding.",
			"Switch the client to HTTP/1.1 if it has to stream.",
			"Inspect the exact value in the record before you call it an attack.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, BadExpect},
		Family: FamilyMalformed, Status: 417, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Expectation cannot be met",
		Meaning: "The request has an Expect field with something other than `100-continue`. HTTP knows no other " +
			"expectation, so the answer is 417.",
		Reasons: []string{
			"A scanner or fuzzer fills header fields at random.",
			"A client author took Expect for a place to name the wanted media type, which is Accept.",
			"An enterprise library sends a private expectation that only its own server knows.",
		},
		LookAt: []string{
			"Remove the Expect field in the client; for curl that is `-H 'Expect:'`.",
			"Ask whoever runs that client what it waits for.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, HeadTooLarge},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request head too large",
		Meaning: "The request's header lines together, or one of them, exceed the limit for a head. Nothing was " +
			"passed on; the limit protects the memory of everybody else's requests.",
		Reasons: []string{
			"Cookies have piled up for this visitor: analytics, A/B tests, several apps on one domain.",
			"A login system such as Keycloak or Azure AD puts large tokens (JWT with many groups) into cookies or " +
				"Authorization.",
			"A loop of proxies or redirects makes X-Forwarded-For or Cookie grow with each round.",
			"Somebody attacks parsers with huge headers.",
		},
		LookAt: []string{
			"Compare size and limit in the record; just above the limit means cookies, far above means an attack.",
			"Ask the visitor to delete the cookies of your domain: if that cures it, shorten or scope your cookies " +
				"(`Path`, `Domain`).",
			"Keep group lists out of tokens, or keep tokens on the server's side.",
			"Raise `limits.head` and `limits.line` only if the application's server accepts such heads too (Node 16 " +
				"KiB, nginx 4 buffers of 8 KiB).",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, TargetTooLong},
		Family: FamilyTooLarge, Status: 414, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "URL too long",
		Meaning: "The path and query of the request are longer than the limit. The client should send so much data in " +
			"a body.",
		Reasons: []string{
			"A form or search with very many fields uses GET instead of POST.",
			"A redirect loop appends its `return_to` or `next` parameter to itself again and again.",
			"A single-page app keeps its whole state or a base64 picture in the URL.",
			"A scanner tests for buffer overflows.",
		},
		LookAt: []string{
			"Look at the end of the URL in the log: a repeating pattern is a redirect loop.",
			"Send the form with POST, or raise `limits.target` where long URLs are meant.",
			"Test the login redirect in a private window and watch Location with `curl -sIL`.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, TooManyFields},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Too many request header fields",
		Meaning: "The request has more header lines than the limit allows. Real browsers send fewer than forty; each " +
			"line costs work on every hop.",
		Reasons: []string{
			"A tool floods parsers with tiny fields.",
			"A chain of proxies, service meshes and tracing agents adds its fields in every round of a loop.",
			"A client turns each entry of a list or map into a header of its own.",
		},
		LookAt: []string{
			"List the names with `curl -v` from the same client and see which repeat.",
			"Merge the entries into one field; raise `limits.fields` only as a last resort.",
			"Search for a loop if names such as `Via` or `X-Forwarded-For` appear many times.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, OtherProtocol},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client speaks another protocol",
		Meaning: "The first bytes are recognised as something that is not HTTP/1: TLS, HTTP/2 without negotiation, SSH " +
			"or the like. The client, or what stands in front, is set up for another kind of port.",
		Reasons: []string{
			"`https://` is used for a port that speaks plain HTTP.",
			"Two load balancers in a row send the PROXY protocol (`send-proxy`, AWS NLB attribute, Hetzner or " +
				"DigitalOcean switch), and the second header stands where the request should.",
			"A gRPC client or `curl --http2-prior-knowledge` starts HTTP/2 directly.",
			"Scanners try TLS, RDP, SMB and SSH on every open port.",
		},
		LookAt: []string{
			"Read the protocol's name in the record: it was recognised from the first bytes.",
			"Point the client at the TLS listener, or write `http://`.",
			"Switch the PROXY protocol off in one of two proxies in a row; a header that nobody expects is " +
				"`client.accept.proxy-untrusted`.",
			"Let gRPC clients connect to a listener that offers HTTP/2.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, Timeout},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Request head not completed in time",
		Meaning: "The client began a request and did not finish its head before the deadline. It was answered 408 and " +
			"hung up on; no server was involved.",
		Reasons: []string{
			"The visitor's network vanished in the middle: a train, a lift, a change from WLAN to mobile.",
			"Somebody holds connections open with half requests (slowloris) to exhaust the server.",
			"A person types a request by hand.",
			"The path drops large packets (MTU of a VPN or PPPoE line), so a head with big cookies never arrives " +
				"whole.",
		},
		LookAt: []string{
			"Count open half requests per address: many from few addresses is slowloris, one each is bad radio.",
			"Check whether the same visitors fail only with large heads; then look at the MTU of the tunnel in " +
				"between.",
			"Keep `timeouts.read_head` short; honest clients send a head within one round trip.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client left inside its request head",
		Meaning: "The client closed the connection in order after some bytes of a request and before the head was " +
			"complete. It lost interest or never meant to ask.",
		Reasons: []string{
			"A TCP health check or port scanner sends a few bytes and leaves.",
			"The browser was closed, or dropped a connection that it had opened in advance.",
			"A client crashed while it built its request.",
			"A pipe into netcat ended too early.",
		},
		LookAt: []string{
			"Match the address with your load balancer's checks, and let them ask a real URL.",
			"Read the first bytes to see how far it came.",
			"Do nothing if the cases are few: no visitor saw an error.",
		},
	},
	{
		Code:   Code{Client, phase.ReadHead, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client reset inside its request head",
		Meaning: "The connection was reset, not closed, while the request head was arriving. The client's machine or " +
			"a device on the way threw it away.",
		Reasons: []string{
			"A scanner aborts with RST as soon as it has seen that the port answers.",
			"The client process was killed with the connection open.",
			"A firewall or intrusion filter on the client's side disliked the bytes.",
			"A NAT router lost its state and answered for the client.",
		},
		LookAt: []string{
			"See whether the resets come from one network: then its firewall is the likely author.",
			"Compare with the hour of a deploy or crash of the calling program.",
			"Take a short capture with `tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'` if it concerns a partner you " +
				"know.",
		},
	},
}
