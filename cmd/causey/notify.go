// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// notifier tells the service manager how we are (sd_notify(3)). The zero value
// tells nobody.
type notifier struct {
	conn *net.UnixConn
	// beat is how often the service manager wants to hear of us, 0 for never.
	beat time.Duration
	// successor says that this process took over from the one that the service
	// manager started.
	successor bool
}

// newNotifier reads NOTIFY_SOCKET and WATCHDOG_USEC. Without the first there is
// nobody to tell, which is the normal case outside a service.
func newNotifier(env func(string) (string, bool)) (*notifier, error) {
	path, _ := env("NOTIFY_SOCKET")
	if path == "" {
		return &notifier{}, nil
	}
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "@") {
		return &notifier{}, fmt.Errorf("NOTIFY_SOCKET=%q is no socket that can be reached from here", path)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		return &notifier{}, fmt.Errorf("the service manager's NOTIFY_SOCKET: %w", err)
	}
	return &notifier{conn: conn, beat: watchdogBeat(env)}, nil
}

// watchdogBeat is half of what WATCHDOG_USEC allows, as sd_watchdog_enabled(3)
// recommends; 0 if the watchdog is off or meant for another process.
func watchdogBeat(env func(string) (string, bool)) time.Duration {
	if pid, _ := env("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	text, _ := env("WATCHDOG_USEC")
	usec, err := strconv.ParseInt(text, 10, 64)
	if err != nil || usec <= 0 || usec > int64(time.Hour*24*365/time.Microsecond) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// send sends assignments such as READY=1, one per line. What cannot be sent is
// lost: the service manager has its own timeouts.
func (n *notifier) send(assignments ...string) {
	if n.conn != nil {
		_, _ = n.conn.Write([]byte(strings.Join(assignments, "\n")))
	}
}

// ready says that we run. A successor adds which process that is: its predecessor
// has said so as well (see succeeded), so that a manager that listens to the main
// process only takes our word.
func (n *notifier) ready(status string) {
	if n.successor {
		n.send("MAINPID="+strconv.Itoa(os.Getpid()), "READY=1", "STATUS="+status)
		return
	}
	n.send("READY=1", "STATUS="+status)
}

// succeeded says that another process is the service now. From here on we say
// nothing more: what we do is not about the service.
func (n *notifier) succeeded(pid int) {
	n.send("MAINPID=" + strconv.Itoa(pid))
	n.close()
}

// reloading must carry the time, so that the service manager can tell this reload
// from one it asked for earlier (Type=notify-reload).
func (n *notifier) reloading() {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return
	}
	n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(ts.Nano()/1e3, 10))
}

func (n *notifier) stopping(status string) { n.send("STOPPING=1", "STATUS="+status) }

// beats returns a channel that says when to call alive, nil for never, and what
// ends it.
func (n *notifier) beats() (<-chan time.Time, func()) {
	if n.beat <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(n.beat)
	return t.C, t.Stop
}

func (n *notifier) alive() { n.send("WATCHDOG=1") }

func (n *notifier) close() {
	if n.conn != nil {
		_ = n.conn.Close()
	}
}
