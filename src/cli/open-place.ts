import { stat } from 'node:fs/promises';
import { BackupError, toBackupError } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type StoreAccess, openStore } from '../store/open-store.ts';
import type { Place } from '../store/place-url.ts';

/**
 * The store at a place that is to hold backups.
 *
 * @throws BackupError storage for a directory that is none: a misspelt one must not look empty.
 */
export async function openPlace(place: Place, access: StoreAccess): Promise<ObjectStore> {
  if (place.kind === 'file') await requireDirectory(place.path);
  return await openStore(place, access);
}

async function requireDirectory(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw toBackupError(error, 'storage');
  });
  if (found.isDirectory()) return;
  throw new BackupError('storage', `${path} is not a directory`, { where: { path } });
}
