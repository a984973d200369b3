// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// Kind says what a socket is for.
type Kind string

// The kinds. A successor ignores one that it does not know, so that kinds may come.
const (
	Listen    Kind = "listen"     // of clients; the name is that of the configuration
	Activated Kind = "activated"  // from systemd; the name is FileDescriptorName=
	AdminTCP  Kind = "admin-tcp"  // the name is the address of the configuration
	AdminUnix Kind = "admin-unix" // the name is the path
)

// Socket is a listening socket on offer. FD stays the caller's.
type Socket struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	FD   int    `json:"-"`
}

// Problem is one reason why a successor cannot take over. Line and Column are 0 if
// unknown.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// step is what a message says.
type step string

const (
	offer    step = "offer"
	prepared step = "prepared"
	failed   step = "failed"
	goAhead  step = "go"
	serving  step = "serving"
	released step = "released"
)

// protocol is counted up when a step changes its meaning. Fields may be added
// without that.
const protocol = 1

// Bounds of what the other side may say. The other side is a causey as well, of
// another version: they keep a mistake from becoming a riddle.
const (
	messageLimitBytes = 1 << 20
	socketsMax        = 4096
	nameLimitBytes    = 4096
)

// message is a line of either side.
type message struct {
	Step step `json:"step"`
	// Protocol and Sockets belong to an offer; the sockets' descriptors follow that of
	// the pair, in their order.
	Protocol int      `json:"protocol,omitempty"`
	Sockets  []Socket `json:"sockets,omitempty"`
	// Version and Took belong to prepared: the successor's build, and which sockets
	// it uses, by index.
	Version string `json:"version,omitempty"`
	Took    []int  `json:"took,omitempty"`
	// Problems belong to failed, by which a successor says that it cannot, and the
	// running process that it goes on after all.
	Problems []Problem `json:"problems,omitempty"`
}

// check refuses an offer that cannot be meant.
func (m *message) check() error {
	switch {
	case m.Step != offer:
		return fmt.Errorf("hand-over: it begins with %q instead of an offer", m.Step)
	case m.Protocol != protocol:
		return fmt.Errorf("hand-over: the running gateway speaks protocol %d and this program %d; restart it instead", m.Protocol, protocol)
	case len(m.Sockets) > socketsMax:
		return fmt.Errorf("hand-over: %d sockets are more than the %d that one offer has", len(m.Sockets), socketsMax)
	}
	for i, s := range m.Sockets {
		if len(s.Name) > nameLimitBytes {
			return fmt.Errorf("hand-over: the name of socket %d has %d bytes, more than %d", i, len(s.Name), nameLimitBytes)
		}
	}
	return nil
}

// errGone says that the other side closed its end, or died.
var errGone = errors.New("hand-over: the other process is gone")

// link is one end of the pair.
type link struct {
	conn net.Conn
	in   *bufio.Scanner
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, in: bufio.NewScanner(conn)}
	l.in.Buffer(nil, messageLimitBytes)
	l.in.Split(wholeLines)
	return l
}

// wholeLines is a bufio.SplitFunc that never takes the beginning of a line for one.
func wholeLines(data []byte, _ bool) (advance int, token []byte, err error) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return 0, nil, nil
	}
	return i + 1, data[:i], nil
}

// send writes one message. It does not wait for long: the other side reads, and a
// message fits into what the kernel holds, or that side is at it.
func (l *link) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := l.conn.Write(append(text, '\n')); err != nil {
		return errors.Join(errGone, err)
	}
	return nil
}

// receive reads one message, or gives up when ctx is done. errGone is the end of the
// other side. After giving up the link is of no use.
func (l *link) receive(ctx context.Context) (m message, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetReadDeadline(longAgo) })
	defer stop()
	if !l.in.Scan() {
		switch err := l.in.Err(); {
		case ctx.Err() != nil:
			return m, context.Cause(ctx)
		case err == nil: // the end
			return m, errGone
		case errors.Is(err, bufio.ErrTooLong):
			return m, fmt.Errorf("hand-over: a message of more than %d bytes", messageLimitBytes)
		default:
			return m, errors.Join(errGone, err)
		}
	}
	if err := json.Unmarshal(l.in.Bytes(), &m); err != nil {
		return m, fmt.Errorf("hand-over: what the other process says is no message: %w", err)
	}
	return m, nil
}

// longAgo as a deadline makes a read that waits return.
var longAgo = time.Unix(1, 0)
