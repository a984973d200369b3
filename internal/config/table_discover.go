// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

// maxServers bounds the servers of an upstream, wherever they come from.
const maxServers = 10_000

// foundServersKind is a list of servers in a file of its own, or in a request to the
// API. It may be empty.
var foundServersKind = list(serverKind, 0, maxServers)

var dockerHostKind = leaf(&shape{
	name: "Docker host", want: "an address such as unix:///var/run/docker.sock",
	doc:    "",
	schema: map[string]any{"type": "string", "minLength": 2},
}, parseDockerHost)

var dockerNetworkKind = leaf(&shape{
	name: "network", want: "the name of a network of Docker", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", "maxLength": 128},
}, func(s string) (string, error) {
	if !isWord(s, "_.-") || len(s) > 128 || !isWord(s[:1], "") {
		return "", wrong("docker network ls lists them", "%s is no name of a network of Docker", quote(s))
	}
	return s, nil
})

var serverDiscoverKind = enum("discover", DiscoverDNS, DiscoverSRV)

var discoverKind = object[Discover]{
	name: "discover",
	doc:  "Where servers are found that are not listed. What is found is joined with `servers`.",
	fields: []field[Discover]{
		{entry{name: "file", derived: "none",
			doc:   "A file with a list of servers, written as under `servers`; `[]` is the empty list. It is looked at each second. Exchange it by renaming: then it is read at once and never half. One that is written in place is read when it has stayed the same for a second. If it has a mistake, or is gone, the last list stays, and the log says why.",
			peers: "Envoy EDS from a file, Prometheus `file_sd_configs`, Traefik file provider."},
			to(filePath, func(x *Discover) *string { return &x.File })},
		{entry{name: "docker", derived: "none",
			doc:   "The Docker daemon whose containers are servers: `unix:///var/run/docker.sock`, or `tcp://HOST:PORT` for a proxy of it that lets only reading through; `${DOCKER_HOST}` works too. Those with the label `causey.upstream` set to this upstream's name count, with `causey.port` (not needed where they expose one port), `causey.weight`, `causey.network` and `causey.scheme` (`https`). A container that has a health check is in service while it is healthy. One that is told to stop is out at once, before its process ends; its requests finish.",
			avoid: "Whoever can use that socket can become root on the machine. Give the gateway a proxy of it that allows `GET` of `/_ping`, `/containers/json` and `/events`, or name the containers by DNS.",
			peers: "Traefik's Docker provider; nginx-proxy and caddy-docker-proxy write a configuration from it."},
			to(dockerHostKind, func(x *Discover) *DockerHost { return &x.Docker })},
		{entry{name: "docker_network", derived: "the only one that a container is in",
			doc: "The network in which containers are asked that have no label `causey.network`. Compose calls it `PROJECT_default` unless told otherwise."},
			to(dockerNetworkKind, func(x *Discover) *string { return &x.DockerNetwork })},
		{entry{name: "api", def: "false",
			doc:   "Lets `PUT /api/v1/upstreams/NAME/servers` set the servers. Until that is done those in `servers` count; what was set stays over reloads, until `DELETE` or a restart.",
			avoid: "Not beside `file` or `docker`."},
			to(boolean, func(x *Discover) *bool { return &x.API })},
		{entry{name: "grace", def: "30s",
			doc:   "How long the last servers of a name, a file or a daemon stay when it has none any more: a name server that was started too early says NXDOMAIN as well. What could not be asked at all changes nothing, for however long. Containers that were seen to stop are out at once.",
			peers: "HAProxy `hold nx` and `hold obsolete`."},
			to(between(0, time.Hour), func(x *Discover) *Duration { return &x.Grace })},
	},
}.kind()
