# Sourced by the scripts beside it, which run in the checkout's top folder: what they all need first.

install_packages() {
  if [ ! -e node_modules/.package-lock.json ] ||
    [ node_modules/.package-lock.json -ot package-lock.json ]; then
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
