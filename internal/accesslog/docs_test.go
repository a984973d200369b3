// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"causey/internal/testkit"
)

// The tables of docs/access-log.md stand between these marks, made from Fields;
// the rest of the page is written by hand.
const (
	docsPath  = "../../docs/access-log.md"
	docsBegin = "<!-- fields: go test ./internal/accesslog -run TestDocs -update -->\n"
	docsEnd   = "<!-- end of fields -->\n"
)

func TestDocs(t *testing.T) {
	page := mustRead(t, docsPath)
	head, rest, ok1 := bytes.Cut(page, []byte(docsBegin))
	_, tail, ok2 := bytes.Cut(rest, []byte(docsEnd))
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks the marks", docsPath)
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(docsBegin)
	line, attempt, evidence := Fields()
	writeTable(&b, "A line", line)
	writeTable(&b, "An entry of `attempt_list`", attempt)
	writeTable(&b, "`evidence`", evidence)
	b.WriteString(docsEnd)
	b.Write(tail)
	testkit.Golden(t, docsPath, b.Bytes())
}

func writeTable(b *bytes.Buffer, title string, fields []Field) {
	fmt.Fprintf(b, "\n### %s\n\n| field | type | there | meaning |\n|---|---|---|---|\n", title)
	for _, f := range fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, f.When, strings.ReplaceAll(f.Meaning, "|", `\|`))
	}
	b.WriteByte('\n')
}

// TestDocsExamples: the example lines on the page are lines the encoder writes.
func TestDocsExamples(t *testing.T) {
	page := mustRead(t, docsPath)
	for i, r := range []([]byte){NewEncoder(JSON).AppendLine(nil, refused()), NewEncoder(Combined).AppendLine(nil, ordinary())} {
		if !bytes.Contains(page, r) {
			t.Errorf("example %d is not on the page; it should read\n%s", i, r)
		}
	}
}
