// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strconv"
	"strings"
)

// parseSiteHost reads what a site answers to: a name, *.name, an IP address, or
// * for every host that no other site has. Its one spelling is lower case, an
// IPv6 address in brackets, as it stands in a Host field.
func parseSiteHost(s string) (string, error) {
	if s == "*" {
		return s, nil
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return "", wrong("write only the name: "+hostOnly(name), "%s has a scheme (%s)", quote(s), quoteless(scheme))
	}
	if name, path, ok := strings.Cut(s, "/"); ok {
		return "", wrong("write only the name: "+hostOnly(name)+"; a path belongs to a route", "%s has a path (/%s)", quote(s), quoteless(path))
	}
	if ip, err := parseIP(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		if ip.Is6() {
			return "[" + ip.String() + "]", nil
		}
		return ip.String(), nil
	}
	if name := hostOnly(s); name != s {
		return "", wrong("write only the name: "+name, "%s has a port", quote(s))
	}
	base := strings.TrimPrefix(s, "*.")
	if strings.Contains(base, "*") {
		return "", wrong("a star stands for whole labels at the front: *.example.com, or alone", "%s has a star in the wrong place", quote(s))
	}
	name, err := hostName(base)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(s, base) + name, nil
}

// hostOnly takes a port away.
func hostOnly(s string) string {
	if host, _, err := splitPort(s); err == nil && host != "" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return s
}

// parseHostHeader reads what upstreams get as Host: preserve, server, or a name
// with or without a port.
func parseHostHeader(s string) (string, error) {
	if s == HostPreserve || s == HostServer {
		return s, nil
	}
	if near := nearest(s, []string{HostPreserve, HostServer}); near != "" && !strings.Contains(s, ".") {
		return "", wrong("did you mean "+near+"? A name is written with a dot or a port", "%s is neither preserve nor server", quote(s))
	}
	return parseHostPort(s)
}

// parseHostPort reads a host as it stands in a Host field, with or without a port.
func parseHostPort(s string) (string, error) {
	host, port, err := splitPort(s)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), 0
	}
	host, err = canonicalHost(host)
	if err != nil {
		return "", err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 0 {
		host += ":" + strconv.Itoa(int(port))
	}
	return host, nil
}

// pathLimitBytes bounds the path of a route.
const pathLimitBytes = 1024

// parseRoutePath checks the path of a route, as it stands in a request-target
// (RFC 3986 section 3.3), without dot segments and empty segments, which no
// request has after it was normalised.
func parseRoutePath(s string) (string, error) {
	switch {
	case s == "":
		return "", wrong("write / for everything", "the path is empty")
	case strings.HasPrefix(s, "~"), strings.HasPrefix(s, "^"):
		return "", wrong("a path is a prefix: /api matches /api and everything below", "%s: regular expressions are not in this version", quote(s))
	case s == "*":
		return "", wrong("write / for everything", "%s is no path", quote(s))
	case s[0] != '/':
		return "", wrong("write /"+s, "the path %s does not begin with /", quote(s))
	case len(s) > pathLimitBytes:
		return "", wrong("", "the path has %d bytes, at most %d", len(s), pathLimitBytes)
	case strings.Contains(s, "*"):
		return "", wrong("a path is a prefix already; write "+starless(s), "%s has a star", quote(s))
	case strings.ContainsAny(s, "?#"):
		return "", wrong("routes do not see the query; write only the path", "%s has more than a path", quote(s))
	}
	for segment := range strings.SplitSeq(s[1:], "/") {
		if segment == "." || segment == ".." {
			return "", wrong("requests are matched with these resolved", "the path %s has dot segments", quote(s))
		}
	}
	if strings.Contains(s, "//") {
		return "", wrong("write one slash", "the path %s has an empty segment", quote(s))
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", wrong("write %25 for the sign itself", "the path %s has a %% without two hexadecimal digits", quote(s))
			}
		} else if !isWord(s[i:i+1], "/-._~!$&'()+,;=:@") {
			return "", wrong("write it percent-encoded, as it stands in a URL: "+encodePath(s), "the path %s has a character that no URL has", quote(s))
		}
	}
	return s, nil
}

// starless is a path up to its first star, less a slash that only carried it.
func starless(s string) string {
	s, _, _ = strings.Cut(s, "*")
	if len(s) > 1 {
		s = strings.TrimSuffix(s, "/")
	}
	return s
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// encodePath percent-encodes what a path cannot have.
func encodePath(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c == '%' || c < 0x80 && isWord(string(rune(c)), "/-._~!$&'()+,;=:@") {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return quoteless(b.String())
}

// knownMethods are those of the IANA registry, less CONNECT and PRI, and two that
// caches have. Others are legal unless they are one slip from a known one.
var knownMethods = strings.Fields(`GET HEAD POST PUT PATCH DELETE OPTIONS TRACE ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT
	COPY LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH
	QUERY REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL PURGE BAN`)

// parseMethod checks a method (RFC 9110 section 9.1: a token, case-sensitive).
func parseMethod(s string) (string, error) {
	switch upper := strings.ToUpper(s); {
	case s == "*" || upper == "ANY" || upper == "ALL":
		return "", wrong("leave methods out to match every method", "%s is no method", quote(s))
	case s == "CONNECT":
		return "", wrong("a gateway is no forward proxy", "CONNECT cannot be routed")
	case !isToken(s) || len(s) > 32:
		return "", wrong("", "%s is no method", quote(s))
	case upper != s:
		return "", wrong("methods are case-sensitive; write "+upper, "%s is written in small letters", quote(s))
	}
	if near := nearest(s, knownMethods); near != "" && near != s && edits(near, s) == 1 {
		return "", wrong("did you mean "+near+"?", "%s is no known method", quote(s))
	}
	return s, nil
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool { return isWord(s, "!#$%&'*+-.^_`|~") }
