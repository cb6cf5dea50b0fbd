#!/usr/bin/env bash
# Sets everything up (packages, build, server programs) and runs one built file: the demo, the benchmark.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/set-up.sh
install_packages
build
bash scripts/servers.sh
exec node "$@"
