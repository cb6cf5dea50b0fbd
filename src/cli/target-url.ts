import { fileURLToPath } from 'node:url';
import { BackupError } from '../errors.ts';

/** The path that a target or source names: a path as it is, or a file: URL. */
export function pathOfUrl(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return url;
  if (scheme === 'file') {
    try {
      return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
    } catch (error) {
      throw new BackupError('usage', `${url}: ${error instanceof Error ? error.message : ''}`);
    }
  }
  throw new BackupError('usage', `${url}: ${scheme}: is not supported by this version`, {
    hint: 'name a path or a file: URL',
  });
}
