import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../formats/format-error.ts';
import { WrongKeyError } from '../../formats/xbcrypt/index.ts';
import { decodeWhole } from '../../src/transform/decode-whole.ts';
import { memberEncoder } from '../../src/transform/member-encoder.ts';
import { text } from '../formats/xbstream/support.ts';
import { compressions, encryptions, keys, mixed } from './support.ts';

const content = mixed(5000);
const limits = { key: undefined, bytesMax: content.length };

/** The content as a member, with the name it gets. */
function member(compression = 1, encryption = 0): [string, Uint8Array] {
  const [first, second] = [compressions[compression], encryptions[encryption]];
  const encoder = memberEncoder(
    { compression: first, encryption: second, digests: false },
    { packed: false },
  );
  return [`m${encoder?.suffix ?? ''}`, encoder?.encode(content) ?? content];
}

describe('a small member decoded in memory', () => {
  it('is what it was, by its name', () => {
    for (const compression of [0, 1, 2]) {
      assert.deepEqual(decodeWhole(...member(compression), limits), Buffer.from(content));
      const locked = member(compression, 3);
      assert.deepEqual(
        decodeWhole(...locked, { ...limits, key: keys.AES256 }),
        Buffer.from(content),
      );
    }
    assert.deepEqual(decodeWhole('m.zst', new Uint8Array(0), limits), Buffer.alloc(0));
  });

  it('is not to be had without the key, and not with another', () => {
    assert.equal(decodeWhole(...member(1, 3), limits), undefined);
    assert.throws(
      () => decodeWhole(...member(1, 3), { ...limits, key: keys.AES256.map((byte) => byte ^ 1) }),
      WrongKeyError,
    );
  });

  it('may have as many bytes as it is allowed to and not one more', () => {
    for (const compression of [0, 1, 2]) {
      const bytesMax = content.length - 1;
      assert.throws(
        () => decodeWhole(...member(compression), { key: undefined, bytesMax }),
        (error: unknown) =>
          error instanceof FormatError && /it decodes to more than 4999 bytes/.test(error.message),
      );
    }
  });

  it('is refused when it is cut or something else', () => {
    const [path, bytes] = member();
    assert.throws(() => decodeWhole(path, bytes.subarray(0, -1), limits), /the frame is cut/);
    assert.throws(() => decodeWhole(path, text('something else'), limits), FormatError);
  });
});
