# Sourced by servers.sh: MariaDB, zstd and lz4 installed in the system, with apt where they are
# missing.
#
# The package mariadb-server is never installed, because it sets up a system service;
# mariadb-server-core has the same mariadbd. The plugins that only mariadb-server has (key
# management, ARCHIVE) are unpacked to .cache/servers/<suite>/plugin.

installed=(mariadb-server-core mariadb-client mariadb-backup zstd lz4)

have_in_system() {
  local name version
  for name in "${programs[@]}"; do
    PATH=$PATH:/usr/sbin:/usr/bin command -v "$name" >/dev/null || return 1
  done
  version=$(PATH=$PATH:/usr/sbin:/usr/bin mariadbd --no-defaults --version)
  [[ $version == *" 10.11."* ]]
}

# The plugins must be of the very version of the server.
unpack_plugins() {
  local version=$1
  mkdir -p "$tree"
  if [ -f /usr/lib/mysql/plugin/file_key_management.so ]; then
    ln -sfn /usr/lib/mysql/plugin "$tree/plugin"
    return
  fi
  say "downloading the plugins of mariadb-server $version with apt (not installing it)"
  make_scratch
  (cd "$scratch" && apt-get -q -o APT::Sandbox::User= download "mariadb-server=$version")
  dpkg-deb -x "$scratch"/mariadb-server_*.deb "$scratch/server"
  rm -rf "$tree/plugin"
  cp -r "$scratch/server/usr/lib/mysql/plugin" "$tree/plugin"
  echo "$version" >"$tree/plugin.version"
}

plugins_match() {
  [ -f "$tree/plugin/file_key_management.so" ] || return 1
  [ -L "$tree/plugin" ] || [ "$(cat "$tree/plugin.version" 2>/dev/null)" = "$1" ]
}

install_server() {
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

use_installed() {
  local version
  have_in_system || install_server
  have_in_system || die "apt has installed ${installed[*]}, but not all of ${programs[*]} are there"
  version=$(dpkg-query -W -f '${Version}' mariadb-server-core 2>/dev/null) || version=
  if [ -n "$version" ]; then
    plugins_match "$version" || unpack_plugins "$version"
  else
    say "mariadb-server-core is not from a package: tests that need its plugins will fail"
  fi
  say "$name is in the system: $(version_in "$(PATH=$PATH:/usr/sbin mariadbd --no-defaults --version)")"
}
