import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  chunkBytesMax,
  chunkHeader,
  chunkOverhead,
  cipherOf,
  encodeChunk,
  encodeChunks,
  encodeLegacyChunk,
  isKeyLength,
  shortHeader,
} from '../../../formats/xbcrypt/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { iv, key, plaintext, vector } from './vector.ts';

const specRows = (heading: string): string[][] =>
  specTable('formats/xbcrypt/chunk.md', layoutTitles, heading);

describe('xbcrypt chunk', () => {
  it('encodes the version 3 vectors of openssl, the cipher chosen by key length', () => {
    assert.deepEqual(encodeChunk(plaintext, key, iv), vector('v3'));
    assert.deepEqual(encodeChunk(plaintext, key.subarray(0, 16), iv), vector('v3-key16'));
    assert.deepEqual(encodeChunk(plaintext, key.subarray(0, 24), iv), vector('v3-key24'));
    assert.equal(vector('v3').length, plaintext.length + chunkOverhead);
  });

  it('encodes the vectors of versions 1 and 2 and of algorithm NONE', () => {
    assert.deepEqual(encodeLegacyChunk(1, plaintext, key), vector('v1'));
    assert.deepEqual(encodeLegacyChunk(2, plaintext, key, iv), vector('v2'));
    assert.deepEqual(encodeChunk(plaintext, 'none', new Uint8Array(0)), vector('none'));
  });

  it('counts up the IV with carry over all bytes, as openssl does', () => {
    const high = Buffer.from('ffffffffffffffffffffffffffffffff', 'hex');
    const plain = randomBytes(1000);
    const chunk = encodeChunk(plain, key, high);
    const opened = execFileSync(
      'openssl',
      [
        'enc',
        '-d',
        '-aes-256-ctr',
        '-K',
        Buffer.from(key).toString('hex'),
        '-iv',
        high.toString('hex'),
      ],
      { input: chunk.subarray(chunkHeader.size + 16) },
    );
    assert.deepEqual(opened.subarray(0, 1000), plain);
    assert.equal(
      opened.subarray(1000).toString('hex'),
      execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: plain }).toString('hex'),
    );
  });

  it('cuts bytes into chunks with different IVs, and nothing into none', () => {
    const chunks = [...encodeChunks(new Uint8Array(2500), key, 1024)];
    assert.deepEqual(
      chunks.map((chunk) => chunk.length - chunkOverhead),
      [1024, 1024, 452],
    );
    const ivs = chunks.map((chunk) => Buffer.from(chunk.subarray(44, 60)).toString('hex'));
    assert.equal(new Set(ivs).size, 3);
    assert.deepEqual([...encodeChunks(new Uint8Array(0), key)], []);
  });

  it('writes no chunk without plaintext, with a bad key or with a bad IV', () => {
    const none = new Uint8Array(0);
    assert.throws(() => encodeChunk(none, key, iv), /without plaintext/u);
    assert.throws(() => encodeChunk(plaintext, key, none), /IV of 0 bytes, not 16/u);
    assert.throws(() => encodeChunk(plaintext, 'none', iv), /IV of 16 bytes, not 0/u);
    assert.throws(() => encodeChunk(plaintext, new Uint8Array(33), iv), /a key of 33 bytes/u);
    const huge = { length: chunkBytesMax + 1 } as Uint8Array;
    assert.throws(() => encodeChunk(huge, key, iv), /over the limit 2147483615/u);
  });

  it('knows the key lengths of AES', () => {
    assert.deepEqual([0, 15, 16, 24, 31, 32, 33].filter(isKeyLength), [16, 24, 32]);
    assert.equal(cipherOf(new Uint8Array(24)), 'aes-192-ctr');
    assert.throws(() => cipherOf(new Uint8Array(0)), RangeError);
  });

  it('has the tables of its spec', () => {
    assert.deepEqual(layoutRows(chunkHeader), specRows('Header of versions 2 and 3'));
    assert.deepEqual(layoutRows(shortHeader), specRows('Header of version 1'));
    assert.deepEqual([shortHeader.size, chunkHeader.size, chunkOverhead], [36, 44, 92]);
  });
});
