// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Network says what kind of socket an address is of.
type Network string

// The networks.
const (
	// TCP is IP and port.
	TCP Network = "tcp"
	// Unix is a unix stream socket.
	Unix Network = "unix"
	// Systemd is a listening socket that the service manager hands over.
	Systemd Network = "systemd"
)

// unixPathLimitBytes is what sockaddr_un holds, less the closing NUL.
const unixPathLimitBytes = 107

// ListenAddr is where the gateway listens. The zero value is no address.
type ListenAddr struct {
	Network Network
	// IP and Port are set for TCP. The zero IP means every address of the
	// machine, IPv6 and IPv4; 0.0.0.0 means IPv4 only and :: IPv6 only, as in
	// nginx. Port 0 lets the kernel choose.
	IP   netip.Addr
	Port uint16
	// Path is the socket's file for Unix; @name is in the abstract namespace.
	Path string
	// Name is for Systemd what FileDescriptorName= calls the socket, or its
	// index from 0 in the order of the .socket unit.
	Name string
}

// ParseListenAddr reads 127.0.0.1:8080, [::1]:8080, :8080, localhost:8080,
// unix:/run/x.sock or systemd:NAME. The error is a *ValueError.
func ParseListenAddr(s string) (ListenAddr, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path, err := parseUnixPath(s, path)
		return ListenAddr{Network: Unix, Path: path}, err
	}
	if name, ok := strings.CutPrefix(s, "systemd:"); ok {
		if !isWord(name, "-_.") {
			return ListenAddr{}, wrong("write systemd:NAME as in FileDescriptorName=, or systemd:0 for the first socket", "%s names no socket", quote(s))
		}
		return ListenAddr{Network: Systemd, Name: name}, nil
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		rest, _, _ = strings.Cut(rest, "/")
		switch scheme {
		case "https":
			return ListenAddr{}, wrong("write {address: \""+listenHint(rest, ":443")+"\", tls: true}", "%s is a URL, want an address", quote(s))
		case "h2c", "h3":
			return ListenAddr{}, wrong("listen speaks HTTP/1.1 so far", "%s: not in this version", quote(scheme+"://"))
		}
		return ListenAddr{}, wrong("write only address and port: "+listenHint(rest, ":80"), "%s is a URL, want an address", quote(s))
	}
	host, port, err := splitPort(s)
	if err != nil {
		if _, isPort := parsePort(s); isPort == nil {
			return ListenAddr{}, wrong("write 127.0.0.1:"+s+" for this machine only, or :"+s+" for every address", "%s is only a port", quote(s))
		}
		return ListenAddr{}, err
	}
	a := ListenAddr{Network: TCP, Port: port}
	switch host {
	case "", "*":
		return a, nil
	case "localhost":
		a.IP = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		return a, nil
	}
	if a.IP, err = parseIP(host); err != nil {
		return ListenAddr{}, wrong("write an address of this machine, or :"+strconv.Itoa(int(port))+" for every address", "%s is no IP address", quote(host))
	}
	return a, nil
}

// listenHint makes an address to listen on of a URL's host and port.
func listenHint(authority, port string) string {
	host, p, err := splitPort(authority)
	if err != nil {
		host = strings.Trim(authority, "[]")
	} else {
		port = ":" + strconv.Itoa(int(p))
	}
	switch ip, err := parseIP(host); {
	case err != nil:
		return port // a name says nothing about the address to listen on
	case ip.Is6():
		return "[" + ip.String() + "]" + port
	default:
		return ip.String() + port
	}
}

// Loopback reports whether only this machine can reach the address.
func (a ListenAddr) Loopback() bool {
	return a.Network == Unix || a.Network == TCP && a.IP.IsLoopback()
}

// IsZero reports whether a is no address.
func (a ListenAddr) IsZero() bool { return a.Network == "" }

// String gives the text that reads as a; "" for no address.
func (a ListenAddr) String() string {
	switch a.Network {
	case Unix:
		return "unix:" + a.Path
	case Systemd:
		return "systemd:" + a.Name
	case TCP:
		if !a.IP.IsValid() {
			return ":" + strconv.Itoa(int(a.Port))
		}
		return netip.AddrPortFrom(a.IP, a.Port).String()
	}
	return ""
}

// MarshalText gives String.
func (a ListenAddr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// parseUnixPath checks the path of a unix socket; whole is the text it came in.
func parseUnixPath(whole, path string) (string, error) {
	path = "/" + strings.TrimLeft(path, "/") // unix:///run/x and unix:/run/x
	if given := whole[strings.IndexByte(whole, ':')+1:]; !strings.HasPrefix(given, "/") {
		if !strings.HasPrefix(given, "@") || len(given) < 2 {
			return "", wrong("write the whole path: unix:/run/app.sock", "%s is no absolute path", quote(given))
		}
		path = given
	}
	switch {
	case len(path) > unixPathLimitBytes:
		return "", wrong("the kernel allows 107 bytes; use a shorter path", "the path of this socket has %d bytes", len(path))
	case path == "/" || strings.HasSuffix(path, "/"):
		return "", wrong("name the socket's file", "%s is a directory", quote(path))
	case !isPrintable(path):
		return "", wrong("", "%s has a control character", quote(path))
	}
	return path, nil
}

// splitPort splits host:port or [v6]:port and reads the port.
func splitPort(s string) (string, uint16, error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		switch {
		case s == "":
			return "", 0, wrong("write address and port, such as 127.0.0.1:8080", "the address is empty")
		case strings.Contains(s, " "):
			return "", 0, wrong("the items of a list stand behind dashes, or in [ ] with commas", "%s is not one address", quote(s))
		case strings.Count(s, ":") > 1 && !strings.Contains(s, "]"):
			return "", 0, wrong("an IPv6 address stands in brackets before its port: [::1]:8080", "%s is no address with a port", quote(s))
		case !strings.Contains(s, ":") || strings.HasSuffix(s, "]"):
			return "", 0, wrong("write "+s+":PORT", "the port of %s is missing", quote(s))
		}
		return "", 0, wrong("write host:port or [IPv6]:port", "%s is no address with a port", quote(s))
	}
	if strings.HasPrefix(s, "[") {
		if ip, err := parseIP(host); err != nil || !ip.Is6() {
			return "", 0, wrong("only an IPv6 address stands in brackets", "%s is no IPv6 address", quote(host))
		}
	}
	port, err := parsePort(text)
	return host, port, err
}

// parsePort reads a port of plain digits.
func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case text == "":
		return 0, wrong("write the port after the colon", "the port is missing")
	case strings.Trim(text, "0123456789") != "":
		return 0, wrong("a port is a number", "%s is no port", quote(text))
	case err != nil || n > 65535:
		return 0, wrong("ports end at 65535", "the port %s is out of range", quoteless(text))
	case len(text) > 1 && text[0] == '0':
		return 0, wrong("write "+strconv.FormatUint(n, 10), "the port %s begins with a zero", quoteless(text))
	}
	return uint16(n), nil
}

// parseIP reads an IP address; an IPv4 address in IPv6 clothes becomes IPv4.
func parseIP(s string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(s)
	if err == nil && ip.Zone() != "" && !isWord(ip.Zone(), "-_.") {
		return netip.Addr{}, errZone // netip takes any text for a zone, "eth0]:80" too
	}
	return ip.Unmap(), err
}

var errZone = errors.New("no name of an interface")

// isWord reports whether s has only ASCII letters, digits and the given others.
func isWord(s, others string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r)) {
			return false
		}
	}
	return s != ""
}

// isPrintable reports whether s has no control character.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}
