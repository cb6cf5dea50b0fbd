import { isArchiveName } from '../../formats/archive-record/index.ts';

/** True for the name of an archive object, as a backup writes them, in whatever directory. */
export function isArchiveKey(key: string): boolean {
  return isArchiveName(key.slice(directoryOf(key).length).replace(/^\//, ''));
}

/** What comes before the last slash; empty at the top. */
export function directoryOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}
