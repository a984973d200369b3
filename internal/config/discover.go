// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ServerDiscover says that a server's address stands for several servers.
type ServerDiscover string

// What an address stands for; "" is one server.
const (
	DiscoverDNS ServerDiscover = "dns" // each address of the name
	DiscoverSRV ServerDiscover = "srv" // each SRV record of the name
)

// Discover says where servers are found beside those that are listed.
type Discover struct {
	// File is a file with a list of servers, "" for none.
	File string `json:"file,omitempty"`
	// Docker is the daemon whose containers are servers, unix:///path or
	// tcp://host:port; "" for none. DockerNetwork is the network in which they are
	// asked, "" for their only one.
	Docker        DockerHost `json:"docker,omitempty"`
	DockerNetwork string     `json:"docker_network,omitempty"`
	// API says that the servers can be set while the gateway runs.
	API   bool     `json:"api,omitempty"`
	Grace Duration `json:"grace"`
}

// IsZero reports that nothing is said.
func (d Discover) IsZero() bool { return d == Discover{Grace: discoverGrace} }

// discoverGrace is the default of Grace.
const discoverGrace = Duration(30 * time.Second)

// DockerHost is where a Docker daemon listens.
type DockerHost string

// parseDockerHost reads unix:///run/docker.sock, /run/docker.sock and
// tcp://proxy:2375.
func parseDockerHost(s string) (DockerHost, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok || strings.HasPrefix(s, "/") {
		path = "/" + strings.TrimLeft(path, "/")
		if !ok {
			path = s
		}
		if filepath.Clean(path) == "/" || len(path) > 107 || !isPrintable(path) {
			return "", wrong("write unix:///var/run/docker.sock", "%s is no path of a socket", quote(s))
		}
		return DockerHost("unix://" + filepath.Clean(path)), nil
	}
	scheme, rest, _ := strings.Cut(s, "://")
	switch scheme {
	case "tcp":
		host, port, err := splitPort(rest)
		if err != nil {
			return "", err
		}
		if host == "" || port == 0 {
			return "", wrong("write tcp://HOST:PORT", "%s has no host or no port", quote(s))
		}
		if _, err := canonicalHost(host); err != nil {
			return "", err
		}
		return DockerHost("tcp://" + rest), nil
	case "http", "https", "ssh", "npipe", "fd":
		return "", wrong("write unix:///var/run/docker.sock, or tcp://HOST:PORT for a proxy of it", "%s is not the scheme of a Docker daemon that can be asked", quote(scheme+"://"))
	}
	return "", wrong("write unix:///var/run/docker.sock", "%s is no address of a Docker daemon", quote(s))
}

// ParseServers reads a list of servers as upstreams have it, from a file called name.
// An empty list is written []. The error is Errors.
func ParseServers(name string, data []byte) ([]Server, error) {
	src, p := newSource(name, data)
	if p != nil {
		return nil, Errors{p}
	}
	if src.saysNothing() {
		return nil, Errors{{File: name, Message: "is empty", Hint: "a list of no servers is written []"}}
	}
	report := &reporter{}
	root := parseTree(src, report)
	if err := report.err(); err != nil || root == nil || root.kind == brokenNode {
		if err == nil {
			err = Errors{{File: name, Message: "is no list of servers"}}
		}
		return nil, err
	}
	d := &decoder{src: src, report: report, root: rootKind.shape, where: map[string]cursor{},
		outside: outside{env: os.LookupEnv, dir: filepath.Dir(name)}}
	top := cursor{node: root}
	d.where[""] = top
	servers, _ := foundServersKind.read(d, top)
	d.eachServer("", servers, func(at cursor, s *Server) {
		if s.Discover != "" {
			d.fail(at, "write it into the configuration", "a list of servers names servers, and nothing to discover more by")
		}
	})
	if err := report.err(); err != nil {
		return nil, err
	}
	return servers, nil
}

// saysNothing reports that there are at most comments in the text.
func (s *source) saysNothing() bool {
	return !slices.ContainsFunc(s.lines, func(l string) bool {
		l = strings.TrimSpace(l)
		return l != "" && l[0] != '#'
	})
}

// finishServer says of a server what follows from its address.
func finishServer(d *decoder, c cursor, s *Server) {
	a := s.Address
	if !d.sound("%s", joinPath(c.path, "address")) || !d.sound("%s", joinPath(c.path, "discover")) {
		return
	}
	_, isIP := a.AddrPort()
	switch {
	case a.IsService() && s.Discover == "":
		s.Discover = DiscoverSRV
	case a.IsService() && s.Discover == DiscoverDNS:
		d.fail(d.at("%s", joinPath(c.path, "discover")), "write discover: srv", "%s is the name of SRV records, not of a host", a)
	case s.Discover == DiscoverSRV && !a.IsService():
		d.fail(d.at("%s", joinPath(c.path, "address")), "write _http._tcp.NAME, without a port", "%s is not the name of SRV records", a)
	case s.Discover == DiscoverDNS && (isIP || a.Network != TCP):
		d.fail(d.at("%s", joinPath(c.path, "discover")), "remove discover", "%s is not a name that could be looked up", a)
	}
}

// checkDiscover finds upstreams that can never have a server, and sources that exclude
// each other.
func checkDiscover(d *decoder, c cursor, u *Upstream) {
	at := d.at("%s", joinPath(c.path, "discover"))
	x := &u.Discover
	switch {
	case !d.sound("%s", at.path):
	case x.API && (x.File != "" || x.Docker != ""):
		d.fail(d.at("%s", joinPath(at.path, "api")), "remove it, or the other source", "servers that are set by the API replace all others")
	case x.DockerNetwork != "" && x.Docker == "":
		d.warn(d.at("%s", joinPath(at.path, "docker_network")), "write docker: unix:///var/run/docker.sock too", "docker_network has no effect without docker")
	case len(u.Servers) == 0 && x.File == "" && x.Docker == "" && !x.API && d.written(at.path) &&
		d.sound("%s", joinPath(c.path, "servers")) && d.sound("%s", joinPath(at.path, "file")) && d.sound("%s", joinPath(at.path, "docker")):
		d.fail(at, "write servers, or file, docker or api here", "nothing says where the servers are")
	}
}
