// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"

	"causey/internal/phase"
)

// upstreamEntries are all failures of servers in phase order.
var upstreamEntries = slices.Concat(upstreamConnectEntries, upstreamTLSEntries, upstreamSendEntries,
	upstreamHeadEntries, upstreamBodyEntries)

// upstreamConnectEntries are the failures on the way to a server.
var upstreamConnectEntries = []Entry{
	{
		Code:   Code{Upstream, phase.Resolve, NXDomain},
		Family: FamilyNoMatch, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's name does not exist",
		Meaning: "DNS says, with authority, that the server's name in the configuration does not exist (NXDOMAIN). " +
			"Nothing was sent; the fault is in the name or in the zone, on your side of the site.",
		Reasons: []string{
			"The name is misspelt or is missing its domain.",
			"Docker: gateway and application are not on the same user-defined network; the default bridge knows no " +
				"names.",
			"Kubernetes: the Service does not exist in this namespace, or its full name " +
				"`svc.namespace.svc.cluster.local` is needed.",
			"The container or the record was deleted or renamed.",
		},
		LookAt: []string{
			"Ask the resolver that the record names: `dig @RESOLVER NAME`.",
			"Join the networks: `docker network connect NET CONTAINER`, then try `docker exec GATEWAY getent hosts " +
				"NAME`.",
			"Run `kubectl get svc -A | grep NAME` and compare the namespaces.",
			"Correct the server's name in the configuration, and reload.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, ServFail},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "DNS server failed (SERVFAIL)",
		Meaning: "The DNS server answered that it could not find out the address. The name may well exist; the " +
			"resolver or the zone behind it is ill.",
		Reasons: []string{
			"The zone's own name servers are down or unreachable for the resolver.",
			"DNSSEC signatures have expired or do not fit after a change of keys.",
			"The resolver has no way to the internet, as Docker's 127.0.0.11 when the host's own DNS is broken.",
			"A stub such as systemd-resolved or dnsmasq lost its upstream after a VPN or network change.",
		},
		LookAt: []string{
			"Compare `dig NAME` with `dig +cd NAME`: if only the second works, DNSSEC is broken.",
			"Ask another resolver, `dig @9.9.9.9 NAME`, to tell the zone from your resolver.",
			"Give the gateway two independent resolvers in its `resolver` list.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, Refused},
		Family: FamilyRefused, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "DNS server refuses to answer",
		Meaning: "The DNS server is alive but declines to serve the gateway (rcode REFUSED). Its access rules do not " +
			"include this machine or this name.",
		Reasons: []string{
			"An authoritative server is entered as resolver; it answers for its own zones only.",
			"The resolver's access list (`allow-query`, `access-control`) lacks the gateway's address, for example " +
				"after a move.",
			"A VPN or provider resolver accepts only customers from its own network.",
		},
		LookAt: []string{
			"Check `cat /etc/resolv.conf` and the gateway's `resolver` list for the address in the record.",
			"Test from this machine: `dig @RESOLVER example.com` shows whether it serves you at all.",
			"Add the gateway to the list in unbound or BIND.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, Rcode},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "DNS server answered with an error code",
		Meaning: "The DNS server returned an error that is neither NXDOMAIN, SERVFAIL nor REFUSED; the record holds " +
			"the number. Names cannot be resolved until that server is put right or replaced.",
		Reasons: []string{
			"An old or simple resolver (home router, embedded device) answers FORMERR or NOTIMP to queries with EDNS.",
			"A filtering DNS service uses special codes for blocked names.",
			"A firewall with DNS inspection rewrites replies.",
		},
		LookAt: []string{
			"Look up the number: 1 FORMERR, 4 NOTIMP, 9 NOTAUTH.",
			"Try `dig +noedns @RESOLVER NAME`: success means that EDNS is the problem.",
			"Point `resolver` at a real recursive server, such as unbound on the same host.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, NoData},
		Family: FamilyNoMatch, Status: 503, ProxyError: "destination_unavailable",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's name has no address",
		Meaning: "The name exists in DNS and has no A or AAAA record at the moment. There is no server to ask, hence " +
			"503.",
		Reasons: []string{
			"Kubernetes: a headless Service without ready pods, or a selector that matches none.",
			"Consul, Nomad or another registry has withdrawn all instances as unhealthy.",
			"Only another kind of record (MX, TXT, SRV) was created for the name.",
			"A deploy stops all old instances before the first new one is ready.",
		},
		LookAt: []string{
			"See whether pods are ready: `kubectl get endpointslices -l kubernetes.io/service-name=NAME`.",
			"Ask for both kinds: `dig NAME A` and `dig NAME AAAA`.",
			"Look into the readiness check of the application, and deploy with at least one instance kept.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "dns_timeout",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "No answer from DNS in time",
		Meaning: "No DNS server answered within the time allowed, so the server's address is unknown and the request " +
			"was not sent. It mostly concerns every name at once.",
		Reasons: []string{
			"The resolver is down, overloaded or has moved.",
			"A firewall drops UDP port 53, or a rule was added for outgoing traffic.",
			"The connection tracking table is full, or two packets raced in it, as Kubernetes clusters know it: " +
				"five-second steps.",
			"The machine lost its network altogether.",
		},
		LookAt: []string{
			"Measure it: `dig @RESOLVER NAME +tries=1 +time=2`, then the same with `+tcp`.",
			"Compare `cat /proc/sys/net/netfilter/nf_conntrack_count` with `nf_conntrack_max`.",
			"Run a small cache on the machine (unbound, dnsmasq, NodeLocal DNSCache).",
			"Write the server as an address if it never changes; raising `timeouts.resolve` seldom helps.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, Unreachable},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "DNS server cannot be reached",
		Meaning: "Sending the query failed at once: the kernel has no way to the DNS server or something answered " +
			"that nobody listens there. Neither the name nor the application has been looked at.",
		Reasons: []string{
			"Nothing listens on port 53 at that address: dnsmasq or systemd-resolved is stopped.",
			"The file `/etc/resolv.conf` names an address inside a VPN that is not up.",
			"A container was started without a network, or before its network was ready.",
			"An IPv6 resolver is configured on a host without IPv6.",
		},
		LookAt: []string{
			"Check the service: `systemctl status systemd-resolved` and `ss -lunp 'sport = :53'`.",
			"Test the way there: `ip route get RESOLVER`.",
			"Order the gateway after `network-online.target` in its unit.",
		},
	},
	{
		Code:   Code{Upstream, phase.Resolve, Malformed},
		Family: FamilyMalformed, Status: 502, ProxyError: "dns_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "DNS answer makes no sense",
		Meaning: "What came back from the DNS server could not be read as an answer to the question. The resolver or " +
			"a device between is broken or interferes.",
		Reasons: []string{
			"A captive portal, a transparent DNS proxy or a home router rewrites answers badly.",
			"Large answers are cut and TCP port 53, the way to fetch the rest, is blocked.",
			"Something other than a DNS server listens on that port.",
			"Somebody tries to forge answers.",
		},
		LookAt: []string{
			"Look at the packet: `tcpdump -ni any -vv port 53`.",
			"Try `dig +tcp NAME` and allow TCP 53 in the firewall.",
			"Use a trusted resolver in your own network.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, Refused},
		Family: FamilyRefused, Status: 502, ProxyError: "connection_refused",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server refuses connections",
		Meaning: "The server's machine answered the connection attempt with a refusal: at that address and port " +
			"nobody listens. The network works; the application is down, elsewhere or still starting.",
		Reasons: []string{
			"The application crashed, was stopped or was never started.",
			"It listens on another port than the configuration says (3000, 5000, 8000, 8080 are easily mixed up).",
			"It listens on 127.0.0.1 inside its container or machine, or on IPv4 only while the server is given as " +
				"`[::1]`.",
			"It is restarting: JVM start, migrations and asset builds take their seconds.",
			"The container got a new address and the gateway dials the old one, or a firewall rejects with RST.",
		},
		LookAt: []string{
			"See what listens on the server: `ss -ltnp`.",
			"Find out why it stopped: `systemctl status APP`, `journalctl -u APP -e`, `docker logs --tail 100 " +
				"CONTAINER`.",
			"Bind to all interfaces in a container: `HOST=0.0.0.0`, `gunicorn -b 0.0.0.0:8000`, `flask run --host " +
				"0.0.0.0`.",
			"Compare the address dialled with what the name resolves to now: both stand in the record.",
			"Set `Restart=always` in its unit, and start the new instance before the old one stops.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_timeout",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server does not answer the connection attempt",
		Meaning: "The gateway's SYN packets to the server got no reply at all within `timeouts.connect`. Something " +
			"between swallows them, or the machine is gone; the request never left.",
		Reasons: []string{
			"A firewall, cloud security group or NetworkPolicy drops packets from the gateway's address.",
			"The machine is switched off, frozen or has another address now.",
			"The application's listen queue is full since it does not accept fast enough; then only a part of the " +
				"attempts suffers.",
			"A ban by fail2ban or the hoster's flood protection hit the gateway for errors that visitors caused.",
			"Packets get lost, or a NAT gateway has no ports left.",
		},
		LookAt: []string{
			"Try from the gateway's machine: `nc -vz -w 3 ADDRESS PORT`, and also another port and `ping`.",
			"Allow the gateway's address: `ufw allow from GATEWAY to any port PORT`, or in the cloud's inbound rules.",
			"Read on the server `nstat -az TcpExtListenOverflows TcpExtListenDrops`: rising numbers mean a full " +
				"queue.",
			"Look for a ban: `fail2ban-client banned` or `nft list ruleset`.",
			"Compare `ip -br addr` there with the address in the record.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Connection reset while it was opened",
		Meaning: "The server's side accepted the connection and reset it before the gateway could write a byte. No " +
			"part of the request was sent.",
		Reasons: []string{
			"A load balancer at the server's address has no healthy target and resets, as AWS NLB does.",
			"The listen queue overflowed on a system with `net.ipv4.tcp_abort_on_overflow=1`.",
			"An intrusion prevention system or rate limit kills new connections above a number.",
			"The application takes connections beyond its own limit only to drop them.",
		},
		LookAt: []string{
			"Find out what really listens there: a balancer's state page, or `ss -ltnp` on the server.",
			"Check `sysctl net.ipv4.tcp_abort_on_overflow` and the backlog in `ss -ltn` (Recv-Q against Send-Q).",
			"Relate it to load: resets only at peaks are a limit, constant ones a configuration.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, NetUnreachable},
		Family: FamilyNoMatch, Status: 502, ProxyError: "destination_ip_unroutable",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "No route to the server's network",
		Meaning: "The gateway's machine has no route to the server's address (ENETUNREACH); not a packet left it. The " +
			"fault is in the network settings of this machine or container.",
		Reasons: []string{
			"The server's name has an IPv6 address and this machine has no IPv6.",
			"A VPN, WireGuard tunnel or second interface is down.",
			"The container is on no network, or on an internal one without a gateway.",
			"A default route is missing after a network change, or a blackhole route swallows this one.",
		},
		LookAt: []string{
			"Ask the kernel: `ip route get ADDRESS`.",
			"Bring the tunnel up and make it permanent: `wg show`, `systemctl enable wg-quick@wg0`.",
			"Remove the AAAA record, or give the machine IPv6.",
			"Look at `docker inspect -f '{{json .NetworkSettings.Networks}}' CONTAINER`.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, HostUnreachable},
		Family: FamilyNoMatch, Status: 502, ProxyError: "destination_ip_unroutable",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's machine cannot be reached",
		Meaning: "The network knows the way, but the last stretch fails: nobody owns the address, or a firewall says " +
			"so (EHOSTUNREACH, \"No route to host\"). The request stayed here.",
		Reasons: []string{
			"The machine is off: its neighbour gets no ARP or ND answer for about three seconds.",
			"The server's firewalld rejects the port; its default reply reads like a missing route.",
			"The address belongs to a container or VM that no longer exists.",
			"A router on the way has no further route.",
		},
		LookAt: []string{
			"Note the time it took: at once is a firewall, three seconds is an absent machine.",
			"Open the port: `firewall-cmd --permanent --add-port=PORT/tcp && firewall-cmd --reload`.",
			"Check the neighbour table: `ip neigh show ADDRESS` says FAILED for an absent machine.",
			"Look in the console of your hoster or hypervisor whether the machine runs.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, Denied},
		Family: FamilyDenied, Status: 502, ProxyError: "destination_ip_prohibited",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Connecting is forbidden here",
		Meaning: "The kernel of the gateway's own machine forbade the connection (EACCES or EPERM). Permissions or a " +
			"security policy on this side decide that, not the application.",
		Reasons: []string{
			"The unix socket's mode excludes the gateway's user; php-fpm sockets belong to `www-data` or `nginx`.",
			"A directory above the socket lacks the x permission for that user.",
			"SELinux or AppArmor confines the gateway and has no rule for outgoing connections to this port.",
			"A systemd unit (`IPAddressDeny=`, `RestrictAddressFamilies=`), a container policy or a `prohibit` route " +
				"blocks it.",
		},
		LookAt: []string{
			"Walk along the path: `namei -l /run/php/php8.2-fpm.sock`.",
			"Set `listen.group` and `listen.mode = 0660` in the php-fpm pool and add the gateway's user to the group.",
			"Search the audit log: `ausearch -m avc -ts recent`, or `journalctl -k -g apparmor`.",
			"Show the unit's restrictions: `systemctl show causey -p IPAddressDeny -p RestrictAddressFamilies`.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, NoSocket},
		Family: FamilyNoMatch, Status: 502, ProxyError: "connection_refused",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Unix socket does not exist",
		Meaning: "At the configured path of the server's unix socket there is none, at best an ordinary file. The " +
			"application is not running, or creates its socket elsewhere.",
		Reasons: []string{
			"After an upgrade the name has changed, as from `php8.1-fpm.sock` to `php8.3-fpm.sock`.",
			"The application is stopped, and removed its socket when it ended.",
			"`/run` is empty after a boot and the service has no `RuntimeDirectory=`.",
			"`PrivateTmp=` hides a socket under `/tmp`, or the directory is not mounted into the gateway's container.",
		},
		LookAt: []string{
			"List the directory: `ls -l /run/php/`.",
			"Ask which sockets exist: `ss -lxp | grep APP`.",
			"Make the path in the configuration equal to the one in the application's own, such as the pool's `listen " +
				"=`.",
			"Mount the directory of the socket, not the socket file, into containers.",
		},
	},
	{
		Code:   Code{Upstream, phase.Connect, BacklogFull},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Unix socket's queue is full",
		Meaning: "The socket is there and its owner lives, but its queue of waiting connections is full (EAGAIN), " +
			"which a unix socket reports at once. The application takes requests more slowly than they come.",
		Reasons: []string{
			"All php-fpm children are busy: `pm.max_children` is reached.",
			"Too few workers in gunicorn, uWSGI or puma for the slow requests of this moment.",
			"The database or an external service is slow, and all workers wait for it.",
			"The queue is tiny: `listen.backlog` or `net.core.somaxconn` is low.",
		},
		LookAt: []string{
			"Read the pool's log for `server reached pm.max_children setting`.",
			"Compare Recv-Q with Send-Q for the path in `ss -lx`.",
			"Turn on `request_slowlog_timeout = 5s` and see what the workers wait for.",
			"Raise workers as far as the memory allows, then the backlog.",
		},
	},
}

// upstreamSendEntries are the failures up to the last byte of the request.
var upstreamSendEntries = []Entry{
	{
		Code:   Code{Upstream, phase.SendHead, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Reset while the request was being sent",
		Meaning: "The connection to the server broke with a reset while the head of the request was being written. " +
			"How much of it the server saw is unknown.",
		Reasons: []string{
			"The server's process was killed or crashed at this moment.",
			"A balancer accepts first and resets when it finds no target behind.",
			"A tunnel or proxy in between (ssh -L, service mesh, Docker's userland proxy) could not reach the real " +
				"server.",
			"The server expects the PROXY protocol and kills everything that begins otherwise.",
		},
		LookAt: []string{
			"Look for the time in the server's log and in `journalctl -k` (kills and crashes).",
			"Check what stands between gateway and application, and ask the application directly with `curl`.",
			"See whether all requests fail so, which is configuration, or some, which is restarts.",
		},
	},
	{
		Code:   Code{Upstream, phase.SendHead, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Closed before the request was taken",
		Meaning: "The server accepted the connection and closed it before the request's head was written out. It did " +
			"not want this connection, whoever asked.",
		Reasons: []string{
			"Docker's port publishing accepts and then finds nothing listening inside the container.",
			"The server is at its connection limit and closes surplus connections politely.",
			"Access rules close at once: TCP wrappers, an allow list by address.",
			"An ssh or kubectl port forward lost its far end.",
		},
		LookAt: []string{
			"Try `curl -v http://ADDRESS:PORT/` from the gateway's machine: \"Empty reply\" confirms it.",
			"Look inside: `docker exec CONTAINER ss -ltn` must show the published port on 0.0.0.0.",
			"Search the server's configuration for lists of permitted addresses.",
			"Restart the port forward, or replace it by a real route.",
		},
	},
	{
		Code:   Code{Upstream, phase.SendHead, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_write_timeout",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Server does not take the request",
		Meaning: "The head of the request could not be handed over in time: the server's side stopped accepting " +
			"bytes. A head is small, so either the network stalled or the process stands still.",
		Reasons: []string{
			"The server's machine disappeared without a word: power, hypervisor pause, network split.",
			"The path lost its state: a NAT or firewall silently dropped an old, quiet connection.",
			"The process is stopped (SIGSTOP, debugger, frozen cgroup) and its buffers are full.",
			"A head with large cookies meets a path with a smaller MTU than assumed.",
		},
		LookAt: []string{
			"Compare bytes written and acknowledged in the record: nothing acknowledged is the network, all is the " +
				"process.",
			"Check the state with `ps -o stat,wchan -p PID`: T is stopped, D waits for a disk.",
			"Try `ping -M do -s 1472 ADDRESS` to find a too small MTU.",
			"Set `keep_alive.idle_timeout` of the upstream below the patience of the firewall.",
		},
	},
	{
		Code:   Code{Upstream, phase.SendBody, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Reset during the upload to the server",
		Meaning: "The server reset the connection while the request body was being passed on. Mostly it did not want " +
			"the rest of the body, or its process died.",
		Reasons: []string{
			"The upload exceeds a limit of the server, which answers 413 in vain and slams the door: nginx " +
				"`client_max_body_size` 1 MB, PHP `post_max_size` 8 MB.",
			"A worker was killed by the out-of-memory killer as it held the upload in memory.",
			"The worker timeout of gunicorn (30 s) counts the time of the upload as well.",
			"The application answered early, for example with 401, and closed without reading on.",
		},
		LookAt: []string{
			"Compare the bytes written over several failures: a wall at one size is a limit.",
			"Raise the limit in each layer of the server: web server, language runtime, framework.",
			"Check the kernel log: `journalctl -k -g 'Out of memory|oom'`.",
			"Let the application read or refuse uploads before it checks anything else.",
		},
	},
	{
		Code:   Code{Upstream, phase.SendBody, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryIdempotent, Severity: SeverityError,
		Title: "Server stopped taking the upload",
		Meaning: "The server closed the connection in the middle of the request body and gave no answer. It ended in " +
			"order, so its software decided to stop.",
		Reasons: []string{
			"A body timeout of the server ran out while the visitor's slow line trickled: Apache RequestReadTimeout, " +
				"Node requestTimeout 300 s.",
			"The server is shutting down and does not wait for uploads.",
			"The handler threw an error, and the framework closes instead of answering.",
			"A worker recycles itself after a number of requests.",
		},
		LookAt: []string{
			"Note how long the upload ran: one constant value is the server's body timeout.",
			"Read the application's log at that second for an exception.",
			"Lengthen the server's timeouts for the upload route, or use resumable uploads.",
		},
	},
	{
		Code:   Code{Upstream, phase.SendBody, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_write_timeout",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server stopped reading the upload",
		Meaning: "The connection stands, but the server has taken no byte more of the body for `timeouts.send_stall`; " +
			"its receive window is shut. The visitor was willing, the server was not.",
		Reasons: []string{
			"The application accepted the upload and does something else before it reads: virus scan, lock, slow " +
				"database.",
			"Its disk or object store is slow or full, and the write blocks.",
			"All workers are busy and the body waits in the kernel's buffers of a connection that nobody has picked " +
				"up.",
			"Full-size packets are lost on the way (MTU of a VPN, VXLAN or PPPoE path) while small ones pass.",
		},
		LookAt: []string{
			"On the server, look at Recv-Q of that connection in `ss -tn`: a full one means the application does not " +
				"read.",
			"Check disk and load: `df -h`, `iostat -x 1 3`, `uptime`.",
			"Compare a 1 KB and a 100 KB POST; if only the bigger one hangs, lower the MTU or clamp the MSS.",
			"Take a stack dump of a hanging worker: `py-spy dump -p PID`, `jstack PID`.",
		},
	},
}
