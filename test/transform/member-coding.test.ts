import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chunkBytesMin } from '../../formats/xbcrypt/index.ts';
import { chunkBytesMax } from '../../src/archive/archive-writer.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { decodedPath } from '../../src/transform/member-decoder.ts';
import { encodedBytesMax, memberEncoder } from '../../src/transform/member-encoder.ts';
import { compressions, decodeAll, encryptions, keys, mixed, noise, piped } from './support.ts';

/** Every combination; the first is none. */
const encodings: Encoding[] = compressions.flatMap((compression) =>
  encryptions.map((encryption) => ({ compression, encryption, digests: false })),
);

const nameOf = ({ compression, encryption }: Encoding): string =>
  `${compression?.algorithm ?? 'no compression'} and ${encryption?.algorithm ?? 'no encryption'}`;

/** What the pieces of one member become, one after the other. */
function encodeAll(encoding: Encoding, pieces: readonly Uint8Array[]): [string, Buffer] {
  const encoder = memberEncoder(encoding, { packed: false });
  assert.ok(encoder);
  const encoded = pieces.map((piece) => Buffer.from(encoder.encode(piece)));
  if (pieces.length === 0) encoded.push(Buffer.from(encoder.encodeNothing()));
  return [encoder.suffix, Buffer.concat(encoded)];
}

const sizes = [1, 65535, 65536, 65537, 2 * 1024 * 1024];

describe('a member encoder', () => {
  it('is none where nothing is to be done', () => {
    assert.equal(memberEncoder(plainEncoding, { packed: false }), undefined);
    const [, zstd] = compressions;
    const packed = memberEncoder({ compression: zstd, digests: true }, { packed: true });
    assert.equal(packed, undefined);
  });

  it('adds the suffixes of XtraBackup, that of the encryption last', () => {
    const suffixes = encodings.map(
      (encoding) => memberEncoder(encoding, { packed: false })?.suffix ?? '',
    );
    assert.deepEqual([...new Set(suffixes)].toSorted(), [
      '',
      '.lz4',
      '.lz4.xbcrypt',
      '.xbcrypt',
      '.zst',
      '.zst.xbcrypt',
    ]);
    for (const encoding of encodings) {
      const encoder = memberEncoder(encoding, { packed: true });
      assert.equal(encoder?.suffix ?? '', encoding.encryption ? '.xbcrypt' : '', nameOf(encoding));
    }
  });

  for (const encoding of encodings.slice(1)) {
    const { encryption } = encoding;
    const key = encryption && { key: encryption.key };

    it(`has ${nameOf(encoding)} come back, whatever the pieces`, () => {
      const pieces = sizes.map((size, i) => mixed(size, i + 1));
      const [suffix, encoded] = encodeAll(encoding, pieces);
      const { path, suffixes } = decodedPath(`t.ibd${suffix}`, { decompress: true, ...key });
      assert.equal(path, 't.ibd');
      const plain = Buffer.concat(pieces);
      for (const pieceBytes of [encoded.length, 65536, 4099]) {
        assert.ok(
          decodeAll(suffixes, encoded, { ...key, pieceBytes }).equals(plain),
          `${pieceBytes}`,
        );
      }
    });

    it(`has an empty member of ${nameOf(encoding)} come back, byte by byte too`, () => {
      for (const pieces of [[], [Uint8Array.of(7)], [Uint8Array.of(7), noise(300)]]) {
        const [suffix, encoded] = encodeAll(encoding, pieces);
        const { suffixes } = decodedPath(`t${suffix}`, { decompress: true, ...key });
        const plain = decodeAll(suffixes, encoded, { ...key, pieceBytes: 1 });
        assert.deepEqual(plain, Buffer.concat(pieces));
      }
    });
  }

  it('makes compressed bytes of an empty member, but no encrypted ones', () => {
    for (const encoding of encodings.slice(1)) {
      const [, encoded] = encodeAll(encoding, []);
      assert.equal(encoded.length > 0, encoding.compression !== undefined, nameOf(encoding));
    }
  });

  it('encrypts the same content otherwise each time', () => {
    const encoding = { encryption: encryptions[1], digests: true };
    const [first, second] = [1, 2].map(() => encodeAll(encoding, [mixed(1000)])[1]);
    assert.notDeepEqual(first, second);
  });
});

describe('the bound on what is encoded', () => {
  const chunked = { algorithm: 'AES256', key: keys.AES256, chunkBytes: chunkBytesMin };
  const hard: Encoding[] = [
    ...encodings,
    ...[...compressions, { algorithm: 'lz4', blockBytes: 1024 } as const].flatMap((compression) => [
      { compression, encryption: chunked, digests: true },
      { compression, digests: true },
    ]),
    { compression: { algorithm: 'lz4', blockBytes: 1 }, digests: false },
    { compression: { algorithm: 'lz4', blockBytes: 4 * 1024 * 1024 }, digests: false },
    { compression: { algorithm: 'zstd', level: 19 }, digests: false },
  ];

  it('holds for content that cannot be compressed, in the smallest chunks and blocks', () => {
    for (const length of [1, 1023, 1024, 1025, 65536, 300_001]) {
      const content = noise(length);
      for (const encoding of hard) {
        const encoder = memberEncoder(encoding, { packed: false });
        const encoded = encoder?.encode(content).length ?? length;
        const bound = encodedBytesMax(encoding, length);
        assert.ok(encoded <= bound, `${nameOf(encoding)}: ${encoded} of ${length}, not ${bound}`);
      }
    }
  });

  it('lets what is read at a time stay below the largest chunk of an archive', () => {
    // Blocks and chunks as small as the options allow.
    const worst: Encoding = {
      compression: { algorithm: 'lz4', blockBytes: 1024 },
      encryption: chunked,
      digests: true,
    };
    assert.ok(encodedBytesMax(worst, 2 * 1024 * 1024) <= chunkBytesMax / 4);
  });
});

describe('the programs zstd and lz4', () => {
  const contents = [[], [Uint8Array.of(9)], [mixed(65537)], [mixed(2_000_000), noise(10)]];

  for (const [program, compression, suffix] of [
    ['zstd', compressions[1], 'zst'],
    ['lz4', compressions[2], 'lz4'],
  ] as const) {
    it(`${program} reads what we write, empty members and many frames included`, () => {
      for (const pieces of contents) {
        const [, encoded] = encodeAll({ compression, digests: false }, pieces);
        assert.ok(piped(program, ['-d', '-c'], encoded).equals(Buffer.concat(pieces)));
      }
    });

    it(`${program} writes what we read`, () => {
      for (const pieces of contents) {
        const plain = Buffer.concat(pieces);
        for (const options of [['-1'], ['-9'], ['-1', '--no-frame-crc', '--no-check']]) {
          const known = options.filter((one) => program === 'lz4' || one !== '--no-frame-crc');
          const mine = known.filter((one) => program === 'zstd' || one !== '--no-check');
          const encoded = piped(program, [...mine, '-c'], plain);
          for (const pieceBytes of [encoded.length, 4099]) {
            assert.ok(decodeAll([suffix], encoded, { pieceBytes }).equals(plain), mine.join(' '));
          }
        }
      }
    });
  }
});
