import { renameSync, writeFileSync } from 'node:fs';

/** Writes a small file of our own over the one that is there: never half of it, whatever comes between. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.tmp`, bytes, { flush: true });
  renameSync(`${path}.tmp`, path);
}
