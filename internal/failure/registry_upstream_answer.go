// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"

	"causey/internal/phase"
)

var upstreamEntries = slices.Concat(upstreamConnectEntries, upstreamAnswerEntries)

var upstreamAnswerEntries = []Entry{
	{
		Code:   Code{Upstream, phase.AwaitHead, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "await-head closed",
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "await-head reset",
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "http_response_timeout", Retry: RetryNever, Severity: SeverityError,
		Title: "await-head timeout",
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, ClosedReused},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated", Retry: RetryReused, Severity: SeverityError,
		Title: "await-head closed-reused",
	},
	{
		Code:   Code{Upstream, phase.AwaitHead, ResetReused},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryReused, Severity: SeverityError,
		Title: "await-head reset-reused",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "read-head-up closed",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "read-head-up reset",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_read_timeout", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up timeout",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadStatusLine},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-status-line",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, NotHTTP},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up not-http",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, OtherProtocol},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up other-protocol",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadVersion},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-version",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadField},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-field",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, ObsFold},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up obs-fold",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BareLF},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bare-lf",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BareCR},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bare-cr",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, CLTE},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up cl-te",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, DupCL},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up dup-cl",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadCL},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-cl",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadTE},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_response_transfer_coding", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-te",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, HeadTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_header_section_size", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up head-too-large",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, TooManyFields},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_header_section_size", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up too-many-fields",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, TooManyInterim},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up too-many-interim",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, UnexpectedUpgrade},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_upgrade_failed", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up unexpected-upgrade",
	},
	{
		Code:   Code{Upstream, phase.ReadHeadUp, BadUpgrade},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_upgrade_failed", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up bad-upgrade",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Short},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body short",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body reset",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_read_timeout", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body timeout",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, BadChunk},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_response_transfer_coding", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body bad-chunk",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, ChunkExtTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_transfer_coding", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body chunk-ext-too-large",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, NoLastChunk},
		Family: FamilyClosed, Status: 502, ProxyError: "http_response_incomplete", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body no-last-chunk",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, BadTrailer},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body bad-trailer",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, TrailersTooLarge},
		Family: FamilyTooLarge, Status: 502, ProxyError: "http_response_trailer_section_size", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body trailers-too-large",
	},
	{
		Code:   Code{Upstream, phase.RelayBody, Excess},
		Family: FamilyMalformed, Status: 502, ProxyError: "http_protocol_error", Retry: RetryNever, Severity: SeverityWarning,
		Title: "relay-body excess",
	},
	{
		Code:   Code{Upstream, phase.Tunnel, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryNever, Severity: SeverityError,
		Title: "tunnel reset",
	},
}
