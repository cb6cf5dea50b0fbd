// A fresh data directory takes a second or more to make, so it is made once for each server
// version and set of options that shape the files, kept in .cache and copied from there.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { findProgram } from './programs.ts';
import { scratchDir } from './scratch.ts';

const run = promisify(execFile);

// These are fixed when the files are made; every other option can be given at any start.
const shaping =
  /^--(innodb[-_](page[-_]size|undo[-_]|data[-_]file[-_]path|checksum|compression[-_]default|encrypt)|lower[-_]case|character[-_]set|collation|aria[-_](block|log|encrypt)|encrypt)/u;
// What encrypted files need in addition.
const keys = /^--(plugin|file[-_]key)/u;

const pickShape = (options: readonly string[]): string[] => {
  const shape = options.filter((option) => shaping.test(option));
  if (!shape.some((option) => option.includes('encrypt'))) return shape;
  return options.filter((option) => shaping.test(option) || keys.test(option));
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

const userOptions = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

const bootstrap = async (datadir: string, options: string[], suite?: string): Promise<void> => {
  await run(findProgram('mariadb-install-db', suite), [
    '--no-defaults',
    ...userOptions(),
    `--datadir=${datadir}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
    '--innodb-log-file-size=10M',
    ...options,
  ]);
};

/** The template for this shape; two processes may race to make it: the first one wins. */
const findTemplate = async (shape: string[], suite?: string): Promise<string> => {
  const { stdout: version } = await run(findProgram('mariadbd', suite), ['--no-defaults', '-V']);
  const identity = JSON.stringify([version, shape]);
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const kept = resolve('.cache', 'datadirs');
  const template = join(kept, key);
  if (await exists(template)) return template;
  const made = join(scratchDir('bootstrap'), 'data');
  await bootstrap(made, shape, suite);
  await mkdir(kept, { recursive: true });
  const staged = await mkdtemp(join(kept, `${key}.`));
  await cp(made, staged, { recursive: true });
  try {
    await rename(staged, template);
  } catch (error) {
    await rm(staged, { recursive: true });
    if (!(await exists(template))) throw error;
  }
  return template;
};

/** Fills `datadir` (which must not exist) with the files of a server never started before. */
export async function freshDatadir(
  datadir: string,
  options: readonly string[],
  suite?: string,
): Promise<void> {
  const shape = pickShape(options);
  // Key files of one test do not serve the next.
  if (shape.some((option) => option.includes(tmpdir()))) await bootstrap(datadir, shape, suite);
  else await cp(await findTemplate(shape, suite), datadir, { recursive: true });
}
