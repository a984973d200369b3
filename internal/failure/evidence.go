// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"net/netip"
	"syscall"
	"time"
)

// FirstBytesMax is how many of the first bytes of an answer are kept.
const FirstBytesMax = 64

// End is how the failing connection ended, as the kernel told us.
type End uint8

// The ends.
const (
	// EndOpen: the connection was still open when the exchange gave up.
	EndOpen End = iota
	// EndFIN: the peer closed its side in order.
	EndFIN
	// EndRST: the peer, or something between, reset the connection.
	EndRST
)

var endNames = [...]string{"open", "fin", "rst"}

// String returns "open", "fin" or "rst".
func (e End) String() string { return endNames[e] }

// Evidence is what was seen on the wire when a failure happened. Zero values
// mean "not seen" unless a field says otherwise. It describes the attempt that
// failed; the record holds the times of each phase.
type Evidence struct {
	// Errno is the kernel's error number, 0 if none was involved.
	Errno syscall.Errno
	// End is how the connection ended.
	End End

	// HasConn reports that an upstream connection existed; the fields of this
	// group mean nothing without it.
	HasConn bool
	// Reused reports that the connection had carried an exchange before.
	Reused bool
	// RequestNumber counts the requests on the connection, 1 for the first.
	RequestNumber uint32
	// ConnAge is the time since the connection was opened.
	ConnAge time.Duration
	// IdleFor is how long the connection lay idle before this request.
	IdleFor time.Duration
	// BytesWritten is how many bytes of this request the kernel accepted.
	BytesWritten int64
	// BytesAcked is how many of those the peer's kernel acknowledged, -1 if
	// unknown. From TCP_INFO, less the SYN and what was written before this
	// exchange. Evidence for people, never a permission to repeat.
	BytesAcked int64
	// Unacked, Retransmits and RTT are TCP_INFO's view at the time of failure.
	Unacked     uint32
	Retransmits uint32
	RTT         time.Duration

	// ResponseBytes is how many bytes of the answer had come.
	ResponseBytes int64
	// First holds the first bytes of the answer (or, for a client's failure in
	// read-head, of the request), FirstLen of them.
	First    [FirstBytesMax]byte
	FirstLen uint8

	// Dialled is the address of the attempt; for a unix socket it is invalid and
	// the server's name in the record is the path.
	Dialled netip.AddrPort
	// Local is our own end of the connection, invalid if there was none.
	Local netip.Addr
	// ResolvedNow holds what the server's name resolves to at the time of the
	// failure, ResolvedLen of them; 0 for a server given by address.
	ResolvedNow [4]netip.Addr
	ResolvedLen uint8
	// Rcode, DNSServer and DNSStale come from the resolver: the answer's code,
	// who gave it, and whether the last good answer was used past its TTL.
	Rcode     int
	DNSServer netip.AddrPort
	DNSStale  bool

	// Offset is the position of the first offending byte in the head or body
	// piece, -1 if there is none.
	Offset int64
	// Size and Limit are set when a limit was passed: what came (at least) and
	// what is allowed, in bytes or in items as the code says.
	Size  int64
	Limit int64
	// Missing is how many announced body bytes never came, -1 if unknown.
	Missing int64
	// QuietFor is how long a tunnel had carried nothing in either direction.
	QuietFor time.Duration
	// Field is the name of the field concerned, when one is.
	Field string
	// TLS is what a handshake showed, nil where none was involved.
	TLS *TLS
}

// TLS is the evidence of a TLS handshake, finished or not.
type TLS struct {
	// Alert is the number of the alert that ended it (RFC 8446 section 6), -1 for
	// none. AlertSent says that it was ours.
	Alert     int
	AlertSent bool
	// Version is what was agreed on (0x0303 is TLS 1.2), 0 if nothing was.
	Version uint16
	// ServerName is the name that was asked for (SNI), "" for none.
	ServerName string
	// CertificateAsked says that the server asked for a certificate of ours.
	CertificateAsked bool
	// Offered lists what the other side offered where nothing fitted: protocol
	// versions, cipher suites, application protocols.
	Offered []string
	// Names are those of the peer's certificate, at most NamesMax; Subject and
	// Issuer name it and who signed it. NotBefore and NotAfter bound its validity.
	Names               []string
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	// Missing names the issuer that was neither sent nor known; MissingSigned says that it
	// signed a good chain before, HasSigned that it is known who did.
	Missing                  string
	MissingSigned, HasSigned bool
	// ClockAhead is how far the clock of other servers is ahead of ours, by the Date
	// of their answers; HasClock says that one was seen.
	ClockAhead time.Duration
	HasClock   bool
}

// NamesMax bounds the names of a certificate that are kept.
const NamesMax = 8

// SetFirst keeps the first bytes of b.
func (e *Evidence) SetFirst(b []byte) {
	e.FirstLen = uint8(copy(e.First[:], b))
}

// FirstBytes returns the kept first bytes.
func (e *Evidence) FirstBytes() []byte { return e.First[:e.FirstLen] }
