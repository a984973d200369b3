// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// eventLimitBytes bounds a line of a stream; a record of the longest texts, all
// escaped, is some 8 KiB.
const eventLimitBytes = 256 << 10

// event is one server-sent event.
type event struct {
	id, name string
	data     []byte // valid until the next event
}

// follow hands every event of a stream of failures to each, until the stream ends
// or each returns an error. query is what /api/v1/failures/stream takes; after is
// the id of the last event seen before, or "".
func (a *adminSide) follow(ctx context.Context, query, after string, each func(event) error) error {
	header := http.Header{"Accept": {"text/event-stream"}}
	if after != "" {
		header.Set("Last-Event-ID", after)
	}
	resp, err := a.open(ctx, http.MethodGet, "/api/v1/failures/stream?"+query, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, eventLimitBytes)
	var e event
	for lines.Scan() {
		line := lines.Bytes()
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0:
			if e.name != "" {
				if err := each(e); err != nil {
					return err
				}
			}
			e = event{}
		case string(name) == "id":
			e.id = string(value)
		case string(name) == "event":
			e.name = string(value)
		case string(name) == "data":
			e.data = bytes.Clone(value) // the gateway writes one line of data
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: the stream broke off: %w", a.at, err)
	}
	return ctx.Err()
}
