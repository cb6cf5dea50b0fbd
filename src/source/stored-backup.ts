import {
  type Manifest,
  type MemberEntry,
  decodeIndex,
  decodeManifest,
  indexBytesMax,
  manifestBytesMax,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import type { ObjectFacts, ObjectStore } from '../store/object-store.ts';
import { ArchiveObjects } from './archive-objects.ts';

/** The shortest chunk. */
const chunkBytesMin = 15;

/** A backup in a bucket or a directory: what its manifest says and the archive it names. */
export interface StoredBackup {
  url: string;
  manifest: Manifest;
  archive: ArchiveObjects;
  /** Whether nobody has deleted or replaced it: manifests go before what they name. */
  isThere: () => Promise<boolean>;
  /** What the archive consists of, where it has no index in it: one that was imported. */
  promised?: MemberEntry[];
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
  const isThere = async (): Promise<boolean> =>
    (await store.head(objectKey(name, manifestName))) !== undefined && (await archive.isThere());
  const backup = { url: store.urlOf(name), manifest, archive, isThere };
  if (manifest.index === undefined) return backup;
  return { ...backup, promised: await readIndexObject(store, name, manifest, archive.size) };
}

/** The index that lies beside an archive; its manifest and no other must be of the same backup. */
async function readIndexObject(
  store: ObjectStore,
  name: string,
  { index = '', backupId, members: count }: Manifest,
  archiveBytes: number,
): Promise<MemberEntry[]> {
  const key = objectKey(name, index);
  const path = store.urlOf(key);
  const found = await store.head(key);
  if (!found) throw new BackupError('incomplete', `${path} is missing`, { where: { path } });
  const bytesMax = indexBytesMax(count, Math.ceil(archiveBytes / chunkBytesMin));
  if (found.size > bytesMax) throw corrupt(path, 'is longer than the index can be');
  const bytes = new Uint8Array(found.size);
  await store.read({ key, offset: 0, etag: found.etag }, bytes);
  const decodedIndex = decoded(() => decodeIndex(bytes));
  if (decodedIndex.backupId !== backupId) throw corrupt(path, 'is of another backup');
  return decodedIndex.members;
}

/** The manifest of the backup `name`; undefined where there is none. */
async function readManifest(store: ObjectStore, name: string): Promise<Manifest | undefined> {
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
  if (found.size > manifestBytesMax) throw corrupt(path, 'is longer than a manifest can be');
  const bytes = new Uint8Array(found.size);
  await store.read({ key, offset: 0, etag: found.etag }, bytes, { signal });
  const manifest = decoded(() => decodeManifest(bytes));
  if (manifest.objects.length > 0) return manifest;
  throw corrupt(path, 'names no archive');
}

function corrupt(path: string, fault: string): BackupError {
  return new BackupError('corrupt', `${path} ${fault}`, { where: { path } });
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
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
