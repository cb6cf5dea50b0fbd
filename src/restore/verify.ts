import { basename } from 'node:path';
import {
  type Checkpoints,
  acceptedNames,
  commonNames,
  decodeBackupMyCnf,
  decodeCheckpoints,
} from '../../formats/metadata/index.ts';
import type { ArchiveSummary } from '../archive/archive-checker.ts';
import { BackupError } from '../errors.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { systemFileNames } from './backup-directory.ts';
import { MemberProofs } from './member-proofs.ts';
import { readArchive } from './read-archive.ts';

export interface VerifyOptions {
  /** Of an encrypted backup: without it members stay closed and only the archive is proved. */
  key?: Uint8Array | undefined;
  onProgress?: (archiveBytes: number) => void;
  signal?: AbortSignal;
}

/** What was proved. */
export interface Verified extends Omit<ArchiveSummary, 'index'> {
  /** Pages that were right; page-less and encrypted members have none. */
  pages: number;
  checkpoints: Checkpoints;
  /** Members that stayed encrypted for want of a key. */
  closedMembers: number;
  /** Files of the system tablespace whose pages nobody could make sense of. */
  uncheckedFiles: string[];
}

/**
 * Reads a backup to its end and writes nothing: every chunk, the records, and every page of
 * every tablespace: its checksum, its place, and an LSN that the backup's redo reaches.
 */
export async function verify(source: ByteSource, options: VerifyOptions): Promise<Verified> {
  const { key } = options;
  const proofs = new MemberProofs();
  const { index = [], ...summary } = await readArchive(source, proofs, {
    ...options,
    decoding: { decompress: true, key },
  });
  proofs.requireLists(index);
  const checkpoints = checkpointsOf(proofs);
  proofs.requireLsn(checkpoints.lastLsn);
  const { pages, closedMembers } = proofs;
  return { ...summary, pages, closedMembers, uncheckedFiles: uncheckedOf(proofs), checkpoints };
}

/** Such a file may have any name, and its later ones have no page 0 to be known by. */
function uncheckedOf(proofs: MemberProofs): string[] {
  const bytes = proofs.kept(commonNames.backupMyCnf);
  if (!bytes) return [];
  const paths = systemFileNames({ options: decodeBackupMyCnf(bytes) });
  return paths.map((path) => basename(path)).filter((name) => !proofs.isChecked(name));
}

function checkpointsOf(proofs: MemberProofs): Checkpoints {
  for (const name of acceptedNames.checkpoints) {
    const bytes = proofs.kept(name);
    if (bytes) return decodeCheckpoints(bytes);
  }
  throw new BackupError('incomplete', `${acceptedNames.checkpoints.join(' or ')} is missing`);
}
