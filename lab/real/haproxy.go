// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import "context"

// HAProxyOptions configure StartHAProxy.
type HAProxyOptions struct {
	Options
	// Forward is the host:port of the server that gets everything. Without it HAProxy answers itself, with whom it
	// takes for the client: "SOURCE:PORT DESTINATION:PORT [UNIQUE-ID]".
	Forward string
	// Send holds more words for that server: send-proxy, or send-proxy-v2 with its options.
	Send string
	// ID is the unique id of every connection, which the option unique-id of send-proxy-v2 sends; "" is a fixed one.
	ID string
	// Accept expects a PROXY header at the beginning of each connection.
	Accept bool
}

// StartHAProxy runs HAProxy as a load balancer in front of a server, or as a server.
func StartHAProxy(ctx context.Context, o HAProxyOptions) (*Process, error) {
	if o.ID == "" {
		o.ID = "lab"
	}
	return recipe{
		name: "haproxy", programs: []string{"haproxy"}, pkg: "haproxy", options: o.Options,
		files: map[string]string{"haproxy.cfg": "haproxy.cfg.tmpl"}, data: o,
		args: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"}, probe: accepts,
	}.start(ctx)
}
