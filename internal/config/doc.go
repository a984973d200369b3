// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package config is the configuration as written: it reads causey.yaml and
// says, with place and remedy, everything that is wrong with it.
//
// What it is: a strict reader of one YAML document. One table of keys (the
// variables of type object in table_*.go) says for each key its type, its
// default, its meaning and when not to use it; reading, defaults, the JSON
// Schema and docs/config.md all come from that table. The result is a [Config]
// with every default filled in.
//
// What it never does: open a socket, look a name up, ask the clock, or know
// what the gateway makes of a value (that translation is in package gateway).
// It reads no file but the configuration and the files it names: error pages,
// certificates with their keys, and other secrets. Whether a certificate has
// expired is not its business: that is a question of the time.
//
// Invariants:
//
//	I1. Every problem found in the text has a line and a column inside the
//	    text, a snippet and a message that names what was found; all problems
//	    are reported, up to [MaxProblems], in the order of the text.
//	I2. There is no key outside the table, and no key of the table that is not
//	    decoded, in the schema and in docs/config.md.
//	I3. The JSON of a Config is itself a configuration, and it is read as the
//	    same Config.
//	I4. Time and memory are bounded by constants (limits at the top of
//	    source.go, shape.go and decode.go), whatever the bytes; no input makes
//	    it panic.
//	I5. A Config is not changed after it was returned; readers share it.
//
// Where to start reading: config.go (the result, and Load), table_top.go (the
// keys), then the way of a file: source.go (bytes to lines), shape.go and
// tree.go (tokens to a tree of nodes), decode.go and object.go (nodes to
// values, by the table), check.go (what only the whole can tell). The decision
// for YAML and against other formats is in docs/adr/.
package config
