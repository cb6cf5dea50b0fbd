import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeManifest,
  manifestBytesMax,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import { type ByteSource, openFileSource, openStdin } from '../source/byte-source.ts';
import { pathOfUrl } from './target-url.ts';

export interface OpenedSource {
  source: ByteSource;
  /** Bytes of the archive; undefined for a pipe. */
  totalBytes: number | undefined;
}

/** The archive that `--from` names: a file, a backup directory with its manifest, or standard input. */
export function openSource(from: string | undefined, signal?: AbortSignal): OpenedSource {
  if (from === undefined || from === '-') {
    return { source: openStdin(signal), totalBytes: undefined };
  }
  const path = pathOfUrl(from);
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) {
      const source = openFileSource(path, signal);
      return { source, totalBytes: stat.isFile() ? stat.size : undefined };
    }
    return openBackupDirectory(path, signal);
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}

/** No manifest, no backup. */
function openBackupDirectory(path: string, signal: AbortSignal | undefined): OpenedSource {
  const manifest = join(path, manifestName);
  let text: Uint8Array;
  try {
    if (statSync(manifest).size > manifestBytesMax) {
      throw new BackupError('corrupt', `${manifest} is longer than a manifest can be`);
    }
    text = readFileSync(manifest);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new BackupError('incomplete', `${path} has no ${manifestName}: it is not a backup`, {
      hint: 'a directory of plain files is made ready with: xbpipe prepare DIR',
      where: { path },
    });
  }
  const [object, ...more] = decodeManifest(text).objects;
  if (!object || more.length > 0 || /[/\\]|^\.\.?$/.test(object.name)) {
    throw new BackupError('corrupt', `${path}/${manifestName} names no archive that can be read`);
  }
  const archive = join(path, object.name);
  const { size } = statSync(archive);
  if (size !== object.size) {
    throw new BackupError('incomplete', `${archive} has ${size} bytes instead of ${object.size}`);
  }
  return { source: openFileSource(archive, signal), totalBytes: size };
}
