import { readdirSync, readFileSync } from 'node:fs';

const root = 'formats/metadata/vectors';

/** A file made by mariadb-backup, or one below `mysql-by-hand`: see vectors/README.md. */
export function vector(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${root}/${path}`));
}

/** Every vector of this file name that mariadb-backup made. */
export function vectors(fileName: string): { path: string; bytes: Uint8Array }[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(`/${fileName}`) && !path.startsWith('mysql-by-hand/'))
    .map((path) => ({ path, bytes: vector(path) }));
}

/** A file as XtraBackup writes it, written by hand. */
export const byHand = (path: string): Uint8Array => vector(`mysql-by-hand/${path}`);

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The GTID set of the `gtid` vectors, in lines as MySQL shows it. */
export const gtidSet =
  '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:1';
