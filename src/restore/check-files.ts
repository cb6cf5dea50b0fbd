import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beginName, endName, indexName } from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import { plainPath } from '../transform/member-decoder.ts';
import type { BackupDirectory } from './backup-directory.ts';
import type { RestoreCourse } from './restore-course.ts';

/**
 * A server starts, with corrupt data, when an undo tablespace or a table is
 * missing: so every file is held against the backup's own list before it may. Where it has none,
 * what any backup of such a server has must be there, under the names that `nameOf` gives it.
 */
export function checkFiles(
  backup: BackupDirectory,
  course: RestoreCourse,
  nameOf: (file: string) => string = (file) => file,
): void {
  const { path, members } = backup;
  if (members) {
    const records = new Set([beginName, indexName, endName]);
    for (const { path: member, size, plainSize } of members) {
      const file = plainSize === undefined ? member : plainPath(member);
      if (!records.has(file)) checkFile(join(path, file), plainSize ?? size);
    }
    return;
  }
  for (const file of course.requiredFiles(backup)) checkFile(join(path, nameOf(file)), undefined);
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
