import { crc32c } from '../../../formats/crc.ts';
import { FormatError } from '../../../formats/format-error.ts';
import { dataView } from '../../../formats/layout.ts';
import * as mariadb from '../../../formats/mariadb-redo/index.ts';
import * as mysql from '../../../formats/mysql-redo/index.ts';
import { vector as mariadbVector } from '../../formats/mariadb-redo/support.ts';
import { backupOf, vector as mysqlVector } from '../../formats/mysql-redo/support.ts';
import type { Random } from '../../support/random.ts';
import { inPlace } from '../change.ts';
import { mendByComplaint } from '../mend-by-complaint.ts';
import { type Input, type Target, pieces } from '../target.ts';

// What goes into these readers are whole files; a piece of the size of a sample has it all.
const sampleBytesMax = 64 * 1024;

interface Log {
  push(bytes: Uint8Array): void;
  end(): unknown;
}

function checked(log: Log, feed: Iterable<Uint8Array>): unknown {
  for (const piece of feed) log.push(piece);
  return log.end();
}

/**
 * A log that ends early or has a part twice is whole for this check, and its end is told; the
 * metadata of the backup knows where it should be. But a byte in its place is right or refused.
 */
function objection(
  found: unknown,
  { bytes, sample, changes, mended }: Input,
  log: Log,
): string | undefined {
  if (mended || sample === undefined || changes.some((name) => !inPlace.has(name)))
    return undefined;
  const differing = bytes.findIndex((byte, at) => byte !== sample[at]);
  if (differing < 0) return undefined;
  const [after, before] = [lastLsnOf(found), lastLsnOf(checked(log, [sample]))];
  // Zeros behind the last record are an earlier end, which the metadata tells.
  return after === before ? `byte ${differing} was changed and accepted` : undefined;
}

function lastLsnOf(report: unknown): bigint {
  return BigInt((report as { lastLsn: bigint | number }).lastLsn);
}

/** A backup's log of MariaDB, as restore reads it. */
export const mariadbRedo: Target = {
  name: 'mariadb-redo',
  open: () => ({
    samples: ['backup-end-lsn', 'backup-idle', 'backup-encrypted', 'prepared'].map((name) =>
      mariadbVector(name).slice(0, sampleBytesMax),
    ),
    read: (bytes, random) => checked(new mariadb.BackupLogCheck(), pieces(bytes, random)),
    objection: (found, input) => objection(found, input, new mariadb.BackupLogCheck()),
    mend: (bytes) =>
      mendByComplaint(bytes, (mended) => checked(new mariadb.BackupLogCheck(), [mended])),
  }),
};

function scanMariadb(bytes: Uint8Array, random: Random): number {
  const at = random.below(1 + Math.min(bytes.length, 64));
  const window = Uint8Array.from(bytes.subarray(at));
  const nonceBytes = random.pick([0, 8] as const);
  const options: mariadb.ScanOptions = {
    sequenceBit: () => 1,
    nonceBytes,
    limitLsn: random.pick([Infinity, 50_000 + random.below(window.length + 1)]),
    onFileRecord: () => undefined,
    onMiniTransaction: (from, length) => {
      if (nonceBytes === 8) return;
      mariadb.confineFilePaths(window, from, length, { nonceBytes, insider: () => 'a' });
    },
  };
  const { consumed } = mariadb.scanMiniTransactions(window, 50_000, options);
  if (consumed > window.length) throw new Error(`${consumed} bytes of ${window.length} consumed`);
  return consumed;
}

/** Mini-transactions from anywhere, as the copier sees them in a log that is written to. */
export const mariadbScan: Target = {
  name: 'mariadb-scan',
  open: () => ({
    samples: ['backup-end-lsn', 'live-wrap', 'live-wrap-marker']
      .map((name) => mariadbVector(name))
      .map((log) => log.slice(mariadb.logPayloadOffset, mariadb.logPayloadOffset + 16_384)),
    read: scanMariadb,
    mend: (bytes) => mendFirst(bytes),
  }),
};

/** The scan does not throw its complaint, so it is thrown here. */
function mendFirst(bytes: Uint8Array): Uint8Array {
  return mendByComplaint(bytes, (mended) => {
    const options: mariadb.ScanOptions = {
      sequenceBit: () => 1,
      nonceBytes: 0,
      limitLsn: Infinity,
    };
    const { consumed, reason } = mariadb.scanMiniTransactions(mended, 50_000, options);
    if (reason !== undefined) throw new ScanComplaint(reason, consumed);
  });
}

class ScanComplaint extends FormatError {
  constructor(reason: string, consumed: number) {
    super('invalid', 'scan', consumed, reason);
  }
}

/** A backup's log of MySQL. */
export const mysqlRedo: Target = {
  name: 'mysql-redo',
  open: () => ({
    samples: [backupOf('live', 144_767_205), backupOf('encrypted', 19_437_838)],
    read: (bytes, random) => checked(new mysql.BackupLogCheck(), pieces(bytes, random)),
    // Encrypted blocks are judged by their headers alone.
    objection: (found, input) =>
      (found as mysql.BackupLogReport).encrypted
        ? undefined
        : objection(found, input, new mysql.BackupLogCheck()),
    mend: mendBlocks,
  }),
};

/** The parts of the header and the walk over blocks, each by itself. */
export const mysqlScan: Target = {
  name: 'mysql-scan',
  open: () => ({
    samples: [
      'live',
      'encrypted',
      'full',
      'full-checkpoints',
      'next',
      'no-checksum',
      'disabled',
    ].map((name) => mysqlVector(name).slice(0, 8192)),
    read: (bytes, random) => {
      const reads = [
        () => mysql.decodeLogHeader(bytes, { staleChecksum: random.below(2) === 0 }),
        () => mysql.checkpointLsns(bytes, { startLsn: 8192, fileBytes: 1 << 28 }),
        () => mysql.decodeCheckpoint(bytes, random.pick(mysql.checkpointOffsets)),
        () => mysql.encryptionBlock(bytes),
        () =>
          mysql.scanBlocks(
            bytes.subarray(Math.min(2048, bytes.length)),
            512 * random.below(1 << 30),
          ),
        () =>
          mysql.cutBlock(
            bytes.subarray(Math.min(2048, bytes.length)),
            512 * random.below(1 << 30) + 100,
          ),
      ];
      return random.pick(reads)();
    },
    mend: mendBlocks,
  }),
};

function mendBlocks(bytes: Uint8Array): Uint8Array {
  const mended = Uint8Array.from(bytes);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    const block = mended.subarray(at, at + 512);
    const encrypted = at >= 2048 && mysql.isEncryptedBlock(block, 0);
    const isEncryptionBlock = at === mysql.encryptionBlockOffset;
    if (encrypted || isEncryptionBlock || block.every((byte) => byte === 0)) continue;
    dataView(block).setUint32(508, crc32c(block.subarray(0, 508)));
  }
  return mended;
}
