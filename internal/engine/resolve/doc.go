// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package resolve turns the names of servers into addresses, and keeps what a
// diagnosis needs: the rcode, the TTL, the server that answered, each try that
// failed, the name that was really asked.
//
// What it is: a stub resolver. It reads the hosts file and resolv.conf, applies
// the search list, asks A and AAAA side by side over UDP with EDNS0, repeats
// over TCP what does not fit, and remembers answers for as long as their TTL
// says. When a refresh fails it serves the last good answer, marked stale, with
// the failure beside it. Services (SRV) it asks for in the same way, and
// remembers none.
//
// What it never does: it does not recurse, validate DNSSEC, read nsswitch.conf
// or speak mDNS. It takes no IP literals and no socket paths. It does not dial
// servers of a site, nor choose between their addresses: Interleave only puts
// them in the order in which a dialer should try them. It starts no lookup that
// nobody asked for.
//
// Invariants:
//
//	I1. An address comes from the hosts file, from RFC 6761 (localhost), or from
//	    a reply that repeats the id and the question of a query sent from its
//	    own socket, and only from records at the end of the CNAME chain that
//	    begins at the name asked.
//	I2. Every lookup ends: tries, servers, candidates, CNAMEs and stray
//	    datagrams are bounded, and Config.Total bounds them together.
//	I3. Memory is fixed: Config.MaxNames names, 512 addresses a name, 1024
//	    services an answer, 48 failed tries a lookup, 64 lookups at a time.
//	I4. One lookup per name at a time. A caller who leaves does not end it, so
//	    an impatient caller cannot keep a slow answer from ever arriving.
//	I5. The last good answer survives every failure to get an answer. It does
//	    not survive an answer: NXDOMAIN and NODATA replace it (RFC 8767,
//	    section 4), because the address may be somebody else's by now.
//	I6. A failure says who said what: each failed try is in Tried.
//	I7. No server decides how long it is believed: TTLs are clamped.
//
// Start reading at Resolver.Lookup (resolver.go), which is the cache and the
// waiting; then lookup.go (candidates, families, servers, tries), transport.go
// (one query on one socket) and message.go (what a reply must look like).
package resolve
