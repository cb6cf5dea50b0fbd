import { manifestName } from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CataloguedBackup } from './chains.ts';
import type { Catalogue } from './read-catalogue.ts';

/** The backup of this name; what is none, or has no readable manifest, is refused. */
export function findBackup(
  store: ObjectStore,
  { backups, unreadable }: Catalogue,
  name: string,
): CataloguedBackup {
  const found = backups.find((backup) => backup.name === name);
  if (found) return found;
  const url = store.urlOf(name);
  const path = shown(url);
  const error = unreadable.find((one) => one.name === name)?.error;
  if (error) {
    throw new BackupError(
      error.code,
      `the manifest of ${path} cannot be read: ${shown(error.message)}`,
      {
        hint: 'what belongs to the backup is not known',
        where: error.where,
        cause: error,
      },
    );
  }
  throw new BackupError('incomplete', `${path} has no ${manifestName}: it is not a backup`, {
    hint: 'what is there is shown by: xbpipe list, xbpipe list --orphans',
    where: { path: url },
  });
}
