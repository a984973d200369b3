// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
)

// Tracing says where spans of exchanges are sent, and of which exchanges. The zero
// Endpoint is no tracing.
type Tracing struct {
	Endpoint    string   `json:"endpoint"`
	Ratio       float64  `json:"ratio"`
	Slow        Duration `json:"slow"` // 0: slowness is no reason
	ServiceName string   `json:"service_name"`
	// HeadersFile holds fields of the requests to the collector, "" for none;
	// Headers is what stood in it.
	HeadersFile string        `json:"headers_file,omitempty"`
	Headers     []TraceHeader `json:"-"`
}

// TraceHeader is a field of the requests to the collector.
type TraceHeader struct{ Name, Value string }

// IsZero reports that there is no tracing.
func (t Tracing) IsZero() bool { return t.Endpoint == "" }

// traceEndpointSample is an endpoint as collectors have it.
const traceEndpointSample = "http://127.0.0.1:4318/v1/traces"

var traceEndpointKind = leaf(&shape{
	name: "URL", want: "the URL of a collector such as " + traceEndpointSample, anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^https?://[^/?#@]+/[^?#]*$`},
}, parseTraceEndpoint)

// traceTextKind is what may be written in place of the object.
var traceTextKind = leaf(&shape{
	name: "URL \\| off", want: "the URL of a collector such as " + traceEndpointSample + ", or off", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^(off|https?://[^/?#@]+/[^?#]*)$`},
}, func(s string) (string, error) {
	if s == "off" {
		return "", nil
	}
	return parseTraceEndpoint(s)
})

// parseTraceEndpoint reads a URL of http or https. The API shows it, so it must not
// hold a secret.
func parseTraceEndpoint(s string) (string, error) {
	const path = "/v1/traces"
	if !strings.Contains(s, "://") {
		host, _, _ := strings.Cut(strings.TrimPrefix(s, "//"), "/")
		return "", wrong("write http://"+strings.Replace(host, ":4317", ":4318", 1)+path, "%s is no URL", quote(s))
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || !isPrintable(s) || strings.Contains(s, " "):
		return "", wrong("write it as "+traceEndpointSample, "%s is no URL", quote(s))
	case u.Scheme != "http" && u.Scheme != "https":
		return "", wrong("spans go out by OTLP over HTTP: "+traceEndpointSample, "%s is neither http nor https", quote(u.Scheme+"://"))
	case u.User != nil:
		return "", wrong("put it into headers_file, as Authorization", "the URL holds a user or a password")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", wrong("a key of a service goes into headers_file", "the URL has more than a path")
	case u.Port() == "4317":
		return "", wrong("collectors take OTLP over HTTP at port 4318: http://"+u.Hostname()+":4318"+path, "port 4317 is that of OTLP over gRPC")
	case u.Path == "" || u.Path == "/":
		return "", wrong("write "+u.Scheme+"://"+u.Host+path, "the path is missing")
	}
	return s, nil
}

var traceRatioKind = leaf(&shape{
	name: "ratio", want: "a ratio from 0 to 1 such as 0.01", numbers: true, noText: true,
	schema: map[string]any{"type": "number", "minimum": 0, "maximum": 1},
}, func(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		hint := ""
		if n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64); err == nil && n > 0 && n <= 100 {
			hint = "for " + strconv.FormatFloat(n, 'f', -1, 64) + " % write " + strconv.FormatFloat(n/100, 'f', -1, 64)
		}
		return 0, wrong(hint, "want a ratio from 0 to 1, found %s", quoteless(s))
	}
	return v, nil
})

var serviceNameKind = leaf(&shape{
	name: "text", want: "a name of 1 to 64 characters", anyText: true,
	schema: map[string]any{"type": "string", "minLength": 1, "maxLength": 64},
}, func(s string) (string, error) {
	if s == "" || len(s) > 64 || !isPrintable(s) {
		return "", wrong("", "want a name of 1 to 64 characters, found %s", quote(s))
	}
	return s, nil
})

// tracingField is the key of the top level.
var tracingField = field[Config]{entry{name: "tracing", derived: "off",
	doc:   "Makes the gateway part of distributed traces (W3C Trace Context), and exports spans of exchanges. A text is the endpoint, or `off`. Without it `traceparent` and `tracestate` pass as they came. See [operating.md](operating.md#traces).",
	peers: "nginx `otel_exporter`, Caddy `tracing`, Traefik `tracing.otlp`."},
	to(tracingKind, func(c *Config) *Tracing { return &c.Tracing })}

var tracingKind = object[Tracing]{
	name: "tracing",
	doc:  "Traces by OTLP over HTTP.",
	fields: []field[Tracing]{
		{entry{name: "endpoint", required: true, sample: "endpoint: " + traceEndpointSample,
			doc:   "The URL that spans are sent to (OTLP over HTTP, JSON, gzip): an OpenTelemetry collector, Jaeger, Tempo, or a service that takes OTLP.",
			avoid: "Over an untrusted network use https, or a collector on this machine: spans tell hosts, paths and addresses of clients."},
			to(traceEndpointKind, func(t *Tracing) *string { return &t.Endpoint })},
		{entry{name: "ratio", def: "0.01",
			doc:   "The share of exchanges that are exported whatever became of them, 0 to 1. A trusted proxy in front that sends `traceparent` decides itself, for its requests. What failed or was slow is exported in any case.",
			avoid: "Not 1 on a busy site: an exchange makes some 5 spans, and a collector that lags loses them.",
			peers: "OpenTelemetry SDKs default to 1, Caddy and Traefik too."},
			to(traceRatioKind, func(t *Tracing) *float64 { return &t.Ratio })},
		{entry{name: "slow", def: "2s",
			doc: "Exchanges that take at least this long are exported; tunnels do not count. 0: slowness is no reason."},
			to(between(0, day), func(t *Tracing) *Duration { return &t.Slow })},
		{entry{name: "service_name", def: "causey",
			doc: "The name that backends show for this gateway (`service.name`)."},
			to(serviceNameKind, func(t *Tracing) *string { return &t.ServiceName })},
		{entry{name: "headers_file", derived: "none",
			doc:   "A file with header fields for the requests to the collector, one `Name: value` per line, such as `Authorization: Bearer …`. Empty lines and lines that begin with `#` are skipped. It is read when the configuration is loaded.",
			avoid: "The file should be readable by its owner only."},
			to(filePath, func(t *Tracing) *string { return &t.HeadersFile })},
	},
	check:      checkTracing,
	shortShape: traceTextKind.shape,
	short: func(d *decoder, c cursor, t *Tracing) (ok bool) {
		t.Endpoint, ok = traceTextKind.read(d, c)
		return ok
	},
}.kind()

const (
	// headersFileLimitBytes bounds headers_file, traceHeadersMax its lines.
	headersFileLimitBytes = 16 << 10
	traceHeadersMax       = 32
)

// checkTracing reads the file of headers.
func checkTracing(d *decoder, c cursor, t *Tracing) {
	if t.HeadersFile == "" {
		return
	}
	at := d.at("%s.headers_file", c.path)
	data, p := d.read(t.HeadersFile, headersFileLimitBytes)
	if p != nil {
		d.failFile(at, p)
		return
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		h, problem := parseTraceHeader(text)
		if len(t.Headers) == traceHeadersMax {
			problem = "is one too many"
		}
		if problem != "" {
			// The message shows nothing of the line, which may be a secret.
			d.fail(at, "write one field per line: Authorization: Bearer …", "the file %s, line %d, %s", quote(t.HeadersFile), i+1, problem)
			return
		}
		t.Headers = append(t.Headers, h)
	}
}

// ownTraceHeaders are the fields that the exporter writes.
var ownTraceHeaders = strings.Fields("connection content-encoding content-length content-type host te trailer transfer-encoding upgrade user-agent")

func parseTraceHeader(line string) (h TraceHeader, problem string) {
	name, value, found := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch {
	case !found || !isToken(name):
		return h, "does not begin with the name of a field and a colon"
	case value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r >= 0x7f }):
		return h, "has no value of visible characters"
	}
	for _, own := range ownTraceHeaders {
		if strings.EqualFold(name, own) {
			return h, "names a field that the gateway writes itself: " + own
		}
	}
	return TraceHeader{name, value}, ""
}
