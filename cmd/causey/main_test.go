// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"causey/internal/cause"
	"causey/internal/testkit"
)

// outside is a world of a test (I3). It may be read while a command runs.
type outside struct {
	out, err buffer
	env      map[string]string
	stdin    string
	sig      chan os.Signal
}

// buffer is a bytes.Buffer for several goroutines. seen, if set, is called with
// everything so far after each write.
type buffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	seen func(text string)
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.b.Write(p)
	if b.seen != nil {
		b.seen(b.b.String())
	}
	return n, err
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (o *outside) world() world {
	return world{
		stdin: strings.NewReader(o.stdin), stdout: &o.out, stderr: &o.err,
		env:     func(name string) (string, bool) { v, ok := o.env[name]; return v, ok },
		signals: func(...os.Signal) (<-chan os.Signal, func()) { return o.sig, func() {} },
	}
}

// causey runs one command line in this process.
func causey(args ...string) (code int, stdout, stderr string) {
	var o outside
	code = run(context.Background(), args, o.world())
	return code, o.out.String(), o.err.String()
}

// script is a case of testdata: a command line, the files it finds, and what it
// answers. The format is that of the files: a comment, `$ causey ...`, `exit N`,
// and sections that begin with `-- name --`.
type script struct {
	head     string // up to the command line
	args     []string
	exit     int
	sections []section
}

type section struct{ name, text string }

func (s *script) section(name string) string {
	for _, one := range s.sections {
		if one.name == name {
			return one.text
		}
	}
	return ""
}

func readScript(t *testing.T, file string) *script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{exit: -1}
	for line := range strings.Lines(string(text)) {
		name, isSection := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		switch command, isCommand := strings.CutPrefix(line, "$ causey"); {
		case isSection && strings.HasSuffix(name, " --"):
			s.sections = append(s.sections, section{name: strings.TrimSuffix(name, " --")})
		case len(s.sections) > 0:
			s.sections[len(s.sections)-1].text += line
		case isCommand:
			s.args = strings.Fields(command)
		case strings.HasPrefix(line, "exit "):
			if _, err := fmt.Sscanf(line, "exit %d", &s.exit); err != nil {
				t.Fatalf("%s: %q: %v", file, line, err)
			}
		default:
			s.head += line
		}
	}
	if s.exit < 0 {
		t.Fatalf("%s: there is no line such as `exit 1`", file)
	}
	return s
}

// TestScripts runs the cases of testdata (I1, I2).
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := readScript(t, file)
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			o := outside{stdin: s.section("stdin")}
			for _, one := range s.sections {
				if one.name != "stdout" && one.name != "stderr" && one.name != "stdin" {
					writeFile(t, one.name, one.text)
				}
			}
			code := run(t.Context(), s.args, o.world())
			if testkit.Updating() {
				s.rewrite(t, file, code, o.out.String(), o.err.String())
				return
			}
			if code != s.exit {
				t.Errorf("exit %d, want %d", code, s.exit)
			}
			for _, c := range []struct{ name, got string }{{"stdout", o.out.String()}, {"stderr", o.err.String()}} {
				if want := s.section(c.name); c.got != want {
					t.Errorf("%s:\n%s\nwant:\n%s", c.name, c.got, want)
				}
			}
		})
	}
}

func (s *script) rewrite(t *testing.T, file string, code int, stdout, stderr string) {
	t.Helper()
	text := fmt.Sprintf("%s$ causey %s\nexit %d\n", s.head, strings.Join(s.args, " "), code)
	for _, one := range s.sections {
		if one.name != "stdout" && one.name != "stderr" {
			text += "-- " + one.name + " --\n" + one.text
		}
	}
	if stdout != "" {
		text += "-- stdout --\n" + stdout
	}
	if stderr != "" {
		text += "-- stderr --\n" + stderr
	}
	writeFile(t, file, text)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHelpOfEveryCommand: each command says what it is for, and knows its flags.
func TestHelpOfEveryCommand(t *testing.T) {
	var o outside
	commands := newRoot(o.world()).Commands()
	if len(commands) < 9 {
		t.Fatalf("%d commands", len(commands))
	}
	for _, c := range commands {
		code, stdout, stderr := causey(c.Name(), "--help")
		if code != exitOK || !strings.Contains(stdout, "Usage:") || stderr != "" {
			t.Errorf("%s --help: exit %d, %q, %q", c.Name(), code, stdout, stderr)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short text is %q", c.Name(), c.Short)
		}
	}
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := causey("version")
	if want := "causey " + version; code != exitOK || !strings.HasPrefix(stdout, want) || stderr != "" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = causey("version", "--json")
	var got struct {
		Version   string `json:"version"`
		GoVersion string `json:"go_version"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || got.Version != version || got.GoVersion == "" {
		t.Errorf("exit %d, %q: %v", code, stdout, err)
	}
}

// TestExplainCause: by its id and by its number, in any case of letters, and as JSON.
func TestExplainCause(t *testing.T) {
	causes, err := cause.Load()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := causes.Lookup("F009").Explain(&want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tcp.refused.down", "F009", "f009", " TCP.Refused.Down "} {
		if code, stdout, stderr := causey("explain", name); code != exitOK || stdout != want.String() {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
	}
	var e cause.Entry
	code, stdout, _ := causey("explain", "--json", "F009")
	if err := json.Unmarshal([]byte(stdout), &e); err != nil || code != exitOK || e.ID != "tcp.refused.down" || len(e.Fixes) == 0 || len(e.Twins) == 0 {
		t.Errorf("--json: exit %d, %v, %s", code, err, stdout)
	}
	var x codeExplained
	code, stdout, _ = causey("explain", "--json", "upstream.connect.refused")
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || code != exitOK || !slices.Contains(x.Causes, "tcp.refused.down") {
		t.Errorf("the causes of a code: exit %d, %v, %s", code, err, stdout)
	}
	for _, want := range []string{"upstream.connect.refused\t", "tcp.refused.down\t"} {
		if !slices.ContainsFunc(completions(), func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%q is not completed", want)
		}
	}
}
