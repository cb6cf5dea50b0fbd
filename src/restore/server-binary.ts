import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { BackupError } from '../errors.ts';

const usualDirectories = [
  '/usr/sbin',
  '/usr/libexec',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/local/mysql/bin',
  '/opt/mariadb/bin',
];
const names = ['mariadbd', 'mysqld'];
const versionTimeoutMs = 20_000;

export interface ServerBinary {
  path: string;
  /** As `--version` prints it. */
  version: string;
}

/**
 * Finds the server that recovers a backup: the one named, else the first of
 * PATH and the usual places. It must be MariaDB of the backup's series or a later one.
 */
export async function findServerBinary(
  named: string | undefined,
  backupVersion: string,
): Promise<ServerBinary> {
  const path = named ?? searchPath();
  let version: string;
  try {
    const run = promisify(execFile);
    const { stdout } = await run(path, ['--no-defaults', '--version'], {
      timeout: versionTimeoutMs,
    });
    version = /Ver\s+(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
  } catch (error) {
    throw new BackupError('recovery', `${path} does not run: ${String(error)}`, {
      where: { path },
      cause: error,
    });
  }
  refuseUnfit(path, version, backupVersion);
  return { path, version };
}

function searchPath(): string {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...usualDirectories];
  for (const directory of directories.filter(Boolean)) {
    for (const name of names) {
      const path = join(directory, name);
      if (isExecutable(path)) return path;
    }
  }
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

function refuseUnfit(path: string, version: string, backupVersion: string): void {
  const wanted = seriesOf(backupVersion);
  const found = seriesOf(version);
  const older = found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1]);
  if (!/mariadb/i.test(version) || older) {
    throw new BackupError(
      'recovery',
      `${path} is version ${version}; the backup is of MariaDB ${backupVersion}`,
      { hint: `name a MariaDB server ${wanted.join('.')} with --server-binary`, where: { path } },
    );
  }
}

function seriesOf(version: string): [number, number] {
  const [, major, minor] = /(\d+)\.(\d+)\./.exec(version) ?? [];
  return [Number(major), Number(minor)];
}
