// Where the server programs of the tests are. `scripts/servers.sh` puts them there: installed
// in the system, or unpacked below .cache/servers/<suite> with a wrapper for each program.

import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Whose programs and options a server has. */
export type Flavour = 'mariadb' | 'mysql';

interface Provenance {
  readonly flavour: Flavour;
  /** The Debian suite it is from, which is the name of its folder. */
  readonly suite: string;
}

const provenance = {
  'mariadb-10.11': { flavour: 'mariadb', suite: 'bookworm' },
  'mariadb-11.8': { flavour: 'mariadb', suite: 'trixie' },
  'mysql-9.7': { flavour: 'mysql', suite: 'sid' },
} as const satisfies Record<string, Provenance>;

/** The servers that `scripts/servers.sh` provides, by the names it gives them. */
export type Product = keyof typeof provenance;

export const products = Object.keys(provenance) as Product[];

/** What a test gets that asks for none. */
export const defaultProduct: Product = 'mariadb-10.11';

export type ProgramName =
  | 'mariadbd'
  | 'mariadb-install-db'
  | 'mariadb-backup'
  | 'mbstream'
  | 'mariadb-binlog'
  | 'mariadb'
  | 'mysqld'
  | 'mysql'
  | 'mysqlbinlog'
  | 'mysqladmin'
  | 'ibd2sdi'
  | 'innochecksum'
  | 'zstd'
  | 'lz4';

const usualPlaces = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

const can = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};

export function flavourOf(product: Product): Flavour {
  return provenance[product].flavour;
}

/** The folder that `scripts/servers.sh` fills for a product. */
export function productDir(product: Product): string {
  return resolve('.cache', 'servers', provenance[product].suite);
}

/**
 * Why the tests of a product are skipped, for `describe(..., { skip: leftOut(product) }, ...)`;
 * false when they are not. A product that is merely missing is no reason: its tests fail.
 */
export function leftOut(product: Product): string | false {
  const names = (process.env['XBPIPE_LEAVE_OUT'] ?? '').split(/\s+/u);
  return names.includes(product) && `XBPIPE_LEAVE_OUT names ${product}`;
}

/**
 * The path of a server program: the wrappers in .cache first, then, for the default product,
 * PATH and the usual places. Throws when it is nowhere, so that a test without its program fails
 * and is not skipped.
 */
export function findProgram(name: ProgramName, product: Product = defaultProduct): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((part) => part !== '');
  // Only this one may be installed in the system.
  const elsewhere = product === defaultProduct ? [...onPath, ...usualPlaces] : [];
  const places = [join(productDir(product), 'bin'), ...elsewhere];
  const found = places.map((place) => join(place, name)).find((path) => can(path, constants.X_OK));
  if (found === undefined) {
    throw new Error(`program ${name} not found in ${places.join(', ')}: run scripts/servers.sh`);
  }
  return found;
}

/**
 * The folder of the plugins that Debian ships only in mariadb-server (key management, ARCHIVE),
 * for --plugin-dir; undefined when `scripts/servers.sh` has not fetched it.
 */
export function findPluginDir(product: Product = defaultProduct): string | undefined {
  const path = join(productDir(product), 'plugin');
  return can(join(path, 'file_key_management.so'), constants.R_OK) ? path : undefined;
}
