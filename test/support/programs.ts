// Where the server programs of the tests are. `scripts/servers.sh` puts them there: installed
// in the system, or unpacked below .cache/servers/<suite> with a wrapper for each program.

import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

export type ProgramName =
  'mariadbd' | 'mariadb-install-db' | 'mariadb-backup' | 'mbstream' | 'mariadb-binlog' | 'mariadb';

const usualPlaces = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

const can = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};

const readSystemSuite = (): string => {
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME="?([a-z]+)/mu.exec(release)?.[1] ?? 'unknown';
};

/** The folder that `scripts/servers.sh` fills for a Debian suite, the system's own by default. */
export function suiteDir(suite: string = readSystemSuite()): string {
  return resolve('.cache', 'servers', suite);
}

/**
 * The path of a server program: the wrappers in .cache first, then PATH, then the usual places.
 * Throws when it is nowhere, so that a test without its program fails and is not skipped.
 */
export function findProgram(name: ProgramName, suite?: string): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((part) => part !== '');
  // Only the system's own suite may come from the system.
  const elsewhere = suite === undefined ? [...onPath, ...usualPlaces] : [];
  const places = [join(suiteDir(suite), 'bin'), ...elsewhere];
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
export function findPluginDir(suite?: string): string | undefined {
  const path = join(suiteDir(suite), 'plugin');
  return can(join(path, 'file_key_management.so'), constants.R_OK) ? path : undefined;
}
