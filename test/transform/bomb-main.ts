/**
 * Decodes a file and prints, as JSON, how long its content is and the most memory that this
 * process had: `bomb-main.js step|pool FILE SUFFIX...`, the outermost suffix first.
 */
import { openAsBlob } from 'node:fs';
import { DecodePool } from '../../src/restore/decode/decode-pool.ts';
import { MemberDecoder, type Suffix } from '../../src/transform/member-decoder.ts';

const [how, path = '', ...given] = process.argv.slice(2);
const suffixes = given as Suffix[];
let length = 0;
let other = 0;
const take = (bytes: Uint8Array): void => {
  length += bytes.length;
  // All of these bombs are of one byte again and again.
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(0x62) >= 0) other += 1;
};

const input = new Uint8Array(await (await openAsBlob(path)).arrayBuffer());
if (how === 'step') {
  const decoder = new MemberDecoder(suffixes, undefined);
  for (const piece of decoder.push(input)) take(piece);
  decoder.end();
} else {
  const pool = new DecodePool(undefined);
  const member = pool.open(path, suffixes, {
    write: (bytes) => {
      take(bytes);
      return Promise.resolve();
    },
    end: () => Promise.resolve(),
  });
  await member.write(input);
  member.end();
  await pool.settle();
  await pool.stop();
}
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ length, other, mebibytes: Math.ceil(maxRSS / 1024) }));
