/** Named pipes, and what lies in a directory. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { hasCode } from '../../src/errors.ts';
import { scratchDir } from '../support/scratch.ts';

export interface Pipe {
  /** Blocks when the pipe is full. */
  writer: number;
  /** Takes what is in the pipe now; undefined when nothing is. */
  read: () => Uint8Array | undefined;
  closeReader: () => void;
}

/** A pipe with both ends in this process; what is still open is closed when the test ends. */
export function openPipe(t: TestContext, options: { nonBlocking?: boolean } = {}): Pipe {
  const path = join(scratchDir('pipe'), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY + constants.O_NONBLOCK);
  const flags = constants.O_WRONLY + (options.nonBlocking === true ? constants.O_NONBLOCK : 0);
  const writer = openSync(path, flags);
  let isOpen = true;
  const closeReader = (): void => {
    if (isOpen) closeSync(reader);
    isOpen = false;
  };
  t.after(() => {
    closeReader();
    closeSync(writer);
  });
  return { writer, read: () => readNow(reader), closeReader };
}

function readNow(reader: number): Uint8Array | undefined {
  const bytes = new Uint8Array(64 * 1024);
  try {
    return bytes.subarray(0, readSync(reader, bytes, 0, bytes.length, null));
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) return undefined;
    throw error;
  }
}

/** Every file below a directory by its path, with its content; of anything else its kind. */
export function treeOf(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  const shown = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isFile() ? readFileSync(path, 'latin1') : 'not a file';
      return [relative(directory, path), content];
    });
  return Object.fromEntries(shown.sort(([a], [b]) => (a < b ? -1 : 1)));
}
