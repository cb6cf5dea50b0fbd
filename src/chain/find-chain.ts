import { findBackup } from '../catalogue/find-backup.ts';
import type { CataloguedBackup } from '../catalogue/chains.ts';
import { readCatalogue } from '../catalogue/read-catalogue.ts';
import { BackupError } from '../errors.ts';
import { type StoredBackup, openStoredBackup } from '../source/stored-backup.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * The backup `name` of a store and those that it is an increment on, the full one first. They are
 * found by their manifests, among all that the store holds.
 */
export async function findChain(
  store: ObjectStore,
  name: string,
  signal?: AbortSignal,
): Promise<StoredBackup[]> {
  const newest = findBackup(store, await readCatalogue(store, signal), name);
  const links: StoredBackup[] = [];
  for (const { name: link } of linksOf(store, newest)) {
    const backup = await openStoredBackup(store, link);
    if (!backup) throw broken(store, link, 'its manifest is gone');
    links.push(backup);
  }
  return links;
}

function linksOf(store: ObjectStore, newest: CataloguedBackup): CataloguedBackup[] {
  const links: CataloguedBackup[] = [];
  for (let link: CataloguedBackup | undefined = newest; link; link = link.parent) {
    links.unshift(link);
  }
  for (const { name, problem } of links) {
    if (problem !== undefined) throw broken(store, name, problem);
  }
  return links;
}

function broken(store: ObjectStore, name: string, problem: string): BackupError {
  const path = store.urlOf(name);
  return new BackupError('chain', `${path} cannot be restored: ${problem}`, {
    hint: 'what is there is shown by: xbpipe list; links that lie elsewhere are named by --from, oldest first',
    where: { path },
  });
}
