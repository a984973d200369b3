// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	maps.Copy(netSymptoms, map[string][]symptom{
		"gw.overload":       {{throttled, "false", "true"}},
		"gw.fd_exhausted":   {{limit, "64", "64"}, {guests(), "0", "64"}},
		"gw.disk_full":      {{writeToDisk, "written", "no space left on device"}},
		"sec.egress_denied": {{program(0), "200", "Operation not permitted"}, {program(1), "200", "200"}},
		"tls.clock_skew:gateway": {{certificate(0), "in force, 0h", "not yet valid, 26h"},
			{certificate(1), "in force, 0h", "not yet valid, 26h"}},
	})
}

// inside runs a command where the gateway would.
func inside(s *Stage, command ...string) (string, error) {
	words := append(append([]string{}, s.Before...), command...)
	out, err := exec.CommandContext(s.ctx, words[0], words[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func limit(s *Stage) string {
	out, err := inside(s, "sh", "-c", "ulimit -n")
	if err != nil {
		return err.Error()
	}
	return out
}

// throttled has a program compute there for some 25 ms of its own time, ten times of what gw.overload leaves to half a second,
// and says whether that took much longer.
func throttled(s *Stage) string {
	began := time.Now()
	out, err := inside(s, "sh", "-c", "ulimit -t 1; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
	if err != nil {
		return out + err.Error()
	}
	return fmt.Sprint(time.Since(began) > time.Second)
}

// guests listens in the place of the gateway, and counts who has come and stayed.
func guests() look {
	var counts sync.Map // by stage
	return func(s *Stage) string {
		count, begun := counts.LoadOrStore(s, new(atomic.Int64))
		n := count.(*atomic.Int64)
		if !begun {
			ln, err := net.Listen("tcp", s.Gateway)
			if err != nil {
				return err.Error()
			}
			s.AtEnd(func() { ln.Close() })
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					n.Add(1)
					go func() {
						_, _ = io.Copy(io.Discard, c) // until the stage ends
						c.Close()
						n.Add(-1)
					}()
				}
			}()
		}
		return fmt.Sprint(n.Load())
	}
}

// writeToDisk has one more file written.
func writeToDisk(s *Stage) string {
	f, err := os.CreateTemp(filepath.Join(s.Dir, "disk"), "answer-")
	if err == nil {
		_, err = f.Write(make([]byte, 8<<10))
		f.Close()
	}
	if errors.Is(err, unix.ENOSPC) {
		return unix.ENOSPC.Error()
	} else if err != nil {
		return err.Error()
	}
	return "written"
}

var serverOf = regexp.MustCompile(`127\.\d+\.\d+\.\d+:\d+`)

var connectSays = regexp.MustCompile(`HTTP/1\.. (\d+)|connect: (.*)`)

// program has a program ask the stage's server number n from where the gateway would.
func program(n int) look {
	return func(s *Stage) string {
		host, port, _ := net.SplitHostPort(serverOf.FindAllString(s.Config, -1)[n])
		out, _ := inside(s, "bash", "-c",
			`exec 3<>"/dev/tcp/$0/$1" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3`, host, port)
		if m := connectSays.FindStringSubmatch(out); m != nil {
			return m[1] + m[2]
		}
		return out
	}
}

// certificate says whether that of server number n is in force by our clock, and how far its Date is ahead.
func certificate(n int) look {
	return func(s *Stage) string {
		c, err := tls.Dial("tcp", serverOf.FindAllString(s.Config, -1)[n], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		resp, err := exchange(c, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
		if err != nil {
			return short(err)
		}
		date, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			return err.Error()
		}
		said := "in force"
		if time.Now().Before(c.ConnectionState().PeerCertificates[0].NotBefore) {
			said = "not yet valid"
		}
		return fmt.Sprintf("%s, %dh", said, int(math.Round(time.Until(date).Hours())))
	}
}
