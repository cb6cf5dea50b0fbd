import { BackupError } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** The objects of one file of a backup; there may be a million, so no more than this is kept. */
export interface XbcloudFile {
  /** Name of the file. */
  path: string;
  /** Bytes of each object, by its number. */
  sizes: number[];
  /** Their MD5 sums, one after the other, where they are known. */
  md5s?: Buffer;
}

/** What the last part of an object's key is made of, and the number behind it. */
const namePattern = /^(.+)\.(\d{20})$/s;

export function objectName(path: string, number: number): string {
  return `${path}.${String(number).padStart(20, '0')}`;
}

/** Undefined for what is not named so. */
export function parseObjectName(name: string): { path: string; number: number } | undefined {
  const [, path, digits] = namePattern.exec(name) ?? [];
  return path === undefined ? undefined : { path, number: Number(digits) };
}

/** The files below a prefix, of whose objects none is missing or empty; other keys are passed over. */
export async function listXbcloudFiles(
  store: ObjectStore,
  prefix: string,
): Promise<Map<string, XbcloudFile>> {
  const files = new Map<string, XbcloudFile>();
  for await (const { key, size } of store.list(prefix)) {
    const object = parseObjectName(key.slice(prefix.length));
    if (!object) continue;
    const { path, number } = object;
    const file = files.get(path) ?? { path, sizes: [] };
    files.set(path, file);
    // Those of a file are listed in the order of their numbers.
    const wanted = file.sizes.push(size) - 1;
    if (number !== wanted)
      throw incomplete(store.urlOf(prefix + objectName(path, wanted)), 'missing');
    if (size === 0) throw incomplete(store.urlOf(key), 'empty');
  }
  return files;
}

/** True when there is an object of that kind below a prefix. */
export async function hasXbcloudFiles(store: ObjectStore, prefix: string): Promise<boolean> {
  for await (const { key } of store.list(prefix)) {
    if (parseObjectName(key.slice(prefix.length))) return true;
  }
  return false;
}

function incomplete(path: string, fault: string): BackupError {
  return new BackupError('incomplete', `${path} is ${fault}`, { where: { path } });
}
