import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { BackupError, toBackupError } from '../errors.ts';
import { ArchiveObjects } from '../source/archive-objects.ts';
import { type ByteSource, openFileSource, openStdin } from '../source/byte-source.ts';
import { type StoredBackup, openStoredBackup } from '../source/stored-backup.ts';
import { FileStore } from '../store/file-store.ts';
import { XbcloudObjects } from '../source/xbcloud-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type StoreAccess, openStore } from '../store/open-store.ts';
import { type Place, parentOf, parsePlace } from '../store/place-url.ts';

export interface OpenedSource {
  source: ByteSource;
  /** Bytes of the archive; undefined for a pipe. */
  totalBytes: number | undefined;
  /** The archive, where any part of it can be read. */
  archive?: ArchiveObjects;
  /** The backup that it belongs to, where it has a manifest. */
  backup?: StoredBackup;
  /** Whose layout it is, where it is not ours: it has no index and is read as a whole. */
  layout?: 'xbcloud';
}

/** `--from`, what `openSource` opens. */
export function addSourceOption(command: Command): Command {
  return command.option(
    '--from <source>',
    'backup or archive: a path, a file: or s3: URL (default: standard input)',
  );
}

/**
 * The archive that `--from` names: a file, a backup in a directory or a bucket, whoever put it
 * there, or standard input.
 */
export async function openSource(
  from: string | undefined,
  access: StoreAccess,
  signal?: AbortSignal,
): Promise<OpenedSource> {
  if (from === undefined || from === '-') {
    return { source: openStdin(signal), totalBytes: undefined };
  }
  const place = parsePlace(from);
  if (place.kind === 'file') {
    const plain = await openPlainFile(place, signal);
    if (plain) return plain;
  }
  const { parent, name } = parentOf(place);
  const store = await openStore(parent, access);
  const backup = await openStoredBackup(store, name);
  if (backup) {
    const { source, ...rest } = opened(backup.archive, signal);
    const { promised, manifest } = backup;
    const backupId = promised ? undefined : manifest.backupId;
    return { source: { ...source, promised, backupId }, ...rest, backup };
  }
  return (
    (await openPlainObject(store, name, signal)) ??
    (await openXbcloud(store, name, signal)) ??
    notABackup(store, name)
  );
}

/** An archive by itself, or a pipe; undefined for a directory. */
async function openPlainFile(
  place: Extract<Place, { kind: 'file' }>,
  signal: AbortSignal | undefined,
): Promise<OpenedSource | undefined> {
  const { path } = place;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return undefined;
    const source = openFileSource(path, signal);
    if (!stat.isFile()) return { source, totalBytes: undefined };
    const archive = await ArchiveObjects.open(new FileStore(dirname(path)), [
      { key: basename(path) },
    ]);
    return { source, totalBytes: archive.size, archive };
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}

/** An archive in a bucket that has no manifest, such as one that was piped there. */
async function openPlainObject(
  store: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<OpenedSource | undefined> {
  if (!(await store.head(key))) return undefined;
  return opened(await ArchiveObjects.open(store, [{ key }]), signal);
}

/** A backup that xbcloud has put there. */
async function openXbcloud(
  store: ObjectStore,
  name: string,
  signal: AbortSignal | undefined,
): Promise<OpenedSource | undefined> {
  const objects = await XbcloudObjects.open(store, name);
  if (!objects) return undefined;
  return { source: objects.source(signal), totalBytes: objects.size, layout: 'xbcloud' };
}

function opened(archive: ArchiveObjects, signal: AbortSignal | undefined): OpenedSource {
  return { source: archive.source(signal), totalBytes: archive.size, archive };
}

/** No manifest, no backup. */
function notABackup(store: ObjectStore, name: string): never {
  const path = store.urlOf(name);
  const isFilled = existsSync(path);
  throw new BackupError('incomplete', `${path} has no manifest.json: it is not a backup`, {
    ...(isFilled
      ? { hint: 'a directory of plain files is made ready with: xbpipe prepare DIR' }
      : {}),
    where: { path },
  });
}
