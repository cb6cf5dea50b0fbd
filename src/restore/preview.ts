import { join } from 'node:path';
import type { BeginRecord, Manifest, MemberEntry } from '../../formats/archive-record/index.ts';
import { readArchiveIndex } from '../archive/archive-index.ts';
import { BackupError } from '../errors.ts';
import { probeDirectory } from '../sink/probe-directory.ts';
import { stageName } from '../store/stage-name.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';
import type { StoredBackup } from '../source/stored-backup.ts';
import { requireServer } from './require-server.ts';
import type { RestoreOptions } from './restore.ts';
import type { ServerBinary } from './server-binary.ts';

/** A backup of the chain. */
export interface PreviewedLink {
  /** Its URL or path. */
  name: string;
  backupId: string;
  redoStart: number;
  /** Where that is known before it is read. */
  lastLsn?: number | undefined;
}

/** What a restore would read, write and need. Sizes in bytes. */
export interface RestorePreview {
  /** Backups of the chain that it is the newest of: 1 for a full backup. */
  links: number;
  /** The backups of a chain, the full one first; of a full backup none are named. */
  chain?: PreviewedLink[];
  backup: Pick<BeginRecord, 'backupId' | 'flavour' | 'serverVersion' | 'startedAt' | 'redoStart'>;
  compression: string | undefined;
  encryption: string | undefined;
  /** What is read of the archives. */
  archiveBytes: number;
  /** Requests that reading it takes. */
  requests: number;
  members: number;
  /** Bytes of the files as they will be on disk. */
  plainBytes: number;
  freeBytes: number;
  server: ServerBinary;
}

/** An archive that can be read at any offset, and the backup that it is part of. */
export interface StoredArchive {
  archive: ArchiveObjects;
  backup?: StoredBackup | undefined;
}

/**
 * Makes every check of a restore that can be made before the archive is read: its first and last
 * records and its index, the key, the target and the server that is to recover it.
 */
export async function previewRestore(
  stored: StoredArchive,
  { datadir, key, serverBinary }: Pick<RestoreOptions, 'datadir' | 'key' | 'serverBinary'>,
  signal: AbortSignal,
): Promise<RestorePreview> {
  const { archive } = stored;
  const { facts, members } = await contentsOf(stored, key, signal);
  const freeBytes = await probeDirectory(datadir);
  const server = await requireServer(facts, { serverBinary }, join(datadir, stageName));
  const { backupId, flavour, serverVersion, startedAt, redoStart } = facts;
  return {
    links: 1,
    backup: { backupId, flavour, serverVersion, startedAt, redoStart },
    compression: facts.compression,
    encryption: facts.encryption,
    archiveBytes: archive.size,
    requests: archive.requests,
    members: members.length,
    plainBytes: members.reduce((sum, { plainSize, size }) => sum + (plainSize ?? size), 0),
    freeBytes,
    server,
  };
}

/** What an archive is of, by its own records or, of one that was imported, by those beside it. */
async function contentsOf(
  { archive, backup }: StoredArchive,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<{ facts: BeginRecord | Manifest; members: readonly MemberEntry[] }> {
  if (backup?.promised) return { facts: backup.manifest, members: backup.promised };
  const index = await readArchiveIndex(archive, { key, needKey: true }, signal);
  if (index?.begin) return { facts: index.begin, members: index.members };
  throw new BackupError('failed', `${archive.name} has no index that can be read`, {
    hint: 'an archive of another tool gets one by: xbpipe import',
  });
}
