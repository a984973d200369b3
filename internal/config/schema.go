// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"strings"
)

// Schema gives the JSON Schema (draft 2020-12) of a configuration, for editors.
// It says less than [Parse]: what depends on more than one value, on files or on
// the environment is only known there.
func Schema() []byte {
	g := schemaMaker{defs: map[string]any{
		"variable": map[string]any{
			"type": "string", "pattern": `\$\{[A-Za-z_]`,
			"description": "An environment variable: ${NAME} or ${NAME:-default}.",
		},
	}}
	top := g.object(rootKind.shape)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "causey.yaml"
	top["$defs"] = g.defs
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // the table holds something that is no JSON; TestSchema runs this
	}
	return append(text, '\n')
}

// schemaMaker collects the shared definitions on the way.
type schemaMaker struct{ defs map[string]any }

// value describes one shape.
func (g schemaMaker) value(s *shape) map[string]any {
	switch {
	case s.entries != nil:
		if g.define(s.name) {
			g.defs[defName(s.name)] = g.object(s)
		}
		return orShort(g, ref(s.name), s.short)
	case s.item != nil && s.isList:
		items := map[string]any{"type": "array", "items": g.value(s.item), "minItems": s.atLeast, "maxItems": s.atMost}
		return anyOf(items, g.value(s.item))
	case s.item != nil:
		return map[string]any{
			"type": "object", "additionalProperties": false, "minProperties": s.atLeast,
			"patternProperties": map[string]any{s.keys: g.value(s.item)},
		}
	case s.defined:
		if g.define(s.name) {
			d := orVariable(s.schema)
			d["description"] = plain(s.doc)
			g.defs[defName(s.name)] = d
		}
		return ref(s.name)
	case s.base != nil:
		return g.value(s.base)
	}
	return orVariable(s.schema)
}

// define reports whether a definition is still to be made, and reserves it.
func (g schemaMaker) define(name string) bool {
	if _, done := g.defs[defName(name)]; done {
		return false
	}
	g.defs[defName(name)] = nil
	return true
}

// object describes the keys of an object.
func (g schemaMaker) object(s *shape) map[string]any {
	properties := map[string]any{}
	var required []string
	var choices []any
	for _, e := range s.entries {
		p := map[string]any{"description": plain(e.doc)}
		for k, v := range g.value(e.value) {
			p[k] = v
		}
		if e.def != "" {
			p["default"] = defaultJSON(e)
		}
		properties[e.name] = p
		if e.alias != "" {
			properties[e.alias] = p
		}
		switch {
		case e.required && e.unless != "":
			choices = append(choices, map[string]any{"required": []string{e.name}}, map[string]any{"required": []string{e.unless}})
		case e.required && e.alias != "":
			choices = append(choices,
				map[string]any{"required": []string{e.name}, "not": map[string]any{"required": []string{e.alias}}},
				map[string]any{"required": []string{e.alias}, "not": map[string]any{"required": []string{e.name}}})
		case e.required:
			required = append(required, e.name)
		}
	}
	o := map[string]any{"type": "object", "description": plain(s.doc), "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	if len(choices) > 0 {
		o["anyOf"] = choices
	}
	return o
}

// defaultJSON gives a default as JSON: what the text is as YAML.
func defaultJSON(e *entry) any {
	src, p := newSource("default", []byte(e.def))
	if p != nil {
		panic(p)
	}
	return jsonOf(parseTree(src, &reporter{}))
}

func jsonOf(n *node) any {
	switch {
	case n.kind == listNode:
		items := []any{}
		for _, i := range n.items {
			items = append(items, jsonOf(i))
		}
		return items
	case n.kind == scalarNode && !n.quoted && n.scalar != textScalar:
		return json.RawMessage(n.text)
	}
	return n.text
}

// orVariable allows a variable where the schema would refuse its text.
func orVariable(s map[string]any) map[string]any {
	return anyOf(s, map[string]any{"$ref": "#/$defs/variable"})
}

// orShort allows what may stand in place of an object.
func orShort(g schemaMaker, object map[string]any, short *shape) map[string]any {
	if short == nil {
		return object
	}
	return anyOf(g.value(short), object)
}

func anyOf(choices ...map[string]any) map[string]any {
	return map[string]any{"anyOf": choices}
}

func ref(name string) map[string]any {
	return map[string]any{"$ref": "#/$defs/" + defName(name)}
}

func defName(name string) string { return strings.ReplaceAll(name, " ", "_") }

// plain takes the marks of Markdown away.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }
