// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// upstreamHeadEntries are the failures between the request and the end of the
// head of the answer.
var upstreamHeadEntries = []Entry{
	{
		Code:   Code{Upstream, phase.AwaitHead, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Server closed without answering",
		Meaning: "On a fresh connection the server read the request and closed in order with no byte of an answer. " +
			"The application, not the network, ended it: a crash, a kill by its own master, or the wrong protocol.",
		Reasons: []string{
			"The worker died or was ended by its master: gunicorn `WORKER TIMEOUT` at 30 s, php-fpm " +
				"`request_terminate_timeout`, uWSGI harakiri.",
			"The port speaks another protocol than HTTP: FastCGI (php-fpm, 9000), uwsgi (3031), AJP (8009).",
			"This one request crashes the code: a segfault in an extension, an endless recursion, `exit` in a script.",
			"A worker was killed for want of memory.",
			"A `return 444` in the server's nginx, or a listener that expects the PROXY protocol first " +
				"(`proxy_protocol` of the upstream sends it).",
		},
		LookAt: []string{
			"Look at the waiting time: exactly 30 or 60 s is a worker timeout, some milliseconds on every request is " +
				"the protocol.",
			"Read the application's log and the master's: `journalctl -u php8.2-fpm -u gunicorn -e`.",
			"Put nginx, Apache, Caddy or FrankenPHP before php-fpm: Causey speaks HTTP to servers, not FastCGI.",
			"Check whether one path alone fails; do not let it be retried on the other servers.",
			"Search for kills: `journalctl -k -g 'killed process|segfault'`.",
		},
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Server reset instead of answering",
		Meaning: "On a fresh connection a reset came in place of an answer. A process that dies with unread data in " +
			"its socket looks like this, and so does a device that cuts the connection.",
		Reasons: []string{
			"The process was killed (SIGKILL, out of memory, crash) with the request unread.",
			"The container was stopped or replaced during a deploy without draining.",
			"The server closed while request data was still arriving, which the kernel turns into a reset.",
			"A firewall with inspection resets certain URLs or payloads.",
			"Plain HTTP was sent to a port whose program drops anything unknown.",
		},
		LookAt: []string{
			"Compare with restarts: `systemctl show APP -p NRestarts -p ActiveEnterTimestamp`, `docker inspect -f " +
				"'{{.State.OOMKilled}} {{.State.StartedAt}}' CONTAINER`.",
			"Let the application finish its work on SIGTERM before it exits.",
			"See if the request reached the application's log: if never, search the network between.",
			"Check memory limits against workers times their size.",
		},
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "http_response_timeout",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server did not answer in time",
		Meaning: "The request was sent and the server gave no byte of an answer until the gateway's time was over. " +
			"The connection is fine; the application is too slow or stuck, or the limit too short for this work.",
		Reasons: []string{
			"A slow database: missing index, lock, backup in progress.",
			"All workers are busy (php-fpm `pm.max_children`, gunicorn sync workers, Tomcat `maxThreads`), so the " +
				"request waits inside.",
			"The application calls an outside service without a timeout: payment, mail, licence check, AI.",
			"The work is legitimate and long: export, report, image conversion.",
			"A deadlock or endless loop; then this server answers nothing at all.",
		},
		LookAt: []string{
			"See which paths: one path is its code, all dynamic ones the database or the workers, static files too " +
				"the machine.",
			"Look at what it waits for: `SHOW FULL PROCESSLIST`, `pg_stat_activity`, php-fpm's slow log, `py-spy dump " +
				"-p PID`.",
			"Check in the record that the request was acknowledged: if not, it is the network's failure.",
			"Move long work into a background job, or raise `timeouts.await_head` of that route.",
			"Set timeouts on every outgoing call of the application, shorter than the gateway's.",
		},
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, ClosedReused},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryReused, Severity: SeverityError,
		Title: "Kept connection was closed under the request",
		Meaning: "The server closed a reused keep-alive connection just as the next request was sent on it, and " +
			"answered nothing. It is a race between two timers; a request that may be repeated is tried once more on " +
			"a fresh connection.",
		Reasons: []string{
			"The server's keep-alive time is short: Node 5 s before version 26, gunicorn 2 s, uvicorn and Apache 5 s, " +
				"Tomcat 20 s.",
			"It closes after a number of requests: Apache 100, nginx 1,000.",
			"It is reloading or restarting and closes its idle connections.",
		},
		LookAt: []string{
			"Compare idle age and request number over several failures: equal ages are a timer, equal numbers a " +
				"count.",
			"Raise the server's value above the gateway's idle time: `server.keepAliveTimeout = 75000`, `gunicorn " +
				"--keep-alive 75`, `KeepAliveTimeout 75`.",
			"Or set `keep_alive.idle_timeout` of this upstream below the server's value, `keep_alive.max_requests` " +
				"below its count.",
			"Expect it for POST in particular: those cannot be repeated safely.",
		},
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, ResetReused},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryReused, Severity: SeverityError,
		Title: "Kept connection was reset under the request",
		Meaning: "A reused keep-alive connection was reset when the next request went out on it. The server, or a " +
			"device between, had forgotten the connection while it lay idle.",
		Reasons: []string{
			"The server had closed just before, and its kernel answered the late request with a reset.",
			"A NAT or load balancer drops quiet flows and then resets: AWS NLB after 350 s, cloud NAT after 4 to 6 " +
				"minutes.",
			"The server process was replaced, and with it all its connections.",
			"A virtual address moved to another machine (keepalived, failover).",
		},
		LookAt: []string{
			"Look at the idle age in the record: seconds point to the server's timer, minutes to a device on the way.",
			"Keep idle connections shorter than the strictest device, or let TCP keep-alive probes run below its " +
				"limit.",
			"Compare the moment with deploys and failovers: a burst on all connections at one instant is one of " +
				"these.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Answer ended inside its head",
		Meaning: "The server began its answer and closed the connection before the head was complete. Half a head is " +
			"worthless, so the visitor got 502.",
		Reasons: []string{
			"The process died or exited in the middle of writing: fatal error, `exit`, kill.",
			"A CGI-like script or device prints its headers and forgets the empty line after them.",
			"An inner proxy lost its own server and gave up in the middle.",
		},
		LookAt: []string{
			"Look at the first bytes of the answer in the record: they show how far it came.",
			"Reproduce it: `curl -sv --raw http://ADDRESS:PORT/PATH -o /dev/null`.",
			"Check the script's output: header lines, then an empty line, then the body.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Reset inside the answer's head",
		Meaning: "The connection was reset after the first bytes of the answer and before its head was complete. " +
			"Bytes already on the way may have been destroyed by the reset itself.",
		Reasons: []string{
			"The server answered an upload early (413, 401) and closed with the body unread; the reset overtook the " +
				"answer.",
			"The process was killed while it wrote.",
			"A filtering device dislikes something in the answer's head.",
		},
		LookAt: []string{
			"See if the request had a body: then let the server read it, or use nginx `lingering_close`.",
			"Search the server's log for a signal 9 or 11 at that second.",
			"Fetch the same page on the server itself; success there points to the path between.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_read_timeout",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's head stalled",
		Meaning: "The server sent a part of the head and then fell silent until the time was over. It is alive enough " +
			"to begin and cannot go on.",
		Reasons: []string{
			"The application writes its first header lines and then waits for the database before the rest.",
			"A large head (cookies, CSP) needs several packets, and full-size ones are lost on a path with a small " +
				"MTU.",
			"The machine ran out of CPU or memory at this moment, or was paused.",
			"A 100 or 103 came, and the final answer did not follow in time.",
		},
		LookAt: []string{
			"Compare the size that came with the size of a good answer: `curl -sI URL | wc -c`.",
			"Watch retransmits to that server: `ss -ti dst ADDRESS`.",
			"Let the application compute first and write the head in one go.",
			"Check pressure on the server: `cat /proc/pressure/cpu /proc/pressure/memory`.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadStatusLine},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Status line is malformed",
		Meaning: "The answer begins with `HTTP/` but its first line has no valid three-digit status. The server's " +
			"program writes HTTP by hand and wrongly.",
		Reasons: []string{
			"A CGI script or a plugin prints its own status line, such as `HTTP/1.1 OK`.",
			"A small device or game server has an incomplete web server.",
			"A status of two or four digits comes from application code that passes its own error numbers through.",
		},
		LookAt: []string{
			"Read the first bytes kept in the record.",
			"Set the status by the framework's function, such as PHP `http_response_code(404)`.",
			"Update the device's firmware, or put a small web server before it.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, NotHTTP},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer is not HTTP",
		Meaning: "The server's first bytes are not an HTTP answer and not a protocol that could be recognised. Either " +
			"the wrong program answers, or a program prints its page without any head.",
		Reasons: []string{
			"A script prints its output with no status and headers (HTTP/0.9 style).",
			"Leftover bytes of the previous answer came first: a body after 304 or HEAD, or a wrong Content-Length.",
			"The port belongs to another program with its own text or binary protocol, such as Shoutcast's `ICY 200 " +
				"OK`.",
			"Debug output or a PHP warning escapes to the socket before the head.",
		},
		LookAt: []string{
			"Look whether the connection was fresh or reused: on a reused one, suspect the answer before this one.",
			"Identify the program behind the port: `ss -ltnp 'sport = :PORT'` on its machine.",
			"Send error messages to a log and not to standard output.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, OtherProtocol},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server speaks another protocol",
		Meaning: "The server's first bytes were recognised: TLS, HTTP/2, SSH, SMTP, FTP, MySQL, Redis or the like. " +
			"The configured address is right for something else than HTTP/1.",
		Reasons: []string{
			"The port expects TLS and got plain HTTP; it answered with a TLS alert.",
			"The server speaks only HTTP/2 without TLS, as gRPC services do.",
			"Two port numbers were mixed up: 22, 25, 3306, 6379.",
			"After a move another container has the address.",
		},
		LookAt: []string{
			"Read which protocol it was, in the record.",
			"Write the server as `https://` or `h2c://` if that is what it speaks.",
			"Correct the port, and reload.",
			"Compare the address dialled with that of the container you mean.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadVersion},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer has an impossible HTTP version",
		Meaning: "The server answered with a version that cannot occur on an HTTP/1 connection, such as `HTTP/2` in a " +
			"status line or `HTTP/3.0`. Its software makes the line up.",
		Reasons: []string{
			"A program forwards the status line of another answer, obtained through HTTP/2, word for word.",
			"A mock server or test double writes a wrong constant.",
			"A PHP script calls `header('HTTP/2 404 Not Found')` under PHP's built-in server, which passes it on.",
		},
		LookAt: []string{
			"Search the code for the string `HTTP/2`.",
			"Use the status functions of the language, and leave the version to the server.",
			"Test it with `curl -s -D - -o /dev/null --http1.1 URL`.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadField},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Illegal header field in the answer",
		Meaning: "A header line of the server's answer breaks the rules: a space in or after the name, no colon, a " +
			"control byte. It cannot be passed on safely; browsers and proxies would each read it differently.",
		Reasons: []string{
			"User data ends up in a header unescaped: a file name in Content-Disposition, a title in a custom header, " +
				"a URL in Location.",
			"A PHP notice or a stray `print` appears among the headers.",
			"Hand-written header code puts a space before the colon.",
			"The gateway is stricter than the proxy before it, and the line has been wrong for years.",
		},
		LookAt: []string{
			"The record names field and offset; see the raw bytes with `curl -sv --raw URL 2>&1 | cat -A | head -40`.",
			"Percent-encode file names as RFC 6266 says: `filename*=UTF-8''...`.",
			"Clean values of CR, LF and NUL in one central place of the application.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, ObsFold},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Folded header line in the answer",
		Meaning: "The server continues a header field on the next line, a form that HTTP has abolished. It was " +
			"refused since whatever follows in the chain may see two fields.",
		Reasons: []string{
			"An old application breaks a long Set-Cookie, CSP or Link value over lines for readability.",
			"A template for headers contains a line break.",
			"Mail code (MIME folding) is used to write HTTP headers.",
		},
		LookAt: []string{
			"Find the field in the configuration or template and write it on one line.",
			"In nginx or Apache configurations, close the quotes around a policy on the same line.",
			"Look for libraries that format mail headers in the response path.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BareLF},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's lines end with LF only",
		Meaning: "The server ends its header lines with a bare LF. HTTP demands CRLF, and a chain of proxies that " +
			"disagree can be tricked into showing one visitor another's answer.",
		Reasons: []string{
			"A small hand-written server prints `\\n`: shell with netcat, a microcontroller, a Perl or Python socket " +
				"script.",
			"A CGI wrapper passes the script's lines on unchanged.",
			"Someone edited a recorded answer of a mock server in an editor.",
		},
		LookAt: []string{
			"See the line ends: `curl -sv --raw URL 2>&1 | od -c | head`.",
			"Print `\\r\\n` in the program, or serve it through a real web server.",
			"Convert recorded answers with `unix2dos`.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BareCR},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Lone CR in the answer's head",
		Meaning: "A carriage return without a line feed stands in the head of the answer. It is usually somebody's " +
			"input that got into a header; at worst it is an attempt to split answers.",
		Reasons: []string{
			"Input from a form with line breaks is copied into Location, Set-Cookie or a custom header.",
			"Text was imported from a spreadsheet or an old Mac file into a configuration value.",
			"A program writes `\\r\\r\\n`, since its output was converted twice on Windows.",
		},
		LookAt: []string{
			"Check which request caused it: a `%0d` in its URL is an attack on your application.",
			"Reject CR and LF in everything that becomes a header.",
			"Search the stored value with `grep -c $'\\r'`.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, CLTE},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer states two lengths",
		Meaning: "The answer has both Content-Length and Transfer-Encoding, which contradict each other. Whoever " +
			"picks the wrong one mixes up answers of different visitors, so it is refused.",
		Reasons: []string{
			"The application sets Content-Length itself while the framework streams in chunks.",
			"A filter that compresses or rewrites turns to chunks and keeps the old length.",
			"An application copies all headers of another service's answer, framing included, into its own.",
		},
		LookAt: []string{
			"Drop `Content-Length`, `Transfer-Encoding` and `Connection` when you copy headers from an inner answer.",
			"Search the application for places that set one of the two by hand.",
			"Recall when the gateway was changed: older gateways let this pass in silence.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, DupCL},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer has several lengths",
		Meaning: "Content-Length occurs more than once in the answer. Equal or not, peers treat that differently, so " +
			"it is refused; only the server can say where its body ends.",
		Reasons: []string{
			"A middleware adds its own length after the framework's.",
			"A script measures the text in characters and the web server in bytes.",
			"A caching plugin stores the header along with the page and the server sets it anew.",
		},
		LookAt: []string{
			"Show them: `curl -sI URL | grep -i content-length`.",
			"Turn the middlewares off one by one, those that compress or rewrite first.",
			"Empty the page cache after the correction.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadCL},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's length is not a number",
		Meaning: "The answer's Content-Length is empty, negative, has letters, or is impossibly large. Without a " +
			"length the body cannot be delimited.",
		Reasons: []string{
			"The size of a missing or unreadable file was printed: `-1`, `false`, an empty string.",
			"A 32-bit overflow makes the length of large files negative.",
			"Formatting adds a unit or thousands separators.",
		},
		LookAt: []string{
			"Ask for the same URL with `curl -sI` and read the value.",
			"Check the file behind that download: existence, rights, size above 2 GiB.",
			"Leave the header out when the size is unknown; the server will chunk.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadTE},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_response_transfer_coding",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's transfer coding not understood",
		Meaning: "The answer uses a Transfer-Encoding other than `chunked`, or one where there must be none. It can't " +
			"be told where the body ends.",
		Reasons: []string{
			"An old server sends `Transfer-Encoding: identity` or `gzip, chunked`.",
			"The field is doubled (`chunked, chunked`) by two layers that both believe they chunk.",
			"An HTTP/1.0 server sends chunks, which version 1.0 does not have.",
		},
		LookAt: []string{
			"Compress with Content-Encoding; take Transfer-Encoding away.",
			"See whether application and web server both set it, with `curl -s -D - -o /dev/null URL`.",
			"Update the server, or put it behind nginx until it is replaced.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, HeadTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_header_section_size",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Answer's head too large",
		Meaning: "The head of the answer exceeds `limits.head`, or one line of it `limits.line`, so it was not passed " +
			"on. The page itself may be perfectly well.",
		Reasons: []string{
			"The application keeps its state in cookies and sets many large ones: Laravel cookie driver, ASP.NET " +
				"chunks, OIDC logins.",
			"Set-Cookie is sent again and again in one answer, once for each call inside.",
			"Debug tools write into headers: FirePHP, Clockwork, Server-Timing with hundreds of entries.",
			"A very long Content-Security-Policy or Link preload list.",
		},
		LookAt: []string{
			"Measure it: `curl -s -D - -o /dev/null URL | wc -c`, logged in and out.",
			"Keep the state on the server and only an id in the cookie.",
			"Turn off debug headers in production.",
			"Raise the limit if the size is intended.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, TooManyFields},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_header_section_size",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Too many header fields in the answer",
		Meaning: "The answer has more header lines than `limits.fields` allows. It is nearly always one field that is " +
			"repeated.",
		Reasons: []string{
			"A loop in the application adds the same cookie or header each time round.",
			"Each resource gets a Link preload line of its own.",
			"Cache tags or debug entries are written as one field each.",
		},
		LookAt: []string{
			"Count them by name: `curl -s -D - -o /dev/null URL | cut -d: -f1 | sort | uniq -c | sort -n`.",
			"Join values of one field with commas, Set-Cookie excepted.",
			"Look for the commit that put a header call into a loop.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, TooManyInterim},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_protocol_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Endless interim answers",
		Meaning: "The server sent one 1xx answer after another and no final one. After `limits.interims` of them the " +
			"gateway stopped waiting.",
		Reasons: []string{
			"A bug in code for 103 Early Hints sends one per resource or per line.",
			"A keep-waiting mechanism repeats `102 Processing`, as old WebDAV servers do.",
			"The server answers 100 Continue for every piece of the body.",
		},
		LookAt: []string{
			"Collect all hints in one 103, or turn Early Hints off.",
			"Use a background job for work that needs 102 for minutes.",
			"Watch it happen: `curl -v URL 2>&1 | grep '< HTTP'`.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, UnexpectedUpgrade},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_upgrade_failed",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server switched protocols unasked",
		Meaning: "The server answered 101 Switching Protocols though the request asked for no upgrade. What follows " +
			"would be unintelligible to the client.",
		Reasons: []string{
			"The application's WebSocket code answers each request on its path with 101, without looking at Upgrade.",
			"A proxy between removed the Upgrade field of the request, and the server guesses.",
			"A mock server plays a recorded answer to the wrong request.",
		},
		LookAt: []string{
			"Open the WebSocket path as a plain page: a correct server says 400 or 426.",
			"Check for Upgrade before the handshake, or let the library do it.",
			"Inspect the proxies between gateway and server for header filters.",
		},
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadUpgrade},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_upgrade_failed",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Upgrade answered wrongly",
		Meaning: "The client asked for an upgrade, and the server's 101 lacks its Upgrade or Connection field or " +
			"names a protocol that was not asked for. The two would talk past each other, so the tunnel was not " +
			"opened.",
		Reasons: []string{
			"A hand-written WebSocket handshake omits `Upgrade: websocket` or `Connection: Upgrade`.",
			"An inner proxy or middleware passes the 101 on and strips its Upgrade and Connection fields.",
			"The server offers h2c where WebSocket was wanted.",
		},
		LookAt: []string{
			"Do the handshake by hand: `websocat -v ws://ADDRESS:PORT/PATH`.",
			"Use a maintained library: ws, websockets, gorilla.",
			"Ask the application's port directly, past the inner proxy, to see which of them drops the field.",
		},
	},
}
