#!/bin/sh
# Makes the vectors of this folder with a throw-away server and the backup tool that comes with it:
#   sh make.sh            (run with MariaDB 10.11.18, Debian bookworm)
# Not the same bytes every time: pages have LSNs.
set -eu
vectors=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$work"' EXIT
socket=$work/socket
pages=--innodb-page-size=4k

mariadb-install-db --no-defaults --datadir="$work/data" --user="$(id -un)" --skip-test-db $pages \
  --auth-root-authentication-method=normal >/dev/null
mariadbd --no-defaults --datadir="$work/data" --user="$(id -un)" --socket="$socket" $pages \
  --skip-networking --pid-file="$work/pid" --log-error="$work/log" &
server=$!
until mariadb --no-defaults -uroot -S "$socket" -e 'SELECT 1' >/dev/null 2>&1; do sleep 1; done

sql() { mariadb --no-defaults -uroot -S "$socket" -e "$*; SET GLOBAL innodb_log_checkpoint_now = 1" d; }
backup() { mariadb-backup --no-defaults --backup -uroot -S "$socket" "$@" 2>>"$work/log"; }

mariadb --no-defaults -uroot -S "$socket" -e 'CREATE DATABASE d'
zip='ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1'
sql "CREATE TABLE still (id INT PRIMARY KEY, s VARCHAR(200)) ENGINE=InnoDB;
  INSERT INTO still SELECT seq, REPEAT('x', 200) FROM seq_1_to_300;
  CREATE TABLE few LIKE still; INSERT INTO few SELECT * FROM still;
  CREATE TABLE many (id INT PRIMARY KEY, s VARCHAR(1500)) ENGINE=InnoDB;
  CREATE TABLE zip (id INT PRIMARY KEY, s VARCHAR(500)) ENGINE=InnoDB $zip;
  CREATE TABLE exact LIKE zip"
backup --target-dir="$work/full"
sql "UPDATE few SET s = REPEAT('y', 200) WHERE id IN (1, 150, 300);
  INSERT INTO many SELECT seq, REPEAT('m', 1200) FROM seq_1_to_3200;
  INSERT INTO zip SELECT seq, REPEAT('z', 400) FROM seq_1_to_2700;
  INSERT INTO exact SELECT seq, REPEAT('e', 400) FROM seq_1_to_2100"

# A page more at a time, until the block of `exact` is full.
row=3000
for try in $(seq 100); do
  rm -rf "$work/inc"
  backup --target-dir="$work/inc" --incremental-basedir="$work/full"
  missing=$((256 - $(stat -c %s "$work/inc/d/exact.ibd.delta") / 1024))
  [ "$missing" -gt 0 ] || break
  sql "INSERT INTO exact SELECT seq, REPEAT('e', 400) FROM seq_${row}_to_$((row + missing * 4))"
  row=$((row + missing * 4 + 1))
done
[ "$missing" = 0 ] || { echo "exact has $missing pages to go: change its rows" >&2; exit 1; }

for name in still few many zip exact; do
  gzip -9nc "$work/inc/d/$name.ibd.delta" >"$vectors/$name.ibd.delta.gz"
done
for name in still zip; do
  install -m 644 "$work/inc/d/$name.ibd.meta" "$vectors/../../metadata/vectors/delta/"
done
