import {
  decodeBegin,
  decodeEnd,
  decodeIndex,
  decodeManifest,
  encodeBegin,
  encodeEnd,
  encodeIndex,
  encodeManifest,
} from '../../../formats/archive-record/index.ts';
import { ArchiveChecker } from '../../../src/archive/archive-checker.ts';
import { assemble, sampleBegin, samples as members } from '../../archive/support.ts';
import { join } from '../../formats/xbstream/support.ts';
import { type Random } from '../../support/random.ts';
import { changed } from '../change.ts';
import { type Input, type Reader, type Target, pieces } from '../target.ts';

const digest = 'ab'.repeat(32);

const begin = encodeBegin({ ...sampleBegin, parentId: 'p', compression: 'zstd', digests: true });
const end = encodeEnd({
  backupId: sampleBegin.backupId,
  indexOffset: 1234,
  indexLength: 567,
  indexSha256: digest,
  members: 7,
  payloadBytes: 4096,
  endOffset: 9876,
  chunksSha256: digest,
  hmac: digest,
});
const index = join(
  ...encodeIndex(sampleBegin.backupId, [
    { path: 'ibdata1', spaceId: 0, pageSize: 16_384, size: 12, chunks: [0, 12, 0, 77] },
    { path: 'a.zst', size: 5, plainSize: 99, chunks: [70, 5, 0, 1], digests: [digest] },
    { path: 'empty', size: 0, chunks: [] },
    { path: 'd/b', chunkPath: './d/a', size: 8, chunks: [90, 8, 0, 1], headers: [61] },
  ]),
);
const manifest = encodeManifest({
  backupId: sampleBegin.backupId,
  tool: 'xbpipe',
  flavour: 'mariadb',
  serverVersion: '10.11.6',
  pageSize: 16_384,
  redoStart: 46_000,
  toLsn: 46_100,
  lastLsn: 46_200,
  binlog: { file: 'bin.000001', position: 4, gtid: '' },
  members: 3,
  plainBytes: 99,
  startedAt: '2026-11-21T02:43:08.000Z',
  finishedAt: '2026-11-21T02:44:08.000Z',
  objects: [{ name: 'archive.xbs', size: 1234 }],
});

const decoders = {
  begin: decodeBegin,
  end: decodeEnd,
  index: decodeIndex,
  manifest: decodeManifest,
};

/** Offsets, lengths and counts of a record that was read must be such. */
function sound(found: unknown): string | undefined {
  const wrong = numbersIn(found).find((value) => !Number.isSafeInteger(value) || value < 0);
  return wrong === undefined ? undefined : `a count of ${wrong} was accepted`;
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function recordTarget(name: keyof typeof decoders, sample: Uint8Array): Target {
  return {
    name: `record-${name}`,
    open: () => ({
      samples: [sample],
      read: (bytes) => decoders[name](bytes),
      objection: (found) => sound(found),
    }),
  };
}

const sampleOf = { begin, end, index, manifest };

/** Archives that are whole but for a record that lies, its checksums all right. */
const archiveForged: Target = {
  name: 'archive-forged',
  open: () => {
    const reader: Reader = {
      samples: [begin, end, index],
      read: (bytes, random) => {
        const checker = new ArchiveChecker();
        for (const piece of pieces(bytes, random)) for (const _ of checker.push(piece));
        return checker.end();
      },
      make: (random) => forged(reader, random),
    };
    return reader;
  },
};

function forged(reader: Reader, random: Random): Input {
  const which = random.pick(['begin', 'index', 'end'] as const);
  const lie = (true_: Uint8Array): Uint8Array =>
    changed({ ...reader, samples: [] }, true_, random).bytes;
  const bytes = assemble(members, {
    ...(which === 'begin' && { begin: lie(encodeBegin(sampleBegin)) }),
    ...(which === 'index' && {
      index: (all) => lie(join(...encodeIndex(sampleBegin.backupId, all))),
    }),
    ...(which === 'end' && { end: (record) => lie(encodeEnd(record)) }),
  });
  return { bytes, sample: undefined, changes: [which], mended: true };
}

export const records: readonly Target[] = [
  recordTarget('begin', sampleOf.begin),
  recordTarget('end', sampleOf.end),
  recordTarget('index', sampleOf.index),
  recordTarget('manifest', sampleOf.manifest),
  archiveForged,
];
