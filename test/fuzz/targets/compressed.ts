import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Lz4Decoder, encodeLz4Frame } from '../../../formats/lz4/index.ts';
import { QpressDecoder, decompressQuickLz } from '../../../formats/qpress/index.ts';
import { zstdFrames } from '../../transform/support.ts';
import { decodeWhole } from '../../../src/transform/decode-whole.ts';
import type { Suffix } from '../../../src/transform/member-decoder.ts';
import { MemberDecoder } from '../../../src/transform/member-decoder.ts';
import { type Random, seededRandom } from '../../support/random.ts';
import { mendByComplaint } from '../mend-by-complaint.ts';
import { type Input, type Reader, type Target, pieces } from '../target.ts';

/** Content of every kind: nothing, short, repeated, noise, and a mixture over several blocks. */
export const contents: readonly Uint8Array[] = (() => {
  const random = seededRandom(7);
  const noise = Uint8Array.from({ length: 3000 }, () => random.below(256));
  const words = Buffer.from('the quick brown fox jumps over the lazy dog, '.repeat(60));
  const table = Buffer.concat([words, noise, words.subarray(11), new Uint8Array(9000), noise]);
  return [Buffer.from('a'), Buffer.from('hello hello hello hello'), words, noise, table];
})();

/** What comes out is at most so much, whatever the input: LZ4 makes 255 bytes of one, zstd more. */
const contentBytesMax = 64 * 1024 * 1024;

/** Content pieces in the order they came, joined. More than the bound is cut off and refused. */
function decoded(suffix: Suffix, feed: Iterable<Uint8Array>): Uint8Array {
  const decoder = new MemberDecoder([suffix], undefined);
  const out: Uint8Array[] = [];
  let length = 0;
  for (const piece of feed) {
    for (const part of decoder.push(piece)) {
      length += part.length;
      if (length <= contentBytesMax) out.push(part.slice());
    }
  }
  decoder.end();
  return Buffer.concat(out);
}

/**
 * Frames know nothing of each other: whole ones may be missing or double, but what comes out
 * must be made of what was put in.
 */
function madeOf(found: Uint8Array, parts: readonly Uint8Array[]): boolean {
  const starts = [...parts].filter(({ length }) => length > 0).sort((a, b) => b.length - a.length);
  let at = 0;
  while (at < found.length) {
    const part = starts.find((p) => Buffer.compare(p, found.subarray(at, at + p.length)) === 0);
    if (!part) return false;
    at += part.length;
  }
  return true;
}

function framesObjection(found: unknown, { sample, mended }: Input): string | undefined {
  if (sample === undefined || mended) return undefined;
  return madeOf(found as Uint8Array, contents)
    ? undefined
    : `${(found as Uint8Array).length} bytes came out that were never put in`;
}

function reader(suffix: Suffix, parts: Pick<Reader, 'samples'> & Partial<Reader>): Reader {
  return {
    read: (bytes, random) => decoded(suffix, pieces(bytes, random)),
    mend: (bytes) => mendByComplaint(bytes, (mended) => decoded(suffix, [mended])),
    ...parts,
  };
}

function lz4Frames(): Uint8Array[] {
  const frames = contents.map((content) => Buffer.concat(encodeLz4Frame(content)));
  const small = contents.map((content) => Buffer.concat(encodeLz4Frame(content, 1000)));
  return [...frames, ...small, Buffer.concat(frames), Buffer.concat(small)];
}

function vectorsOf(folder: string, suffix: string): Uint8Array[] {
  const path = `formats/${folder}/vectors`;
  const names = readdirSync(path).filter((name) => name.endsWith(suffix));
  const all = names.map((name) => readFileSync(`${path}/${name}`));
  return suffix.endsWith('.gz') ? all.map((bytes) => gunzipSync(bytes)) : all;
}

/** What our encoder writes: frames with a checksum of their content. */
export const lz4: Target = {
  name: 'lz4',
  open: () => reader('lz4', { samples: lz4Frames(), objection: framesObjection }),
};

/** Frames of every kind that the format has, from the reference tool. */
export const lz4Foreign: Target = {
  name: 'lz4-foreign',
  open: () => {
    const samples = vectorsOf('lz4', '.lz4.gz').filter(isTried);
    return reader('lz4', { samples, read: (bytes, random) => lz4Length(bytes, random) });
  },
};

/** How much comes out; by the decoder itself, which must not give an empty piece. */
function lz4Length(bytes: Uint8Array, random: Random): number {
  const decoder = new Lz4Decoder();
  let length = 0;
  for (const piece of pieces(bytes, random)) {
    decoder.push(piece);
    for (let found = decoder.next(); found; found = decoder.next()) {
      if (found.length === 0) throw new Error('an empty piece');
      length += found.length;
    }
  }
  decoder.end();
  return length;
}

export const zstd: Target = {
  name: 'zstd',
  open: () => {
    const compress = zstdFrames();
    const strong = zstdFrames(19);
    const frames = contents.map(compress);
    const others = contents.map(strong);
    const samples = [...frames, ...others, Buffer.concat(frames), compress(new Uint8Array(0))];
    return reader('zst', { samples, objection: framesObjection });
  },
};

const wholeBytesMax = 4096;

/** Small members decoded in memory, which may not become longer than they can be. */
export const whole: Target = {
  name: 'member-whole',
  open: () => {
    const compress = zstdFrames();
    const frames = [...contents.slice(0, 4), new Uint8Array(wholeBytesMax)];
    const samples = frames.flatMap((content) => [
      compress(content),
      Buffer.concat(encodeLz4Frame(content)),
    ]);
    const read = (bytes: Uint8Array): number => {
      const path = bytes[0] === 0x28 ? 'x.zst' : 'x.lz4';
      return decodeWhole(path, bytes, { key: undefined, bytesMax: wholeBytesMax })?.length ?? 0;
    };
    return {
      samples,
      read,
      objection: (found) =>
        (found as number) > wholeBytesMax ? `it became ${found as number} bytes` : undefined,
      mend: (bytes) => mendByComplaint(bytes, read),
    };
  },
};

/** The blocks of the samples, whose checksum no single change keeps. */
export const qpress: Target = {
  name: 'qpress',
  open: () => {
    const samples = vectorsOf('qpress', '.qp').filter(({ length }) => length < 60_000);
    const blocks = samples.flatMap((sample) => blocksOf(sample));
    const known = new Set(blocks.map((block) => Buffer.from(block).toString('base64')));
    return {
      samples,
      read: (bytes, random) => blocksOf(bytes, pieces(bytes, random)),
      objection: (found, { mended, sample }) => {
        if (mended || sample === undefined) return undefined;
        const all = found as Uint8Array[];
        const wrong = all.find((block) => !known.has(Buffer.from(block).toString('base64')));
        return wrong && `a block of ${wrong.length} bytes came out that was never put in`;
      },
      mend: (bytes) => mendByComplaint(bytes, (mended) => blocksOf(mended)),
    };
  },
};

function blocksOf(bytes: Uint8Array, feed: Iterable<Uint8Array> = [bytes]): Uint8Array[] {
  const decoder = new QpressDecoder();
  const blocks: Uint8Array[] = [];
  for (const piece of feed) {
    decoder.push(piece);
    for (let found = decoder.next(); found; found = decoder.next())
      blocks.push(found.bytes.slice());
  }
  decoder.end();
  return blocks;
}

const packetStart = 12 + 8;

/** Packets without the archive around them: every byte of the unpacker's input may be wrong. */
export const quicklz: Target = {
  name: 'quicklz',
  open: () => ({
    samples: vectorsOf('qpress', '.qp').flatMap((archive) => {
      const at = Buffer.from(archive).indexOf('NEWBNEWB');
      return at < 0 ? [] : [archive.subarray(at + packetStart, at + packetStart + 30_000)];
    }),
    read: (bytes) => decompressQuickLz(bytes, 64 * 1024).length,
    objection: (found) =>
      (found as number) > 64 * 1024 ? `${found as number} bytes are over the limit` : undefined,
  }),
};

/** Small enough for many turns, and not of the legacy format, which is refused at its first bytes. */
function isTried(bytes: Uint8Array): boolean {
  return bytes.length < 20_000 && bytes[3] === 0x18 && bytes[1] !== 0x21;
}
