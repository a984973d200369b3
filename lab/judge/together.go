// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// ErrApart is returned for faults that cannot be behind one gateway: both want something
// else of it, or its whole machine.
var ErrApart = errors.New("these faults cannot be behind one gateway")

// The names in a configuration of a stage, as package fault writes them.
var (
	siteName     = regexp.MustCompile(`(?m)^(  - hosts?: \S*?)\.(example|test)`)
	upstreamName = regexp.MustCompile(`(?m)^(  [a-z]+):$`)
	upstreamRef  = regexp.MustCompile(`(\bupstream: [a-z]+)`)
)

// second ends the names of the second fault.
const second = "2"

// renamed gives other names to the sites and upstreams of a configuration.
func renamed(config string) string {
	config = siteName.ReplaceAllString(config, "${1}"+second+".$2")
	config = upstreamName.ReplaceAllString(config, "${1}"+second+":")
	return upstreamRef.ReplaceAllString(config, "${1}"+second)
}

// together is one configuration of two. Only sites and upstreams may be in both.
func together(a, b string) (string, error) {
	if a == "" {
		return b, nil
	}
	first, second := sections(a), sections(b)
	var out strings.Builder
	for _, s := range first {
		out.WriteString(s.text)
		n := slices.IndexFunc(second, func(o section) bool { return o.name == s.name })
		switch {
		case n < 0:
			continue
		case s.name != "sites" && s.name != "upstreams", s.head != s.name+":\n", second[n].head != s.head:
			return "", ErrApart
		}
		out.WriteString(strings.TrimPrefix(second[n].text, second[n].head))
		second = slices.Delete(second, n, n+1)
	}
	for _, s := range second {
		out.WriteString(s.text)
	}
	return out.String(), nil
}

// section is one key of a configuration with all below it; head is its first line.
type section struct{ name, head, text string }

func sections(config string) (out []section) {
	for line := range strings.Lines(config) {
		if len(out) == 0 || line[0] != ' ' && line[0] != '#' && line[0] != '\n' {
			name, _, _ := strings.Cut(line, ":")
			out = append(out, section{name: name, head: line})
		}
		out[len(out)-1].text += line
	}
	return out
}
