import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BackupError } from '../errors.ts';
import type { BackupDirectory } from './backup-directory.ts';
import type { RestoreCourse } from './restore-course.ts';

const usualDirectories = [
  '/usr/sbin',
  '/usr/libexec',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/local/mysql/bin',
  '/opt/mariadb/bin',
];
const versionTimeoutMs = 20_000;

export interface ServerBinary {
  path: string;
  /** As `--version` prints it. */
  version: string;
}

/**
 * Finds the server that recovers a backup: the one named, else the first fit one of
 * PATH and the usual places.
 */
export async function findServerBinary(
  named: string | undefined,
  { serverVersion: wanted }: Pick<BackupDirectory, 'serverVersion'>,
  course: RestoreCourse,
): Promise<ServerBinary> {
  const candidates = named === undefined ? searchPath(course.serverNames) : [placeOf(named)];
  let first: unknown;
  for (const path of candidates) {
    try {
      const version = await readVersion(path);
      const need = course.unfit(version, wanted);
      if (need === undefined) return { path, version };
      first ??= unfitServer(path, version, `${course.product} ${wanted}`, need);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** The server runs in another directory than we do; a bare name is looked for on PATH there too. */
const placeOf = (named: string): string => (named.includes('/') ? resolve(named) : named);

async function readVersion(path: string): Promise<string> {
  const run = promisify(execFile);
  try {
    const { stdout } = await run(path, ['--no-defaults', '--version'], {
      timeout: versionTimeoutMs,
    });
    return /Ver\s+(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
  } catch (error) {
    throw new BackupError('recovery', `${path} does not run: ${String(error)}`, {
      where: { path },
      cause: error,
    });
  }
}

function unfitServer(path: string, version: string, wanted: string, need: string): BackupError {
  return new BackupError('recovery', `${path} is version ${version}; the backup is of ${wanted}`, {
    hint: `name ${need} with --server-binary`,
    where: { path },
  });
}

function searchPath(names: readonly string[]): string[] {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...usualDirectories];
  const paths = directories
    .filter(Boolean)
    .flatMap((directory) => names.map((name) => join(directory, name)));
  const found = [...new Set(paths)].filter(isExecutable);
  if (found.length > 0) return found;
  throw new BackupError('recovery', `no ${names.join(' or ')} on PATH or in the usual places`, {
    hint: 'install the server, or name it with --server-binary',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
