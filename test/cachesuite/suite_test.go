// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cachesuite_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/test/harness"
)

// suiteDir is where scripts/setup-test.sh puts the suite.
var suiteDir = filepath.Join("..", "..", ".cache", "cachesuite", "node_modules", "http-cache-tests")

// findSuite returns where the suite is, or skips.
func findSuite(t *testing.T) string {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	var have, want struct {
		Version      string
		Dependencies map[string]string
	}
	readJSON(t, "package.json", &want)
	dir, err := filepath.Abs(suiteDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the suite is not here; scripts/setup-test.sh fetches it")
	}
	readJSON(t, filepath.Join(dir, "package.json"), &have)
	if pinned := want.Dependencies["http-cache-tests"]; have.Version != pinned {
		t.Skipf("version %s of the suite is here, and %s is what we run; scripts/setup-test.sh fetches it", have.Version, pinned)
	}
	return dir
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// aTest is one test of the suite.
type aTest struct {
	ID, Suite, Name, Kind string
	Needs                 []string
	Browser               bool
}

// verdict is the suite's own judgement of a test (lib/display.mjs of it).
type verdict string

const (
	passed   verdict = "passed"
	failed   verdict = "failed"
	untested verdict = "untested" // for browsers only
	setup    verdict = "setup"    // something before what is tested did not happen
	needs    verdict = "needs"    // a test that it depends on has not passed
)

// results are what the command line of the suite printed: true, or kind and text of what
// went wrong.
type results struct {
	tests map[string]aTest
	raw   map[string]json.RawMessage
}

func (r results) verdict(id string) verdict {
	raw, ok := r.raw[id]
	if !ok {
		return untested
	}
	for _, need := range r.tests[id].Needs {
		if r.verdict(need) != passed {
			return needs
		}
	}
	switch {
	case string(raw) == "true":
		return passed
	case strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(raw)), "[")), `"Setup"`):
		return setup
	}
	return failed
}

func (r results) why(id string) string {
	var parts []string
	json.Unmarshal(r.raw[id], &parts)
	return strings.Join(parts, ": ")
}

// run runs the whole suite through a gateway whose route has these keys in its cache.
func run(t *testing.T, dir, cacheKeys string) results {
	r := results{tests: map[string]aTest{}}
	var list []aTest
	if err := json.Unmarshal(node(t, nil, "list.mjs", dir), &list); err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		r.tests[one.ID] = one
	}
	origin := startOrigin(t, dir)
	g := harness.Start(t, harness.Config{Text: fmt.Sprintf(`
sites: [{host: "*", routes: [{path: /, upstream: u, cache: {%s}}]}]
upstreams: {u: {servers: ["%s"]}}
`, cacheKeys, origin)})
	// What npm would set for the suite's scripts.
	out := node(t, &runIn{dir, []string{"npm_config_base=http://" + g.Addr, "npm_config_id=", "npm_package_config_id="}},
		"--no-warnings", "cli.mjs")
	if err := json.Unmarshal(out, &r.raw); err != nil {
		t.Fatalf("the suite printed no results: %v\n%s", err, out)
	}
	return r
}

type runIn struct {
	dir string
	env []string
}

// node runs a script to its end and returns what it printed.
func node(t *testing.T, in *runIn, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if in != nil {
		cmd.Dir, cmd.Env = in.dir, append(os.Environ(), in.env...)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// startOrigin starts the suite's server and returns its address. It takes its port by
// number, and somebody else may have it by then: another is tried.
func startOrigin(t *testing.T, dir string) string {
	var said string
	for range 5 {
		addr, ok := tryOrigin(t, dir, &said)
		if ok {
			return addr
		}
	}
	t.Fatalf("the suite's server does not start: %s", said)
	return ""
}

func tryOrigin(t *testing.T, dir string, said *string) (addr string, ok bool) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	ln.Close()
	cmd := exec.CommandContext(t.Context(), "node", "--no-warnings", filepath.Join(dir, "server", "server.mjs"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "npm_config_protocol=http", "npm_config_port="+port, "npm_config_pidfile="+filepath.Join(t.TempDir(), "pid"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr, true
		}
		select {
		case <-ended:
			*said = stderr.String()
			return "", false
		case <-time.After(20 * time.Millisecond):
		}
	}
	*said = "it does not answer"
	return "", false
}

// unanswerable are required tests that no gateway passes which uses stale answers at
// all. Their origin closes the connection, and of the answer they want the count that
// only the origin puts into its own. A gateway that does the right thing, which is to
// answer 502, fails them like one that serves the stale answer; the suite's published
// results have no gateway that passes. TestStrictNeverStale of test/outage tests what
// they are about. Without the owner's grace they are not looked at, since the one they
// depend on, stale-close, is then answered with no.
var unanswerable = map[string]bool{
	"stale-close-must-revalidate": true, "stale-close-proxy-revalidate": true,
	"stale-close-no-cache": true, "stale-close-s-maxage=2": true,
}

// I1.
func TestRequired(t *testing.T) {
	dir := findSuite(t)
	for _, c := range []struct {
		name, keys string
		except     map[string]bool
	}{
		{"as it comes", "", unanswerable},
		{"obeying clients, without grace", "client_directives: obey, stale_if_error: 0", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, dir, c.keys)
			counts := map[string]map[verdict]int{}
			for id, one := range r.tests {
				v := r.verdict(id)
				if counts[one.Kind] == nil {
					counts[one.Kind] = map[verdict]int{}
				}
				counts[one.Kind][v]++
				if v == failed || v == setup {
					t.Logf("%s, %s: %s", id, v, r.why(id))
				}
				if one.Kind == "required" && v == failed && !c.except[id] {
					t.Errorf("%s: %s\n\t%s", id, r.why(id), one.Name)
				}
			}
			for kind, of := range counts {
				t.Logf("%s: %v", kind, of)
			}
			if c.except != nil {
				compareDocument(t, r)
			}
		})
	}
}
