#!/bin/sh
# SPDX-FileCopyrightText: The Causey Authors
# SPDX-License-Identifier: Apache-2.0

# param NAME DEFAULT: the number that the query string gives to NAME.
param() {
	value=$(printf '%s' "$QUERY_STRING" | tr '&' '\n' | sed -n "s/^$1=\([0-9][0-9]*\)\$/\1/p" | tail -n 1)
	echo "${value:-$2}"
}

# nap MS
nap() { sleep "$(($1 / 1000)).$(printf '%03d' $(($1 % 1000)))"; }

case "$SCRIPT_NAME" in
/upload)
	file=$(mktemp) || exit 1
	trap 'rm -f "$file"' EXIT
	cat >"$file"
	printf 'Content-Type: application/json\n\n{"bytes":%d,"sha256":"%s"}\n' \
		"$(wc -c <"$file")" "$(sha256sum <"$file" | cut -c1-64)"
	;;
/slow)
	nap "$(param ms 1000)"
	printf 'Content-Type: text/plain\n\nslow, but here\n'
	;;
/sse)
	n=$(param n 5) every=$(param every 50) i=1
	printf 'Content-Type: text/event-stream\n\n'
	while [ "$i" -le "$n" ]; do
		printf 'id: %d\ndata: event %d\n\n' "$i" "$i"
		nap "$every"
		i=$((i + 1))
	done
	;;
esac
