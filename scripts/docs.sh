#!/usr/bin/env bash
# Writes the generated documents, and the part of README.md that is the output of a command (so it needs bin/causey).
# With --check it only compares the latter, and fails if it is stale; for the documents there are tests.
set -euo pipefail
cd "$(dirname "$0")/.."

code=upstream.connect.refused
lines=28 # of the explanation; the rest does not fit into README.md
fresh=$(mktemp)
trap 'rm -f "$fresh" "$fresh.text"' EXIT

{
  echo '```'
  echo "\$ causey explain $code | head -$lines"
  bin/causey explain "$code" | sed -n "1,${lines}p"
  echo '```'
} >"$fresh.text"

awk -v text="$fresh.text" '
  /^<!-- begin: causey explain / { print; while ((getline line < text) > 0) print line; inside = 1; found = 1; next }
  /^<!-- end -->$/ { inside = 0 }
  !inside { print }
  END { if (!found || inside) exit 1 }
' README.md >"$fresh" || { echo "docs: README.md has lost its begin and end marks" >&2; exit 1; }

if [ "${1:-}" = --check ]; then
  diff -u README.md "$fresh" || { echo "docs: README.md is stale; run make docs" >&2; exit 1; }
else
  # Each of these writes its own document under docs/ (failures, causes, makers, config, access-log, metrics).
  go test -count=1 -run '^TestMarkdownIsCurrent$' ./internal/failure -update
  go test -count=1 -run '^TestMarkdownIsCurrent$' ./internal/cause -update
  go test -count=1 -run '^TestMarkdownIsCurrent$' ./internal/cause/maker -update
  go test -count=1 -run '^TestReference$' ./internal/config -update
  go test -count=1 -run '^TestDocs$' ./internal/accesslog -update
  go test -count=1 -run '^TestDocs$' ./internal/metrics -update
  cat "$fresh" >README.md
fi
