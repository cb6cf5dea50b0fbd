import { type Manifest, manifestName } from '../../formats/archive-record/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { readFoundManifest } from '../source/stored-backup.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import { archiveProblem } from './archive-problem.ts';
import { type CataloguedBackup, type FoundBackup, linkChains } from './chains.ts';
import { inParallel } from '../worker/in-parallel.ts';

/** What a place holds: known from its listing and the manifests, and from nothing else. */
export interface Catalogue {
  /** The oldest chain first, a parent before its children. */
  backups: CataloguedBackup[];
  unreadable: UnreadableManifest[];
  /** Every object below the place, by key. */
  objects: ReadonlyMap<string, StoredObject>;
}

/** A manifest that cannot be read: what its backup is, and whose increment, is not known. */
export interface UnreadableManifest {
  name: string;
  error: BackupError;
}

/** Manifests that are read at a time. */
const parallel = 8;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Every backup below a place. A manifest that cannot be read stops nothing. */
export async function readCatalogue(store: ObjectStore, signal?: AbortSignal): Promise<Catalogue> {
  const objects = new Map<string, StoredObject>();
  for await (const object of store.list('')) {
    signal?.throwIfAborted();
    objects.set(object.key, object);
  }
  const backups: FoundBackup[] = [];
  const unreadable: UnreadableManifest[] = [];
  const manifests = [...objects.values()].filter(({ key }) => isManifestKey(key));
  await inParallel(manifests, parallel, async (object) => {
    const name = object.key.slice(0, -manifestName.length).replace(/\/$/, '');
    try {
      const manifest = await readChecked(store, object, signal);
      backups.push({ name, manifest, problem: archiveProblem(name, manifest, objects) });
    } catch (error) {
      signal?.throwIfAborted();
      unreadable.push({ name, error: toBackupError(error) });
    }
  });
  unreadable.sort((one, other) => (one.name < other.name ? -1 : 1));
  return { backups: linkChains(backups), unreadable, objects };
}

export function isManifestKey(key: string): boolean {
  return key === manifestName || key.endsWith(`/${manifestName}`);
}

/** Times are what backups are kept and expired by. */
async function readChecked(
  store: ObjectStore,
  { key, size }: StoredObject,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const manifest = await readFoundManifest(store, key, { size, etag: undefined }, signal);
  for (const field of ['startedAt', 'finishedAt'] as const) {
    if (time.test(manifest[field]) && !Number.isNaN(Date.parse(manifest[field]))) continue;
    throw new BackupError('corrupt', `${manifestName} > ${field}: a time is wanted`, {
      where: { field },
    });
  }
  return manifest;
}
