import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { crc32 } from '../../formats/crc.ts';
import { encodeEnd, encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { safeMemberPath } from '../archive/member-path.ts';
import { BackupError, toBackupError } from '../errors.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import { requireKind } from './require-kind.ts';

// What `xbstream -c` does: regular files, one after the other, in the chunks of the stock programs.

/** Payload of one chunk, as the stock programs cut files. */
const chunkBytes = 10 * 1024 * 1024;

/** Tells the user one line. */
type Say = (text: string) => void;

export interface NamedFile {
  path: string;
  /** In the archive. */
  name: string;
}

export interface NamingOptions {
  directory: string;
  /** Keep names that lead out of the directory. */
  absoluteNames: boolean;
}

/** Looks at all files first: a name that is wrong must not leave half an archive behind. */
export async function findFiles(
  args: readonly string[],
  { directory, absoluteNames }: NamingOptions,
  say: Say,
): Promise<NamedFile[]> {
  if (args.length === 0) throw usage('no files are specified: -c needs their names');
  const files: NamedFile[] = [];
  const names = new Set<string>();
  for (const arg of args) {
    const name = absoluteNames ? arg : safeName(arg, say);
    // Also refuses a name that the format cannot hold.
    encodeName(name);
    if (names.has(name)) throw usage(`${name} would be in the archive twice`);
    names.add(name);
    const path = resolve(directory, arg);
    await requireKind(path, 'regular file');
    files.push({ path, name });
  }
  return files;
}

/** Writes the archive; `onFile` hears each name before its file is read. */
export async function createArchive(
  files: readonly NamedFile[],
  sink: ByteSink,
  onFile: Say | undefined,
): Promise<void> {
  const buffer = new Uint8Array(chunkBytes);
  try {
    for (const file of files) {
      onFile?.(file.name);
      await writeFile(file, sink, buffer);
    }
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw toBackupError(error, 'storage');
  }
}

/** The path without the beginning that would lead out of the directory of an extraction. */
function safeName(path: string, say: Say): string {
  const prefix = /^(?:.*(?:^|\/)\.\.(?=\/|$))?\/*/s.exec(path)?.[0] ?? '';
  if (prefix !== '') say(`removing leading '${prefix}' of ${path}`);
  const name = path.slice(prefix.length);
  try {
    safeMemberPath(name, 0);
  } catch (error) {
    const reason = toBackupError(error).message.replace(/^member .* at byte 0: /s, '');
    throw usage(`${JSON.stringify(path)} cannot be stored: ${reason}`);
  }
  return name;
}

function encodeName(name: string): void {
  try {
    encodeEnd(name);
  } catch (error) {
    throw usage(`${JSON.stringify(name)} cannot be stored: ${toBackupError(error).message}`);
  }
}

/** One file as full chunks, a shorter one for what is left, and its end. */
async function writeFile(
  { path, name }: NamedFile,
  sink: ByteSink,
  buffer: Uint8Array,
): Promise<void> {
  const handle = await open(path, 'r');
  try {
    for (let offset = 0, read = chunkBytes; read === chunkBytes; offset += read) {
      read = await fill(handle, buffer);
      if (read === 0) break;
      const payload = buffer.subarray(0, read);
      await sink.write([encodePayloadHeader(name, offset, read, crc32(payload)), payload]);
    }
  } finally {
    await handle.close();
  }
  await sink.write([encodeEnd(name)]);
}

/** Reads on until the buffer is full or the file is at its end. */
async function fill(handle: FileHandle, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  for (let read = 1; read > 0 && filled < buffer.length; filled += read) {
    read = (await handle.read(buffer, filled, buffer.length - filled, null)).bytesRead;
  }
  return filled;
}

function usage(message: string): BackupError {
  return new BackupError('usage', message, { hint: 'see --help' });
}
