// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocs compares the table of paths in docs/admin-api.md with the routes, both
// ways.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, r := range s.routes() {
		closed := "no"
		if r.closed {
			closed = "yes"
		}
		row := fmt.Sprintf("| %s | `%s` | %s | ", r.method, strings.TrimSuffix(r.pattern, "{$}"), closed)
		served[row] = true
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/admin-api.md lacks a row %q", row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (?:GET|POST|PUT|DELETE) \\| `[^`]+` \\| [a-z]+ \\| ").FindAllString(string(page), -1) {
		if !served[row] {
			t.Errorf("docs/admin-api.md has a row %q, which nothing serves", row)
		}
	}
}
