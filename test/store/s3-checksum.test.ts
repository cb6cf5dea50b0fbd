import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';

import { checksumOf, requireTaken } from '../../src/store/s3/s3-checksum.ts';
import { continuation } from '../../src/store/s3/s3-continuation.ts';

const bytes = Buffer.from('a part');
const md5 = createHash('md5').update(bytes).digest('hex');
const other = createHash('md5').update('another').digest('hex');

describe('what a store says of a part', () => {
  it('must be the MD5 that was sent, where an ETag is one', () => {
    const sent = checksumOf('md5', bytes);
    requireTaken(sent, { ETag: `"${md5}"` });
    requireTaken(sent, { ETag: `"${md5}"`, ServerSideEncryption: 'AES256' });
    assert.throws(() => {
      requireTaken(sent, { ETag: `"${other}"` });
    }, /the store took bytes of MD5/u);
    // Encrypted by a rule of the bucket or a key of the customer, or made of parts: no MD5.
    requireTaken(sent, { ETag: `"${other}"`, ServerSideEncryption: 'aws:kms' });
    requireTaken(sent, { ETag: `"${other}"`, SSECustomerAlgorithm: 'AES256' });
    requireTaken(sent, { ETag: `"${other}-3"` });
    requireTaken(sent, {});
  });

  it('must be the CRC-32 that was sent, where it says one', () => {
    const sent = checksumOf('crc32', bytes);
    requireTaken(sent, { ...sent, ETag: `"${other}"` });
    requireTaken(sent, {});
    assert.throws(() => {
      requireTaken(sent, { ChecksumCRC32: 'AAAAAA==' });
    }, /the store took bytes of CRC-32/u);
  });
});

describe('a listing', () => {
  it('goes on where it says, and never ends in the middle without a word', () => {
    assert.equal(continuation(false, 'x', 's3://b'), undefined);
    assert.equal(continuation(undefined, undefined, 's3://b'), undefined);
    assert.equal(continuation(true, 'x', 's3://b'), 'x');
    assert.throws(() => continuation(true, undefined, 's3://b'), /lists a part/u);
  });
});
