// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

var clientEntries = []Entry{
	{
		Code:   Code{Client, phase.ReadHead, BadRequestLine},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-request-line",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadMethod},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-method",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadTarget},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-target",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadVersion},
		Family: FamilyMalformed, Status: 505, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-version",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadField},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-field",
	},
	{
		Code:   Code{Client, phase.ReadHead, ObsFold},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head obs-fold",
	},
	{
		Code:   Code{Client, phase.ReadHead, BareLF},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bare-lf",
	},
	{
		Code:   Code{Client, phase.ReadHead, BareCR},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bare-cr",
	},
	{
		Code:   Code{Client, phase.ReadHead, NoHost},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head no-host",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadHost},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-host",
	},
	{
		Code:   Code{Client, phase.ReadHead, CLTE},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head cl-te",
	},
	{
		Code:   Code{Client, phase.ReadHead, DupCL},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head dup-cl",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadCL},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-cl",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadTE},
		Family: FamilyMalformed, Status: 501, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-te",
	},
	{
		Code:   Code{Client, phase.ReadHead, BadExpect},
		Family: FamilyMalformed, Status: 417, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head bad-expect",
	},
	{
		Code:   Code{Client, phase.ReadHead, HeadTooLarge},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head head-too-large",
	},
	{
		Code:   Code{Client, phase.ReadHead, TargetTooLong},
		Family: FamilyTooLarge, Status: 414, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head target-too-long",
	},
	{
		Code:   Code{Client, phase.ReadHead, TooManyFields},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head too-many-fields",
	},
	{
		Code:   Code{Client, phase.ReadHead, OtherProtocol},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head other-protocol",
	},
	{
		Code:   Code{Client, phase.ReadHead, Timeout},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head timeout",
	},
	{
		Code:   Code{Client, phase.ReadHead, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head closed",
	},
	{
		Code:   Code{Client, phase.ReadHead, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head reset",
	},
	{
		Code:   Code{Client, phase.Route, NoSite},
		Family: FamilyNoMatch, Status: 421, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "route no-site",
	},
	{
		Code:   Code{Client, phase.Route, NoRoute},
		Family: FamilyNoMatch, Status: 404, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "route no-route",
	},
	{
		Code:   Code{Client, phase.Route, MethodNotAllowed},
		Family: FamilyNoMatch, Status: 405, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "route method-not-allowed",
	},
	{
		Code:   Code{Client, phase.Route, ConnectMethod},
		Family: FamilyNoMatch, Status: 405, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "route connect-method",
	},
	{
		Code:   Code{Client, phase.Route, BodyTooLarge},
		Family: FamilyTooLarge, Status: 413, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "route body-too-large",
	},
	{
		Code:   Code{Client, phase.Connect, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "connect closed",
	},
	{
		Code:   Code{Client, phase.Connect, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "connect reset",
	},
	{
		Code:   Code{Client, phase.SendBody, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body closed",
	},
	{
		Code:   Code{Client, phase.SendBody, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body reset",
	},
	{
		Code:   Code{Client, phase.SendBody, TooSlow},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body too-slow",
	},
	{
		Code:   Code{Client, phase.SendBody, BadChunk},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body bad-chunk",
	},
	{
		Code:   Code{Client, phase.SendBody, ChunkExtTooLarge},
		Family: FamilyTooLarge, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body chunk-ext-too-large",
	},
	{
		Code:   Code{Client, phase.SendBody, BadTrailer},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body bad-trailer",
	},
	{
		Code:   Code{Client, phase.SendBody, TrailersTooLarge},
		Family: FamilyTooLarge, Status: 431, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body trailers-too-large",
	},
	{
		Code:   Code{Client, phase.SendBody, BodyTooLarge},
		Family: FamilyTooLarge, Status: 413, ProxyError: "http_request_error", Retry: RetryNever, Severity: SeverityClient,
		Title: "send-body body-too-large",
	},
	{
		Code:   Code{Client, phase.AwaitHead, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "await-head closed",
	},
	{
		Code:   Code{Client, phase.AwaitHead, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "await-head reset",
	},
	{
		Code:   Code{Client, phase.ReadHeadUp, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head-up closed",
	},
	{
		Code:   Code{Client, phase.ReadHeadUp, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "read-head-up reset",
	},
	{
		Code:   Code{Client, phase.RelayBody, Closed},
		Family: FamilyClosed, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "relay-body closed",
	},
	{
		Code:   Code{Client, phase.RelayBody, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "relay-body reset",
	},
	{
		Code:   Code{Client, phase.RelayBody, TooSlow},
		Family: FamilyTimeout, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "relay-body too-slow",
	},
	{
		Code:   Code{Client, phase.Tunnel, Reset},
		Family: FamilyReset, Status: 499, ProxyError: "", Retry: RetryNever, Severity: SeverityClient,
		Title: "tunnel reset",
	},
}
