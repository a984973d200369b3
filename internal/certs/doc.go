// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package certs decides which certificate a client gets, and keeps those
// certificates fresh: files of the owner are read again when they change,
// others are obtained and renewed from a CA by ACME (RFC 8555).
//
// What it is: Keeper, whose Certificate is a tls.Config.GetCertificate; the
// answers of the HTTP-01 and TLS-ALPN-01 challenges; and a Status of each
// certificate for people. Renewal, ARI, OCSP of obtained certificates, storage
// and locks are certmagic's; the order itself is acmez's, with solvers of ours.
//
// What it never does: it binds no port; the challenges are answered by the
// gateway's own listeners. It never gives a named site's client the certificate
// of another site. It never takes a working certificate away because a newer one
// cannot be had. It never does network I/O in New or Reload, and in a handshake
// only waits for it where the owner asked for certificates on demand.
//
// Invariants:
//
//	I1. A name finds its certificate by at most two map look-ups, without an
//	    allocation and without a lock: exact, then with the first label replaced
//	    by a wildcard, then the files of the site "*".
//	I2. Reload is all or nothing, and a handshake sees the old table or the new
//	    one, never a mixture.
//	I3. A changed file that cannot be used leaves the certificate in use as it
//	    is, with one warning for each change, not for each look.
//	I4. No listener is opened, whatever the challenge.
//	I5. Names of strangers cost fixed memory: what is known of them is in tables
//	    of fixed size. Questions to the ask URL, orders and looks into the storage
//	    for such names are bounded in number and pace.
//	I6. A CA that does not answer, or refuses, leaves the old certificate in use;
//	    one warning tells when that begins, and one message when it ends.
//	I7. A certificate in the storage is used after a restart without the CA.
//	I8. A staple is only stapled while it is valid and says good; its fetching
//	    delays nothing.
//
// Start reading with keeper.go, then choose.go; pair.go and watch.go are the
// files, automatic.go, managed.go and issuer.go the CA, ondemand.go the names of
// strangers. The TLS configuration that uses a Keeper must offer ChallengeProtocol
// last in its NextProtos for TLS-ALPN-01.
package certs
