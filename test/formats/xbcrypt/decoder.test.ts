import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from '../../../formats/crc.ts';
import {
  chunkHeader,
  encodeChunk,
  encodeChunks,
  encodeLegacyChunk,
  WrongKeyError,
  XbcryptDecoder,
  type DecodedChunk,
  type XbcryptDecoderOptions,
} from '../../../formats/xbcrypt/index.ts';
import { assertStaysBroken, drain, failureOf } from '../decoder-sweeps.ts';
import { iv, key, plaintext, vector } from './vector.ts';

function decodeAll(
  input: Uint8Array,
  options: XbcryptDecoderOptions = { key },
  step?: number,
): DecodedChunk[] {
  return drain(new XbcryptDecoder(options), input, step);
}

const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
};

const text = (chunk: DecodedChunk | undefined): string =>
  new TextDecoder().decode(chunk?.plaintext ?? new Uint8Array(0));

describe('xbcrypt decoder', () => {
  it('opens the vectors of openssl, of every version and key length', () => {
    for (const [name, vectorKey, version] of [
      ['v3', key, 3],
      ['v3-key16', key.subarray(0, 16), 3],
      ['v3-key24', key.subarray(0, 24), 3],
      ['v2', key, 2],
      ['v1', key, 1],
      ['none', 'none', 3],
    ] as const) {
      const [chunk, ...more] = decodeAll(vector(name), { key: vectorKey });
      assert.equal(text(chunk), 'hello', name);
      assert.equal(chunk?.version, version, name);
      assert.equal(chunk.hashed, version === 3, name);
      assert.equal(more.length, 0, name);
    }
  });

  it('reads a mix of versions and gives the offset of every chunk', () => {
    const parts = [vector('v1'), vector('v3'), vector('v2'), vector('v3')];
    const chunks = decodeAll(new Uint8Array(Buffer.concat(parts)));
    assert.deepEqual(
      chunks.map((chunk) => [chunk.version, chunk.offset, text(chunk)]),
      [
        [1, 0, 'hello'],
        [3, 41, 'hello'],
        [2, 138, 'hello'],
        [3, 203, 'hello'],
      ],
    );
  });

  it('gives the same chunks however the input is cut', () => {
    const plain = Uint8Array.from({ length: 9000 }, (_, index) => index % 251);
    const input = new Uint8Array(Buffer.concat([...encodeChunks(plain, key, 4000)]));
    const whole = decodeAll(input);
    assert.deepEqual(Buffer.concat(whole.map((chunk) => chunk.plaintext)), Buffer.from(plain));
    for (const step of [1, 2, 3, 4095]) {
      assert.deepEqual(decodeAll(input, { key }, step), whole, `cut every ${step} bytes`);
    }
  });

  it('reads no bytes as no chunks', () => {
    assert.deepEqual(decodeAll(new Uint8Array(0)), []);
  });

  it('ends well only between chunks, and names the field it was cut in', () => {
    const input = new Uint8Array(Buffer.concat([vector('v3'), vector('v1'), vector('v2')]));
    const ends = [0, 97, 97 + 41, 97 + 41 + 65];
    for (let cut = 0; cut <= input.length; cut += 1) {
      const head = input.subarray(0, cut);
      if (ends.includes(cut)) {
        assert.equal(decodeAll(head).length, ends.indexOf(cut));
        continue;
      }
      const failure = failureOf(() => decodeAll(head));
      assert.equal(failure.kind, 'truncated', `cut at ${cut}`);
      assert.equal(failure.offset, cut);
    }
    const fieldAt = (cut: number): string =>
      failureOf(() => decodeAll(vector('v3').subarray(0, cut))).field;
    assert.equal(fieldAt(1), 'xbcrypt chunk > magic');
    assert.equal(fieldAt(35), 'xbcrypt chunk > checksum');
    assert.equal(fieldAt(50), 'xbcrypt chunk > iv');
    assert.equal(fieldAt(96), 'xbcrypt chunk > ciphertext');
  });

  it('tells a wrong key from damage', () => {
    const other = changed(key, 0, 0);
    assert.ok(failureOf(() => decodeAll(vector('v3'), { key: other })) instanceof WrongKeyError);
    assert.ok(failureOf(() => decodeAll(vector('v3-key16'))) instanceof WrongKeyError);
    for (let at = 60; at < 97; at += 1) {
      const failure = failureOf(() => decodeAll(changed(vector('v3'), at, 0xff)));
      assert.ok(!(failure instanceof WrongKeyError));
      assert.equal(failure.field, 'xbcrypt chunk > checksum');
      assert.equal(failure.kind, 'invalid');
    }
  });

  it('calls a bad hash damage once the key has opened a chunk', () => {
    const damagedIv = changed(vector('v3'), 44, 0xff);
    const input = new Uint8Array(Buffer.concat([vector('v3'), damagedIv]));
    const failure = failureOf(() => decodeAll(input));
    assert.ok(!(failure instanceof WrongKeyError));
    assert.deepEqual([failure.field, failure.offset], ['xbcrypt chunk > hash', 97]);
  });

  it('checks the hash of algorithm NONE', () => {
    const bytes = changed(vector('none'), 44, 0x48);
    // The checksum is made right again: only the hash can tell.
    bytes.set(
      chunkHeader.encode({ ...chunkHeader.decode(bytes), checksum: crc32(bytes.subarray(44)) }),
    );
    const failure = failureOf(() => decodeAll(bytes, { key: 'none' }));
    assert.equal(failure.field, 'xbcrypt chunk > hash');
  });

  it('opens no chunk of version 3 to other plaintext, whatever bit is flipped', () => {
    for (const name of ['v3', 'none'] as const) {
      const bytes = vector(name);
      const options = { key: name === 'none' ? ('none' as const) : key };
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const at = Math.floor(bit / 8);
        const flipped = changed(bytes, at, (bytes[at] ?? 0) ^ (1 << (bit % 8)));
        // Two fields do not matter: the reserved one, and an original size without the hash.
        const harmless = (at >= 8 && at < 16) || (at === 16 && flipped[16] === plaintext.length);
        if (harmless) assert.equal(text(decodeAll(flipped, options)[0]), 'hello');
        else failureOf(() => decodeAll(flipped, options));
      }
    }
  });

  it('refuses plain chunks when a key was given, and encrypted ones when NONE was asked for', () => {
    assert.match(failureOf(() => decodeAll(vector('none'))).message, /not encrypted/u);
    for (const name of ['v2', 'v3']) {
      const failure = failureOf(() => decodeAll(vector(name), { key: 'none' }));
      assert.match(failure.message, /is encrypted, algorithm NONE/u);
    }
  });

  it('refuses sizes over the limits at once, without waiting for the bytes', () => {
    const withSizes = (original: bigint, encrypted: bigint, ivLength = 16n): Uint8Array =>
      chunkHeader.encode({
        ...chunkHeader.decode(vector('v3')),
        originalSize: original,
        encryptedSize: encrypted,
        ivLength,
      });
    const refused = (header: Uint8Array, plainMax?: number): string => {
      const decoder = new XbcryptDecoder({ key, ...(plainMax !== undefined && { plainMax }) });
      decoder.push(header);
      const failure = failureOf(() => decoder.next());
      assert.equal(failure.kind, 'invalid');
      return failure.message;
    };
    const big = 2n ** 31n;
    assert.match(refused(withSizes(big, 37n)), /originalSize .* over the limit 2147483647/u);
    assert.match(refused(withSizes(37n, 2n ** 64n - 1n)), /encryptedSize .* over the limit/u);
    assert.match(refused(withSizes(big - 1n, big - 1n)), /over the limit 67108864/u);
    assert.match(refused(withSizes(37n, 37n), 4), /5 bytes of plaintext are over the limit 4/u);
    assert.match(refused(withSizes(32n, 32n)), /leaves no plaintext/u);
    assert.match(refused(withSizes(0n, 0n)), /leaves no plaintext/u);
    assert.match(refused(withSizes(36n, 37n)), /36 beside 37 encrypted/u);
    assert.match(refused(withSizes(37n, 37n, 8n)), /8 is neither 0 nor 16/u);
    assert.match(refused(withSizes(37n, 37n, 2n ** 40n)), /is neither 0 nor 16/u);
  });

  it('takes a chunk whose original size leaves the hash out', () => {
    const bytes = changed(vector('v3'), 16, plaintext.length);
    assert.equal(text(decodeAll(bytes)[0]), 'hello');
  });

  it('refuses what is no chunk from its first byte on', () => {
    const decoder = new XbcryptDecoder({ key });
    decoder.push(new TextEncoder().encode('P'));
    assert.equal(failureOf(() => decoder.next()).field, 'xbcrypt chunk > magic');
    assert.match(
      failureOf(() => decodeAll(changed(vector('v3'), 7, 0x34))).message,
      /version "4"/u,
    );
    assert.throws(() => new XbcryptDecoder({ key: new Uint8Array(33) }), /a key of 33 bytes/u);
  });

  it('stays broken after a failure', () => {
    assertStaysBroken(new XbcryptDecoder({ key }), encodeChunk(plaintext, key, iv));
  });

  it('cannot notice a wrong key in versions 1 and 2, and says so in the chunk', () => {
    const [chunk] = decodeAll(encodeLegacyChunk(2, plaintext, key, iv), {
      key: changed(key, 0, 0),
    });
    assert.equal(chunk?.hashed, false);
    assert.notEqual(text(chunk), 'hello');
  });
});
