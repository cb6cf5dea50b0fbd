import { readdirSync, readFileSync } from 'node:fs';

const root = 'formats/metadata/vectors';

/** A file made by mariadb-backup. */
export function vector(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${root}/${path}`));
}

/** Every vector of this file name. */
export function vectors(fileName: string): { path: string; bytes: Uint8Array }[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(`/${fileName}`))
    .map((path) => ({ path, bytes: vector(path) }));
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
