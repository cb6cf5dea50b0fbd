# Sourced by the scripts beside it, which run in the checkout's top folder: what they all need first.

# zstd-napi comes as source where its maker has no binary for this machine.
have_compiler() {
  local tool
  for tool in g++ make python3; do
    command -v "$tool" >/dev/null || return 1
  done
}

install_compiler() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "set-up: no g++, make and python3 here: npm may not be able to build zstd-napi" >&2
    return
  fi
  echo "set-up: installing g++, make and python3 with apt, to build zstd-napi"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update
  apt-get -q install -y --no-install-recommends g++ make python3
}

install_packages() {
  if [ ! -e node_modules/.package-lock.json ] ||
    [ node_modules/.package-lock.json -ot package-lock.json ]; then
    have_compiler || install_compiler || return 1
    npm ci --no-audit --no-fund
  else
    echo "node_modules is up to date"
  fi
}

build() {
  # What was built of a file that is gone must not run.
  rm -rf dist
  npx --no-install tsc
}
