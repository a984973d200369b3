// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// readSchema is the schema as a JSON tree.
var readSchema = sync.OnceValues(func() (map[string]any, error) {
	var v map[string]any
	return v, json.Unmarshal(Schema(), &v)
})

func schemaRoot(t *testing.T) map[string]any {
	t.Helper()
	root, err := readSchema()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// validate is JSON Schema as far as ours uses it; it fails at a word that it
// does not know, so that no word goes untested. It gives the first problem.
func validate(root map[string]any, value any) string {
	return validateAt(root, root, value, "")
}

func validateAt(root, schema map[string]any, value any, path string) string {
	for word, arg := range schema {
		if problem := validateWord(root, schema, word, arg, value, path); problem != "" {
			return problem
		}
	}
	return ""
}

func validateWord(root, schema map[string]any, word string, arg, value any, path string) string {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	list, isList := value.([]any)
	m, isMap := value.(map[string]any)
	bad := func() string { return fmt.Sprintf("%s: %v is against %s %v", path, value, word, arg) }
	fails := func(failed bool) string {
		if failed {
			return bad()
		}
		return ""
	}
	switch word {
	case "$schema", "title", "description", "default", "$defs":
		return ""
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		def, ok := root["$defs"].(map[string]any)[name].(map[string]any)
		if !ok {
			return "no definition " + name
		}
		return validateAt(root, def, value, path)
	case "anyOf":
		var problems []string
		for _, choice := range arg.([]any) {
			problem := validateAt(root, choice.(map[string]any), value, path)
			if problem == "" {
				return ""
			}
			problems = append(problems, problem)
		}
		return strings.Join(problems, ", and ")
	case "not":
		return fails(validateAt(root, arg.(map[string]any), value, path) == "")
	case "const":
		return fails(value != arg)
	case "enum":
		return fails(!slices.Contains(arg.([]any), value))
	case "type":
		return fails(!slices.ContainsFunc(asList(arg), func(want any) bool {
			switch want {
			case "string":
				return isText
			case "integer":
				return isNumber && number == math.Trunc(number)
			case "number":
				return isNumber
			case "boolean":
				_, isBool := value.(bool)
				return isBool
			case "array":
				return isList
			case "object":
				return isMap
			}
			return false
		}))
	case "minimum":
		return fails(isNumber && number < arg.(float64))
	case "maximum":
		return fails(isNumber && number > arg.(float64))
	case "minLength":
		return fails(isText && utf8.RuneCountInString(text) < int(arg.(float64)))
	case "maxLength":
		return fails(isText && utf8.RuneCountInString(text) > int(arg.(float64)))
	case "pattern":
		return fails(isText && !regexp.MustCompile(arg.(string)).MatchString(text))
	case "minItems":
		return fails(isList && len(list) < int(arg.(float64)))
	case "maxItems":
		return fails(isList && len(list) > int(arg.(float64)))
	case "minProperties":
		return fails(isMap && len(m) < int(arg.(float64)))
	case "required":
		return fails(isMap && slices.ContainsFunc(arg.([]any), func(key any) bool { _, has := m[key.(string)]; return !has }))
	case "items":
		for i, item := range list {
			if problem := validateAt(root, arg.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i)); problem != "" {
				return problem
			}
		}
		return ""
	case "properties", "patternProperties", "additionalProperties":
		if word == "additionalProperties" && arg != false {
			return "additionalProperties is not false"
		}
		return validateKeys(root, schema, m, path)
	}
	return "the test does not know the word " + word
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// validateKeys checks each key against properties, patternProperties and
// additionalProperties together.
func validateKeys(root, schema, m map[string]any, path string) string {
	for key, value := range m {
		known, _ := schema["properties"].(map[string]any)
		sub, ok := known[key].(map[string]any)
		patterns, _ := schema["patternProperties"].(map[string]any)
		for pattern, p := range patterns {
			if regexp.MustCompile(pattern).MatchString(key) {
				sub, ok = p.(map[string]any), true
			}
		}
		if !ok {
			return path + ": unknown key " + key
		}
		if problem := validateAt(root, sub, value, path+"."+key); problem != "" {
			return problem
		}
	}
	return ""
}

// treeOf gives a document as an editor's YAML reader gives it to the schema.
func treeOf(n *node) any {
	switch n.kind {
	case mapNode:
		m := map[string]any{}
		for _, p := range n.pairs {
			m[p.key] = treeOf(p.value)
		}
		return m
	case listNode:
		list := []any{}
		for _, item := range n.items {
			list = append(list, treeOf(item))
		}
		return list
	case scalarNode:
		if v := jsonOf(n); v != any(n.text) {
			var plain any
			if raw, ok := v.(json.RawMessage); ok && json.Unmarshal(raw, &plain) == nil {
				return plain
			}
		}
		return n.text
	}
	return nil
}

// TestSchema wants the schema to take what the reader takes.
func TestSchema(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, file := range append(files, "../../docs/examples/causey.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		world := testWorld()
		if strings.Contains(file, "examples") {
			world.read, world.dir = readFile, filepath.Dir(file)
		}
		c, err := parse(file, text, world)
		if err != nil {
			continue
		}
		taken++
		src, _ := newSource(file, text)
		if problem := validate(schemaRoot(t), treeOf(parseTree(src, &reporter{}))); problem != "" {
			t.Errorf("the schema refuses %s: %s", file, problem)
		}
		if problem := validate(schemaRoot(t), fromJSON(t, toJSON(t, c))); problem != "" {
			t.Errorf("the schema refuses the JSON of %s: %s", file, problem)
		}
	}
	if taken < 6 {
		t.Errorf("only %d files were read", taken)
	}
}

// TestSchemaRefuses shows what the schema is for, and that the validator above
// can say no.
func TestSchemaRefuses(t *testing.T) {
	for _, change := range []struct{ path, value string }{
		{"version", "2"}, {"version", `"1"`}, {"listen", "[]"}, {"listen", `"8080x"`}, {"upstreams", "{}"}, {"upstreams", `{"a b": {"servers": "a:1"}}`},
		{"timeouts.connect", "30"}, {"timeouts.connect", `"30 sec"`}, {"limits.fields", "7"}, {"limits.fields", `"12"`}, {"limits.body", `"x"`},
		{"sites[].routes[].path", `"api"`}, {"sites[].host", `"*"`}, {"error_pages", `{"200": "x"}`}, {"rates.upload", "240"},
		{"tls.automatic", `"letsencrypt"`}, {"tls.automatic.ca", `"http://a.example/"`}, {"tls.certificates", "[]"}, {"tls.certificates", `{"certificate": "x"}`}, {"tls.profile", `"old"`},
		{"sites[].tls.hsts", "365"}, {"sites[].tls.hsts", "true"}, {"upstreams.NAME.tls.min_version", "1.1"}, {"upstreams.NAME.tls.min_version", `"TLSv1.2"`}, {"upstreams.NAME.tls", "true"},
		{"access_log.format", `"JSON"`}, {"sites[].routes[].methods", `"get"`}, {"sites", "{}"},
	} {
		tree := set(fromJSON(t, sampleBase), steps(change.path), fromJSON(t, change.value))
		if validate(schemaRoot(t), tree) == "" {
			t.Errorf("the schema takes %s = %s", change.path, change.value)
		}
	}
}

// TestSchemaTakes is about short forms and values without quotes.
func TestSchemaTakes(t *testing.T) {
	for _, change := range []struct{ path, value string }{
		{"tls.automatic", `"off"`}, {"tls.automatic", `"on"`}, {"tls.automatic", "false"}, {"tls.certificates", `"site.pem"`}, {"tls.certificates", `["site.pem"]`},
		{"sites[].tls.hsts", `"off"`}, {"sites[].tls.hsts", "0"}, {"sites[].tls.hsts", `"1d12h"`}, {"upstreams.NAME.tls.min_version", "1.2"}, {"upstreams.NAME.tls.min_version", `"1.3"`},
		{"tls.automatic.challenges", `"http"`}, {"tls.automatic.ca", `"letsencrypt-staging"`}, {"upstreams.NAME.servers", `"https://app"`},
	} {
		tree := set(fromJSON(t, sampleBase), steps(change.path), fromJSON(t, change.value))
		if problem := validate(schemaRoot(t), tree); problem != "" {
			t.Errorf("the schema refuses %s = %s: %s", change.path, change.value, problem)
		}
		if _, err := parseText(toJSON(t, tree)); err != nil {
			t.Errorf("the reader refuses %s = %s: %v", change.path, change.value, err)
		}
	}
}
