// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"strings"
	"testing"
)

const tracingBase = `version: 1
listen: 127.0.0.1:80
sites: {host: "*", routes: {upstream: a}}
upstreams: {a: {servers: 3000}}
`

func TestTracingHeaders(t *testing.T) {
	c, err := parseText(tracingBase + "tracing: {endpoint: 'http://a.example/v1/traces', headers_file: headers.txt}\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := []TraceHeader{{"Authorization", "Bearer s3cret"}, {"X-Tenant", "shop"}}; !reflect.DeepEqual(c.Tracing.Headers, want) {
		t.Errorf("headers: %+v", c.Tracing.Headers)
	}
	for _, bad := range []string{"X", ": x", "X Y: z", "X:", "X: é", "X: a\x00", "Host: x", "content-type: text/plain"} {
		if h, problem := parseTraceHeader(bad); problem == "" {
			t.Errorf("%q is read as %+v", bad, h)
		}
	}
}

func TestTracingOffIsTheSameAsAbsent(t *testing.T) {
	off, err := parseText(tracingBase + "tracing: off\n")
	if err != nil {
		t.Fatal(err)
	}
	absent, err := parseText(tracingBase)
	if err != nil || !reflect.DeepEqual(off, absent) || !off.Tracing.IsZero() {
		t.Errorf("%v: %+v, %+v", err, off.Tracing, absent.Tracing)
	}
}

func TestTraceEndpoint(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:4318/v1/traces", "https://otel.example/x", "http://[::1]:4318/v1/traces"} {
		if got, err := parseTraceEndpoint(good); err != nil || got != good {
			t.Errorf("%s is read as %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "x", "//x/v1/traces", "http:///v1/traces", "http://a b/v1", "http://a/v1#x", "http://a/v1?", "http://a:4317/v1/traces", "http://a:x/v1", "http://a/\x01"} {
		if got, err := parseTraceEndpoint(bad); err == nil {
			t.Errorf("%s is read as %q", bad, got)
		}
	}
	_, err := parseTraceEndpoint("collector:4317/v1/traces")
	if message, hint := explain(err); !strings.HasSuffix(hint, "http://collector:4318/v1/traces") {
		t.Errorf("%s; hint: %s", message, hint)
	}
}
