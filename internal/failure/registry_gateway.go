// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

var gatewayEntries = []Entry{
	{
		Code:   Code{Gateway, phase.Accept, Limit},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryNever, Severity: SeverityError,
		Title: "accept limit",
	},
	{
		Code:   Code{Gateway, phase.Accept, NoFDs},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryNever, Severity: SeverityError,
		Title: "accept no-fds",
	},
	{
		Code:   Code{Gateway, phase.Route, Loop},
		Family: FamilyNoMatch, Status: 502, ProxyError: "proxy_loop_detected", Retry: RetryNever, Severity: SeverityError,
		Title: "route loop",
	},
	{
		Code:   Code{Gateway, phase.Connect, NoPorts},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect no-ports",
	},
	{
		Code:   Code{Gateway, phase.Connect, NoFDs},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect no-fds",
	},
	{
		Code:   Code{Gateway, phase.Connect, NoMemory},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect no-memory",
	},
	{
		Code:   Code{Gateway, phase.Connect, Limit},
		Family: FamilyExhausted, Status: 503, ProxyError: "connection_limit_reached", Retry: RetryUnsent, Severity: SeverityError,
		Title: "connect limit",
	},
	{
		Code:   Code{Gateway, phase.Connect, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "connect shutdown",
	},
	{
		Code:   Code{Gateway, phase.SendBody, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "send-body shutdown",
	},
	{
		Code:   Code{Gateway, phase.AwaitHead, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "await-head shutdown",
	},
	{
		Code:   Code{Gateway, phase.ReadHeadUp, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "read-head-up shutdown",
	},
	{
		Code:   Code{Gateway, phase.RelayBody, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "relay-body shutdown",
	},
	{
		Code:   Code{Gateway, phase.Tunnel, Shutdown},
		Family: FamilyKilled, Status: 503, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityError,
		Title: "tunnel shutdown",
	},
	{
		Code:   Code{Gateway, phase.Tunnel, Idle},
		Family: FamilyTimeout, Status: 504, ProxyError: "proxy_internal_response", Retry: RetryNever, Severity: SeverityWarning,
		Title: "tunnel idle",
	},
	{
		Code:   Code{Gateway, phase.Finish, Bug},
		Family: FamilyBug, Status: 500, ProxyError: "proxy_internal_error", Retry: RetryNever, Severity: SeverityError,
		Title: "finish bug",
	},
}
