// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// expandLimitBytes bounds one value after its variables were put in.
const expandLimitBytes = 64 << 10

// expand puts environment variables into a text: ${NAME}, and ${NAME:-default}
// where NAME is unset or empty. $${ stands for ${. What a variable holds is not
// expanded again. The error is a *ValueError.
func expand(s string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			break
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		inside, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed {
			return "", wrong("close it with }, or write $${ for the signs themselves", "%s is never closed", quote("${"+inside))
		}
		value, err := variable(inside, env)
		if err != nil {
			return "", err
		}
		if b.Len()+len(value) > expandLimitBytes {
			return "", wrong("", "the value has more than %s after its variables were put in", Size(expandLimitBytes))
		}
		b.WriteString(value)
		s = rest
	}
	return b.String(), nil
}

// variable gives what stands for the inside of one ${…}.
func variable(inside string, env func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	if !isWord(name, "_") || name[0] >= '0' && name[0] <= '9' {
		return "", wrong("write ${NAME} or ${NAME:-default}", "%s names no variable", quote("${"+inside+"}"))
	}
	value, set := env(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !set:
		return "", wrong("set it, or write ${"+name+":-default}", "the environment variable %s is not set", name)
	case !isPrintable(value):
		return "", wrong("", "the environment variable %s has a control character", name)
	}
	return value, nil
}
