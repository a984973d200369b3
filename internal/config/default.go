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

// Flags are what causey run takes in place of a file.
type Flags struct {
	// Listen lists addresses; one that begins with https:// is served over TLS. None
	// means DefaultListen, or with Hosts the ports 80 and 443 of every address.
	Listen []string
	// To lists the servers that every request goes to.
	To []string
	// Hosts are the hosts of the one site, which get certificates; none means every
	// host.
	Hosts []string
	// Admin is the value of the key admin, "" for its default.
	Admin string
}

// Default is the configuration that flags make: every path goes to one upstream with
// these servers. The flags are read by the same table as a file; the error is Errors,
// with the flag as Path.
func Default(f Flags) (*Config, error) { return zeroConfig(f, os.LookupEnv) }

func zeroConfig(f Flags, env func(string) (string, bool)) (*Config, error) {
	hosts := f.Hosts
	switch {
	case len(hosts) == 0 && len(f.Listen) == 0:
		f.Listen = []string{DefaultListen}
	case len(f.Listen) == 0:
		f.Listen = []string{":80", httpsPrefix + ":443"}
	}
	if len(hosts) == 0 {
		hosts = []string{"*"}
	}
	if len(f.To) == 0 {
		return nil, Errors{{File: commandLine, Path: "--to", Message: "the server is missing", Hint: "write --to localhost:3000"}}
	}
	mapOf := func(pairs ...pair) *node { return &node{kind: mapNode, pairs: pairs} }
	root := mapOf(
		pair{key: "version", value: &node{kind: scalarNode, text: "1", scalar: numberScalar}},
		pair{key: "listen", value: listenNodes(f.Listen)},
		pair{key: "sites", value: mapOf(
			pair{key: "hosts", value: listOfTexts(hosts)},
			pair{key: "routes", value: mapOf(pair{key: "upstream", value: textNode(DefaultUpstream)})},
		)},
		pair{key: "upstreams", value: mapOf(
			pair{key: DefaultUpstream, value: mapOf(pair{key: "servers", value: listOfTexts(f.To)})},
		)},
	)
	if f.Admin != "" {
		root.pairs = append(root.pairs, pair{key: "admin", value: textNode(f.Admin)})
	}
	d := &decoder{outside: outside{env: env, read: readFile, dir: "."}, report: &reporter{}, rename: flagOf}
	return d.config(root)
}

// httpsPrefix marks a --listen that is served over TLS.
const httpsPrefix = "https://"

// listenNodes makes listeners of flags.
func listenNodes(addresses []string) *node {
	n := &node{kind: listNode}
	for _, a := range addresses {
		address, secure := strings.CutPrefix(a, httpsPrefix)
		item := textNode(address)
		if secure {
			item = &node{kind: mapNode, pairs: []pair{
				{key: "address", value: item},
				{key: "tls", value: &node{kind: scalarNode, text: "true", scalar: boolScalar}},
			}}
		}
		n.items = append(n.items, item)
	}
	return n
}

// flagOf names the flag that a path of the zero config came from.
func flagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "listen"):
		return "--listen"
	case strings.HasPrefix(path, "admin"):
		return "--admin"
	case strings.HasPrefix(path, "sites[0].hosts"):
		return "--host"
	}
	return "--to"
}
