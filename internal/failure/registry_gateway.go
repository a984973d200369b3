// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// gatewayEntries are our own failures: limits, loops, stops and defects.
var gatewayEntries = []Entry{
	{
		Code:   Code{Gateway, phase.Accept, Limit},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Gateway's connection limit reached",
		Meaning: "The gateway already holds as many client connections as `limits.connections`, or `max_connections` " +
			"of this listener, allows, and turned this one away with 503. It is a deliberate limit of ours; the " +
			"servers behind were not asked.",
		Reasons: []string{
			"A peak or a flood opened more connections than planned for.",
			"Slow answers make every visitor stay longer, so the number grows although no more people come.",
			"The limit was derived from a low file descriptor limit (`ulimit -n`) at start.",
			"Keep-alive connections of a CDN or load balancer wait idle and count as well.",
		},
		LookAt: []string{
			"See in the metrics whether the connections are active or idle, and from how many addresses.",
			"Look for slow upstreams first: the limit is often only where it becomes visible.",
			"Raise `LimitNOFILE=` in the unit, then `limits.connections`.",
		},
	},
	{
		Code:   Code{Gateway, phase.Accept, NoFDs},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryNever, Severity: SeverityError,
		Title: "No file descriptor for a new client",
		Meaning: "The kernel refused to hand over a client's connection since the gateway, or the whole machine, has " +
			"no free file descriptor (EMFILE or ENFILE). This is our side's lack of resources.",
		Reasons: []string{
			"The service runs with the default `ulimit -n` of 1024.",
			"Something else on the machine consumed the system-wide table.",
			"A request loop (the gateway as its own upstream) multiplies connections.",
			"A burst of tunnels or downloads needs two descriptors each.",
		},
		LookAt: []string{
			"Compare `ls /proc/PID/fd | wc -l` with `grep 'open files' /proc/PID/limits`.",
			"Read `cat /proc/sys/fs/file-nr`: the first number near the third means the machine is full.",
			"Set `LimitNOFILE=65536` in the systemd unit and restart.",
		},
	},
	{
		Code:   Code{Gateway, phase.Handshake, NoCertificate},
		Family: FamilyUnhealthy, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Certificate not obtained yet",
		Meaning: "The client asked for a site of this gateway whose certificate is to be fetched by itself and is not " +
			"there yet. Without it no TLS is possible, so the connection is closed with an alert.",
		Reasons: []string{
			"The site was added a moment ago, and the first certificate takes a few seconds.",
			"The CA cannot reach this machine for its check: the name's DNS points elsewhere, or port 80 or 443 is " +
				"closed.",
			"The CA refuses: a rate limit, a CAA record in DNS, a name that nobody may have.",
			"The gateway cannot reach the CA, or cannot write to its state directory.",
		},
		LookAt: []string{
			"Read the gateway's own log: each attempt to get a certificate is there with the CA's answer.",
			"Compare the name's addresses with this machine's: `dig +short NAME A NAME AAAA` and `ip -br addr`.",
			"Look for a CAA record: `dig +short CAA NAME`, and open ports 80 and 443 in the firewall.",
			"Configure a certificate by file in `tls.certificates` until it works.",
		},
	},
	{
		Code:   Code{Gateway, phase.Handshake, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped during a handshake",
		Meaning: "The gateway's drain time was over while a client was still in its TLS handshake. No request had " +
			"been read, and the connection was closed.",
		Reasons: []string{
			"The gateway was stopped or restarted with clients connecting at that moment.",
			"The client was slow, or never meant to finish its handshake.",
		},
		LookAt: []string{
			"Reload in place of a restart for new certificates and settings: `causey reload` keeps connections.",
			"Let the load balancer stop sending before the gateway stops.",
		},
	},
	{
		Code:   Code{Gateway, phase.Route, Loop},
		Family: FamilyNoMatch, Status: 502, ProxyError: "proxy_loop_detected",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Request came back to the gateway",
		Meaning: "The request already bears this gateway's own mark in its Via field: it was sent round in a circle. " +
			"It was stopped here before it could multiply.",
		Reasons: []string{
			"An upstream's server points, by address or DNS name, at the gateway itself.",
			"The CDN's origin is a name that resolves to the CDN again, or two gateways name each other.",
			"The application behind forwards unknown hosts back to the public name.",
			"After a move, `/etc/hosts` or DNS in the data centre still gives the public address.",
		},
		LookAt: []string{
			"Resolve the server's name on this machine: `getent hosts NAME`, and compare with `ip -br addr`.",
			"Follow the Via field in the record; it lists the stations in order.",
			"Use the application's internal address as server, never the site's public name.",
		},
	},
	{
		Code:   Code{Gateway, phase.Queue, NoServer},
		Family: FamilyUnhealthy, Status: 503, ProxyError: "destination_unavailable",
		Retry: RetryNever, Severity: SeverityError,
		Title: "No server may be asked",
		Meaning: "The upstream has no server that the gateway may ask: all of them were taken out of service, or none is " +
			"known. The request waited as long as it may (`hold`), and was answered 503.",
		Reasons: []string{
			"Every server of the upstream was put into maintenance.",
			"The servers are found by discovery, and none has been found yet.",
			"A deployment takes the last server out before the new one is in.",
		},
		LookAt: []string{
			"List the servers with their states and reasons: `causey servers`.",
			"Put one back: `causey servers restore UPSTREAM SERVER`.",
			"Deploy one server at a time: wait until one is in service before the next is taken out.",
		},
	},
	{
		Code:   Code{Gateway, phase.Queue, Limit},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Upstream has its hands full",
		Meaning: "As many requests were with the upstream as its `concurrency` allows, and none of them ended while this " +
			"one waited its turn (`hold`, at most `hold_requests` at a time). It was answered 503 by the gateway, and no " +
			"server has seen it.",
		Reasons: []string{
			"More visitors, or a crawler, ask for more than the servers can do.",
			"The servers have become slow, by their database as a rule, so that each request holds its place longer.",
			"A few expensive pages have all the places.",
			"The number in `concurrency` is lower than what the servers could do.",
		},
		LookAt: []string{
			"Compare the latency in `causey servers` with that of calm times: where it is the same, the limit is too low.",
			"List the slowest paths of these minutes in the access log, and give them an upstream of their own.",
			"Compare a fixed number with the application's workers on all servers together (php-fpm " +
				"`pm.max_children`, gunicorn workers times threads).",
			"Add a server, or cache what does not change for each visitor.",
		},
	},
	{
		Code:   Code{Gateway, phase.Connect, NoPorts},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Local ports used up",
		Meaning: "The kernel had no free local port for a new connection to this server (EADDRNOTAVAIL). The request " +
			"was not sent; gateway and kernel settings are the place to look, not the server.",
		Reasons: []string{
			"Connections to one address and port are opened and closed faster than their ports return; about 28,000 " +
				"ports come back after 60 s.",
			"The server closes after every answer (`Connection: close`, HTTP/1.0), which defeats reuse.",
			"`net.ipv4.ip_local_port_range` was narrowed, or other programs on the machine hold most of it.",
			"A configured source address is not on this machine (any more).",
		},
		LookAt: []string{
			"Count them: `ss -tan state time-wait | wc -l`, and per server with `ss -tan dst ADDRESS`.",
			"Turn keep-alive on in the application's server.",
			"Widen the range with `sysctl -w net.ipv4.ip_local_port_range='10240 65535'` and set " +
				"`net.ipv4.tcp_tw_reuse=1`.",
			"Use a unix socket for a server on the same machine.",
		},
	},
	{
		Code:   Code{Gateway, phase.Connect, NoFDs},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "No file descriptor for a server connection",
		Meaning: "A visitor was already connected, but the gateway could not open a socket towards the server for " +
			"want of file descriptors. The server is not to blame and was not contacted.",
		Reasons: []string{
			"Client connections took all descriptors, and each exchange needs a second one.",
			"The limit of the container or unit is lower than that of your shell.",
			"Logs, caches or leaked sockets hold descriptors; `lsof` shows which.",
		},
		LookAt: []string{
			"Run `lsof -p PID | awk '{print $5}' | sort | uniq -c` to see what kind of file dominates.",
			"Raise the limit in the place that starts the gateway: `LimitNOFILE=` or `docker run --ulimit " +
				"nofile=65536`.",
			"Lower `limits.connections` so that descriptors for servers remain.",
		},
	},
	{
		Code:   Code{Gateway, phase.Connect, NoMemory},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Kernel out of memory for sockets",
		Meaning: "The kernel had no buffer memory for a new connection (ENOBUFS or ENOMEM). The machine or container " +
			"that runs the gateway is short of memory; the server played no part.",
		Reasons: []string{
			"The container's memory limit counts socket buffers, and many slow clients fill them.",
			"`net.ipv4.tcp_mem` is too small for the number of connections.",
			"Another process on the machine eats the memory.",
		},
		LookAt: []string{
			"Read `cat /proc/net/sockstat`: mem in pages, against `sysctl net.ipv4.tcp_mem`.",
			"Look in the kernel log: `journalctl -k -g 'out of memory|TCP: out'`.",
			"Give the machine more memory, or fewer connections.",
		},
	},
	{
		Code:   Code{Gateway, phase.Connect, Limit},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's connection limit reached",
		Meaning: "Every connection that `max_connections` allows to this server is in use. The gateway protects the " +
			"server by not opening another one, and answered 503.",
		Reasons: []string{
			"The server answers slowly, so each connection is held longer and the limit fills without more visitors.",
			"One expensive URL or one crawler occupies all places.",
			"Long-lived streams and WebSockets count too and never give theirs back.",
			"The value was set for a smaller machine than today's.",
		},
		LookAt: []string{
			"List what is in flight by path, and find the one that takes the most time in total.",
			"Compare the limit with the application's workers (php-fpm `pm.max_children`, gunicorn workers times " +
				"threads).",
			"Give WebSockets an upstream of their own.",
			"Raise `max_connections` only when the server has idle capacity at the limit.",
		},
	},
	{
		Code:   Code{Gateway, phase.Connect, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped before a server was reached",
		Meaning: "The gateway was told to stop, waited its drain time, and ended this exchange while it was still " +
			"opening a connection. Somebody stopped or restarted the gateway.",
		Reasons: []string{
			"A restart was done where a reload would have been enough.",
			"The server did not answer the dial, so this exchange could not end within the drain time.",
			"A second stop signal asked to stop at once.",
		},
		LookAt: []string{
			"Use `causey reload` for configuration changes: it loses nothing.",
			"Check connect times to that server; a dial should not outlast a drain.",
		},
	},
	{
		Code:   Code{Gateway, phase.UpHandshake, ClockWrong},
		Family: FamilyUnhealthy, Status: 500, ProxyError: "proxy_internal_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Gateway's clock is wrong",
		Meaning: "By the gateway's clock the server's certificate is outside its validity, and by the Date of other " +
			"servers' answers it is inside. Certificate and server are fine; the time on this machine is wrong.",
		Reasons: []string{
			"The machine was paused or restored from a snapshot, and its clock went on from there.",
			"Time synchronisation is not running, or NTP (UDP port 123) is blocked.",
			"A board without a battery, such as a Raspberry Pi, starts with an old date.",
			"Somebody set the date by hand.",
		},
		LookAt: []string{
			"See how far it is off: the record says so, and `timedatectl` whether it is synchronised.",
			"Set it right: `timedatectl set-ntp true`, or `chronyc makestep`.",
			"Compare by hand: `date -u; curl -sI https://example.com | grep -i ^date`.",
			"Order the gateway after `time-sync.target` in its unit on machines without a battery.",
		},
	},
	{
		Code:   Code{Gateway, phase.SendBody, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped during an upload",
		Meaning: "The gateway's drain time ran out while the client was still sending its body. The upload is " +
			"incomplete at the server and has to be sent again.",
		Reasons: []string{
			"A large or slow upload takes longer than the drain time.",
			"The service manager's own patience (`TimeoutStopSec=`, docker's 10 s, Kubernetes' 30 s) is shorter than " +
				"the gateway's.",
			"An update was installed in the busy hour.",
		},
		LookAt: []string{
			"Make `timeouts.drain` longer than your longest legitimate upload, and the manager's limit longer still.",
			"Take the machine out of the load balancer some time before you stop it.",
		},
	},
	{
		Code:   Code{Gateway, phase.AwaitHead, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped while the server was working",
		Meaning: "The request was with the server, whose answer had not begun when the drain time was over. The " +
			"server may have carried out the request; the visitor got 503.",
		Reasons: []string{
			"A report, import or AI answer takes minutes, and the drain ended first.",
			"The server hangs, and only the stop made it visible.",
			"An orchestrator killed the gateway early, for example at `terminationGracePeriodSeconds`.",
		},
		LookAt: []string{
			"Look whether that path is always slow or was stuck this time.",
			"Move work of minutes into a background job which the page asks for progress.",
			"Check in the application's log whether the action took place before anybody repeats it.",
		},
	},
	{
		Code:   Code{Gateway, phase.ReadHeadUp, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped inside the answer's head",
		Meaning: "The head of the answer was arriving when the gateway's time to stop had come. Half a head cannot be " +
			"passed on, so the answer is 503.",
		Reasons: []string{
			"The server stalled in the middle of its head shortly before the stop.",
			"The signal to stop at once came, by chance, in this moment.",
		},
		LookAt: []string{
			"Check the server for `upstream.read-head-up.timeout` before the stop.",
			"Send one SIGTERM and wait; the second one is meant to hurt.",
		},
	},
	{
		Code:   Code{Gateway, phase.RelayBody, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped during the answer",
		Meaning: "The answer was being delivered when the drain time ended; it was cut so that the client notices. " +
			"Downloads can resume by range, other answers must be fetched again.",
		Reasons: []string{
			"Large downloads or endless streams (SSE, video, log tails) always outlive a drain.",
			"The drain time, `timeouts.drain`, is set to a few seconds.",
			"A slow client was still reading an answer that the server had long finished.",
		},
		LookAt: []string{
			"Tell planned stops from crashes by the gateway's log: a drain is announced there.",
			"Let stream clients reconnect by themselves, as EventSource does with Last-Event-ID.",
			"Reload instead of restarting where the reason is a new configuration or certificate.",
		},
	},
	{
		Code:   Code{Gateway, phase.Tunnel, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Stopped with a tunnel open",
		Meaning: "A WebSocket or other upgraded connection was still open at the end of the drain time and was closed " +
			"by the gateway. Tunnels have no natural end, so a stop always cuts some.",
		Reasons: []string{
			"A planned restart or upgrade of the gateway.",
			"The machine is shutting down.",
			"The clients never close by themselves, as chats and dashboards do.",
		},
		LookAt: []string{
			"Make sure that clients reconnect after a random delay, or they will all come back in the same second.",
			"Spread stops over several gateways so that the other ones take over.",
		},
	},
	{
		Code:   Code{Gateway, phase.Tunnel, Idle},
		Family: FamilyTimeout, Status: 504, ProxyError: "proxy_internal_response",
		Retry: RetryNever, Severity: SeverityWarning,
		Title: "Quiet tunnel closed",
		Meaning: "No byte passed in either direction for `timeouts.tunnel_idle`, and the gateway closed the tunnel. " +
			"All that was sent before had been delivered; silence is simply not distinguishable from a dead peer.",
		Reasons: []string{
			"The application's WebSocket sends no pings.",
			"A laptop went to sleep, or a phone lost its network, without a closing message.",
			"The timeout is shorter than the rare events that the application reports.",
		},
		LookAt: []string{
			"Turn on pings in the application: `ws` and Socket.IO `pingInterval`, `websockets` in Python " +
				"`ping_interval`, every 25 s.",
			"Raise `timeouts.tunnel_idle` if the protocol inside cannot ping.",
			"Ask the visitors' clients to reconnect quietly; this should never be seen on a screen.",
		},
	},
	{
		Code:   Code{Gateway, phase.Finish, Bug},
		Family: FamilyBug, Status: 500, ProxyError: "proxy_internal_error",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Error in Causey itself",
		Meaning: "An invariant of the gateway did not hold, and it ended this exchange rather than do something " +
			"undefined. Neither your site nor the visitor is at fault.",
		Reasons: []string{
			"A defect in Causey that this request brought to light.",
			"Damaged memory or a damaged binary, if it happens in ever different places.",
		},
		LookAt: []string{
			"Report it with the output of `causey version`, the reference id and the record (`causey explain ID`).",
			"Look for the stack trace in the gateway's own log at that time.",
			"Update if the changelog of a newer version mentions it.",
			"Run a memory test when the traces never resemble each other.",
		},
	},
}
