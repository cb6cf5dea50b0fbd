import assert from 'node:assert/strict';

import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { FormatError } from '../../../formats/format-error.ts';
import {
  adler32,
  bodyBytesMax,
  bodyBytesMin,
  decompressQuickLz,
  longPacketHeader,
  packetFlags,
  shortPacketHeader,
} from '../../../formats/qpress/index.ts';
import { seededRandom } from '../../support/random.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { failureOf } from '../decoder-sweeps.ts';
import { ascii, control, join, match, packet, packetsOf, slotOf, vector } from './support.ts';

const chunk = 65_536;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** What is unpacked from a compressed body that promises `size` bytes. */
const unpacked = (size: number, ...parts: Uint8Array[]): string =>
  text(decompressQuickLz(packet({ size, body: join(...parts) }), chunk));

const refused = (size: number, ...parts: Uint8Array[]): string => {
  const failure = failureOf(() => unpacked(size, ...parts));
  assert.equal(failure.kind, 'invalid');
  return failure.message;
};

const abc = slotOf(ascii('abc'));
const tail = ascii('0123456789A');

describe('QuickLZ level 1', () => {
  it('takes literals over, and passes over the control words among them', () => {
    assert.equal(unpacked(11, control(''), tail), text(tail));
    const plain = Uint8Array.from({ length: 80 }, (_, at) => 33 + at);
    const words = [plain.subarray(0, 31), plain.subarray(31, 62), plain.subarray(62)];
    const body = words.flatMap((part) => [control(''), part]);
    assert.equal(unpacked(80, ...body), text(plain));
    // Within the tail nothing in the control word counts.
    const rest = [Uint8Array.of(1, 2, 3, 4), plain.subarray(31, 40)];
    assert.equal(
      unpacked(40, control(''), plain.subarray(0, 31), ...rest),
      text(plain.subarray(0, 40)),
    );
    assert.equal(unpacked(11, control('0011'), tail), text(tail));
  });

  it('copies a match of two bytes and of three bytes', () => {
    const start = [control('0000001'), ascii('abcdef')];
    assert.equal(unpacked(20, ...start, match(abc, 3), tail), `abcdefabc${text(tail)}`);
    assert.equal(unpacked(21, ...start, match(abc, 4), tail), `abcdefabcd${text(tail)}`);
    const long = 'abcdef'.repeat(50).slice(0, 6 + 255);
    assert.equal(unpacked(261 + 11, ...start, match(abc, 255), tail), long + text(tail));
  });

  it('copies a match that reaches into itself from the front', () => {
    const start = [control('0001'), ascii('aaa')];
    const slot = slotOf(ascii('aaa'));
    assert.equal(unpacked(34, ...start, match(slot, 20), tail), `${'a'.repeat(23)}${text(tail)}`);
    const pair = [control('00001'), ascii('abab')];
    const made = unpacked(24, ...pair, match(slotOf(ascii('aba')), 9), tail);
    assert.equal(made, `ababababababa${text(tail)}`);
  });

  it('copies a match up to the very end', () => {
    const start = [control('00000011'), ascii('abcdef')];
    const made = `${'abcdef'.repeat(4)}ababc`;
    assert.equal(unpacked(29, ...start, match(abc, 20), match(abc, 3)), made);
    assert.equal(unpacked(36, ...start, match(abc, 30)), 'abcdef'.repeat(6));
  });

  it('takes the last position of a hash that a match has not hidden', () => {
    // "abcX" and "abcY": the second one counts.
    const twice = [control('000000001'), ascii('abcXabcY'), match(abc, 4), tail];
    assert.equal(unpacked(23, ...twice), `abcXabcYabcY${text(tail)}`);
    // The first byte of a match is entered, those within it are not: "bcd" is still the first one.
    const within = [control('0000010001'), ascii('abcde'), match(abc, 5), ascii('XYZ')];
    const bcd = match(slotOf(ascii('bcd')), 6);
    assert.equal(unpacked(30, ...within, bcd, tail), `abcdeabcdeXYZbcdeab${text(tail)}`);
    const first = unpacked(28, ...within, match(abc, 4), tail);
    assert.equal(first, `abcdeabcdeXYZabcd${text(tail)}`);
  });

  it('enters what the last two bytes before a match begin only behind it', () => {
    // The slot of "bcd" is empty when "cd" has not been there, whatever the match makes.
    const early = [control('000011'), ascii('abca'), match(abc, 3)];
    assert.match(
      refused(30, ...early, match(slotOf(ascii('bcd')), 3), tail),
      /has not been there/u,
    );
    const late = [control('000011'), ascii('abca'), match(abc, 3)];
    const caa = unpacked(21, ...late, match(slotOf(ascii('caa')), 3), tail);
    assert.equal(caa, `abcaabccaa${text(tail)}`);
  });

  it('gives a stored body as it is', () => {
    assert.equal(
      text(decompressQuickLz(packet({ flags: 0x46, size: 11, body: tail }), 11)),
      text(tail),
    );
    assert.equal(
      text(decompressQuickLz(packet({ flags: 0x44, size: 11, body: tail }), 11)),
      text(tail),
    );
  });

  it('does not mind bytes behind the last item, and unpacks nothing to nothing', () => {
    const padding = Uint8Array.of(1, 2, 3, 4);
    assert.equal(unpacked(1, control(''), ascii('x'), padding), 'x');
    assert.equal(unpacked(0), '');
  });

  it('refuses a match before the start, beyond the end, and of less than three bytes', () => {
    assert.match(
      refused(20, control('1'), match(abc, 3), tail),
      /match at byte 13: .*not been there/u,
    );
    const start = [control('00000011'), ascii('abcdef')];
    const two = [...start, match(abc, 20), match(abc, 3)];
    assert.match(refused(28, ...two), /match at byte 22: 3 bytes, only 2 are left/u);
    assert.match(refused(100, ...start, match(abc, 255)), /255 bytes, only 94 are left/u);
    for (const length of [0, 1, 2]) {
      const bytes = Uint8Array.of((abc << 4) & 0xff, abc >> 4, length);
      assert.match(
        refused(20, ...start, bytes, tail),
        new RegExp(`${length} bytes are no match`, 'u'),
      );
    }
  });

  it('refuses a body that ends in a control word, a literal or a match', () => {
    assert.match(refused(1), /packetSize at byte 1: 9 bytes cannot hold 1/u);
    for (const length of [1, 2, 3]) {
      assert.match(
        refused(20, control('').subarray(0, length)),
        /control word at byte 9: the packet ends/u,
      );
    }
    assert.match(refused(20, control('')), /literal at byte 13/u);
    assert.match(refused(20, control(''), ascii('abc')), /literal/u);
    assert.match(refused(11, control(''), tail.subarray(0, 10)), /literal at byte 23/u);
    const start = [control('0000001'), ascii('abcdef')];
    for (let length = 0; length < 3; length += 1) {
      const part = match(abc, 20).subarray(0, length);
      assert.match(refused(30, ...start, part), /match at byte 19: the packet ends in it/u);
    }
    assert.match(
      refused(30, ...start, match(abc, 5).subarray(0, 1)),
      /match at byte 19: the packet ends in it/u,
    );
    const full = [control(''), Uint8Array.from({ length: 31 })];
    assert.match(refused(60, ...full), /control word at byte 44: the packet ends/u);
    assert.match(refused(60, ...full, Uint8Array.of(0, 0)), /control word at byte 44/u);
    assert.match(refused(40, ...full), /literal/u);
  });

  it('refuses a control word without its sentinel', () => {
    assert.match(
      refused(20, Uint8Array.of(0, 0, 0, 0x7f), tail),
      /word at byte 9: it has no sentinel/u,
    );
    assert.match(refused(20, Uint8Array.of(1, 0, 0, 0), tail), /no sentinel/u);
  });
});

describe('QuickLZ packet header', () => {
  const header = (flags: number, packetSize: number, size: number): string => {
    const table = (flags & 2) === 0 ? shortPacketHeader : longPacketHeader;
    const bytes = table.encode({ flags, packetSize, size });
    const failure = failureOf(() => decompressQuickLz(bytes, chunk, 1000));
    return `${failure.kind} ${failure.message}`;
  };

  it('has the tables of its spec', () => {
    const rows = (heading: string): string[][] =>
      specTable('formats/qpress/qpress.md', layoutTitles, heading);
    assert.deepEqual(layoutRows(shortPacketHeader), rows('short header'));
    assert.deepEqual(layoutRows(longPacketHeader), rows('long header'));
    const flags = Object.entries(packetFlags).map(([name, { mask, description }]) => [
      `0x${mask.toString(16).padStart(2, '0')}`,
      name,
      description,
    ]);
    const titles = ['bits', 'name', 'description'];
    assert.deepEqual(specTable('formats/qpress/qpress.md', titles, 'flags'), flags);
  });

  it('refuses levels 2 and 3, a history, and what is no flags, by name', () => {
    assert.match(header(0x4b, 20, 11), /flags at byte 1000: level 2 is not supported/u);
    assert.match(header(0x4f, 20, 11), /level 3 is not supported/u);
    assert.match(header(0x43, 20, 11), /0x43 names no level/u);
    for (const flags of [0x57, 0x67, 0x77]) {
      assert.match(header(flags, 20, 11), /packets that share a history/u);
    }
    for (const flags of [0x07, 0x87, 0xc7]) assert.match(header(flags, 20, 11), /is no packet/u);
  });

  it('refuses sizes over the limit and sizes that do not go together, before it wants the body', () => {
    assert.match(header(0x47, 60_000, chunk + 1), /size at byte 1005: 65537 bytes are over/u);
    assert.match(header(0x47, 2 ** 32 - 1, 2 ** 32 - 1), /over the limit 65536/u);
    assert.match(header(0x47, 2 ** 32 - 1, 100), /packetSize at byte 1001: 4294967295 bytes/u);
    assert.match(header(0x47, 0, 100), /0 bytes cannot hold 100/u);
    assert.match(header(0x47, 9 + bodyBytesMin(chunk) - 1, chunk), /invalid .* cannot hold 65536/u);
    assert.match(header(0x47, 9 + bodyBytesMin(chunk), chunk), /truncated .* body at byte 1009/u);
    assert.match(header(0x47, 9 + bodyBytesMax(100) + 1, 100), /invalid .* cannot hold 100/u);
    assert.match(header(0x47, 9 + bodyBytesMax(100), 100), /truncated/u);
    assert.match(header(0x46, 109 - 1, 100), /invalid .* cannot hold 100/u);
    assert.match(header(0x46, 109 + 1, 100), /invalid .* cannot hold 100/u);
    assert.match(header(0x45, 2, 0), /invalid .* cannot hold 0/u);
  });

  it('says where a packet is cut', () => {
    const whole = packet({ size: 11, body: join(control(''), tail) });
    for (let cut = 0; cut < whole.length; cut += 1) {
      const failure = failureOf(() => decompressQuickLz(whole.subarray(0, cut), chunk, 50));
      assert.deepEqual([failure.kind, failure.offset], ['truncated', 50 + cut]);
      assert.equal(failure.field, `QuickLZ packet > ${cut < 9 ? 'header' : 'body'}`);
    }
  });
});

/** The content, or the message of the FormatError; any other error comes through. */
function unpackedOrRefused(packet: Uint8Array): string {
  try {
    const bytes = decompressQuickLz(packet, chunk);
    assert.ok(bytes.length <= chunk);
    const [flags = 0] = packet;
    const table = (flags & packetFlags.long.mask) === 0 ? shortPacketHeader : longPacketHeader;
    assert.equal(bytes.length, table.decode(packet).size);
    return text(bytes);
  } catch (error) {
    if (error instanceof FormatError) return String(error);
    throw error;
  }
}

describe('QuickLZ on noise', () => {
  it('ends in what was promised or in a FormatError, and says the same again', () => {
    const random = seededRandom(20_261_121);
    const packets = ['db.opt', 'listing.frm', 'pages.ibd'].flatMap((name) =>
      packetsOf(vector(name)),
    );
    let whole = 0;
    for (let round = 0; round < 4000; round += 1) {
      const made = Uint8Array.from(random.pick(packets));
      // The header stays as it is most of the time: it would be refused at once.
      const from = random.below(8) === 0 ? 0 : 9;
      for (let left = 1 + random.below(4); left > 0; left -= 1) {
        made[from + random.below(made.length - from)] = random.pick([0, 0xff, random.below(256)]);
      }
      const outcome = unpackedOrRefused(made);
      assert.equal(unpackedOrRefused(made), outcome);
      if (!outcome.startsWith('FormatError')) whole += 1;
    }
    assert.ok(whole > 400, `only ${whole} of the packets could still be unpacked`);
    assert.ok(whole < 3600, `${whole} of the packets could still be unpacked`);
  });

  it('never looks outside of the packet', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 20_000; round += 1) {
      const noise = Uint8Array.from({ length: random.below(80) }, () => random.below(256));
      if (random.below(2) === 0 && noise.length > 0) noise[0] = random.pick([0x44, 0x45, 0x47]);
      const around = join(new Uint8Array(64).fill(0x55), noise, new Uint8Array(64).fill(0xaa));
      const within = around.subarray(64, 64 + noise.length);
      assert.equal(unpackedOrRefused(within), unpackedOrRefused(noise));
    }
  });
});

describe('Adler-32', () => {
  it('is that of zlib, also where the sums are largest', () => {
    assert.equal(adler32(new Uint8Array(0)), 1);
    assert.equal(adler32(ascii('Wikipedia')), 0x11e60398);
    for (const [length, value] of [
      [3799],
      [3800],
      [3801],
      [1_000_003, 0xff],
      [65_536, 0xff],
    ] as const) {
      const bytes = Uint8Array.from({ length }, (_, at) => value ?? (at * 31) % 256);
      assert.equal(adler32(bytes), deflatedAdler(bytes));
    }
  });
});

/** The checksum that zlib puts behind its own stream. */
function deflatedAdler(bytes: Uint8Array): number {
  const packed = deflateSync(bytes);
  return packed.readUInt32BE(packed.length - 4);
}
