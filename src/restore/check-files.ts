import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beginName, endName, indexName } from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import type { BackupDirectory } from './backup-directory.ts';

/**
 * A server starts, with corrupt data, when an undo tablespace or a table is
 * missing: so every file is held against the backup's own list before it may.
 */
export function checkFiles({ path, members, options }: BackupDirectory): void {
  if (members) {
    const records = new Set([beginName, indexName, endName]);
    for (const { path: member, size } of members) {
      if (!records.has(member)) checkFile(join(path, member), size);
    }
    return;
  }
  const undo = Number(options.u64('innodb_undo_tablespaces') ?? 0n);
  for (let number = 1; number <= undo; number++) {
    checkFile(join(path, `undo${String(number).padStart(3, '0')}`), undefined);
  }
  for (const part of (options.get('innodb_data_file_path') ?? 'ibdata1').split(';')) {
    checkFile(join(path, part.split(':')[0] ?? ''), undefined);
  }
}

function checkFile(path: string, size: number | undefined): void {
  if (!existsSync(path)) {
    throw new BackupError('corrupt', `${path} of the backup is missing`, { where: { path } });
  }
  const found = statSync(path).size;
  if (size !== undefined && found !== size) {
    throw new BackupError('corrupt', `${path} has ${found} bytes, the backup has ${size}`, {
      where: { path, offset: Math.min(found, size) },
    });
  }
}
