import { readFileSync } from 'node:fs';
import {
  adler32,
  archiveHeader,
  blockHeader,
  fileHeader,
  longPacketHeader,
  QpressDecoder,
  shortPacketHeader,
  trailer,
  type QpressBlock,
  type QpressDecoderOptions,
} from '../../../formats/qpress/index.ts';
import { drain } from '../decoder-sweeps.ts';

const folder = 'formats/qpress/vectors';

/** The SHA-256 of the originals by the name of the vector, see vectors/README.md. */
export const originals: ReadonlyMap<string, string> = new Map(
  readFileSync(`${folder}/originals.sha256`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [digest = '', name = ''] = line.split('  ');
      return [name, digest];
    }),
);

/** A member of a backup by mariadb-backup; a fresh copy each time. */
export function vector(name: string): Uint8Array {
  return Uint8Array.from(readFileSync(`${folder}/${name}.qp`));
}

/** The packets of a member, by the places of its blocks. */
export function packetsOf(member: Uint8Array): Uint8Array[] {
  return decodeAll(member).blocks.map(({ offset }, index, { [index + 1]: next }) =>
    member.subarray(
      offset + blockHeader.size,
      next === undefined ? member.length - trailer.size : next.offset,
    ),
  );
}

/** All blocks of an archive that is pushed in pieces of `step` bytes. */
export function decodeAll(
  input: Uint8Array,
  step?: number,
  options: QpressDecoderOptions = {},
): { name: string; blocks: QpressBlock[]; bytes: Buffer } {
  const decoder = new QpressDecoder(options);
  const blocks = drain(decoder, input, step);
  const name = Buffer.from(decoder.name ?? []).toString();
  return { name, blocks, bytes: Buffer.concat(blocks.map(({ bytes }) => bytes)) };
}

export const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface Packet {
  flags?: number;
  size: number;
  body: Uint8Array;
  /** What the header says, when it is not the truth. */
  packetSize?: number;
}

/** A packet with a short header when its flags say so, a long one otherwise. */
export function packet({ flags = 0x47, size, body, packetSize }: Packet): Uint8Array {
  const table = (flags & 2) === 0 ? shortPacketHeader : longPacketHeader;
  const told = packetSize ?? table.size + body.length;
  return join(table.encode({ flags, packetSize: told, size }), body);
}

/** A control word of these bits, the first one the lowest, and its sentinel. */
export function control(bits: string): Uint8Array {
  const word = Buffer.alloc(4);
  const reversed = bits.split('').toReversed().join('');
  word.writeUInt32LE(2 ** 31 + Number.parseInt(`0${reversed}`, 2));
  return Uint8Array.from(word);
}

/** A match of a length up to 17 in two bytes, of more in three. */
export function match(slot: number, length: number): Uint8Array {
  const short = length >= 3 && length <= 17;
  const word = (slot << 4) | (short ? length - 2 : 0);
  return Uint8Array.of(word & 0xff, word >> 8, ...(short ? [] : [length]));
}

/** The slot of three bytes. */
export function slotOf(bytes: Uint8Array): number {
  const [first = 0, second = 0, third = 0] = bytes;
  const value = first | (second << 8) | (third << 16);
  return ((value >> 12) ^ value) & 0xfff;
}

export interface Archive {
  magic?: Uint8Array;
  chunkSize?: bigint;
  tag?: number;
  name?: string;
  nameLength?: number;
  nul?: number;
  packets?: Uint8Array[];
  blockTag?: Uint8Array;
  checksum?: number;
  trailerTag?: Uint8Array;
  behind?: Uint8Array;
}

/** An archive by its layout; every field can be made what it must not be. */
export function archive(made: Archive): Uint8Array {
  const name = ascii(made.name ?? 'name');
  const blocks = (made.packets ?? []).map((packet) =>
    join(
      blockHeader.encode({
        tag: made.blockTag ?? ascii('NEWBNEWB'),
        position: 0n,
        checksum: made.checksum ?? adler32(packet),
      }),
      packet,
    ),
  );
  return join(
    archiveHeader.encode({
      magic: made.magic ?? ascii('qpress10'),
      chunkSize: made.chunkSize ?? 65_536n,
    }),
    fileHeader.encode({ tag: made.tag ?? 0x46, nameLength: made.nameLength ?? name.length }),
    name,
    Uint8Array.of(made.nul ?? 0),
    ...blocks,
    trailer.encode({ tag: made.trailerTag ?? ascii('ENDSENDS'), recovery: 0n }),
    made.behind ?? new Uint8Array(0),
  );
}
