#!/usr/bin/env bash
# Makes the MariaDB server, its clients and mariadb-backup available to the tests.
#
# As root the Debian packages are installed with apt. Without root (or with XBPIPE_UNPACK=1) they
# are downloaded with everything they depend on and unpacked below .cache/servers/<suite>, where
# bin/ holds a wrapper for each program that starts it through that tree's own dynamic loader:
# nothing is installed and nothing outside .cache is changed.
#
# The package mariadb-server is never installed, because it sets up a system service;
# mariadb-server-core has the same mariadbd. The plugins that only mariadb-server has (key
# management, ARCHIVE) are unpacked to .cache/servers/<suite>/plugin.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
tree=$PWD/.cache/servers/$suite
programs=(mariadbd mariadb-install-db mariadb-backup mbstream mariadb-binlog mariadb)
installed=(mariadb-server-core mariadb-client mariadb-backup)
# Unpacked in addition to the packages that are resolved with their dependencies: of these only
# files are wanted, not the service, the Perl scripts and the rest they would draw in.
files_of=(mariadb-client mariadb-server)
resolved=(mariadb-server-core mariadb-client-core mariadb-backup)
# Part of the stamp: a change to how the tree is made has it made again.
layout=1

say() { echo "servers: $*"; }
die() {
  echo "servers: $*" >&2
  exit 1
}

have_all() {
  local dir=$1 name
  for name in "${programs[@]}"; do
    [ -x "$dir/$name" ] || return 1
  done
}

have_in_system() {
  local name
  for name in "${programs[@]}"; do
    PATH=$PATH:/usr/sbin:/usr/bin command -v "$name" >/dev/null || return 1
  done
}

installed_version() {
  dpkg-query -W -f '${Version}' mariadb-server-core 2>/dev/null || true
}

scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
make_scratch() {
  [ -n "$scratch" ] || scratch=$(mktemp -d)
}

# apt-get with state and cache of its own, as if no package were installed; the sources and keys
# are the system's.
private_apt() {
  make_scratch
  mkdir -p "$scratch"/state/lists/partial "$scratch"/cache/archives/partial
  touch "$scratch/status"
  apt-get -q -y \
    -o Dir::State="$scratch/state" \
    -o Dir::State::status="$scratch/status" \
    -o Dir::Cache="$scratch/cache" \
    -o APT::Sandbox::User= \
    -o APT::Update::Post-Invoke::= \
    -o Debug::NoLocking=1 \
    "$@"
}

# The plugins must be of the very version of the server.
unpack_plugins() {
  local version=$1
  if [ -f /usr/lib/mysql/plugin/file_key_management.so ]; then
    mkdir -p "$tree"
    ln -sfn /usr/lib/mysql/plugin "$tree/plugin"
    return
  fi
  say "downloading the plugins of mariadb-server $version with apt (not installing it)"
  make_scratch
  (cd "$scratch" && apt-get -q -o APT::Sandbox::User= download "mariadb-server=$version")
  dpkg-deb -x "$scratch"/mariadb-server_*.deb "$scratch/server"
  rm -rf "$tree/plugin"
  mkdir -p "$tree"
  cp -r "$scratch/server/usr/lib/mysql/plugin" "$tree/plugin"
  echo "$version" >"$tree/plugin.version"
}

plugins_match() {
  [ -f "$tree/plugin/file_key_management.so" ] || return 1
  [ -L "$tree/plugin" ] || [ "$(cat "$tree/plugin.version" 2>/dev/null)" = "$1" ]
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  if ! apt-cache show mariadb-server-core >/dev/null 2>&1; then
    say "reading the package lists with apt"
    apt-get -q update
  fi
  say "installing ${installed[*]} with apt"
  if ! apt-get -q install -y --no-install-recommends "${installed[@]}"; then
    # The lists may name versions that the archive no longer has.
    say "reading the package lists again with apt"
    apt-get -q update
    apt-get -q install -y --no-install-recommends "${installed[@]}"
  fi
}

# Writes the body of a wrapper to bin/<name>. $here is the tree, wherever it is moved to.
wrapper() {
  local name=$1 body=$2
  cat >"$tree.new/bin/$name" <<END
#!/usr/bin/env bash
# Made by scripts/servers.sh.
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
root=\$here/root
$body
END
  chmod +x "$tree.new/bin/$name"
}

# The options that choose option files are valid only in front of all others.
leading_options='first=()
while [[ ${1-} == --no-defaults || ${1-} == --defaults-* || ${1-} == --print-defaults ]]; do
  first+=("$1")
  shift
done'

write_wrappers() {
  local root=$tree.new/root loader libraries='' dir name path
  loader=$(cd "$root" && find . -path '*-linux-gnu*' -name 'ld-linux*.so.*' | head -n 1)
  [ -n "$loader" ] || die "no dynamic loader in $root"
  for dir in "$root"/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu*; do
    [ -d "$dir" ] && libraries+="\${root}${dir#"$root"}:"
  done
  local start="exec \"\$root/${loader#./}\" --library-path \"${libraries%:}\""
  mkdir -p "$tree.new/bin"
  wrapper mariadbd "$leading_options
$start \"\$root/usr/sbin/mariadbd\" \"\${first[@]}\" --basedir=\"\$root/usr\" \\
  --lc-messages-dir=\"\$root/usr/share/mysql\" --character-sets-dir=\"\$root/usr/share/mysql/charsets\" \\
  --plugin-dir=\"\$here/plugin\" \"\$@\""
  for name in mariadb mariadb-binlog mariadb-backup mbstream my_print_defaults resolveip; do
    path=$(cd "$root" && find usr/bin usr/sbin -name "$name" | head -n 1)
    [ -n "$path" ] || die "no program $name in $root"
    wrapper "$name" "$start \"\$root/$path\" \"\$@\""
  done
  # A shell script that finds programs and SQL files below its --basedir, and splits that at
  # spaces: hence the link.
  ln -s bin "$tree.new/sbin"
  ln -s root/usr/share "$tree.new/share"
  ln -s root/usr/lib "$tree.new/lib"
  wrapper mariadb-install-db "$leading_options
scratch=\$(mktemp -d)
trap 'rm -rf \"\$scratch\"' EXIT
ln -s \"\$here\" \"\$scratch/base\"
/bin/sh \"\$root/usr/bin/mariadb-install-db\" \"\${first[@]}\" --basedir=\"\$scratch/base\" \"\$@\""
}

unpack_packages() {
  local deb
  say "reading the package lists with apt, under a private root"
  private_apt update
  say "downloading ${resolved[*]} ${files_of[*]} and what they need with apt"
  private_apt install --no-install-recommends --download-only "${resolved[@]}"
  (cd "$scratch/cache/archives" && private_apt download "${files_of[@]}")
  rm -rf "$tree.new"
  mkdir -p "$tree.new/root"
  for deb in "$scratch"/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$tree.new/root"
  done
  # Documentation is most of the files.
  rm -rf "$tree.new"/root/usr/share/{doc,man,locale,info}
  ln -s root/usr/lib/mysql/plugin "$tree.new/plugin"
  write_wrappers
  echo "$layout" >"$tree.new/stamp"
  rm -rf "$tree"
  mv "$tree.new" "$tree"
  say "unpacked to ${tree#"$PWD/"}"
}

use_unpacked() {
  if [ "$(cat "$tree/stamp" 2>/dev/null)" != "$layout" ] || ! have_all "$tree/bin"; then
    unpack_packages
  fi
  say "programs are in ${tree#"$PWD/"}/bin: $("$tree/bin/mariadbd" --no-defaults --version | sed 's/.*Ver/Ver/')"
}

use_installed() {
  local version
  have_in_system || install_packages
  have_in_system || die "apt has installed ${installed[*]}, but not all of ${programs[*]} are there"
  version=$(installed_version)
  if [ -n "$version" ]; then
    plugins_match "$version" || unpack_plugins "$version"
  else
    say "mariadb-server-core is not from a package: tests that need its plugins will fail"
  fi
  say "programs are in the system: $(PATH=$PATH:/usr/sbin mariadbd --no-defaults --version | sed 's/.*Ver/Ver/')"
}

mkdir -p .cache/servers
if [ -f "$tree/stamp" ] || [ "${XBPIPE_UNPACK:-}" = 1 ]; then
  use_unpacked
elif have_in_system || [ "$(id -u)" = 0 ]; then
  use_installed
else
  command -v apt-get >/dev/null || die "no apt here: install MariaDB with mariadb-backup yourself"
  use_unpacked
fi
