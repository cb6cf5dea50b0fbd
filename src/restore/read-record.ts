import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileFault } from './file-fault.ts';

/** A small file of a backup, decoded; undefined when there is none. What is wrong is told with its path. */
export function readRecord<T>(file: string, decode: (bytes: Uint8Array) => T): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return decode(readFileSync(file));
  } catch (error) {
    throw fileFault(file, error);
  }
}

/** The first of these files that is there: servers differ in what they call it. */
export function readFirst<T>(
  directory: string,
  names: readonly string[],
  decode: (bytes: Uint8Array) => T,
): { name: string; value: T } | undefined {
  for (const name of names) {
    const value = readRecord(join(directory, name), decode);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}
