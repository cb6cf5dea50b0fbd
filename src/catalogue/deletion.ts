import { manifestName } from '../../formats/archive-record/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { objectKey } from '../source/stored-backup.ts';
import { shown } from '../shown.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import { directoryOf, isArchiveKey } from './archive-key.ts';
import { type CataloguedBackup, withDescendants } from './chains.ts';
import { type Catalogue, isManifestKey } from './read-catalogue.ts';

/**
 * What is to go, in this order: all manifests, each child's before its parent's, and then what they
 * name. So whatever stops it leaves no manifest whose archive is gone, of two that name one either.
 */
export interface Deletion {
  backups: CataloguedBackup[];
  objects: StoredObject[];
}

/**
 * What deleting a backup means. Others that were taken on it go only `withChain`.
 *
 * @throws BackupError chain when there are such; what refuses `requireKnown`.
 */
export function planDeletion(
  catalogue: Catalogue,
  backup: CataloguedBackup,
  withChain: boolean,
): Deletion {
  requireKnown(catalogue);
  const [, ...others] = withDescendants(backup);
  const [first] = others;
  if (!first || withChain) return deletionOf(catalogue, withDescendants(backup).toReversed());
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  throw new BackupError(
    'chain',
    `${shown(first.name)}${more} cannot be restored without ${shown(backup.name)}`,
    {
      hint: 'delete them first, youngest first, or with it: --chain',
    },
  );
}

/** The objects of these backups, but none that another backup needs. */
export function deletionOf(catalogue: Catalogue, backups: CataloguedBackup[]): Deletion {
  const going = new Set(backups);
  const needed = new Set(
    catalogue.backups.filter((backup) => !going.has(backup)).flatMap((other) => keysOf(other)),
  );
  const manifests = backups.map(({ name }) => objectKey(name, manifestName));
  const others = backups
    .flatMap((backup) => [...keysOf(backup), ...straysOf(catalogue, backup)])
    .filter((key) => !needed.has(key) && !isManifestKey(key));
  const objects = [...new Set([...manifests, ...others])].flatMap(
    (key) => catalogue.objects.get(key) ?? [],
  );
  return { backups, objects };
}

/**
 * A manifest that is damaged is of no backup. But one that only could not be read now, or is of a
 * later version, may be of an increment on what is to go.
 */
export function requireKnown({ unreadable }: Catalogue): void {
  for (const { name, error } of unreadable) {
    const isDamaged = error.code === 'corrupt' && error.where.field !== `${manifestName} > format`;
    if (isDamaged) continue;
    throw new BackupError(
      error.code,
      `whether ${shown(name)} needs it is not known: ${shown(error.message)}`,
      {
        where: error.where,
        cause: error,
      },
    );
  }
}

/**
 * Deletes it.
 *
 * @throws BackupError naming the object that the store keeps, and how much is gone by then.
 */
export async function carryOut(
  store: ObjectStore,
  { objects }: Deletion,
  signal?: AbortSignal,
): Promise<void> {
  let gone = 0;
  for (const { key } of objects) {
    signal?.throwIfAborted();
    try {
      await store.delete([key]);
    } catch (error) {
      throw keptBy(error, store.urlOf(key), gone, objects.length);
    }
    gone += 1;
  }
}

function keysOf({ name, manifest: { objects, index } }: CataloguedBackup): string[] {
  const named = [...objects.map((object) => object.name), ...(index === undefined ? [] : [index])];
  return [manifestName, ...named].map((object) => objectKey(name, object));
}

/** Archive objects beside the manifest that it does not name would be left as orphans. */
function straysOf({ objects }: Catalogue, { name }: CataloguedBackup): string[] {
  return [...objects.keys()].filter(
    (key) => key.startsWith(name) && isArchiveKey(key) && directoryOf(key) === name,
  );
}

function keptBy(thrown: unknown, url: string, gone: number, all: number): BackupError {
  const { code, message, where } = toBackupError(thrown);
  const subject = message.includes(url) ? message : `${url}: ${message}`;
  const rest =
    gone === 0
      ? 'nothing is deleted'
      : 'what is left without its manifest is shown by: xbpipe list --orphans';
  return new BackupError(code, `${shown(subject)}; ${gone} of ${all} objects are deleted`, {
    hint: code === 'credentials' ? `an object lock or a policy may keep it; ${rest}` : rest,
    where: { path: url, ...where },
    cause: thrown,
  });
}
