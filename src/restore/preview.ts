import { join } from 'node:path';
import type { BeginRecord } from '../../formats/archive-record/index.ts';
import { readArchiveIndex } from '../archive/archive-index.ts';
import { BackupError } from '../errors.ts';
import { probeDirectory } from '../sink/probe-directory.ts';
import { stageName } from '../sink/staged-directory.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';
import { keyWanted } from '../transform/key-wanted.ts';
import { requireServer } from './require-server.ts';
import type { RestoreOptions } from './restore.ts';
import type { ServerBinary } from './server-binary.ts';

/** What a restore would read, write and need. Sizes in bytes. */
export interface RestorePreview {
  backup: Pick<BeginRecord, 'backupId' | 'flavour' | 'serverVersion' | 'startedAt' | 'redoStart'>;
  compression: string | undefined;
  encryption: string | undefined;
  archiveBytes: number;
  /** Requests that reading the archive takes. */
  requests: number;
  members: number;
  /** Bytes of the files as they will be on disk. */
  plainBytes: number;
  freeBytes: number;
  server: ServerBinary;
}

/**
 * Makes every check of a restore that can be made before the archive is read: its first and last
 * records and its index, the key, the target and the server that is to recover it.
 */
export async function previewRestore(
  archive: ArchiveObjects,
  { datadir, key, serverBinary }: Pick<RestoreOptions, 'datadir' | 'key' | 'serverBinary'>,
  signal: AbortSignal,
): Promise<RestorePreview> {
  const index = await readArchiveIndex(archive, key, signal);
  if (!index) {
    if (key === undefined) throw keyWanted('the index cannot be read: it is encrypted');
    throw new BackupError('failed', `${archive.name} has no index to look into`);
  }
  const { begin, members } = index;
  if (!begin) throw new BackupError('failed', `${archive.name} has no begin record`);
  const freeBytes = await probeDirectory(datadir);
  const server = await requireServer(begin, { serverBinary }, join(datadir, stageName));
  const { backupId, flavour, serverVersion, startedAt, redoStart } = begin;
  return {
    backup: { backupId, flavour, serverVersion, startedAt, redoStart },
    compression: begin.compression,
    encryption: begin.encryption,
    archiveBytes: archive.size,
    requests: archive.requests,
    members: members.length,
    plainBytes: members.reduce((sum, { plainSize, size }) => sum + (plainSize ?? size), 0),
    freeBytes,
    server,
  };
}
