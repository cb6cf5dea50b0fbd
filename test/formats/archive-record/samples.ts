/** One record of each kind, every field set. */
import type {
  BeginRecord,
  EndRecord,
  Manifest,
  MemberEntry,
  SystemFile,
} from '../../../formats/archive-record/index.ts';

const backupId = '6f1c4d5e-2f0b-4a8e-9a53-0d6a4c1f7b21';

export const begin: BeginRecord = {
  backupId,
  tool: 'xbpipe 0.1.0',
  flavour: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  pageSize: 16384,
  redoStart: 46_000,
  parentId: '00000000-0000-4000-8000-000000000000',
  sinceLsn: 45_000,
  serverId: 'WO1CIQABMsXaMsxRyeUrqvfEMEk=',
  redoBegan: 12_288,
  restoredFrom: '11111111-0000-4000-8000-000000000000',
  restoredAt: '2026-11-20T12:00:00.000Z',
  pageTracking: {
    startLsn: 46_100,
    serverStarted: 1_795_000_000,
    newestTableId: 1_060,
    newestIndexId: 170,
  },
  startedAt: '2026-11-21T02:43:08.000Z',
  compression: 'zstd',
  encryption: 'AES256',
  keyCheck: '0123456789abcdef0123456789abcdef',
  digests: true,
};

export const entry: MemberEntry = {
  path: 'db/t.ibd',
  chunkPath: './db/old.ibd',
  spaceId: 5,
  pageSize: 16384,
  size: 12,
  plainSize: 40,
  delta: { fileSize: 65_536, chunkPages: 128, pages: '1+2' },
  chunks: [500, 8, 0, 0xffff_ffff, 600, 4, 8, 0],
  headers: [47, 99],
  digests: ['01'.repeat(32), '23'.repeat(32)],
};

export const end: EndRecord = {
  backupId,
  indexOffset: 1000,
  indexLength: 200,
  indexSha256: 'ab'.repeat(32),
  members: 2,
  payloadBytes: 300,
  endOffset: 1300,
  chunksSha256: 'cd'.repeat(32),
  hmac: 'ef'.repeat(32),
};

export const manifest: Manifest = {
  backupId,
  parentId: 'b4b5c3c1-7b3c-4f0e-9a41-3f5b2a1c0d9e',
  sinceLsn: 45_000,
  tool: 'xbpipe 0.1.0',
  flavour: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  pageSize: 16384,
  redoStart: 46_000,
  toLsn: 46_100,
  lastLsn: 46_200,
  binlog: { file: 'd1-bin.000005', position: 615, gtid: '0-1-6245' },
  compression: 'zstd',
  encryption: 'AES256',
  startedAt: '2026-11-21T02:43:08.000Z',
  finishedAt: '2026-11-21T02:43:10.000Z',
  members: 2,
  plainBytes: 9000,
  objects: [
    { name: 'archive.xbs', size: 2400 },
    { name: 'archive.0002.xbs', size: 17 },
  ],
  index: 'index.json',
};

export const systemFiles: SystemFile[] = [
  { name: 'ibdata1', size: 12_582_912 },
  { name: 'ibdata2', size: 4_194_304 },
];

export function asObject(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}
