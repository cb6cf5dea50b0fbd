#!/bin/sh
# Makes the vectors of this folder with lz4, coreutils and gzip:
#   sh make.sh            (run with lz4 1.9.4, coreutils 9.1, gzip 1.12)
# Every .lz4.gz is what lz4 wrote, packed with gzip because most of it repeats.
set -eu
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Two blocks of 64 KiB; the second repeats rows of the first, which linked blocks make use of.
rows() { seq -f 'row %.0f of the table' 1 200; }
{ yes 'one more' | head -c 61440; rows; rows; } > "$work/rows"
printf hello > "$work/hello"
printf '' > "$work/empty"
zeros() { head -c "$1" /dev/zero; }
keep() { gzip -n9 > "$1.lz4.gz"; }

lz4 -q -c "$work/hello" | keep hello
lz4 -q -c "$work/empty" | keep empty
lz4 -q -c "$work/rows" | keep default
lz4 -q -1 -B4 -c "$work/rows" | keep fast
lz4 -q -9 -B4 -c "$work/rows" | keep high
lz4 -q -B4 -BD -c "$work/rows" | keep linked
lz4 -q -B4 -BD -BX -9 --content-size -c "$work/rows" | keep everything
lz4 -q -B4 -BX -c "$work/rows" | keep block-checksum
lz4 -q -B4 --content-size -c "$work/rows" | keep content-size
lz4 -q -B4 --no-frame-crc -c "$work/rows" | keep no-frame-crc
# A file shorter than one block gets the label of smaller blocks, so these are a byte longer.
zeros 262145 | lz4 -q -B5 -c | keep zeros-256k
zeros 1048577 | lz4 -q -B6 -c | keep zeros-1m
zeros 4194305 | lz4 -q -B7 -c | keep zeros-4m
{ lz4 -q -c "$work/hello"; lz4 -q -c "$work/empty"; lz4 -q -B4 -BD -c "$work/rows"; } | keep concatenated
{ printf '\137\052\115\030\003\000\000\000abc'; lz4 -q -c "$work/hello"; } | keep skippable

# Kinds of frames that are refused.
lz4 -q -l -c "$work/hello" | keep legacy

# XtraBackup's frames of an empty write and of "hello", put together by the rules in frame.md.
bytes() { for byte in "$@"; do printf "\\$(printf %o "0x$byte")"; done; }
bytes 04 22 4d 18 6c 40 00 00 00 00 00 00 00 00 09 00 00 00 00 05 5d cc 02 > "$work/xtrabackup-empty"
bytes 04 22 4d 18 6c 40 05 00 00 00 00 00 00 00 2c 06 00 00 00 50 68 65 6c 6c 6f \
  00 00 00 00 f9 77 00 fb > "$work/xtrabackup-hello"
for name in empty hello; do
  lz4 -q -d -c < "$work/xtrabackup-$name" | cmp - "$work/$name"
  keep "xtrabackup-$name" < "$work/xtrabackup-$name"
done
