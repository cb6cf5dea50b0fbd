import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  encodeBegin,
  encodeEnd,
  isSealed,
  keyCheckOf,
  sealOf,
} from '../../../formats/archive-record/index.ts';
import { text } from '../xbstream/support.ts';
import { begin, end } from './samples.ts';

const key = text('0123456789abcdef0123456789abcdef');
const beginBytes = encodeBegin(begin);

describe('the seal of an archive', () => {
  // Made by OpenSSL 3.0 of `encodeEnd` of the sample without its HMAC and `encodeBegin` of the sample:
  //
  //   id=6f1c4d5e-2f0b-4a8e-9a53-0d6a4c1f7b21
  //   derive() { openssl kdf -keylen $1 -kdfopt digest:SHA256 -kdfopt key:$KEY \
  //     -kdfopt salt:$id -kdfopt info:"$2" HKDF | tr -d ':\n' | tr A-F a-f; }
  //   KEY=0123456789abcdef0123456789abcdef
  //   derive 16 'xbpipe key check 1'
  //   seal=$(derive 32 'xbpipe archive records 1')
  //   cat end begin | openssl dgst -sha256 -mac HMAC -macopt hexkey:$seal
  it('is this, as OpenSSL makes it', () => {
    assert.equal(keyCheckOf(key, begin.backupId), '0da83e3bf4f4a890ac94e88cf03b688c');
    assert.equal(
      sealOf(key, end, beginBytes),
      '54f8ea95cbc2a52d65026661c24df7c6457ca04664ac3b945394d8b77bb26793',
    );
  });

  it('is the same whatever HMAC the end record has by now', () => {
    const seal = sealOf(key, end, beginBytes);
    assert.equal(sealOf(key, { ...end, hmac: undefined }, beginBytes), seal);
    assert.equal(sealOf(key, { ...end, hmac: seal }, beginBytes), seal);
  });

  it('is right under the key that made it and no other', () => {
    const sealed = { ...end, hmac: sealOf(key, end, beginBytes) };
    assert.ok(isSealed(key, sealed, beginBytes));
    for (const bit of [0, 7, 128, 255]) {
      const other = Uint8Array.from(key);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok(!isSealed(other, sealed, beginBytes), `bit ${bit}`);
    }
    // The same bytes, one length of AES shorter.
    assert.ok(!isSealed(key.subarray(0, 24), sealed, beginBytes));
  });

  it('covers every field of the end record', () => {
    const sealed = { ...end, hmac: sealOf(key, end, beginBytes) };
    const { hmac: _, ...covered } = end;
    for (const [field, value] of Object.entries(covered)) {
      const other = typeof value === 'number' ? value + 1 : value.replace(/.$/, '0');
      assert.notEqual(other, value, field);
      assert.ok(!isSealed(key, { ...sealed, [field]: other }, beginBytes), field);
    }
  });

  it('covers every byte of the begin record', () => {
    const sealed = { ...end, hmac: sealOf(key, end, beginBytes) };
    for (let at = 0; at < beginBytes.length; at += 1) {
      const other = Uint8Array.from(beginBytes);
      other[at] = (other[at] ?? 0) ^ 1;
      assert.ok(!isSealed(key, sealed, other), `byte ${at}`);
    }
    assert.ok(!isSealed(key, sealed, beginBytes.subarray(0, -1)));
    assert.ok(!isSealed(key, sealed, Buffer.concat([beginBytes, text(' ')])));
  });

  it('is not right when it is missing, cut, longer or no hex at all', () => {
    const seal = sealOf(key, end, beginBytes);
    for (const hmac of [
      undefined,
      '',
      seal.slice(2),
      `${seal}00`,
      'z'.repeat(64),
      '00'.repeat(32),
    ]) {
      assert.ok(!isSealed(key, { ...end, hmac }, beginBytes), hmac ?? 'missing');
    }
  });

  it('leaves the end record as long as it always is', () => {
    assert.equal(encodeEnd({ ...end, hmac: sealOf(key, end, beginBytes) }).length, 1024);
  });
});

describe('the key check', () => {
  it('is of the key and of the backup, and no part of what the seal is made with', () => {
    const check = keyCheckOf(key, begin.backupId);
    assert.match(check, /^[0-9a-f]{32}$/);
    assert.notEqual(keyCheckOf(key.subarray(0, 16), begin.backupId), check);
    assert.notEqual(keyCheckOf(key, '00000000-0000-4000-8000-000000000000'), check);
  });
});
