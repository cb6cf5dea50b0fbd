import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from '../../errors.ts';

/** What XtraBackup leaves to its own prepare when DDL went on (--lock-ddl=REDUCED). */
export function refuseLeftovers(path: string): void {
  const marker = readdirSync(path, { recursive: true, encoding: 'utf8' }).find((name) =>
    /\.(del|ren|new|crpt)$/.test(name),
  );
  if (marker === undefined) return;
  throw new BackupError('failed', `${join(path, marker)}: traces of DDL during the backup`, {
    where: { path: join(path, marker) },
    hint: 'prepare this backup with xtrabackup --prepare',
  });
}
