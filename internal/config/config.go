// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Config is a whole configuration with every default filled in. Nobody changes
// it after it was returned (I5). Its JSON is a configuration again (I3).
type Config struct {
	Version        int              `json:"version"`
	Listen         []Listener       `json:"listen"`
	Admin          Admin            `json:"admin"`
	AccessLog      AccessLog        `json:"access_log"`
	TLS            TLS              `json:"tls,omitzero"`
	ErrorPages     ErrorPages       `json:"error_pages,omitempty"`
	TrustedProxies []NetworkOrSet   `json:"trusted_proxies"`
	ProxyStatus    ProxyStatus      `json:"proxy_status"`
	Resolver       []netip.AddrPort `json:"resolver,omitempty"` // empty: /etc/resolv.conf
	Limits         Limits           `json:"limits"`
	Timeouts       Timeouts         `json:"timeouts"`
	Rates          Rates            `json:"rates"`
	Forwarded      Forwarded        `json:"forwarded"`
	Cache          Cache            `json:"cache,omitzero"`
	Tracing        Tracing          `json:"tracing,omitzero"`
	Diagnosis      Diagnosis        `json:"diagnosis,omitzero"`
	Zone           string           `json:"zone,omitempty"`
	Sites          []Site           `json:"sites"`
	Upstreams      Upstreams        `json:"upstreams"`

	// Warnings are doubts that do not stop the configuration from being used.
	Warnings Errors `json:"-"`
}

// Listener is one listening socket.
type Listener struct {
	Address ListenAddr `json:"address"`
	// ProxyProtocol lists those whose connections begin with a PROXY header.
	ProxyProtocol []NetworkOrSet `json:"proxy_protocol,omitempty"`
	// MaxConnections bounds the open client connections of this socket; 0: only
	// Limits.Connections does.
	MaxConnections int `json:"max_connections"`
	// TLS says that clients speak TLS here.
	TLS bool `json:"tls"`
}

// Admin is the gateway's own side: admin page, API, metrics.
type Admin struct {
	// Listen is a loopback TCP address, or zero: no TCP.
	Listen ListenAddr `json:"listen,omitzero"`
	Socket SocketPath `json:"socket"`
	// TokenFile holds the token that lets TCP clients change state; "": only the
	// socket does.
	TokenFile string `json:"token_file,omitempty"`
	// Token is what the file held, without white space around it.
	Token string `json:"-"`
}

// SocketPath is the file of a unix socket; "" is no socket, written off.
type SocketPath string

// MarshalText gives the path, or off.
func (p SocketPath) MarshalText() ([]byte, error) {
	if p == "" {
		return []byte("off"), nil
	}
	return []byte(p), nil
}

// LogFormat is the form of the access log.
type LogFormat string

// The forms of the access log.
const (
	LogJSON     LogFormat = "json"
	LogCombined LogFormat = "combined"
	LogOff      LogFormat = "off"
)

// The access log's paths that are no files.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// AccessLog says where each exchange is written down, and how.
type AccessLog struct {
	Format LogFormat `json:"format"`
	Path   string    `json:"path"` // Stdout, Stderr, or the absolute name of a file
}

// Details says who is shown the details of Proxy-Status (RFC 9209).
type Details string

// Who is shown the details.
const (
	DetailsTrusted Details = "trusted" // clients within TrustedProxies
	DetailsAlways  Details = "always"
	DetailsNever   Details = "never"
)

// ProxyStatus is about the field Proxy-Status of our own answers.
type ProxyStatus struct {
	Details Details `json:"details"`
}

// Limits bounds what peers may send and how many may come.
type Limits struct {
	Head        Size `json:"head"`
	Line        Size `json:"line"`
	Target      Size `json:"target"`
	Fields      int  `json:"fields"`
	ChunkLine   Size `json:"chunk_line"`
	Trailers    Size `json:"trailers"`
	Interims    int  `json:"interims"`
	Body        Size `json:"body"`        // 0: no limit
	Connections int  `json:"connections"` // 0: what the open-file limit allows
}

// Timeouts bounds how long each phase may take, or be silent.
type Timeouts struct {
	ProxyHeader Duration `json:"proxy_header"`
	Handshake   Duration `json:"handshake"`
	ReadHead    Duration `json:"read_head"`
	Idle        Duration `json:"idle"`
	Resolve     Duration `json:"resolve"`
	AttemptTimeouts
	HalfClose    Duration `json:"half_close"`
	DrainDelay   Duration `json:"drain_delay"`
	Drain        Duration `json:"drain"`
	UpgradeDrain Duration `json:"upgrade_drain"`
	UpstreamIdle Duration `json:"upstream_idle"`
}

// AttemptTimeouts are the timeouts that an upstream and a route can have of
// their own. Those of a Route are the ones that hold for its exchanges: what
// the route does not say is taken from its upstream, then from the top level.
type AttemptTimeouts struct {
	Connect     Duration `json:"connect"`
	UpHandshake Duration `json:"up_handshake"`
	AwaitHead   Duration `json:"await_head"`
	BodyStall   Duration `json:"body_stall"`
	SendStall   Duration `json:"send_stall"`
	TunnelIdle  Duration `json:"tunnel_idle"`
}

// Rates are the least progress that clients have to make.
type Rates struct {
	Upload   Rate     `json:"upload"`   // 0: none asked
	Download Rate     `json:"download"` // 0: none asked
	Grace    Duration `json:"grace"`
}

// ForwardedForm is a way to tell servers about the client.
type ForwardedForm string

// The ways to tell.
const (
	XForwarded     ForwardedForm = "x-forwarded" // X-Forwarded-For, -Proto, -Host
	ForwardedField ForwardedForm = "forwarded"   // Forwarded (RFC 7239)
)

// Forwarded says what servers are told about the client and about us.
type Forwarded struct {
	Emit []ForwardedForm `json:"emit"`
	Via  string          `json:"via"` // our name in Via, or ViaOff
}

// ViaOff leaves the field Via out.
const ViaOff = "off"

// Site is a virtual host.
type Site struct {
	// Hosts are names in lower case, *.name, IP addresses (IPv6 in brackets), or
	// * for all hosts of no other site.
	Hosts      []string   `json:"hosts"`
	Routes     []Route    `json:"routes"`
	ErrorPages ErrorPages `json:"error_pages,omitempty"`
	TLS        SiteTLS    `json:"tls,omitzero"`
}

// Route leads requests to an upstream.
type Route struct {
	// Path is a prefix on segment boundaries: /api matches /api and /api/x, not
	// /apix; /api/ matches only what is below it.
	Path string `json:"path"`
	// Methods is empty for all; HEAD is in it wherever GET is.
	Methods  []string `json:"methods,omitempty"`
	Upstream string   `json:"upstream"`
	// RetryUnsafe: the owner says that repeating any request of this route does
	// no harm, whatever its method.
	RetryUnsafe bool            `json:"retry_unsafe"`
	Retry       Retry           `json:"retry"`
	Cache       RouteCache      `json:"cache,omitzero"`
	Timeouts    AttemptTimeouts `json:"timeouts"`
}

// Upstream is a named group of servers.
type Upstream struct {
	Name       string    `json:"-"`
	Servers    []Server  `json:"servers,omitempty"` // none only where Discover finds some
	KeepAlive  KeepAlive `json:"keep_alive"`
	HostHeader string    `json:"host_header"` // HostPreserve, HostServer, or a name
	// ProxyProtocol is the version of the PROXY header that connections begin with.
	ProxyProtocol ProxyVersion    `json:"proxy_protocol"`
	Timeouts      AttemptTimeouts `json:"timeouts"`
	TLS           UpstreamTLS     `json:"tls,omitzero"`
	Balance       Balance         `json:"balance"`
	HashBy        HashBy          `json:"hash_by"`
	Sticky        string          `json:"sticky,omitempty"` // a cookie's name; "": nobody is bound
	SlowStart     Duration        `json:"slow_start"`
	Retry         UpstreamRetry   `json:"retry"`
	Hedge         bool            `json:"hedge"`
	Hold          Duration        `json:"hold"`
	HoldRequests  int             `json:"hold_requests"`
	Concurrency   Concurrency     `json:"concurrency"`
	Outliers      Outliers        `json:"outliers"`
	Check         Check           `json:"check,omitzero"`
	Discover      Discover        `json:"discover,omitzero"`
}

// What the servers of an upstream get as Host, beside a name.
const (
	HostPreserve = "preserve" // what the client asked for
	HostServer   = "server"   // the server's own address
)

// ProxyVersion is a version of the PROXY protocol, or none.
type ProxyVersion string

// The versions.
const (
	ProxyOff ProxyVersion = "off"
	ProxyV1  ProxyVersion = "v1"
	ProxyV2  ProxyVersion = "v2"
)

// Server is one member of an upstream.
type Server struct {
	Address ServerAddr `json:"address"`
	// MaxConnections bounds the connections we have open to it; 0: no bound.
	MaxConnections int    `json:"max_connections"`
	Weight         int    `json:"weight"`
	Priority       int    `json:"priority"`
	Zone           string `json:"zone,omitempty"`
	// Discover says that Address stands for several servers, which are like this one
	// otherwise.
	Discover ServerDiscover `json:"discover,omitempty"`
}

// KeepAlive is about unused connections to the servers of an upstream.
type KeepAlive struct {
	MaxIdle     int      `json:"max_idle"` // per server; 0: none is kept
	IdleTimeout Duration `json:"idle_timeout"`
	MaxRequests int      `json:"max_requests"` // 0: no bound
}

// Load reads a configuration from a file. Names of files in it start at its
// directory. The error is Errors.
func Load(path string) (*Config, error) {
	data, p := readFile(path, fileLimitBytes)
	if p != nil {
		return nil, Errors{p}
	}
	return Parse(path, data)
}

// Parse reads a configuration from data. name is what problems call it, and its
// directory is where names of files start. The error is Errors.
func Parse(name string, data []byte) (*Config, error) {
	return parse(name, data, outside{env: os.LookupEnv, read: readFile, dir: filepath.Dir(name)})
}

// parse is Parse in a given world.
func parse(name string, data []byte, world outside) (*Config, error) {
	src, p := newSource(name, data)
	if p != nil {
		return nil, Errors{p}
	}
	report := &reporter{}
	root := parseTree(src, report)
	if root == nil {
		return nil, report.err()
	}
	d := &decoder{outside: world, src: src, report: report}
	return d.config(root)
}

// config decodes the root.
func (d *decoder) config(root *node) (*Config, error) {
	d.root = rootKind.shape
	d.where = map[string]cursor{}
	top := cursor{node: root}
	d.where[""] = top
	if root.kind == brokenNode {
		return nil, d.report.err()
	}
	if root.kind != mapNode {
		hint := "a configuration begins with version: 1"
		if strings.Contains(root.text, "=") {
			hint = "keys and values are separated by a colon: version: 1"
		}
		if key, _, found := cutKey(root.text); found {
			hint = "put a space after the colon of " + key + ":"
		}
		d.fail(top, hint, "want keys and values, found %s", root.describe())
		return nil, d.report.err()
	}
	c, _ := rootKind.read(d, top)
	d.finish(&c)
	if err := d.report.err(); err != nil {
		return nil, err
	}
	d.report.warnings.sortByPlace()
	c.Warnings = d.report.warnings
	return &c, nil
}
