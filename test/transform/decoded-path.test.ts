import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Decoding, decodedPath, plainPath } from '../../src/transform/member-decoder.ts';

const key = new Uint8Array(16);
const both: Decoding = { decompress: true, key };
const decompress: Decoding = { decompress: true };
const decrypt: Decoding = { decompress: false, key };

/** `path < suffix, suffix`, outermost first. */
const shown = (path: string, decoding: Decoding): string => {
  const { path: plain, suffixes } = decodedPath(path, decoding);
  return [plain, ...suffixes].join(' ');
};

describe('the path of a decoded member', () => {
  it('loses what is undone, the outermost first, in either order', () => {
    for (const [path, wanted] of [
      ['t.ibd', 't.ibd'],
      ['t.ibd.zst', 't.ibd zst'],
      ['t.ibd.lz4', 't.ibd lz4'],
      ['t.ibd.qp', 't.ibd qp'],
      ['t.ibd.xbcrypt', 't.ibd xbcrypt'],
      ['a/t.ibd.zst.xbcrypt', 'a/t.ibd xbcrypt zst'],
      ['t.ibd.qp.xbcrypt', 't.ibd xbcrypt qp'],
      ['t.ibd.xbcrypt.lz4', 't.ibd lz4 xbcrypt'],
    ] as const) {
      assert.equal(shown(path, both), wanted);
    }
  });

  it('keeps what is inside of an encrypted member when there is no key', () => {
    assert.equal(shown('t.zst.xbcrypt', decompress), 't.zst.xbcrypt');
    assert.equal(shown('t.xbcrypt.zst', decompress), 't.xbcrypt zst');
    assert.equal(shown('t.zst', decompress), 't zst');
  });

  it('keeps what is compressed when only the encryption is to be undone', () => {
    assert.equal(shown('t.zst.xbcrypt', decrypt), 't.zst xbcrypt');
    assert.equal(shown('t.xbcrypt.zst', decrypt), 't.xbcrypt.zst');
    assert.equal(shown('t.zst', decrypt), 't.zst');
  });

  it('loses each kind once: a file of the server may be called like one of ours', () => {
    assert.equal(shown('x.zst.zst', both), 'x.zst zst');
    assert.equal(shown('x.lz4.zst', both), 'x.lz4 zst');
    assert.equal(shown('x.zst.xbcrypt.zst', both), 'x.zst zst xbcrypt');
    assert.equal(shown('x.xbcrypt.xbcrypt', both), 'x.xbcrypt xbcrypt');
  });

  it('is never left without a name', () => {
    for (const path of ['.zst', 'a/.zst', '.xbcrypt', 'a/b/.qp'])
      assert.equal(shown(path, both), path);
    assert.equal(shown('.zst.xbcrypt', both), '.zst xbcrypt');
    assert.equal(shown('a/.lz4.zst', both), 'a/.lz4 zst');
  });

  it('takes no other name for one of these', () => {
    const others = ['zst', 'tzst', 't.ZST', 't.zst.', 't.zst/x', 't.qpx', 't.xbcrypt.old', 't.gz'];
    for (const path of others) assert.equal(shown(path, both), path);
  });

  it('is known without a key for the names of things', () => {
    assert.equal(plainPath('t.ibd.zst.xbcrypt'), 't.ibd');
    assert.equal(plainPath('t.ibd'), 't.ibd');
  });
});
