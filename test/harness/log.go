// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Patience is how long anything that must happen may take on a busy machine.
const Patience = 20 * time.Second

// Line is what the access log says of one exchange.
type Line struct {
	ID             string         `json:"id"`
	Client         string         `json:"client"`
	Peer           string         `json:"peer"`
	Proxy          string         `json:"proxy"`
	Exchange       int            `json:"exchange"`
	Method         string         `json:"method"`
	Host           string         `json:"host"`
	Target         string         `json:"target"`
	Status         int            `json:"status"`
	Outcome        string         `json:"outcome"`
	Failure        string         `json:"failure"`
	Cache          string         `json:"cache"`
	Hidden         string         `json:"hidden"`
	Trail          []string       `json:"trail"`
	BodyIn         int64          `json:"body_in"`
	BodyOut        int64          `json:"body_out"`
	TotalMS        float64        `json:"total_ms"`
	Server         string         `json:"server"`
	UpstreamStatus int            `json:"upstream_status"`
	Attempts       int            `json:"attempts"`
	Reused         bool           `json:"reused"`
	Evidence       map[string]any `json:"evidence"`
	// Raw is the whole line.
	Raw string `json:"-"`
}

// Lines returns all lines written so far.
func (g *Gateway) Lines() []Line {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	f, err := os.Open(filepath.Join(g.Dir, "access.log"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer f.Close()
	rest, err := io.ReadAll(io.NewSectionReader(f, g.read, 1<<40))
	if err != nil {
		g.t.Fatal(err)
	}
	for {
		text, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return slices.Clone(g.seen)
		}
		var l Line
		if err := json.Unmarshal(text, &l); err != nil {
			g.t.Fatalf("access log: %v: %s", err, text)
		}
		l.Raw = string(text)
		g.seen = append(g.seen, l)
		g.read += int64(len(text)) + 1
		rest = after
	}
}

// Line waits for a line that ok accepts.
func (g *Gateway) Line(ok func(Line) bool) Line {
	g.t.Helper()
	var found Line
	g.Eventually("a line of the access log", func() bool {
		lines := g.Lines()
		i := slices.IndexFunc(lines, ok)
		if i >= 0 {
			found = lines[i]
		}
		return i >= 0
	})
	return found
}

// Of accepts the lines of one target.
func Of(target string) func(Line) bool { return func(l Line) bool { return l.Target == target } }

// Eventually waits until ok holds; what says for what one waits. If it never
// does, the test ends here with the access log as it stands.
func (g *Gateway) Eventually(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			text, _ := os.ReadFile(filepath.Join(g.Dir, "access.log"))
			g.t.Fatalf("no %s within %v; the access log ends with\n%s", what, Patience, text[max(0, len(text)-4096):])
		}
	}
}
