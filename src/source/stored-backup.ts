import {
  type Manifest,
  decodeManifest,
  manifestBytesMax,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import type { ObjectFacts, ObjectStore } from '../store/object-store.ts';
import { ArchiveObjects } from './archive-objects.ts';

/** A backup in a bucket or a directory: what its manifest says and the archive it names. */
export interface StoredBackup {
  url: string;
  manifest: Manifest;
  archive: ArchiveObjects;
}

/** The backup `name` in a store, with every object of it there. Undefined: it has no manifest. */
export async function openStoredBackup(
  store: ObjectStore,
  name: string,
): Promise<StoredBackup | undefined> {
  const manifest = await readManifest(store, name);
  if (!manifest) return undefined;
  const promised = manifest.objects.map(({ name: object, size }) => ({
    key: objectKey(name, object),
    size,
  }));
  const archive = await ArchiveObjects.open(store, promised);
  return { url: store.urlOf(name), manifest, archive };
}

/** The manifest of the backup `name`; undefined where there is none. */
export async function readManifest(
  store: ObjectStore,
  name: string,
): Promise<Manifest | undefined> {
  const key = objectKey(name, manifestName);
  const found = await store.head(key);
  return found && (await readFoundManifest(store, key, found));
}

/** The manifest that is the object `key`. */
export async function readFoundManifest(
  store: ObjectStore,
  key: string,
  found: ObjectFacts,
  signal?: AbortSignal,
): Promise<Manifest> {
  const path = store.urlOf(key);
  if (found.size > manifestBytesMax) {
    throw new BackupError('corrupt', `${path} is longer than a manifest can be`, {
      where: { path },
    });
  }
  const bytes = new Uint8Array(found.size);
  await store.read({ key, offset: 0, etag: found.etag }, bytes, signal);
  const manifest = decoded(bytes);
  if (manifest.objects.length > 0) return manifest;
  throw new BackupError('corrupt', `${path} names no archive`, { where: { path } });
}

function decoded(bytes: Uint8Array): Manifest {
  try {
    return decodeManifest(bytes);
  } catch (error) {
    throw toBackupError(error);
  }
}

/**
 * The key of an object that a manifest names: beside it, or (`../`) beside the backup. `backup` is
 * empty where the store itself is one.
 */
export function objectKey(backup: string, name: string): string {
  if (backup === '') return name;
  if (!name.startsWith('../')) return `${backup}/${name}`;
  const at = backup.lastIndexOf('/');
  return backup.slice(0, at + 1) + name.slice('../'.length);
}
