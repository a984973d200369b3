#!/usr/bin/env bash
# Makes ready what the tests use besides Go: the real servers, the load generator and the network tools.
# As root on a system with apt-get it installs what is missing; elsewhere, or where that fails, it says what is missing
# and which tests are skipped for it. It never fails a test run, starts no service, and is quiet when all is there.
set -u

# command : Debian package : what is skipped without it
needs=(
  "nginx : nginx : real nginx; php-fpm behind nginx; the nginx column of the benchmark"
  "haproxy : haproxy : the PROXY protocol with HAProxy; the HAProxy column of the benchmark"
  "apache2 : apache2 : real Apache"
  "php-fpm8.2 : php8.2-fpm : php-fpm behind nginx"
  "gunicorn : gunicorn : the gunicorn application"
  "uwsgi : uwsgi-plugin-python3 : root causes made with uWSGI"
  "varnishd : varnish : root causes made with Varnish"
  "node : nodejs : the Node application (WebSocket and SSE included)"
  "wrk : wrk : every benchmark"
  "pebble : pebble : certificates obtained from a CA"
  "openssl : openssl : handshakes with OpenSSL's client, and OCSP answers read by it"
  "curl : curl : handshakes with curl"
  "nft : nftables : failures made by packet rules in a network namespace; faults of the network"
  "ip : iproute2 : failures made by packet rules in a network namespace; faults of the network"
)

PATH=$PATH:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d
kept=$policy.before-causey-setup

say() { echo "setup: $*"; }
field() { awk -F ' : ' -v n="$1" '{print $n}' <<<"$2"; }

missing_packages() {
  local need
  for need in "${needs[@]}"; do
    command -v "$(field 1 "$need")" >/dev/null 2>&1 || field 2 "$need"
  done
}

# Debian starts a service as soon as its package is there, unless policy-rc.d says 101. Ours is there during the
# installation only; what was there before comes back, even after an installation that was killed.
hold_services() {
  if [ ! -e "$kept" ] && [ -e "$policy" ]; then
    mv "$policy" "$kept" || return 1
  fi
  trap release_services EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
}

# shellcheck disable=SC2317 # called by trap
release_services() {
  rm -f "$policy" "$log"
  if [ -e "$kept" ]; then
    mv "$kept" "$policy"
  fi
}

apt() {
  DEBIAN_FRONTEND=noninteractive timeout 240 apt-get -q -y -o DPkg::Lock::Timeout=60 "$@" </dev/null
}

# install runs in a subshell of its own, whose end releases the services.
install() {
  local package
  log=$(mktemp) || return
  hold_services || { say "cannot write $policy, so nothing is installed: a package would start its service"; return; }
  apt update >"$log" 2>&1 || say "apt-get update failed: $(grep -m1 '^[EW]:' "$log")"
  if ! apt install --no-install-recommends "$@" >"$log" 2>&1; then
    # One package that cannot be had must not cost the others.
    for package in "$@"; do
      apt install --no-install-recommends "$package" >"$log" 2>&1 ||
        say "could not install $package: $(grep -m1 '^E:' "$log")"
    done
  fi
}

mapfile -t packages < <(missing_packages | sort -u)
if [ "${#packages[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    say "no apt-get here: installing nothing"
  elif [ "$(id -u)" -ne 0 ]; then
    say "not root: installing nothing (as root it would install: ${packages[*]})"
  else
    say "installing (services are not started): ${packages[*]}"
    (install "${packages[@]}")
  fi
fi

# The public test suite for HTTP caches, which npm has. Its version stands in package.json; nothing of it runs but what
# test/cachesuite calls.
fetch_cachesuite() {
  local root suite
  root=$(cd "$(dirname "$0")/.." && pwd)
  suite=$root/.cache/cachesuite
  command -v node >/dev/null 2>&1 || return
  if ! cmp -s "$root/test/cachesuite/package.json" "$suite/package.json" || [ ! -d "$suite/node_modules/http-cache-tests" ]; then
    if ! command -v npm >/dev/null 2>&1; then
      say "no npm; skipped: the public test suite for HTTP caches"
      return
    fi
    mkdir -p "$suite" && cp "$root/test/cachesuite/package.json" "$suite/" || return
    timeout 240 npm install --prefix "$suite" --ignore-scripts --no-audit --no-fund --silent >/dev/null 2>&1 </dev/null ||
      say "npm could not fetch it; skipped: the public test suite for HTTP caches"
  fi
}
fetch_cachesuite

for need in "${needs[@]}"; do
  command -v "$(field 1 "$need")" >/dev/null 2>&1 ||
    say "no $(field 1 "$need") ($(field 2 "$need")); skipped: $(field 3 "$need")"
done
exit 0
