import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import { encodeLz4Frame } from '../../../formats/lz4/index.ts';
import { seededRandom, type Random } from '../../support/random.ts';
import { failureOf } from '../decoder-sweeps.ts';
import { changed, contents, decodePieces, join, vector, withHeader } from './support.ts';

/** Set XBPIPE_FUZZ_SEED to the seed a failure printed to run that round first. */
const firstSeed = Number(process.env['XBPIPE_FUZZ_SEED'] ?? 1);

const noiseOf = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(256));

/** Content that compresses in part: noise, repeats and runs. */
function contentOf(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let count = random.below(8); count > 0; count -= 1) {
    const noise = noiseOf(random, random.below(200));
    const run = new Uint8Array(random.below(70_000)).fill(random.below(256));
    parts.push(noise, random.pick([run, noise, run.subarray(0, 20)]), noise);
  }
  return join(...parts);
}

/** How decoding goes: the pieces' content, or the failure. */
type Outcome = { content: Buffer; piecesMax: number } | FormatError;

function outcomeOf(input: Uint8Array, step: number): Outcome {
  try {
    const pieces = decodePieces(input, step);
    const piecesMax = Math.max(0, ...pieces.map((piece) => piece.length));
    return { content: Buffer.concat(pieces), piecesMax };
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

/** Decodes input whole and in pieces, which must go the same way. */
function sameOutcome(input: Uint8Array, random: Random, seed: number): Outcome {
  const whole = outcomeOf(input, Math.max(1, input.length));
  const inPieces = outcomeOf(input, 1 + random.below(50));
  const note = `seed ${seed}`;
  if (whole instanceof FormatError) {
    assert.ok(inPieces instanceof FormatError, note);
    assert.deepEqual([inPieces.message, inPieces.kind], [whole.message, whole.kind], note);
    assert.ok(whole.offset <= input.length, note);
  } else {
    assert.ok(!(inPieces instanceof FormatError) && inPieces.content.equals(whole.content), note);
    assert.ok(whole.content.length <= input.length * 255, note);
    assert.ok(whole.piecesMax <= 2 ** 22, note);
  }
  return whole;
}

function mutated(random: Random, input: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(input);
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  return bytes;
}

const small = ['hello', 'linked', 'everything', 'block-checksum', 'content-size', 'concatenated'];

describe('lz4 decoder on bytes of any kind', () => {
  it('reads every content it is written from', () => {
    for (let seed = firstSeed; seed < firstSeed + 150; seed += 1) {
      const random = seededRandom(seed);
      const content = contentOf(random);
      const blockBytes = random.pick([1 + random.below(1000), 65_536, 300_000]);
      const outcome = sameOutcome(join(...encodeLz4Frame(content, blockBytes)), random, seed);
      assert.ok(
        !(outcome instanceof FormatError) && outcome.content.equals(content),
        `seed ${seed}`,
      );
    }
  });

  it('never takes a damaged frame with a checksum for other content', () => {
    let failures = 0;
    for (let seed = firstSeed; seed < firstSeed + 1500; seed += 1) {
      const random = seededRandom(seed);
      const name = random.pick(small);
      const outcome = sameOutcome(mutated(random, vector(name)), random, seed);
      if (outcome instanceof FormatError) failures += 1;
      else assert.ok(outcome.content.equals(contents[name] ?? assert.fail()), `seed ${seed}`);
    }
    // The others put a byte where it was, or moved a match to where the same bytes are.
    assert.ok(failures > 1350, `${failures}`);
  });

  it('fails on every short frame with one bit flipped', () => {
    for (const name of ['hello', 'xtrabackup-hello', 'empty', 'xtrabackup-empty']) {
      const frame = vector(name);
      for (let bit = 0; bit < frame.length * 8; bit += 1) {
        const at = Math.floor(bit / 8);
        const flipped = changed(frame, at, (frame[at] ?? 0) ^ (1 << (bit % 8)));
        // Four bits have no meaning: the length of the match that the last token does not have.
        const harmless = name === 'xtrabackup-hello' && at === 19 && bit % 8 < 4;
        if (harmless) assert.deepEqual(decodePieces(flipped), [contents['hello']]);
        else failureOf(() => decodePieces(flipped));
      }
    }
  });

  it('reads or refuses blocks of noise in good frames, and nothing else happens', () => {
    const ends: Record<string, number> = { read: 0, refused: 0 };
    for (let seed = firstSeed; seed < firstSeed + 3000; seed += 1) {
      const random = seededRandom(seed);
      // Without checksums, so that noise gets as far as it can; linked or not.
      const flags = random.pick([0x40, 0x60]);
      const code = 4 + random.below(4);
      const header = withHeader(vector('empty'), { 4: flags, 5: code << 4 }).subarray(0, 7);
      const blocks: Uint8Array[] = [];
      for (let count = 1 + random.below(4); count > 0; count -= 1) {
        // Tokens of few literals and a match near by: what has a chance to be a block.
        const data = noiseOf(random, 1 + random.below(12));
        data[0] = (random.below(3) << 4) | random.below(16);
        blocks.push(new Uint8Array(new Uint32Array([data.length]).buffer), data);
      }
      const outcome = sameOutcome(join(header, ...blocks, new Uint8Array(4)), random, seed);
      const end = outcome instanceof FormatError ? 'refused' : 'read';
      ends[end] = (ends[end] ?? 0) + 1;
    }
    assert.ok((ends['read'] ?? 0) > 30 && (ends['refused'] ?? 0) > 1000, JSON.stringify(ends));
  });

  it('refuses noise', () => {
    for (let seed = firstSeed; seed < firstSeed + 300; seed += 1) {
      const random = seededRandom(seed);
      const noise = noiseOf(random, 1 + random.below(200));
      assert.ok(sameOutcome(noise, random, seed) instanceof FormatError, `seed ${seed}`);
    }
  });
});
