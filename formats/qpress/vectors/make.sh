#!/bin/sh
# Makes the vectors of this folder with a throw-away server and the backup tool that comes with it:
#   sh make.sh            (run with MariaDB 10.11.18, Debian bookworm)
# Not the same bytes every time: pages have LSNs, and short packets are padded with anything.
set -eu
vectors=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$work"' EXIT
socket=$work/socket

mariadb-install-db --no-defaults --datadir="$work/data" --user="$(id -un)" --skip-test-db \
  --auth-root-authentication-method=normal >/dev/null
mariadbd --no-defaults --datadir="$work/data" --user="$(id -un)" --socket="$socket" \
  --skip-networking --pid-file="$work/pid" --log-error="$work/log" &
server=$!
until mariadb --no-defaults -uroot -S "$socket" -e 'SELECT 1' >/dev/null 2>&1; do sleep 1; done

mariadb --no-defaults -uroot -S "$socket" <<'SQL'
CREATE DATABASE d; USE d; SET group_concat_max_len = 1000000;
CREATE TABLE pages (id INT PRIMARY KEY, s VARCHAR(200)) ENGINE=InnoDB;
INSERT INTO pages SELECT seq, REPEAT(CONCAT('row ', seq, ' '), 5) FROM seq_1_to_300;
CREATE TABLE empty (a INT) ENGINE=MyISAM;
CREATE TABLE mixed (b LONGBLOB) ENGINE=MyISAM;
INSERT INTO mixed SELECT GROUP_CONCAT('text ', seq % 100) FROM seq_1_to_8260;
INSERT INTO mixed SELECT GROUP_CONCAT(UNHEX(SHA2(seq, 256)) SEPARATOR '') FROM seq_1_to_40;
CREATE TABLE listing (a INT NOT NULL, s VARCHAR(100) NOT NULL) ENGINE=CSV;
INSERT INTO listing SELECT seq, CONCAT('line number ', seq % 700) FROM seq_1_to_3500;
FLUSH TABLES; SET GLOBAL innodb_log_checkpoint_now = 1;
SQL
# The backup takes along what has the name of a trigger file, and does not look into it.
printf x >"$work/data/d/byte.TRG"
digest() { printf %s "$1" | openssl dgst -sha512 -binary; }
digest noise >"$work/data/d/noise.TRG"
{ digest more; digest noise; } >"$work/data/d/stored.TRG"

backup() { mariadb-backup --no-defaults --backup -uroot -S "$socket" "$@" 2>>"$work/log"; }
backup --target-dir="$work/plain"
mkdir "$work/packed"
backup --compress --stream=xbstream | mbstream -x -C "$work/packed"

members='byte.TRG noise.TRG stored.TRG db.opt listing.frm empty.MYD listing.CSV mixed.MYD pages.ibd'
for member in $members; do install -m 644 "$work/packed/d/$member.qp" "$vectors/"; done
cd "$work/plain/d" && sha256sum $members >"$vectors/originals.sha256"
