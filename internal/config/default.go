// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"strings"
)

const (
	// commandLine is the File of problems with flags.
	commandLine = "command line"
	// DefaultListen is where causey run listens if it is not told: this machine
	// only.
	DefaultListen = "127.0.0.1:8080"
	// DefaultUpstream is the name of the one upstream of the zero config.
	DefaultUpstream = "default"
)

// Default is the configuration of causey run --listen A --to B: every host and
// path goes to one upstream with these servers. No listen means
// [DefaultListen], an empty admin the default of the key. The flags are read by
// the same table as a file; the error is Errors, with the flag as Path.
func Default(listen, to []string, admin string) (*Config, error) {
	return zeroConfig(listen, to, admin, os.LookupEnv)
}

func zeroConfig(listen, to []string, admin string, env func(string) (string, bool)) (*Config, error) {
	if len(listen) == 0 {
		listen = []string{DefaultListen}
	}
	if len(to) == 0 {
		return nil, Errors{{File: commandLine, Path: "--to", Message: "the server is missing", Hint: "write --to localhost:3000"}}
	}
	mapOf := func(pairs ...pair) *node { return &node{kind: mapNode, pairs: pairs} }
	root := mapOf(
		pair{key: "version", value: &node{kind: scalarNode, text: "1", scalar: numberScalar}},
		pair{key: "listen", value: listOfTexts(listen)},
		pair{key: "sites", value: mapOf(
			pair{key: "host", value: textNode("*")},
			pair{key: "routes", value: mapOf(pair{key: "upstream", value: textNode(DefaultUpstream)})},
		)},
		pair{key: "upstreams", value: mapOf(
			pair{key: DefaultUpstream, value: mapOf(pair{key: "servers", value: listOfTexts(to)})},
		)},
	)
	if admin != "" {
		root.pairs = append(root.pairs, pair{key: "admin", value: textNode(admin)})
	}
	d := &decoder{outside: outside{env: env, read: readFile, dir: "."}, report: &reporter{}, rename: flagOf}
	return d.config(root)
}

// flagOf names the flag that a path of the zero config came from.
func flagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "listen"):
		return "--listen"
	case strings.HasPrefix(path, "admin"):
		return "--admin"
	}
	return "--to"
}
