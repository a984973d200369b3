// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"time"
)

// execOutputBytes bounds what a failure quotes of a program's output.
const execOutputBytes = 2 << 10

// Exec is a DNSProvider that calls a program with present or cleanup, name and value. It returns when the record is published; exit status 0 says so.
type Exec struct {
	Program string
}

// Present calls the program with present.
func (e *Exec) Present(ctx context.Context, name, value string) error {
	return e.run(ctx, "present", name, value)
}

// CleanUp calls the program with cleanup.
func (e *Exec) CleanUp(ctx context.Context, name, value string) error {
	return e.run(ctx, "cleanup", name, value)
}

func (e *Exec) run(ctx context.Context, verb, name, value string) error {
	cmd := exec.CommandContext(ctx, e.Program, verb, name, value)
	cmd.WaitDelay = time.Second // a child of the program may hold its output open
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("certs: %s %s %s: %w: %s", e.Program, verb, name, err, bytes.TrimSpace(said))
	}
	return nil
}

// tail keeps the last bytes written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if over := len(*t) - execOutputBytes; over > 0 {
		*t = append((*t)[:0], (*t)[over:]...)
	}
	return len(p), nil
}
