/** Made-up backups as directories. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeIndex,
  indexName,
} from '../../formats/archive-record/index.ts';
import { encodeCheckpoints, encodeDeltaMeta, encodeInfo } from '../../formats/metadata/index.ts';
import { isIncrement } from '../../formats/archive-record/index.ts';
import { encodeAll } from '../formats/delta/support.ts';
import { backupLog, fileCheckpoint, miniTransaction } from '../formats/mariadb-redo/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { type MadeFile, type MadeLink, beginOf, pageSize } from './support.ts';

/** The directories of a chain, the full backup first. */
export function madeDirectories(links: readonly MadeLink[]): string[] {
  return links.map((link, ordinal) => {
    const directory = join(scratchDir(`link${ordinal}`), 'files');
    writeLink(directory, link, ordinal);
    return directory;
  });
}

function writeLink(
  directory: string,
  { files, begin: other = {} }: MadeLink,
  ordinal: number,
): void {
  const begin = beginOf(ordinal, other);
  const members: MemberEntry[] = [];
  const write = (path: string, bytes: Uint8Array, facts: Partial<MemberEntry> = {}): void => {
    const place = join(directory, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
    members.push({ path, size: bytes.length, chunks: [], ...facts });
  };
  for (const file of files) writeFile(file, write);
  const fromLsn = BigInt(begin.sinceLsn ?? 0);
  const toLsn = BigInt(begin.redoStart + 100);
  const lastLsn = BigInt(begin.redoStart + 200);
  const backupType = isIncrement(begin) ? 'incremental' : 'full-backuped';
  write(
    'xtrabackup_checkpoints',
    encodeCheckpoints({ backupType, fromLsn, toLsn, lastLsn, others: [] }),
  );
  write('xtrabackup_info', infoOf(begin.backupId, begin.serverVersion, fromLsn));
  write('ib_logfile0', logFrom(begin.redoStart));
  write('backup-my.cnf', Buffer.from('[mysqld]\ninnodb_page_size=16384\n'));
  writeFileSync(join(directory, beginName), encodeBegin(begin));
  const index = Buffer.concat([...encodeIndex(begin.backupId, members)]);
  writeFileSync(join(directory, indexName), index);
}

function writeFile(
  { path, spaceId = 0, bytes, delta }: MadeFile,
  write: (path: string, bytes: Uint8Array, facts?: Partial<MemberEntry>) => void,
): void {
  if (!delta) {
    write(path, bytes ?? new Uint8Array(0));
    return;
  }
  write(`${path}.meta`, encodeDeltaMeta({ pageSize, zipSize: 0, spaceId, others: [] }));
  const pages = [...delta.pages]
    .map(([pageNumber, page]) => ({ pageNumber, bytes: page }))
    .sort((a, b) => a.pageNumber - b.pageNumber);
  const facts = { delta: { fileSize: delta.fileSize, chunkPages: 128 } };
  write(`${path}.delta`, encodeAll(pages, pageSize), facts);
}

/** Redo of 200 bytes. */
function logFrom(lsn: number): Uint8Array {
  const change = miniTransaction(Buffer.from('3400002d31', 'hex'));
  const parts = Array.from({ length: 17 }, (_, i) => (i < 5 ? fileCheckpoint(lsn) : change));
  return backupLog(lsn, lsn, parts);
}

function infoOf(uuid: string, serverVersion: string, innodbFromLsn: bigint): Uint8Array {
  return encodeInfo({
    uuid,
    name: '',
    toolName: 'xbpipe',
    toolCommand: '',
    toolVersion: '0.1.0',
    ibbackupVersion: '0.1.0',
    serverVersion,
    startTime: '2026-11-21 02:43:08',
    endTime: '2026-11-21 02:43:09',
    lockTime: 0,
    binlogPos: '',
    innodbFromLsn,
    innodbToLsn: 1n,
    partial: false,
    incremental: innodbFromLsn > 0n,
    format: 'file',
    compressed: false,
    others: [],
  });
}
