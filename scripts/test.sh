#!/usr/bin/env bash
# Everything `npm test` does: packages, build, server programs, format check, lint, tests.
# Needs only Node on a Debian system. Ends with "N passed, N failed"; the status is not 0 when
# anything failed.
set -uo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
. scripts/set-up.sh

passed=0
failed=0
report=$(mktemp)

finish() {
  rm -f "$report"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}
trap 'failed=$((failed + 1)); echo "interrupted"; finish' INT TERM

# stage NAME COMMAND...: counts as one test.
stage() {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
    echo "== $name: ok ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    echo "== $name: FAILED"
    return 1
  fi
}

# tests NAME CONCURRENCY FILE...: the files are named, because Node 20 takes a folder for a file.
tests() {
  local name=$1 concurrency=$2 began=$SECONDS status good bad
  shift 2
  echo "== $name: $# files"
  [ "$#" -gt 0 ] || return 0
  : >"$report"
  node --test --test-concurrency="$concurrency" --test-timeout=300000 \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$report" "$@"
  status=$?
  good=$(count pass)
  bad=$(($(count fail) + $(count cancelled)))
  # A file that could not even be loaded, or a runner that broke, is a failure too.
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  echo "== $name: $good passed, $bad failed, $(count skipped) skipped ($((SECONDS - began)) s)"
}

count() {
  local found
  found=$(sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$report" | tail -n 1)
  echo "${found:-0}"
}

list() {
  mapfile -d '' -t "$1" < <(find dist/test "${@:2}" -name '*.test.js' -print0 2>/dev/null | sort -z)
}

stage 'packages' install_packages || finish
stage 'build and types' build || finish
stage 'server programs' bash scripts/servers.sh
stage 'format' npx --no-install prettier --check .
stage 'lint' npx --no-install oxlint --type-aware

cores=$(nproc)
list formats -path 'dist/test/formats/*'
# Only one of these starts a server, and none has a load beside it: they mind no neighbour.
alone=()
for folder in archive catalogue fuzz import sink source store tablespace transform worker; do
  alone+=(-o -path "dist/test/$folder/*")
done
list units '(' "${alone[@]:1}" ')'
list others -not -path 'dist/test/formats/*' -not '(' "${alone[@]:1}" ')'
tests 'tests of the formats' "$cores" "${formats[@]}"
tests 'tests of the parts' "$cores" "${units[@]}"
# Each of these may run several servers, with a load that wants a core of its own.
tests 'all other tests' "$((cores > 4 ? 4 : (cores + 1) / 2))" "${others[@]}"
finish
