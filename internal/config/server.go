// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ServerAddr is the address of one server of an upstream.
type ServerAddr struct {
	Network Network // TCP or Unix
	// Host and Port are set for TCP. Host is a name, or an IP address in its
	// canonical text without brackets. Port is 0 for the name of SRV records.
	Host string
	Port uint16
	// TLS says that it is spoken to over TLS.
	TLS bool
	// Path is the socket's file for Unix; @name is in the abstract namespace.
	Path string
}

// ParseServerAddr reads app:3000, 10.0.0.5:80, [::1]:80, http://app:3000,
// unix:/run/app.sock, and 3000 or :3000 for a port of this machine (localhost).
// The error is a *ValueError.
func ParseServerAddr(s string) (ServerAddr, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path, err := parseUnixPath(s, path)
		if err != nil {
			return ServerAddr{}, err
		}
		return ServerAddr{Network: Unix, Path: path}, nil
	}
	if scheme, rest, ok := cutScheme(s); ok {
		if (scheme == "http" || scheme == "https") && isServiceName(rest) {
			return parseService(s, rest, scheme == "https")
		}
		return parseServerURL(s, scheme, rest)
	}
	if isServiceName(s) {
		return parseService(s, s, false)
	}
	for _, scheme := range []string{"http", "https"} {
		if rest, ok := strings.CutPrefix(s, scheme+":"); ok {
			if _, err := parsePort(rest); err != nil {
				return ServerAddr{}, wrong("write "+scheme+"://"+rest, "%s lacks the slashes of a URL", quote(s))
			}
		}
	}
	if port, err := parsePort(s); err == nil {
		return localServer(s, port)
	}
	if !strings.Contains(s, ":") && strings.Trim(s, "0123456789") == "" && s != "" {
		_, err := parsePort(s)
		return ServerAddr{}, err
	}
	host, port, err := splitPort(s)
	switch {
	case err != nil && strings.Contains(s, "/"):
		return ServerAddr{}, wrong("a server is host:port; a path on it is not in this version", "%s has a path", quote(s))
	case err != nil:
		return ServerAddr{}, err
	case host == "":
		return localServer(s, port)
	case port == 0:
		return ServerAddr{}, wrong("ports begin at 1", "the port 0 of %s cannot be connected to", quote(s))
	}
	host, err = canonicalHost(host)
	return ServerAddr{Network: TCP, Host: host, Port: port}, err
}

// isServiceName reports whether s begins like the name of SRV records (RFC 2782:
// "_Service._Proto.Name"), such as _http._tcp.example.com.
func isServiceName(s string) bool {
	service, rest, _ := strings.Cut(s, ".")
	proto, _, _ := strings.Cut(rest, ".")
	return strings.HasPrefix(service, "_") && strings.EqualFold(proto, "_tcp")
}

// parseService reads the name of SRV records.
func parseService(s, name string, secure bool) (ServerAddr, error) {
	if i := strings.IndexAny(name, ":/"); i >= 0 {
		return ServerAddr{}, wrong("write "+name[:i], "%s has more than a name; its SRV records say the ports", quote(s))
	}
	host, err := hostName(name)
	if err == nil && strings.Count(host, ".") < 2 {
		err = wrong("write "+name+".DOMAIN", "%s names no domain", quote(s))
	}
	return ServerAddr{Network: TCP, Host: host, TLS: secure}, err
}

// IsService reports that a is the name of SRV records.
func (a ServerAddr) IsService() bool { return a.Network == TCP && a.Port == 0 && isServiceName(a.Host) }

// localServer is a port of this machine.
func localServer(s string, port uint16) (ServerAddr, error) {
	if port == 0 {
		return ServerAddr{}, wrong("ports begin at 1", "the port 0 of %s cannot be connected to", quote(s))
	}
	return ServerAddr{Network: TCP, Host: "localhost", Port: port}, nil
}

// cutScheme splits the scheme from a URL. "app:3000" is none; the schemes to be
// refused are recognised without slashes too.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, found := strings.Cut(s, ":")
	if !found {
		return "", "", false
	}
	scheme = strings.ToLower(scheme)
	if after, isURL := strings.CutPrefix(rest, "//"); isURL {
		return scheme, after, true
	}
	return scheme, rest, scheme == "h2c"
}

// parseServerURL reads what follows the scheme.
func parseServerURL(s, scheme, rest string) (ServerAddr, error) {
	switch scheme {
	case "http", "https":
	case "h2c", "h2", "h3", "grpc", "grpcs", "fastcgi", "fcgi", "uwsgi", "ajp", "scgi":
		return ServerAddr{}, wrong("a server speaks HTTP/1.1 so far: http://HOST:PORT or https://HOST:PORT", "%s: not in this version", quote(scheme+"://"))
	case "ws", "tcp":
		return ServerAddr{}, wrong("write http://; WebSockets pass through it", "%s is not the scheme of a server", quote(scheme+"://"))
	case "wss":
		return ServerAddr{}, wrong("write https://; WebSockets pass through it", "%s is not the scheme of a server", quote(scheme+"://"))
	default:
		return ServerAddr{}, wrong("write http://HOST:PORT, HOST:PORT or unix:PATH", "%s is not the scheme of a server", quote(scheme+"://"))
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	switch {
	case strings.Contains(authority, "@"):
		return ServerAddr{}, wrong("remove what stands before the @", "user and password in a server's address have no effect")
	case strings.ContainsAny(rest, "?#"), hasPath && path != "":
		return ServerAddr{}, wrong("write "+scheme+"://"+strings.TrimRight(firstPart(authority, "?#"), "/")+"; the path of the request is passed on as it came", "%s has more than a host and a port", quote(s))
	case authority == "":
		return ServerAddr{}, wrong("write http://HOST:PORT", "%s has no host", quote(s))
	}
	if _, err := parseIP(strings.Trim(authority, "[]")); err == nil || !strings.Contains(authority, ":") {
		if strings.Contains(authority, ":") && authority[0] != '[' {
			return ServerAddr{}, wrong("write http://["+authority+"]", "an IPv6 address in a URL stands in brackets")
		}
		authority += map[string]string{"http": ":80", "https": ":443"}[scheme]
	}
	host, port, err := splitPort(authority)
	if err != nil {
		return ServerAddr{}, err
	}
	if host == "" || port == 0 {
		return ServerAddr{}, wrong("write http://HOST:PORT", "%s has no host or no port", quote(s))
	}
	host, err = canonicalHost(host)
	return ServerAddr{Network: TCP, Host: host, Port: port, TLS: scheme == "https"}, err
}

func firstPart(s, until string) string {
	if i := strings.IndexAny(s, until); i >= 0 {
		return s[:i]
	}
	return s
}

// canonicalHost checks a host and gives its one spelling: lower case, or the
// canonical text of an IP address.
func canonicalHost(host string) (string, error) {
	if ip, err := parseIP(host); err == nil {
		if ip.IsUnspecified() {
			return "", wrong("write 127.0.0.1 or the server's address", "%s can be listened on but not connected to", quote(host))
		}
		return ip.String(), nil
	}
	return hostName(host)
}

// hostName checks a DNS name (RFC 1123 section 2.1; the underscore is allowed,
// since container names have it) and gives it in lower case.
func hostName(name string) (string, error) {
	switch {
	case name == "":
		return "", wrong("", "the name is empty")
	case len(name) > 253:
		return "", wrong("a name has at most 253 characters", "%s is too long for a name", quote(name))
	case strings.HasSuffix(name, "."):
		return "", wrong("write it without the dot at the end", "%s ends with a dot", quote(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }):
		return "", wrong("write the name in its ASCII form, which begins with xn--", "%s has characters that are not ASCII", quote(name))
	}
	allDigits := true
	for label := range strings.SplitSeq(name, ".") {
		if !isWord(label, "-_") || label[0] == '-' || label[len(label)-1] == '-' || len(label) > 63 {
			return "", wrong("a name has letters, digits, hyphens and dots", "%s is no name of a host", quote(name))
		}
		allDigits = strings.Trim(label, "0123456789") == ""
	}
	if allDigits {
		// The last label decides (WHATWG URL: "ends in a number" is IPv4).
		return "", wrong("an IPv4 address has four numbers from 0 to 255", "%s is neither an IP address nor a name", quote(name))
	}
	return strings.ToLower(name), nil
}

// AddrPort gives the address of a server that is given by IP; false for a name
// and for a unix socket.
func (a ServerAddr) AddrPort() (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(a.Host)
	return netip.AddrPortFrom(ip, a.Port), err == nil && a.Network == TCP
}

// String gives the text that reads as a.
func (a ServerAddr) String() string {
	switch a.Network {
	case Unix:
		return "unix:" + a.Path
	case TCP:
		hostPort := net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
		if a.IsService() {
			hostPort = a.Host
		}
		if a.TLS {
			return "https://" + hostPort
		}
		return hostPort
	case Systemd:
	}
	return ""
}

// MarshalText gives String.
func (a ServerAddr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
