#!/usr/bin/env bash
# Measures what this tree's binary costs beside that of the commit BASE, in alternating pairs.
# The commit is built in a work tree of its own, which is removed afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

base=${1:?usage: scripts/bench-cost.sh COMMIT [flags of ./bench]}
shift
tree=$(mktemp -d)
cleanup() {
  git worktree remove --force "$tree/base" 2>/dev/null || true
  rm -rf "$tree"
}
trap cleanup EXIT
git worktree add --quiet --detach "$tree/base" "$base"
(cd "$tree/base" && CGO_ENABLED=0 go build -trimpath -o "$tree/causey" ./cmd/causey)
go run ./bench -against "$tree/causey" "$@"
