import { readFileSync, readdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import {
  decodeBackupMyCnf,
  decodeBinlogInfo,
  decodeCheckpoints,
  decodeDeltaMeta,
  decodeInfo,
  decodeTablespaces,
  encodeBinlogInfo,
  encodeCheckpoints,
  encodeDeltaMeta,
  encodeInfo,
  encodeTablespaces,
} from '../../../formats/metadata/index.ts';
import type { Target } from '../target.ts';

const folder = 'formats/metadata/vectors';

function vectorsOf(name: string): Uint8Array[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(`/${name}`))
    .map((path) => readFileSync(`${folder}/${path}`));
}

interface Codec {
  samples: () => Uint8Array[];
  decode: (bytes: Uint8Array) => unknown;
  /** What was read is written and read again: it must be the same. */
  again?: (found: unknown) => unknown;
}

const tablespaces = encodeTablespaces([
  { fileName: '/data/db/t.ibd', tablespaceName: 'db/t', type: 'TABLESPACE' },
  { fileName: '/undo/undo_003.ibu', tablespaceName: 'undo_003', type: 'UNDO_LOG' },
]);

const codecs: Readonly<Record<string, Codec>> = {
  checkpoints: {
    samples: () => vectorsOf('xtrabackup_checkpoints'),
    decode: decodeCheckpoints,
    again: (found) =>
      decodeCheckpoints(encodeCheckpoints(found as Parameters<typeof encodeCheckpoints>[0])),
  },
  info: {
    samples: () => vectorsOf('xtrabackup_info'),
    decode: decodeInfo,
    again: (found) => decodeInfo(encodeInfo(found as Parameters<typeof encodeInfo>[0])),
  },
  'binlog-info': {
    samples: () => vectorsOf('xtrabackup_binlog_info'),
    decode: decodeBinlogInfo,
    again: (found) =>
      decodeBinlogInfo(encodeBinlogInfo(found as Parameters<typeof encodeBinlogInfo>[0])),
  },
  'delta-meta': {
    samples: () => ['still', 'zip', 't'].flatMap((table) => vectorsOf(`${table}.ibd.meta`)),
    decode: decodeDeltaMeta,
    again: (found) =>
      decodeDeltaMeta(encodeDeltaMeta(found as Parameters<typeof encodeDeltaMeta>[0])),
  },
  'backup-my-cnf': { samples: () => vectorsOf('backup-my.cnf'), decode: decodeBackupMyCnf },
  tablespaces: {
    samples: () => [tablespaces],
    decode: decodeTablespaces,
    again: (found) =>
      decodeTablespaces(encodeTablespaces(found as Parameters<typeof encodeTablespaces>[0])),
  },
};

/** The text files of a backup. */
export const metadata: readonly Target[] = Object.entries(codecs).map(
  ([name, { samples, decode, again }]) => ({
    name: `metadata-${name}`,
    open: () => ({
      samples: samples(),
      read: (bytes) => {
        const found = decode(bytes);
        return { found, again: again?.(found) ?? found };
      },
      objection: (result) => {
        const { found, again: second } = result as { found: unknown; again: unknown };
        return isDeepStrictEqual(found, second) ? undefined : 'it reads otherwise when written';
      },
    }),
  }),
);
