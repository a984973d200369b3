// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
)

// errorTextMaxBytes bounds the text of an underlying error: it may quote what a
// peer sent.
const errorTextMaxBytes = 256

// evidence is what the fields of an evidence object are made from.
type evidence struct {
	*failure.Evidence
	code   failure.Code
	family failure.Family
	err    error
}

func newEvidence(e *failure.Error) evidence {
	ev := evidence{Evidence: &e.Evidence, code: e.Code, err: e.Err}
	if entry := failure.Lookup(e.Code); entry != nil {
		ev.family = entry.Family
	}
	return ev
}

// hasConn reports whether an upstream connection existed.
func (e evidence) hasConn() bool { return e.HasConn }

// hasDNS reports whether the resolver had a say.
func (e evidence) hasDNS() bool { return e.DNSServer.IsValid() || e.code.Phase == phase.Resolve }

// hasOffset reports whether Offset means a place: only what is malformed or too
// large has one.
func (e evidence) hasOffset() bool {
	return e.Offset >= 0 && (e.family == failure.FamilyMalformed || e.family == failure.FamilyTooLarge)
}

// evidenceFields are the fields of the evidence object, in the order they are
// written.
var evidenceFields = keyed(slices.Concat(wireFields, tlsFields, errorFields))

// wireFields are those of what the wire and the kernel showed.
var wireFields = []field[evidence]{
	{
		Field: Field{"errno", "string", "with a kernel error", "Name of the kernel's error, such as `ECONNREFUSED`."},
		has:   func(e evidence) bool { return e.Errno != 0 },
		put: func(dst []byte, e evidence) []byte {
			return quoted(dst, unix.ErrnoName(e.Errno))
		},
	},
	{
		Field: Field{"errno_number", "integer", "with a kernel error", "Its number."},
		has:   func(e evidence) bool { return e.Errno != 0 },
		put:   func(dst []byte, e evidence) []byte { return integer(dst, int64(e.Errno)) },
	},
	{
		Field: Field{"end", "string", always, "How the connection ended: `fin` (closed in order), `rst` (reset), `open` (it had not ended)."},
		put:   func(dst []byte, e evidence) []byte { return quoted(dst, e.End.String()) },
	},
	{
		Field: Field{"dialled", "string", "when an address was dialled", "Address and port of the attempt."},
		has:   func(e evidence) bool { return e.Dialled.IsValid() },
		put:   func(dst []byte, e evidence) []byte { return appendAddrPort(dst, e.Dialled) },
	},
	{
		Field: Field{"resolved_now", "array", "for a server given by name", "What the name resolves to at the time of the failure, up to four addresses."},
		has:   func(e evidence) bool { return e.ResolvedLen > 0 },
		put: func(dst []byte, e evidence) []byte {
			dst = append(dst, '[')
			for i, a := range e.ResolvedNow[:e.ResolvedLen] {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appendAddr(dst, a)
			}
			return append(dst, ']')
		},
	},
	{
		Field: Field{"rcode", "integer", "when a name was resolved", "The answer's code (RFC 1035): 0 no error, 2 server failure, 3 no such name, 5 refused."},
		has:   evidence.hasDNS,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Rcode) },
	},
	{
		Field: Field{"dns_server", "string", "when a name was resolved", "The name server that answered; empty if none did."},
		has:   evidence.hasDNS,
		put:   func(dst []byte, e evidence) []byte { return appendAddrPort(dst, e.DNSServer) },
	},
	{
		Field: Field{"dns_stale", "boolean", "when a name was resolved", "Whether the last good answer was used past its lifetime."},
		has:   evidence.hasDNS,
		put:   func(dst []byte, e evidence) []byte { return strconv.AppendBool(dst, e.DNSStale) },
	},
	{
		Field: Field{"reused", "boolean", "with an upstream connection", "Whether the connection had carried an exchange before."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return strconv.AppendBool(dst, e.Reused) },
	},
	{
		Field: Field{"request_number", "integer", "with an upstream connection", "Number of the request on the connection, 1 for the first."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.RequestNumber) },
	},
	{
		Field: Field{"conn_age_ms", "number", "with an upstream connection", "Milliseconds since the connection was opened."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return appendMS(dst, e.ConnAge) },
	},
	{
		Field: Field{"idle_ms", "number", "with an upstream connection", "Milliseconds the connection lay idle before this request."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return appendMS(dst, e.IdleFor) },
	},
	{
		Field: Field{"bytes_written", "integer", "with an upstream connection", "Bytes of this request that our kernel accepted."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.BytesWritten) },
	},
	{
		Field: Field{"bytes_acked", "integer", "when known", "How many of those the server's kernel acknowledged. Not proof that the application read them."},
		has:   func(e evidence) bool { return e.HasConn && e.BytesAcked >= 0 },
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.BytesAcked) },
	},
	{
		Field: Field{"unacked", "integer", "with an upstream connection", "Segments sent and not acknowledged."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Unacked) },
	},
	{
		Field: Field{"retransmits", "integer", "with an upstream connection", "Segments sent again on the connection."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Retransmits) },
	},
	{
		Field: Field{"rtt_ms", "number", "with an upstream connection", "The kernel's smoothed round-trip time."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return appendMS(dst, e.RTT) },
	},
	{
		Field: Field{"response_bytes", "integer", "with an upstream connection", "Bytes of the answer that had come."},
		has:   evidence.hasConn,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.ResponseBytes) },
	},
	{
		Field: Field{"first_bytes", "string", "when any came", "The first bytes of the answer (of the request, for a client's failure), up to 64. Printable ASCII as it is; `\\\\`, `\\r`, `\\n`, `\\t`, and `\\xHH` for the rest."},
		has:   func(e evidence) bool { return e.FirstLen > 0 },
		put:   func(dst []byte, e evidence) []byte { return appendBytes(dst, e.FirstBytes()) },
	},
	{
		Field: Field{"offset", "integer", "when something is malformed or too large", "Position of the first offending byte in the head or body piece."},
		has:   evidence.hasOffset,
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Offset) },
	},
	{
		Field: Field{"size", "integer", "when there was too much", "How much came, at least; bytes or items, as the code says."},
		has:   func(e evidence) bool { return e.Size > 0 || e.Limit > 0 },
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Size) },
	},
	{
		Field: Field{"limit", "integer", "when a limit was passed", "How much is allowed."},
		has:   func(e evidence) bool { return e.Limit > 0 },
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Limit) },
	},
	{
		Field: Field{"missing", "integer", "when a body is short", "Announced body bytes that never came."},
		has:   func(e evidence) bool { return e.Missing > 0 },
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.Missing) },
	},
	{
		Field: Field{"field", "string", "when a field is concerned", "Name of the header field."},
		has:   func(e evidence) bool { return e.Field != "" },
		put:   func(dst []byte, e evidence) []byte { return appendName(dst, e.Field) },
	},
}

// errorFields is the last field.
var errorFields = []field[evidence]{
	{
		Field: Field{"error", "string", "when there is one", "The underlying error in its own words, for people. Nothing should match on it."},
		has:   func(e evidence) bool { return e.err != nil },
		put: func(dst []byte, e evidence) []byte {
			s := e.err.Error()
			return appendName(dst, s[:min(len(s), errorTextMaxBytes)])
		},
	},
}
