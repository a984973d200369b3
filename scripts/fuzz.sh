#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other, and fails on the first finding.
#   FUZZTIME   time per target, as 30s, 10m or 1h (10s)
#   FUZZTOTAL  upper bound for all targets together; they share it evenly (none)
set -euo pipefail
cd "$(dirname "$0")/.."

seconds() {
  case $1 in
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *s) echo "${1%s}" ;;
    *) echo "fuzz: $1 is no time; write 30s, 10m or 1h" >&2; return 2 ;;
  esac
}

# A duration that runs out while a worker is busy can end a clean run with a bare "context deadline exceeded"
# (golang/go#75804). A real finding always names its input or its seed, or panics.
ended_late() {
  grep -q '^    context deadline exceeded$' "$1" &&
    ! grep -qE 'Failing input written|seed corpus entry|^panic:|hung or terminated unexpectedly' "$1"
}

list=$(grep -rE --include='*_test.go' --exclude-dir=testdata --exclude-dir=.cache -o '^func Fuzz[A-Za-z0-9_]+' . |
  sed -E 's/^(.*)\/[^/]*:func (Fuzz.*)$/\1 \2/' | sort -u) || true
if [ -z "$list" ]; then
  echo "fuzz: no target found" >&2
  exit 1
fi
mapfile -t targets <<<"$list"

each=$(seconds "${FUZZTIME:-10s}")
if [ -n "${FUZZTOTAL:-}" ]; then
  share=$(($(seconds "$FUZZTOTAL") / ${#targets[@]}))
  each=$((share < each ? share : each))
  each=$((each > 0 ? each : 1))
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "fuzz: ${#targets[@]} targets, ${each}s each"
for target in "${targets[@]}"; do
  read -r package name <<<"$target"
  echo "fuzz: $package $name"
  if go test -run='^$' -fuzz="^$name\$" -fuzztime="${each}s" "$package" >"$log" 2>&1; then
    tail -n 3 "$log"
  elif ended_late "$log"; then
    tail -n 5 "$log"
    echo "fuzz: time ran out while a worker was busy; nothing found"
  else
    cat "$log"
    echo "fuzz: FAILED: $package $name" >&2
    exit 1
  fi
done
echo "fuzz: ${#targets[@]} targets clean"
