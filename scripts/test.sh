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
# path_list FOLDER_OR_PATTERN...: what `find` takes for files below these.
path_list() {
  local pattern
  printf -- '(\0'
  for pattern in "$@"; do printf -- '-path\0dist/test/%s\0-o\0' "$pattern"; done
  printf -- '-false\0)\0'
}
mapfile -d '' -t no_load < <(path_list {archive,catalogue,fuzz,import,sink,source,store,tablespace,transform,worker}/'*')
# A load that must be as fast as it can be, or a tool that is measured.
mapfile -d '' -t alone < <(path_list 'story/*faults-redo*' 'story/*full-backup*' story/{memory,stalled-commits,mysql-faults-spool}'*')

list formats -path 'dist/test/formats/*'
list units "${no_load[@]}"
list stories "${alone[@]}"
list others -not -path 'dist/test/formats/*' -not "${no_load[@]}" -not "${alone[@]}"
tests 'tests of the formats' "$cores" "${formats[@]}"
tests 'tests of the parts' "$cores" "${units[@]}"
tests 'tests that mind their neighbours' 1 "${stories[@]}"
# Each of these may run several servers, which wait for the disk more than for a core.
tests 'all other tests' "$((cores > 4 ? 4 : cores))" "${others[@]}"
finish
