import { objectKey } from '../source/stored-backup.ts';
import type { ObjectStore, OpenUpload, StoredObject } from '../store/object-store.ts';
import { manifestName } from '../../formats/archive-record/index.ts';
import { stageName } from '../store/stage-name.ts';
import { directoryOf, isArchiveKey } from './archive-key.ts';
import type { Catalogue } from './read-catalogue.ts';

/** What one backup that never came to its manifest left, or what one that is running has so far. */
export interface Orphan {
  /** Path of what would have been the backup. */
  name: string;
  objects: StoredObject[];
  uploads: OpenUpload[];
  /** Bytes of all. */
  size: number;
  /** When something last came in. */
  active: Date;
}

export interface Orphans {
  found: Orphan[];
  /** False: the store does not tell which uploads were left open. */
  knowsUploads: boolean;
}

/** Uploads that were begun and not ended; undefined where the store does not tell. */
export type OpenUploads = readonly OpenUpload[] | undefined;

/**
 * What passes for nothing: archive objects that no manifest names and none lies beside, and
 * uploads left open. `uploads` must have been listed before the catalogue was: an upload that ends
 * in between is an object then.
 */
export function findOrphans(catalogue: Catalogue, uploads: OpenUploads): Orphans {
  const orphans = new Map<string, Orphan>();
  const at = (name: string): Orphan => {
    const known = orphans.get(name);
    if (known) return known;
    const fresh = { name, objects: [], uploads: [], size: 0, active: new Date(0) };
    orphans.set(name, fresh);
    return fresh;
  };
  const count = (orphan: Orphan, size: number, active: Date): void => {
    orphan.size += size;
    if (active > orphan.active) orphan.active = active;
  };
  for (const object of orphanedObjects(catalogue)) {
    const orphan = at(directoryOf(object.key));
    orphan.objects.push(object);
    count(orphan, object.size, object.modified);
  }
  for (const upload of uploads ?? []) {
    // A stage is in the directory of the backup itself.
    const orphan = at(upload.id === stageName ? upload.key : directoryOf(upload.key));
    orphan.uploads.push(upload);
    count(orphan, upload.size, upload.active);
  }
  const found = [...orphans.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  return { found, knowsUploads: uploads !== undefined };
}

const hourMs = 60 * 60 * 1000;

/**
 * A running backup looks like an orphan, so only what was idle for long enough is one for sure:
 * all of it, as the first objects of a long backup are old while the last one is written.
 */
export function idleOrphans(
  found: readonly Orphan[],
  minAgeHours: number,
  now: Date,
): { idle: Orphan[]; tooYoung: Orphan[] } {
  const latest = now.getTime() - minAgeHours * hourMs;
  const isIdle = ({ active }: Orphan): boolean => active.getTime() <= latest;
  return {
    idle: found.filter(isIdle),
    tooYoung: found.filter((orphan) => !isIdle(orphan)),
  };
}

/** Removes them, but no object that a manifest stands beside by now. Returns how many are gone. */
export async function removeOrphans(
  store: ObjectStore,
  orphans: readonly Orphan[],
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  for (const { name, objects, uploads } of orphans) {
    signal?.throwIfAborted();
    for (const upload of uploads) await store.abortUpload(upload);
    if (objects.length > 0 && (await store.head(objectKey(name, manifestName)))) continue;
    // The first one last: while it is there, it is seen what the others were.
    await store.delete(objects.map(({ key }) => key).toReversed());
    removed += 1;
  }
  return removed;
}

function orphanedObjects({ backups, unreadable, objects }: Catalogue): StoredObject[] {
  const named = new Set(
    backups.flatMap(({ name, manifest }) =>
      manifest.objects.map((object) => objectKey(name, object.name)),
    ),
  );
  // What a manifest that cannot be read names is beside it, or beside its directory.
  const claimed = new Set(unreadable.flatMap(({ name }) => [name, directoryOf(name)]));
  return [...objects.values()].filter(({ key }) => {
    if (!isArchiveKey(key) || named.has(key)) return false;
    const directory = directoryOf(key);
    return !claimed.has(directory) && !objects.has(objectKey(directory, manifestName));
  });
}
