import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { headerChecksumOf } from '../../../formats/lz4/frame-header.ts';
import { Lz4Decoder } from '../../../formats/lz4/index.ts';
import { drain } from '../decoder-sweeps.ts';

/** Frames made by the lz4 program; see `formats/lz4/vectors/make.sh`. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(`formats/lz4/vectors/${name}.lz4.gz`)));
}

const encoder = new TextEncoder();

const hello = encoder.encode('hello');

/** The file `rows` of make.sh. */
const rows = ((): Uint8Array => {
  const same = 'one more\n'.repeat(7000).slice(0, 61_440);
  const counted = Array.from({ length: 200 }, (_, index) => `row ${index + 1} of the table\n`);
  return encoder.encode(same + counted.join('').repeat(2));
})();

/** The content of every vector that is read. */
export const contents: Readonly<Record<string, Uint8Array>> = {
  hello,
  empty: new Uint8Array(0),
  default: rows,
  fast: rows,
  high: rows,
  linked: rows,
  everything: rows,
  'block-checksum': rows,
  'content-size': rows,
  'no-frame-crc': rows,
  'zeros-256k': new Uint8Array(262_145),
  'zeros-1m': new Uint8Array(1_048_577),
  'zeros-4m': new Uint8Array(4_194_305),
  concatenated: join(hello, rows),
  skippable: hello,
  'xtrabackup-empty': new Uint8Array(0),
  'xtrabackup-hello': hello,
};

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The pieces that come out of input given in pieces of `step` bytes. */
export function decodePieces(input: Uint8Array, step?: number): Uint8Array[] {
  return drain(new Lz4Decoder(), input, step);
}

export function decode(input: Uint8Array, step?: number): Uint8Array {
  return join(...decodePieces(input, step));
}

export function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

/** A frame with other bytes in its header, whose checksum is made right again. */
export function withHeader(frame: Uint8Array, bytes: Readonly<Record<number, number>>): Uint8Array {
  const copy = Uint8Array.from(frame);
  for (const [at, value] of Object.entries(bytes)) copy[Number(at)] = value;
  const size = ((copy[4] ?? 0) & 8) === 0 ? 7 : 15;
  copy[size - 1] = headerChecksumOf(copy.subarray(0, size));
  return copy;
}
