// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"strconv"
	"time"
)

// NodeOptions configure StartNode.
type NodeOptions struct {
	Options
	// Keepalive is server.keepAliveTimeout; 0 is Node's own default (5 s before version 26).
	Keepalive time.Duration
	// MaxRequests is server.maxRequestsPerSocket; 0 is unlimited.
	MaxRequests int
}

// StartNode runs a Node HTTP application, which also echoes on WebSockets under /ws.
func StartNode(ctx context.Context, o NodeOptions) (*Process, error) {
	return recipe{
		name: "node", programs: []string{"node", "nodejs"}, pkg: "nodejs", options: o.Options,
		files: map[string]string{"app.js": "app.js"},
		args: []string{"{{.Dir}}/app.js", "{{.Addr}}",
			strconv.FormatInt(o.Keepalive.Milliseconds(), 10), strconv.Itoa(o.MaxRequests)},
		probe: answersHTTP,
	}.start(ctx)
}
