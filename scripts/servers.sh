#!/usr/bin/env bash
# Makes the servers that the tests run, with their clients, available:
#
#   mariadb-10.11  from Debian 12 (bookworm), with mariadb-backup, and with zstd and lz4
#   mariadb-11.8   from Debian 13 (trixie), with mariadb-backup
#   mysql-9.7      from Debian's suite sid, which moves: whatever version it has
#
# The names are arguments: `servers.sh mysql-9.7` provides that one, without arguments all are.
# XBPIPE_LEAVE_OUT="mysql-9.7 mariadb-11.8" names servers to do without; their tests are skipped.
#
# Packages are downloaded with all that they depend on and unpacked below .cache/servers/<suite>,
# where bin/ holds a wrapper for each program that starts it through that tree's own dynamic
# loader: nothing is installed and nothing outside .cache is changed. Only MariaDB 10.11 is, as
# root on Debian 12, installed with apt instead, unless XBPIPE_UNPACK=1 says otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/unpack.sh
. scripts/install.sh

servers=(mariadb-10.11 mariadb-11.8 mysql-9.7)
may_be_left_out=(mariadb-11.8 mysql-9.7)

# What a server consists of. `resolved` packages come with their dependencies; of `files_of` only
# the files are wanted, not the service, the Perl scripts and the rest they would draw in.
describe() {
  case $1 in
    mariadb-10.11) suite=bookworm ;;
    mariadb-11.8) suite=trixie ;;
    mysql-9.7) suite=sid ;;
    *) die "no server is named $1, only ${servers[*]}" ;;
  esac
  tree=$PWD/.cache/servers/$suite
  case $1 in
    mariadb-*)
      server=mariadbd
      server_options=()
      programs=(mariadbd mariadb-install-db mariadb-backup mbstream mariadb-binlog mariadb)
      helpers=(my_print_defaults resolveip)
      resolved=(mariadb-server-core mariadb-client-core mariadb-backup)
      files_of=(mariadb-client mariadb-server)
      # Tests hold our members against what these make of them.
      if [ "$1" = mariadb-10.11 ]; then
        programs+=(zstd lz4)
        resolved+=(zstd lz4)
      fi
      ;;
    mysql-*)
      server=mysqld
      # Debian's default is a folder that an installed package would make.
      server_options=(--secure-file-priv=NULL)
      programs=(mysqld mysql mysqlbinlog mysqladmin)
      helpers=(ibd2sdi innochecksum)
      resolved=(mysql-server-core mysql-client-core)
      files_of=()
      ;;
  esac
}

say() { echo "servers: $*"; }
die() {
  echo "servers: $*" >&2
  exit 1
}

# have_all DIRECTORY: are all programs in it?
have_all() {
  local name
  for name in "${programs[@]}"; do
    [ -x "$1/$name" ] || return 1
  done
}

contains() {
  local wanted=$1 item
  shift
  for item in "$@"; do
    [ "$item" != "$wanted" ] || return 0
  done
  return 1
}

scratch=
make_scratch() {
  [ -z "$scratch" ] || return 0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
}

provide() {
  local name=$1
  describe "$name"
  if [ "$name" = mariadb-10.11 ] && [ "${XBPIPE_UNPACK:-}" != 1 ] && ! is_unpacked; then
    if have_in_system || { [ "$(id -u)" = 0 ] && [ "$system_suite" = "$suite" ]; }; then
      use_installed
      return
    fi
  fi
  use_unpacked
}

read -ra left_out <<<"${XBPIPE_LEAVE_OUT:-}"
for name in "${left_out[@]}"; do
  contains "$name" "${may_be_left_out[@]}" ||
    die "XBPIPE_LEAVE_OUT names $name, but can only name ${may_be_left_out[*]}"
done

mkdir -p .cache/servers
# Two runs at once would unpack into the same tree.
exec 9>.cache/servers/lock
flock 9

missing=()
[ "$#" -gt 0 ] || set -- "${servers[@]}"
for name in "$@"; do
  if contains "$name" "${left_out[@]}"; then
    say "$name is left out, as XBPIPE_LEAVE_OUT says: its tests are skipped"
    continue
  fi
  # A shell of its own: what one lacks does not keep the next from coming.
  set +e
  (
    set -e
    provide "$name"
  )
  [ "$?" = 0 ] || missing+=("$name")
  set -e
done
[ "${#missing[@]}" = 0 ] ||
  die "not available: ${missing[*]} (the reason is above). XBPIPE_LEAVE_OUT does without: ${may_be_left_out[*]}"
