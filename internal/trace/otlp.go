// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"strconv"
	"time"
)

// The messages of OTLP (opentelemetry-proto, trace/v1) as JSON has them: "the keys of
// JSON objects are field names converted to lowerCamelCase", ids are in hexadecimal,
// 64-bit integers are decimal strings, enumerations are numbers
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
type (
	exportRequest struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes attributes `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanJSON `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	spanJSON struct {
		TraceID      string      `json:"traceId"`
		SpanID       string      `json:"spanId"`
		ParentSpanID string      `json:"parentSpanId,omitempty"`
		Flags        uint32      `json:"flags"`
		Name         string      `json:"name"`
		Kind         kind        `json:"kind"`
		Start        string      `json:"startTimeUnixNano"`
		End          string      `json:"endTimeUnixNano"`
		Attributes   attributes  `json:"attributes"`
		Events       []eventJSON `json:"events,omitempty"`
		Status       statusJSON  `json:"status"`
	}
	eventJSON struct {
		Time       string     `json:"timeUnixNano"`
		Name       string     `json:"name"`
		Attributes attributes `json:"attributes"`
	}
	statusJSON struct {
		Message string `json:"message,omitempty"`
		Code    int    `json:"code,omitempty"`
	}
	keyValue struct {
		Key   string   `json:"key"`
		Value anyValue `json:"value"`
	}
	anyValue struct {
		String *string     `json:"stringValue,omitempty"`
		Int    string      `json:"intValue,omitempty"`
		Double *float64    `json:"doubleValue,omitempty"`
		Bool   *bool       `json:"boolValue,omitempty"`
		Array  *arrayValue `json:"arrayValue,omitempty"`
	}
	arrayValue struct {
		Values []anyValue `json:"values"`
	}
)

// statusError is the code of a span that failed.
const statusError = 2

// The bits of a span's flags: those of W3C Trace Context, then whether it is known
// that the parent is of another process, and whether it is.
const (
	flagSampled   = 0x01
	flagKnowsPeer = 0x100
	flagIsRemote  = 0x200
)

// attributes is a list that is added to. What is empty is left out, but for numbers.
type attributes []keyValue

func (a *attributes) text(key, v string) {
	if v != "" {
		*a = append(*a, keyValue{key, anyValue{String: &v}})
	}
}

func (a *attributes) number(key string, n int64) {
	*a = append(*a, keyValue{key, anyValue{Int: strconv.FormatInt(n, 10)}})
}

func (a *attributes) millis(key string, d time.Duration) {
	ms := float64(d.Microseconds()) / 1e3
	*a = append(*a, keyValue{key, anyValue{Double: &ms}})
}

func (a *attributes) flag(key string, v bool) {
	*a = append(*a, keyValue{key, anyValue{Bool: &v}})
}

func (a *attributes) texts(key string, list []string) {
	if len(list) == 0 {
		return
	}
	var v arrayValue
	for i := range list {
		v.Values = append(v.Values, anyValue{String: &list[i]})
	}
	*a = append(*a, keyValue{key, anyValue{Array: &v}})
}
