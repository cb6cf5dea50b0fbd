#!/usr/bin/env bash
# Everything `npm run bench` does: packages, build, server programs, then dist/test/bench/backup.js.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/set-up.sh
install_packages
build
bash scripts/servers.sh
exec node dist/test/bench/backup.js
