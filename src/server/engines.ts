import { BackupError } from '../errors.ts';
import type { Session } from './session.ts';

/** Engines whose tables live outside the files that are copied. */
const elsewhere = ['ROCKSDB', 'TOKUDB', 'MROONGA', 'COLUMNSTORE', 'S3', 'NDBCLUSTER'];

/** A backup that silently left out tables would not be restorable: it is refused at the start. */
export async function refuseOtherEngines(session: Session): Promise<void> {
  const names = elsewhere.map((name) => `'${name}'`).join(', ');
  const rows = await session.rows(
    'SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS ' +
      `WHERE PLUGIN_TYPE = 'STORAGE ENGINE' AND PLUGIN_STATUS = 'ACTIVE' AND UPPER(PLUGIN_NAME) IN (${names})`,
  );
  if (rows.length === 0) return;
  const found = rows.map((row) => String(row['name'])).join(', ');
  throw new BackupError('failed', `tables of the engine ${found} cannot be backed up`, {
    hint: 'unload the engine if no table uses it (UNINSTALL SONAME ...)',
  });
}
