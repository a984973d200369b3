// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// params are a mode's parameters, defaults filled in. Reading one that the mode's row does not declare is a mistake
// in the table and panics.
type params map[string]string

// parseParams overlays query on spec; it refuses names that spec lacks and values of another kind than the default's.
func parseParams(spec, query string) (params, error) {
	p := make(params)
	for word := range strings.FieldsSeq(spec) {
		name, value, _ := strings.Cut(word, "=")
		p[name] = value
	}
	given, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("bad query %q", query)
	}
	for name, values := range given {
		old, known := p[name]
		if !known {
			return nil, fmt.Errorf("no parameter %q", name)
		}
		value := values[len(values)-1]
		if !sameKind(name, old, value) {
			return nil, fmt.Errorf("bad value %q for %s", value, name)
		}
		p[name] = value
	}
	return p, nil
}

func sameKind(name, old, value string) bool {
	if _, ok := parseNumber(old); ok {
		_, ok = parseNumber(value)
		return ok
	}
	if _, ok := parseDuration(old); ok {
		_, ok = parseDuration(value)
		return ok
	}
	return name != "then" || End(value).valid()
}

const maxNumber = 1 << 40

func parseNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= maxNumber
}

func parseDuration(s string) (time.Duration, bool) {
	if n, ok := parseNumber(s); ok {
		return time.Duration(min(n, int64(time.Hour/time.Millisecond))) * time.Millisecond, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}

func (p params) text(name string) string {
	v, ok := p[name]
	if !ok {
		panic("origin: a mode reads the undeclared parameter " + name)
	}
	return v
}

func (p params) num(name string) int64 {
	n, _ := parseNumber(p.text(name))
	return n
}

func (p params) dur(name string) time.Duration {
	d, _ := parseDuration(p.text(name))
	return d
}

func (p params) yes(name string) bool { return p.num(name) != 0 }

func (p params) then() End { return End(p.text("then")) }
