#!/usr/bin/env bash
# Everything `npm run demo` does: packages, build, server programs, then dist/test/story/demo.js.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/set-up.sh
install_packages
build
bash scripts/servers.sh
exec node dist/test/story/demo.js
