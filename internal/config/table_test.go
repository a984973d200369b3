// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"causey/internal/testkit"
)

// samples has for each key of the table a value that is not its default, as the
// JSON of a Config gives it. A new key of the table needs a line here.
var samples = map[string]string{
	"version":                 `1`, // has one value only
	"listen[].proxy_protocol": `["10.1.0.0/16", "fastly"]`,
	"listen":                  `[{"address": "127.0.0.2:81", "max_connections": 0, "tls": true}]`, "listen[].tls": `true`, "listen[].address": `"unix:/x"`, "listen[].max_connections": `7`,
	"admin": `{"socket": "off"}`, "admin.listen": `"127.0.0.1:82"`, "admin.socket": `"/run/other.sock"`, "admin.token_file": `"/conf/good.token"`,
	"access_log": `{"format": "off", "path": "stderr"}`, "access_log.format": `"combined"`, "access_log.path": `"/var/log/x.log"`,
	"error_pages": `{"502": "/conf/page.html"}`, "sites[].error_pages": `{"4xx": "/conf/page.html"}`,
	"trusted_proxies": `["10.0.0.0/8"]`, "resolver": `["10.0.0.2:53", "[::1]:54"]`,
	"proxy_status": `{"details": "never"}`, "proxy_status.details": `"always"`,
	"limits.head": `"128KiB"`, "limits.line": `"31KiB"`, "limits.target": `"15KiB"`, "limits.fields": `99`, "limits.chunk_line": `"1KiB"`,
	"limits.trailers": `"1KiB"`, "limits.interims": `3`, "limits.body": `"1MiB"`, "limits.connections": `500`,
	"timeouts.proxy_header": `"2s"`, "timeouts.read_head": `"11s"`, "timeouts.idle": `"12s"`, "timeouts.resolve": `"13s"`, "timeouts.connect": `"14s"`, "timeouts.await_head": `"15s"`,
	"timeouts.body_stall": `"16s"`, "timeouts.send_stall": `"17s"`, "timeouts.tunnel_idle": `"18s"`, "timeouts.half_close": `"0"`,
	"timeouts.drain": `"1h"`, "timeouts.drain_delay": `"6s"`, "timeouts.upgrade_drain": `"2h"`, "timeouts.upstream_idle": `"21s"`,
	"rates": `{"upload": "0", "download": "0", "grace": "1s"}`, "rates.upload": `"1KiB/s"`, "rates.download": `"10B/s"`, "rates.grace": `"9s"`,
	"tls":         `{"profile": "modern", "automatic": {"enabled": false, "ca": "https://ca.example/dir", "challenges": ["http"], "storage": "/s"}, "port": 443}`,
	"tls.profile": `"modern"`, "tls.port": `8443`,
	"tls.certificates":               `[{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}, {"certificate": "/conf/site2.crt", "key": "/conf/site2.key"}]`,
	"tls.certificates[].certificate": `"/conf/site.crt"`, "tls.certificates[].key": `"/conf/site.key"`,
	"tls.automatic.enabled": `false`, "tls.automatic.ca": `"https://ca.example/dir"`, "tls.automatic.ca_file": `"/conf/ca.pem"`, "tls.automatic.email": `"a@a.example"`,
	"tls.automatic.challenges": `["tls-alpn"]`, "tls.automatic.storage": `"/var/lib/certs"`, "tls.automatic.ask": `"http://127.0.0.1:1/ask/x"`,
	"tls.automatic.dns": `{"provider": "exec", "command": "/bin/true", "wait": "0"}`, "tls.automatic.dns.provider": `"rfc2136"`, "tls.automatic.dns.command": `"/bin/false"`,
	"tls.automatic.ask_token_file": `"/conf/good.token"`, "tls.automatic.dns.zone": `"other.example"`, "tls.automatic.dns.token_file": `"/conf/good.token"`, "tls.automatic.dns.wait": `"1m"`,
	"tls.automatic.dns.server": `"ns1.example:54"`, "tls.automatic.dns.key_name": `"other.key"`, "tls.automatic.dns.key_algorithm": `"hmac-sha512"`, "tls.automatic.dns.key_file": `"/conf/tsig2.key"`,
	"timeouts.handshake": `"19s"`, "timeouts.up_handshake": `"20s"`, "sites[].routes[].timeouts.up_handshake": `"23s"`, "upstreams.NAME.timeouts.up_handshake": `"33s"`,
	"sites[].tls.certificates": `[{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}]`, "sites[].tls.certificates[].certificate": `"/conf/site.crt"`, "sites[].tls.certificates[].key": `"/conf/site.key"`,
	"sites[].tls.client_auth": `{"ca_file": "/conf/ca.pem", "mode": "request"}`, "sites[].tls.client_auth.ca_file": `"/conf/ca2.pem"`, "sites[].tls.client_auth.mode": `"request"`,
	"sites[].tls.redirect": `false`, "sites[].tls.hsts": `{"max_age": "365d", "subdomains": true, "preload": true}`,
	"sites[].tls.hsts.max_age": `"1d"`, "sites[].tls.hsts.subdomains": `true`, "sites[].tls.hsts.preload": `true`,
	"upstreams.NAME.tls.server_name": `"b.example"`, "upstreams.NAME.tls.ca_file": `"/conf/ca.pem"`, "upstreams.NAME.tls.min_version": `"1.3"`, "upstreams.NAME.tls.verify": `false`, "upstreams.NAME.tls.crl_file": `"/conf/crl.pem"`,
	"upstreams.NAME.tls.client_certificate":             `{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}`,
	"upstreams.NAME.tls.client_certificate.certificate": `"/conf/site.crt"`, "upstreams.NAME.tls.client_certificate.key": `"/conf/site.key"`,
	"forwarded": `{"emit": [], "via": "x"}`, "forwarded.emit": `["forwarded"]`, "forwarded.via": `"off"`,
	"tracing.endpoint": `"https://b.example:4318/otlp/v1/traces"`, "tracing.ratio": `0.5`, "tracing.slow": `"0"`, "tracing.service_name": `"edge"`,
	"tracing.headers_file": `"/conf/headers.txt"`,
	"cache":                `{"memory": "1GiB", "max_object": "4MiB", "collapse_wait": "5s", "refreshes": 64, "disk": {"path": "/d", "size": "1GiB"}}`,
	"cache.memory":         `"128MiB"`, "cache.max_object": `"1MiB"`, "cache.collapse_wait": `"1s"`, "cache.refreshes": `7`,
	"diagnosis": `{"enabled": true, "experiments": false, "neighbour_ports": true}`, "diagnosis.enabled": `false`, "diagnosis.experiments": `false`, "diagnosis.neighbour_ports": `true`,
	"cache.disk.path": `"/var/cache/x"`, "cache.disk.size": `"2GiB"`,
	"sites[].routes[].cache.stale_if_error": `"1h"`, "sites[].routes[].cache.stale_while_revalidate": `"10s"`, "sites[].routes[].cache.default_ttl": `"1m"`,
	"sites[].routes[].cache.bypass_cookies": `["sid"]`, "sites[].routes[].cache.bypass_headers": `["x-preview"]`, "sites[].routes[].cache.ignore_query": `["utm_*"]`,
	"sites[].routes[].cache.client_directives": `"obey"`,
	"sites[].hosts": `["a.example"]`, "sites[].routes[].path": `"/p"`, "sites[].routes[].methods": `["POST"]`,
	"sites[].routes[].upstream": `"other"`, "sites[].routes[].retry_unsafe": `true`,
	"sites[].routes[].timeouts.connect": `"24s"`, "sites[].routes[].timeouts.await_head": `"25s"`, "sites[].routes[].timeouts.body_stall": `"26s"`,
	"sites[].routes[].timeouts.send_stall": `"27s"`, "sites[].routes[].timeouts.tunnel_idle": `"28s"`,
	"upstreams.NAME.servers": `[{"address": "unix:/y", "max_connections": 0, "weight": 1, "priority": 0}]`, "upstreams.NAME.servers[].address": `"b.example:1"`, "upstreams.NAME.servers[].max_connections": `5`,
	"upstreams.NAME.proxy_protocol":      `"v2"`,
	"upstreams.NAME.keep_alive.max_idle": `0`, "upstreams.NAME.keep_alive.idle_timeout": `"3s"`, "upstreams.NAME.keep_alive.max_requests": `100`,
	"upstreams.NAME.check.kind": `"grpc"`, "upstreams.NAME.check.path": `"/health?full=1"`, "upstreams.NAME.check.method": `"HEAD"`, "upstreams.NAME.check.status": `["200", "204-399"]`,
	"upstreams.NAME.check.body": `"ok"`, "upstreams.NAME.check.grpc_service": `"shop.Cart"`, "upstreams.NAME.check.host": `"b.example:81"`, "upstreams.NAME.check.port": `9000`, "upstreams.NAME.check.tls": `"never"`,
	"upstreams.NAME.check.interval": `"9s"`, "upstreams.NAME.check.fast_interval": `"500ms"`, "upstreams.NAME.check.timeout": `"3s"`, "upstreams.NAME.check.fall": `2`, "upstreams.NAME.check.rise": `4`,
	"upstreams.NAME.host_header":      `"server"`,
	"upstreams.NAME.timeouts.connect": `"34s"`, "upstreams.NAME.timeouts.await_head": `"35s"`, "upstreams.NAME.timeouts.body_stall": `"36s"`,
	"zone":                              `"eu-1"`,
	"upstreams.NAME.servers[].discover": `"dns"`, "upstreams.NAME.discover": `{"docker": "unix:///run/docker.sock", "grace": "30s"}`,
	"upstreams.NAME.discover.file": `"/run/servers.yaml"`, "upstreams.NAME.discover.docker": `"tcp://proxy:2375"`, "upstreams.NAME.discover.docker_network": `"shop_default"`,
	"upstreams.NAME.discover.api": `true`, "upstreams.NAME.discover.grace": `"1m"`,
	"sites[].routes[].retry.tries": `5`, "sites[].routes[].retry.on": `["timeout", "503"]`, "sites[].routes[].retry.within": `"7s"`, "sites[].routes[].retry.body": `"7KiB"`,
	"upstreams.NAME.balance": `"hash"`, "upstreams.NAME.hash_by": `"header X-User"`, "upstreams.NAME.sticky": `"srv"`,
	"upstreams.NAME.slow_start": `"3s"`, "upstreams.NAME.hedge": `false`, "upstreams.NAME.hold": `"2s"`, "upstreams.NAME.hold_requests": `7`, "upstreams.NAME.concurrency": `12`,
	"upstreams.NAME.servers[].weight": `3`, "upstreams.NAME.servers[].priority": `1`, "upstreams.NAME.servers[].zone": `"eu-2"`,
	"upstreams.NAME.retry.tries": `4`, "upstreams.NAME.retry.on": `["malformed"]`, "upstreams.NAME.retry.within": `"9s"`, "upstreams.NAME.retry.body": `"9KiB"`,
	"upstreams.NAME.retry.share": `"11%"`, "upstreams.NAME.retry.least": `9`,
	"upstreams.NAME.outliers.consecutive": `6`, "upstreams.NAME.outliers.failure_rate": `"31%"`, "upstreams.NAME.outliers.min_requests": `32`,
	"upstreams.NAME.outliers.latency": `33`, "upstreams.NAME.outliers.silence": `"4s"`, "upstreams.NAME.outliers.max_share": `"34%"`,
	"upstreams.NAME.outliers.for": `"35s"`, "upstreams.NAME.outliers.max_for": `"36m"`,
	"upstreams.NAME.timeouts.send_stall": `"37s"`, "upstreams.NAME.timeouts.tunnel_idle": `"38s"`,
}

// sampleBase is what the samples are put into.
const sampleBase = `{"version": 1, "listen": [{"address": "127.0.0.1:80"}], "tracing": {"endpoint": "http://a.example/v1/traces"},
	"sites": [{"hosts": ["*"], "routes": [{"upstream": "shop"}]}],
	"upstreams": {"shop": {"servers": [{"address": "a.example:1"}]}, "other": {"servers": [{"address": "a.example:2"}]}}}`

// sampleBases are what the samples below a key need beside them.
var sampleBases = map[string]string{
	"tls.certificates":                      `[{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}]`,
	"sites[].tls.certificates":              `[{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}]`,
	"upstreams.NAME.tls.client_certificate": `{"certificate": "/conf/site.pem", "key": "/conf/site.pem"}`,
	"cache.disk":                            `{"path": "/d"}`,
	"sites[].routes[].cache":                `{}`,
	"tls.automatic.dns":                     `{"provider": "exec", "command": "/bin/true", "server": "ns.example:53", "zone": "z.example", "key_name": "k", "key_file": "/conf/tsig.key"}`,
	"sites[].tls.client_auth":               `{"ca_file": "/conf/ca.pem"}`,
	"sites[].tls.hsts":                      `{"max_age": "400d", "subdomains": true}`,
}

// baseFor is a JSON tree to put a key into.
func baseFor(t *testing.T, path string) any {
	t.Helper()
	tree := fromJSON(t, sampleBase)
	for key, base := range sampleBases {
		if rest, below := strings.CutPrefix(path, key); below && rest != "" {
			tree = set(tree, steps(key), fromJSON(t, base))
		}
	}
	if path == "upstreams.NAME.check.grpc_service" { // its siblings are of another kind
		tree = set(tree, steps("upstreams.NAME.check.kind"), "grpc")
	}
	return tree
}

// steps are the way of a key of the table in JSON: a string is a key, 0 the
// first item of a list.
func steps(path string) []any {
	var way []any
	for part := range strings.SplitSeq(path, ".") {
		name, isItem := strings.CutSuffix(part, "[]")
		if name == "NAME" {
			name = "shop"
		}
		if way = append(way, name); isItem {
			way = append(way, 0)
		}
	}
	return way
}

// set puts a value into a JSON tree and gives the tree; get takes it out.
func set(tree any, way []any, value any) any {
	if len(way) == 0 {
		return value
	}
	if _, isIndex := way[0].(int); isIndex {
		list := tree.([]any)
		list[0] = set(list[0], way[1:], value)
		return list
	}
	m, _ := tree.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[way[0].(string)] = set(m[way[0].(string)], way[1:], value)
	return m
}

func get(tree any, way []any) any {
	for _, step := range way {
		switch step := step.(type) {
		case int:
			list, _ := tree.([]any)
			if len(list) == 0 {
				return nil
			}
			tree = list[0]
		case string:
			m, _ := tree.(map[string]any)
			tree = m[step]
		}
	}
	return tree
}

func fromJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eachKey visits each key of the table once per place.
func eachKey(visit func(path string, e *entry)) {
	rootKind.walk("", func(path string, o *shape) {
		for _, e := range o.entries {
			visit(strings.TrimPrefix(path+"."+e.name, "."), e)
		}
	})
}

// TestEachKeyIsDecoded writes each key of the table with a value of its own and
// wants that value in the Config (I2). An object without a sample is tested by
// the samples of its keys.
func TestEachKeyIsDecoded(t *testing.T) {
	used := map[string]bool{}
	eachKey(func(path string, e *entry) {
		sample, ok := samples[path]
		used[path] = true
		if !ok {
			if e.value.entries == nil && !(e.value.item != nil && e.value.item.entries != nil) {
				t.Errorf("the key %s has no sample in this test", path)
			}
			return
		}
		text := toJSON(t, set(baseFor(t, path), steps(path), fromJSON(t, sample)))
		c, err := parseText(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		got := get(fromJSON(t, toJSON(t, c)), steps(path))
		if !reflect.DeepEqual(got, fromJSON(t, sample)) {
			t.Errorf("%s: wrote %s, got %s", path, sample, toJSON(t, got))
		}
		base, err := parseText(sampleBase)
		if err != nil {
			t.Fatal(err)
		}
		if was := get(fromJSON(t, toJSON(t, base)), steps(path)); path != "version" && reflect.DeepEqual(was, got) {
			t.Errorf("%s: the sample is the default, so that it shows nothing", path)
		}
		if problem := validate(schemaRoot(t), fromJSON(t, text)); problem != "" {
			t.Errorf("%s: the schema refuses its sample: %s", path, problem)
		}
		checkRoundTrip(t, c)
	})
	for path := range samples {
		if !used[path] {
			t.Errorf("the sample %s has no key in the table", path)
		}
	}
}

// TestEachKeyIsStrict gives each key of the table a value that no key can have,
// and each object a key that none has; both the reader and the schema refuse.
func TestEachKeyIsStrict(t *testing.T) {
	refused := func(path, value, wantPath string) {
		text := toJSON(t, set(baseFor(t, path), steps(path), fromJSON(t, value)))
		_, err := parseText(text)
		var all Errors
		if !errors.As(err, &all) || !slices.ContainsFunc(all, func(p *Problem) bool { return strings.HasPrefix(p.Path, wantPath) }) {
			t.Errorf("%s = %s gave %v, want a problem at %s", path, value, err, wantPath)
		}
		if validate(schemaRoot(t), fromJSON(t, text)) == "" {
			t.Errorf("the schema takes %s = %s", path, value)
		}
	}
	place := func(path string) string { // as problems name it
		return strings.NewReplacer("[]", "[0]", "NAME", "shop").Replace(path)
	}
	eachKey(func(path string, e *entry) {
		refused(path, "-1.5", place(path))
		if e.value.entries == nil || e.value.short != nil {
			refused(path, `{"nonsense": 1}`, place(path))
		}
	})
	rootKind.walk("", func(path string, _ *shape) {
		key := strings.TrimPrefix(path+".nonsense", ".")
		refused(key, "1", place(key))
		for reserved := range reservedKeys {
			key := strings.TrimPrefix(path+"."+reserved, ".")
			refused(key, "{}", place(key))
		}
	})
}

// TestTable is about the table itself.
func TestTable(t *testing.T) {
	names := map[string]*shape{}
	eachKey(func(path string, e *entry) {
		if e.doc == "" {
			t.Errorf("the key %s has no meaning", path)
		}
		if e.required && (e.sample == "" || e.def != "") {
			t.Errorf("the required key %s has no sample, or a default", path)
		}
		if e.value.entries == nil && e.value.item == nil && !e.required && e.def == "" && e.derived == "" {
			t.Errorf("the key %s has no default", path)
		}
		for s := e.value; s != nil; s = s.under() {
			if !s.defined {
				continue
			}
			if known := names[defName(s.name)]; known != nil && known != s {
				t.Errorf("two types are called %s", s.name)
			}
			names[defName(s.name)] = s
		}
	})
	for key := range reservedKeys {
		if len(rootKind.homes(key, "")) > 0 {
			t.Errorf("%s is reserved and in the table", key)
		}
	}
	for key := range foreignKeys {
		if fold(key) != key {
			t.Errorf("the foreign key %q is not folded, so that it is never found", key)
		}
		// Other things than what others call so: limits.target is no server, tls.port
		// nothing to listen on, tls.automatic.dns no name server.
		if len(rootKind.homes(key, "")) > 0 && key != "target" && key != "port" && key != "dns" {
			t.Errorf("the foreign key %q is in the table", key)
		}
	}
}

// TestReference wants docs/config.md to be what the table says.
func TestReference(t *testing.T) {
	const file = "../../docs/config.md"
	text := Reference()
	testkit.Golden(t, file, text)
	eachKey(func(path string, e *entry) {
		if !strings.Contains(string(text), "**`"+e.name+"`**") {
			t.Errorf("the key %s is not in %s", path, file)
		}
	})
	for i, block := range strings.Split(string(text), "```yaml\n") {
		if yaml, _, _ := strings.Cut(block, "```"); i > 0 {
			if _, err := parseText(yaml); err != nil {
				t.Errorf("an example in %s is wrong: %v", file, err)
			}
		}
	}
}
