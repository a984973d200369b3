// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

var upstreamConnectEntries = []Entry{
	{
		Code:   Code{Upstream, phase.Resolve, NXDomain},
		Family: FamilyNoMatch, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve nxdomain",
	},
	{
		Code:   Code{Upstream, phase.Resolve, ServFail},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve servfail",
	},
	{
		Code:   Code{Upstream, phase.Resolve, Refused},
		Family: FamilyRefused, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve refused",
	},
	{
		Code:   Code{Upstream, phase.Resolve, Rcode},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve rcode",
	},
	{
		Code:   Code{Upstream, phase.Resolve, NoData},
		Family: FamilyNoMatch, Status: 503, ProxyError: "destination_unavailable", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve nodata",
	},
	{
		Code:   Code{Upstream, phase.Resolve, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "dns_timeout", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve timeout",
	},
	{
		Code:   Code{Upstream, phase.Resolve, Unreachable},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve unreachable",
	},
	{
		Code:   Code{Upstream, phase.Resolve, Malformed},
		Family: FamilyMalformed, Status: 502, ProxyError: "dns_error", Retry: RetryUnsent, Severity: SeverityError,
		Title: "resolve malformed",
	},
	{
		Code:   Code{Upstream, phase.Connect, Refused},
		Family: FamilyRefused, Status: 502, ProxyError: "connection_refused", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect refused",
	},
	{
		Code:   Code{Upstream, phase.Connect, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_timeout", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect timeout",
	},
	{
		Code:   Code{Upstream, phase.Connect, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect reset",
	},
	{
		Code:   Code{Upstream, phase.Connect, NetUnreachable},
		Family: FamilyNoMatch, Status: 502, ProxyError: "destination_ip_unroutable", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect net-unreachable",
	},
	{
		Code:   Code{Upstream, phase.Connect, HostUnreachable},
		Family: FamilyNoMatch, Status: 502, ProxyError: "destination_ip_unroutable", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect host-unreachable",
	},
	{
		Code:   Code{Upstream, phase.Connect, Denied},
		Family: FamilyDenied, Status: 502, ProxyError: "destination_ip_prohibited", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect denied",
	},
	{
		Code:   Code{Upstream, phase.Connect, NoSocket},
		Family: FamilyNoMatch, Status: 502, ProxyError: "connection_refused", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect no-socket",
	},
	{
		Code:   Code{Upstream, phase.Connect, BacklogFull},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect backlog-full",
	},
	{
		Code:   Code{Upstream, phase.SendHead, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "send-head reset",
	},
	{
		Code:   Code{Upstream, phase.SendHead, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "send-head closed",
	},
	{
		Code:   Code{Upstream, phase.SendHead, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_write_timeout", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "send-head timeout",
	},
	{
		Code:   Code{Upstream, phase.SendBody, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "send-body reset",
	},
	{
		Code:   Code{Upstream, phase.SendBody, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated", Retry: RetryIdempotent, Severity: SeverityError,
		Title: "send-body closed",
	},
	{
		Code:   Code{Upstream, phase.SendBody, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_write_timeout", Retry: RetryNever, Severity: SeverityError,
		Title: "send-body timeout",
	},
}
