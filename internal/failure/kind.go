// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

// Kind is what happened, as specific as the wire allows.
type Kind uint8

// The kinds. Their names are public and never change.
const (
	NoKind Kind = iota

	// How a connection ended or did not begin.
	Refused
	Timeout
	Reset
	Closed
	ResetReused
	ClosedReused
	TooSlow
	NetUnreachable
	HostUnreachable
	Denied
	NoSocket
	BacklogFull
	NoPorts
	NoFDs
	NoMemory
	Limit
	Shutdown
	Idle

	// TLS, on either side.
	PlainHTTP
	NotTLS
	TLSVersion
	NoCipher
	NoALPN
	NoSNI
	SNIUnknown
	NoCertificate
	Alert
	CertRejected
	ClientCertMissing
	ClientCertRefused
	CertExpired
	CertNotYetValid
	UnknownCA
	ChainIncomplete
	WrongName
	Revoked
	BadCert
	ClockWrong
	NoCloseNotify
	Misdirected

	// The PROXY protocol.
	NoProxyHeader
	BadProxyHeader
	ProxyUntrusted

	// Name resolution.
	NXDomain
	ServFail
	Rcode
	NoData
	Unreachable
	Malformed

	// Heads.
	BadRequestLine
	BadMethod
	BadTarget
	BadVersion
	BadStatusLine
	BadField
	ObsFold
	BareLF
	BareCR
	NoHost
	BadHost
	CLTE
	DupCL
	BadCL
	BadTE
	BadExpect
	HeadTooLarge
	TargetTooLong
	TooManyFields
	OtherProtocol
	NotHTTP
	TooManyInterim
	UnexpectedUpgrade
	BadUpgrade

	// Bodies.
	BodyTooLarge
	BadChunk
	ChunkExtTooLarge
	BadTrailer
	TrailersTooLarge
	Short
	NoLastChunk
	Excess

	// Routing and ourselves.
	NoServer
	NoSite
	NoRoute
	MethodNotAllowed
	ConnectMethod
	Loop
	Bug

	// KindCount is the number of kinds, for arrays indexed by Kind.
	KindCount = int(Bug) + 1
)

var kindNames = [KindCount]string{
	"",
	"refused", "timeout", "reset", "closed", "reset-reused", "closed-reused",
	"too-slow", "net-unreachable", "host-unreachable", "denied", "no-socket",
	"backlog-full", "no-ports", "no-fds", "no-memory", "limit", "shutdown", "idle",
	"plain-http", "not-tls", "tls-version", "no-cipher", "no-alpn", "no-sni",
	"sni-unknown", "no-certificate", "alert", "cert-rejected",
	"client-cert-missing", "client-cert-refused", "cert-expired",
	"cert-not-yet-valid", "unknown-ca", "chain-incomplete", "wrong-name", "revoked",
	"bad-cert", "clock-wrong", "no-close-notify", "misdirected",
	"no-proxy-header", "bad-proxy-header", "proxy-untrusted",
	"nxdomain", "servfail", "rcode", "nodata", "unreachable", "malformed",
	"bad-request-line", "bad-method", "bad-target", "bad-version",
	"bad-status-line", "bad-field", "obs-fold", "bare-lf", "bare-cr", "no-host",
	"bad-host", "cl-te", "dup-cl", "bad-cl", "bad-te", "bad-expect",
	"head-too-large", "target-too-long", "too-many-fields", "other-protocol",
	"not-http", "too-many-interim", "unexpected-upgrade", "bad-upgrade",
	"body-too-large", "bad-chunk", "chunk-ext-too-large", "bad-trailer",
	"trailers-too-large", "short", "no-last-chunk", "excess",
	"no-server", "no-site", "no-route", "method-not-allowed", "connect-method", "loop", "bug",
}

// String returns the stable name used in codes.
func (k Kind) String() string {
	if int(k) < KindCount {
		return kindNames[k]
	}
	return "invalid"
}

// Family is the coarse class of a kind: few enough for a metric label.
type Family uint8

// The families.
const (
	NoFamily Family = iota
	FamilyRefused
	FamilyTimeout
	FamilyReset
	FamilyClosed
	FamilyMalformed
	FamilyTooLarge
	FamilyExhausted
	FamilyDenied
	FamilyNoMatch
	FamilyUnhealthy
	FamilyKilled
	FamilyBug
)

var familyNames = [...]string{
	"", "refused", "timeout", "reset", "closed", "malformed", "too-large",
	"exhausted", "denied", "no-match", "unhealthy", "killed", "bug",
}

// String returns the stable name used as metric label.
func (f Family) String() string { return familyNames[f] }
