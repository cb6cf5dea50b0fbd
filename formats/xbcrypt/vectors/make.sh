#!/bin/sh
# Makes the vectors of this folder with openssl, gzip and printf alone:
#   sh make.sh            (run with OpenSSL 3.0.19, gzip 1.12)
# Every file is one hexdump: header, IV and ciphertext of one chunk of the plaintext "hello".
set -eu
key=$(printf percona_xtrabackup_is_awesome___ | od -An -tx1 | tr -d ' \n')
iv=000102030405060708090a0b0c0d0e0f
zero=00000000000000000000000000000000

hex() { od -An -v -tx1 | tr -d ' \n'; }
crc() { gzip -c | tail -c 8 | head -c 4 | hex; }
size() { printf '%02x00000000000000' "$1"; }
ctr() { openssl enc "-aes-$1-ctr" -K "$2" -iv "$3"; }
hashed() { printf hello; printf hello | openssl dgst -sha256 -binary; }

v3=$(hashed | ctr 256 "$key" $iv | hex)
v3crc=$(hashed | ctr 256 "$key" $iv | crc)
{ printf XBCRYP03 | hex; size 0; size 37; size 37; echo "$v3crc" | tr -d '\n'; size 16; echo "$iv$v3"; } > v3.hex

key16=$(echo "$key" | cut -c1-32)
short=$(hashed | ctr 128 "$key16" $iv | hex)
shortcrc=$(hashed | ctr 128 "$key16" $iv | crc)
{ printf XBCRYP03 | hex; size 0; size 37; size 37; echo "$shortcrc" | tr -d '\n'; size 16; echo "$iv$short"; } > v3-key16.hex

key24=$(echo "$key" | cut -c1-48)
middle=$(hashed | ctr 192 "$key24" $iv | hex)
middlecrc=$(hashed | ctr 192 "$key24" $iv | crc)
{ printf XBCRYP03 | hex; size 0; size 37; size 37; echo "$middlecrc" | tr -d '\n'; size 16; echo "$iv$middle"; } > v3-key24.hex

old=$(printf hello | ctr 256 "$key" $zero | hex)
oldcrc=$(printf hello | ctr 256 "$key" $zero | crc)
{ printf XBCRYP02 | hex; size 0; size 5; size 5; echo "$oldcrc" | tr -d '\n'; size 16; echo "$iv$old"; } > v2.hex
{ printf XBCRYP01 | hex; size 0; size 5; size 5; echo "$oldcrc$old"; } > v1.hex

none=$(hashed | hex)
nonecrc=$(hashed | crc)
{ printf XBCRYP03 | hex; size 0; size 37; size 37; echo "$nonecrc" | tr -d '\n'; size 0; echo "$none"; } > none.hex
