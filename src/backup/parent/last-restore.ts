import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { BeginRecord } from '../../../formats/archive-record/index.ts';
import { acceptedNames, decodeInfo } from '../../../formats/metadata/index.ts';
import { readFirst } from '../../restore/read-record.ts';

/** What a data directory was restored from, and when. */
export type LastRestore = Pick<BeginRecord, 'restoredFrom' | 'restoredAt'>;

/**
 * By the info file that we and the stock tools leave in what they restore; empty where there is
 * none that can be read.
 */
export function readLastRestore(datadir: string): LastRestore {
  try {
    const info = readFirst(datadir, acceptedNames.info, decodeInfo);
    if (!info) return {};
    const restoredAt = statSync(join(datadir, info.name)).mtime.toISOString();
    return { restoredFrom: info.value.uuid, restoredAt };
  } catch {
    // Whoever changed it, the server does not need it.
    return {};
  }
}
