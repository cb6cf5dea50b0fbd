#!/usr/bin/env bash
# Makes rclone available to the benchmark: the system's own, or Debian's package downloaded with
# apt and unpacked below .cache. Nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
tree=.cache/rclone

[ -x "$tree/bin/rclone" ] && exit
mkdir -p "$tree/bin"
if found=$(command -v rclone); then
  ln -sf "$found" "$tree/bin/rclone"
  exit
fi
echo "rclone: downloading Debian's package with apt"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && { apt-get -q -o APT::Sandbox::User= download rclone ||
  { apt-get -q update && apt-get -q -o APT::Sandbox::User= download rclone; }; })
dpkg-deb -x "$scratch"/rclone_*.deb "$scratch/root"
mv "$scratch/root/usr/bin/rclone" "$tree/bin/rclone"
