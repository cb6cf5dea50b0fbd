import {
  type DecodedChunk,
  XbcryptDecoder,
  encodeChunk,
  encodeLegacyChunk,
} from '../../../formats/xbcrypt/index.ts';
import { iv, key, vector } from '../../formats/xbcrypt/vector.ts';
import { join } from '../../formats/xbstream/support.ts';
import { mendByComplaint } from '../mend-by-complaint.ts';
import { type Input, type Target, pieces } from '../target.ts';

const texts = ['hello', 'second chunk', 'x'.repeat(2000), '\0'].map((text) => Buffer.from(text));

const version3 = join(...texts.map((text) => encodeChunk(text, key, iv)));
const samples = [
  version3,
  vector('v3'),
  join(...texts.map((text) => encodeLegacyChunk(2, text, key))),
  join(...texts.map((text) => encodeLegacyChunk(1, text, key))),
  vector('v2'),
  vector('v1'),
];

function read(feed: Iterable<Uint8Array>, with_: Uint8Array | 'none'): DecodedChunk[] {
  const decoder = new XbcryptDecoder({ key: with_ });
  const chunks: DecodedChunk[] = [];
  for (const piece of feed) {
    decoder.push(piece);
    for (let found = decoder.next(); found; found = decoder.next()) {
      chunks.push({ ...found, plaintext: found.plaintext.slice() });
    }
  }
  decoder.end();
  return chunks;
}

/** Chunks know nothing of each other: whole ones may be missing, but none may be another. */
function objection(found: unknown, { sample, mended }: Input): string | undefined {
  if (sample === undefined) return undefined;
  const written = new Set(read([sample], key).map(({ plaintext }) => hexOf(plaintext)));
  const wrong = (found as DecodedChunk[]).find(
    // Versions 1 and 2 have a CRC and nothing else: with that made right anything goes.
    ({ version, plaintext }) => !written.has(hexOf(plaintext)) && !(mended && version < 3),
  );
  return wrong && `a chunk of version ${wrong.version} at byte ${wrong.offset} is not as written`;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Encrypted chunks of all versions, under the right key. */
export const xbcrypt: Target = {
  name: 'xbcrypt',
  open: () => ({
    samples,
    read: (bytes, random) => read(pieces(bytes, random), key),
    objection,
    mend: (bytes) => mendByComplaint(bytes, (mended) => read([mended], key)),
  }),
};

/** Chunks of algorithm NONE, asked for by name. */
export const xbcryptNone: Target = {
  name: 'xbcrypt-none',
  open: () => ({
    samples: [
      vector('none'),
      join(...texts.map((text) => encodeChunk(text, 'none', new Uint8Array(0)))),
    ],
    read: (bytes, random) => read(pieces(bytes, random), 'none'),
    mend: (bytes) => mendByComplaint(bytes, (mended) => read([mended], 'none')),
  }),
};
