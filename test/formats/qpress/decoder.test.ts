import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  acceptedChunkBytesDefault,
  adler32,
  archiveHeader,
  blockHeader,
  fileHeader,
  nameBytesMax,
  QpressDecoder,
  trailer,
} from '../../../formats/qpress/index.ts';
import { seededRandom } from '../../support/random.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { assertStaysBroken, assertTellsCuts, failureOf, flipEveryBit } from '../decoder-sweeps.ts';
import {
  archive,
  ascii,
  control,
  decodeAll,
  join,
  originals,
  packet,
  packetsOf,
  vector,
  type Archive,
} from './support.ts';

const names = [...originals.keys()];
const small = names.filter((name) => vector(name).length < 1000);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A packet of these bytes as they are. */
const stored = (bytes: Uint8Array): Uint8Array =>
  packet({ flags: 0x46, size: bytes.length, body: bytes });

/** How an archive is refused: `kind field at offset: message`. */
const refusal = (made: Archive | Uint8Array): string => {
  const bytes = made instanceof Uint8Array ? made : archive(made);
  const { kind, field, offset, message } = failureOf(() => decodeAll(bytes));
  assert.ok(message.startsWith(`${field} at byte ${offset}: `));
  return `${kind} ${message}`;
};

describe('qpress decoder', () => {
  it('gives the originals of the members of mariadb-backup, and their names', () => {
    assert.equal(names.length, 9);
    for (const name of names) {
      const decoded = decodeAll(vector(name));
      assert.equal(decoded.name, name);
      assert.equal(sha256(decoded.bytes), originals.get(name), name);
    }
  });

  it('gives the blocks with their places', () => {
    const { blocks } = decodeAll(vector('pages.ibd'));
    assert.deepEqual(
      blocks.map(({ offset, bytes }) => [offset, bytes.length]),
      [
        [31, 65_536],
        [1302, 32_768],
      ],
    );
    assert.deepEqual(decodeAll(vector('empty.MYD')).blocks, []);
  });

  it('gives the same however the input is cut', () => {
    for (const name of names) {
      const input = vector(name);
      const whole = decodeAll(input);
      for (const step of [1, 2, 3, 4095]) {
        assert.deepEqual(decodeAll(input, step), whole, `${name} cut every ${step} bytes`);
      }
    }
  });

  it('gives every block as soon as its last byte is there', () => {
    const input = vector('mixed.MYD');
    const { blocks } = decodeAll(input);
    const decoder = new QpressDecoder();
    const seen: number[] = [];
    for (let at = 0; at < input.length; at += 1) {
      decoder.push(input.subarray(at, at + 1));
      if (decoder.next() !== undefined) seen.push(at + 1);
    }
    decoder.end();
    assert.deepEqual(seen, [blocks[1]?.offset, input.length - trailer.size]);
  });

  it('takes blocks of any length up to the chunk size', () => {
    const contents = ['', 'a', 'bc', 'defg', 'h'].map(ascii);
    const made = archive({ chunkSize: 4n, packets: contents.map(stored) });
    assert.equal(decodeAll(made).bytes.toString(), 'abcdefgh');
    assert.match(
      refusal({ chunkSize: 3n, packets: contents.map(stored) }),
      /4 bytes are over the/u,
    );
  });

  it('does not look at positions and recovery information', () => {
    const input = vector('listing.CSV');
    for (const { offset } of decodeAll(input).blocks) input.fill(0xff, offset + 8, offset + 16);
    input.fill(0xff, input.length - 8);
    assert.equal(sha256(decodeAll(input).bytes), originals.get('listing.CSV'));
  });

  it('keeps the bytes of a name that is no UTF-8, or empty', () => {
    const odd = archive({ name: 'abc' });
    odd[archiveHeader.size + fileHeader.size] = 0xff;
    const decoder = new QpressDecoder();
    assert.equal(decoder.name, undefined);
    decoder.push(odd);
    decoder.next();
    // Whoever pushed it may use its memory again.
    odd.fill(0);
    assert.deepEqual(decoder.name, Uint8Array.of(0xff, 0x62, 0x63));
    assert.equal(decodeAll(archive({ name: '' })).name, '');
    const long = 'n'.repeat(nameBytesMax);
    assert.equal(decodeAll(archive({ name: long })).name, long);
  });

  it('has the tables of its spec', () => {
    for (const table of [archiveHeader, fileHeader, blockHeader, trailer]) {
      const rows = specTable('formats/qpress/qpress.md', layoutTitles, table.name);
      assert.deepEqual(rows, layoutRows(table), table.name);
    }
  });
});

describe('qpress decoder on damage', () => {
  it('ends well only behind the trailer, and says where the input ended', () => {
    for (const name of names) {
      const input = vector(name);
      const borders = decodeAll(input).blocks.map(({ offset }) => offset);
      const stride = small.includes(name) ? 1 : 97;
      assertTellsCuts(input, { borders, stride }, (cut) => decodeAll(cut));
    }
  });

  it('names the field that the input ended in', () => {
    const input = archive({ name: 'abc', packets: [stored(ascii('hello'))] });
    const fieldAt = (cut: number): string =>
      failureOf(() => decodeAll(input.subarray(0, cut))).field;
    const fields = [
      [0, 'qpress archive > magic'],
      [8, 'qpress archive > chunkSize'],
      [16, 'qpress file > tag'],
      [17, 'qpress file > nameLength'],
      [21, 'qpress file > name'],
      [25, 'qpress block > tag'],
      [33, 'qpress block > position'],
      [41, 'qpress block > checksum'],
      [45, 'QuickLZ packet > header'],
      [54, 'QuickLZ packet > body'],
      [59, 'qpress block > tag'],
      [60, 'qpress trailer > tag'],
      [67, 'qpress trailer > recovery'],
      [input.length - 1, 'qpress trailer > recovery'],
    ] as const;
    for (const [index, [cut, field]] of fields.entries()) {
      assert.equal(fieldAt(cut), field, `cut at ${cut}`);
      if (index > 0) assert.equal(fieldAt(cut - 1), fields[index - 1]?.[1], `cut at ${cut - 1}`);
    }
  });

  it('refuses the first byte that cannot be right, without waiting for more', () => {
    const early = (head: Uint8Array): string => {
      const decoder = new QpressDecoder();
      decoder.push(head);
      return failureOf(() => decoder.next()).message;
    };
    const header = archive({ name: '' }).subarray(0, 22);
    assert.match(early(ascii('Q')), /qpress archive > magic at byte 0/u);
    assert.match(early(ascii('qpress2')), /archive > magic at byte 0/u);
    assert.match(early(join(header.subarray(0, 16), ascii('X'))), /file > tag at byte 16: 0x58/u);
    assert.match(early(join(header, ascii('X'))), /block > tag at byte 22/u);
    assert.match(early(join(header, ascii('NEWBN.'))), /block > tag at byte 22/u);
    assert.match(early(join(header, ascii('ENDSE.'))), /block > tag at byte 22/u);
    const decoder = new QpressDecoder();
    decoder.push(join(header, ascii('END')));
    assert.equal(decoder.next(), undefined);
    decoder.push(ascii('END'));
    assert.match(failureOf(() => decoder.next()).message, /trailer > tag at byte 22: damaged/u);
  });

  it('refuses folders, a second file, and whatever follows the trailer', () => {
    assert.match(refusal({ tag: 0x44 }), /file > tag at byte 16: 0x44: folders are not supported/u);
    assert.match(refusal({ tag: 0x55 }), /0x55: folders are not supported/u);
    assert.match(refusal({ tag: 0 }), /0x00: it is not supported/u);
    const second = archive({ packets: [] }).subarray(16);
    const end = archive({}).length;
    const wanted = new RegExp(`trailer > end at byte ${end}: a second file is not`, 'u');
    assert.match(refusal({ behind: second }), wanted);
    assert.match(refusal({ behind: Uint8Array.of(0) }), /trailer > end .* bytes behind it/u);
    const decoder = new QpressDecoder();
    decoder.push(archive({}));
    assert.equal(decoder.next(), undefined);
    decoder.push(Uint8Array.of(0));
    assert.match(failureOf(() => decoder.end()).message, /bytes behind it/u);
  });

  it('refuses a chunk size of nothing or over the limit, and a name over the limit', () => {
    const over = BigInt(acceptedChunkBytesDefault) + 1n;
    assert.match(refusal({ chunkSize: 0n }), /chunkSize at byte 8: 0 is not between 1 and/u);
    assert.match(refusal({ chunkSize: over }), /67108865 is not between 1 and the limit 67108864/u);
    assert.match(refusal({ chunkSize: 2n ** 64n - 1n }), /is not between/u);
    assert.equal(decodeAll(archive({ chunkSize: over - 1n })).bytes.length, 0);
    const limited = failureOf(() => decodeAll(vector('db.opt'), 1, { chunkMax: 65_535 }));
    assert.match(limited.message, /65536 is not between 1 and the limit 65535/u);
    const long = { nameLength: nameBytesMax + 1 };
    assert.match(refusal(long), /nameLength at byte 17: 4097 bytes are over the limit 4096/u);
    assert.match(refusal({ nameLength: 2 ** 32 - 1 }), /nameLength .* over the limit/u);
    assert.match(refusal({ nameLength: 3 }), /invalid qpress file > name at byte 24: no NUL/u);
    assert.match(refusal({ nul: 1 }), /no NUL/u);
  });

  it('refuses the sizes of a packet at once, by its place in the archive', () => {
    const forged = (size: number, packetSize: number): string =>
      refusal({ packets: [packet({ size, packetSize, body: control('') })] });
    const at = archiveHeader.size + fileHeader.size + 'name'.length + 1 + blockHeader.size;
    assert.match(
      forged(65_537, 9000),
      new RegExp(`size at byte ${at + 5}: 65537 bytes are over`, 'u'),
    );
    assert.match(forged(2 ** 32 - 1, 2 ** 32 - 1), /over the limit 65536/u);
    assert.match(forged(100, 2 ** 32 - 1), new RegExp(`packetSize at byte ${at + 1}: `, 'u'));
    assert.match(forged(65_536, 100), /packetSize .* 100 bytes cannot hold 65536/u);
    const level = refusal({ packets: [packet({ flags: 0x4f, size: 5, body: ascii('hello') })] });
    assert.match(level, new RegExp(`flags at byte ${at}: level 3 is not supported`, 'u'));
  });

  it('refuses a packet whose Adler-32 is not that of its block, and one that does not unpack', () => {
    const packets = [stored(ascii('hello'))];
    const checksum = adler32(packets[0] ?? new Uint8Array(0));
    assert.match(
      refusal({ packets, checksum: 1 }),
      /block > checksum at byte 42: .* not 0x00000001/u,
    );
    assert.equal(decodeAll(archive({ packets, checksum })).bytes.toString(), 'hello');
    const broken = [packet({ size: 20, body: join(control('1'), new Uint8Array(12)) })];
    assert.match(refusal({ packets: broken }), /QuickLZ packet > match at byte 59: .* been there/u);
  });

  it('notices every flipped bit but those of the name, position and recovery information', () => {
    for (const name of small) {
      const input = vector(name);
      const original = decodeAll(input);
      const blockAt = archiveHeader.size + fileHeader.size + name.length + 1;
      const position = blockAt + blockHeader.offset.position;
      // The chunk size only bounds: most of its values do.
      const harmless = (at: number): boolean =>
        (at >= 8 && at < 16) ||
        (at >= 21 && at < blockAt - 1) ||
        (original.blocks.length > 0 && at >= position && at < position + 8) ||
        at >= input.length - 8;
      flipEveryBit(input, (at) => {
        if (harmless(at)) {
          try {
            assert.deepEqual(decodeAll(input).bytes, original.bytes);
          } catch (error) {
            assert.match(
              String(error),
              /^FormatError: (qpress archive > chunkSize|QuickLZ packet > size)/u,
            );
          }
        } else {
          failureOf(() => decodeAll(input));
        }
      });
      assert.deepEqual(decodeAll(input), original);
    }
  });

  it('notices bits flipped anywhere in a large block', () => {
    const input = vector('pages.ibd');
    const [first = new Uint8Array(0)] = packetsOf(input);
    flipEveryBit(first, () => {
      failureOf(() => decodeAll(input));
    });
    assert.equal(sha256(decodeAll(input).bytes), originals.get('pages.ibd'));
  });

  it('stays broken after a failure', () => {
    assertStaysBroken(new QpressDecoder(), vector('db.opt'));
  });
});

describe('qpress decoder on noise', () => {
  it('ends damaged archives in a FormatError or in blocks that are not longer than allowed', () => {
    const random = seededRandom(4);
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const input = Buffer.from(vector(random.pick(small)));
      const at = random.below(input.length);
      const piece = input.subarray(random.below(input.length)).subarray(0, random.below(40));
      const run = Uint8Array.from({ length: random.below(12) }, () =>
        random.pick([0, 0xff, random.below(256)]),
      );
      const bytes = random.pick([
        () => join(input.subarray(0, at), run, input.subarray(at + run.length)),
        () => join(input.subarray(0, at), run, input.subarray(at)),
        () => join(input.subarray(0, at), piece, input.subarray(at)),
        () => join(input.subarray(0, at), input.subarray(at + run.length)),
      ])();
      try {
        const { blocks } = decodeAll(bytes, 1 + random.below(99));
        assert.ok(blocks.every((block) => block.bytes.length <= 65_536));
      } catch (error) {
        assert.equal((error as Error).name, 'FormatError', String(error));
        refused += 1;
      }
    }
    assert.ok(refused > 2000, `only ${refused} were refused`);
  });

  it('refuses packets of noise that have the right Adler-32', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 3000; round += 1) {
      const body = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
      const flags = random.pick([0x45, 0x47]);
      // Longer than its body, so there must be matches, and what they repeat is seldom there.
      const made = packet({ flags, size: Math.min(255, body.length + 20), body });
      failureOf(() => decodeAll(archive({ packets: [made] })));
    }
  });
});
