// A fresh data directory takes a second or more to make, so it is made once for each server
// version and set of options that shape the files, kept in .cache and copied from there.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { userOptions } from './base-options.ts';
import { type Flavour, findProgram, flavourOf, type Product } from './programs.ts';
import { scratchDir } from './scratch.ts';

const run = promisify(execFile);

// These are fixed when the files are made; every other option can be given at any start.
const shaping: Record<Flavour, RegExp> = {
  mariadb:
    /^--(innodb[-_](page[-_]size|undo[-_]|data[-_]file[-_]path|checksum|compression[-_]default|encrypt)|lower[-_]case|character[-_]set|collation|aria[-_](block|log|encrypt)|encrypt)/u,
  // Encryption is none of them: there is no keyring before there is a data directory.
  mysql:
    /^--(innodb[-_](page[-_]size|undo[-_]directory|data[-_](file[-_]path|home)|log[-_]group)|lower[-_]case|character[-_]set|collation)/u,
};
// What encrypted files need in addition.
const keys = /^--(plugin|file[-_]key)/u;

const pickShape = (options: readonly string[], flavour: Flavour): string[] => {
  const shape = options.filter((option) => shaping[flavour].test(option));
  if (!shape.some((option) => option.includes('encrypt'))) return shape;
  return options.filter((option) => shaping[flavour].test(option) || keys.test(option));
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

type Bootstrap = (datadir: string, options: string[], product: Product) => Promise<void>;

const bootstrap: Record<Flavour, Bootstrap> = {
  async mariadb(datadir, options, product) {
    await run(findProgram('mariadb-install-db', product), [
      '--no-defaults',
      ...userOptions(),
      `--datadir=${datadir}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--innodb-log-file-size=10M',
      ...options,
    ]);
  },
  async mysql(datadir, options, product) {
    await run(findProgram('mysqld', product), [
      '--no-defaults',
      ...userOptions(),
      `--datadir=${datadir}`,
      '--initialize-insecure',
      '--innodb-redo-log-capacity=8M',
      '--innodb-use-native-aio=OFF',
      '--performance-schema=OFF',
      ...options,
    ]);
    // The identity of one server: each that starts on a copy makes its own.
    await rm(join(datadir, 'auto.cnf'));
  },
};

/** The template for this shape; two processes may race to make it: the first one wins. */
const findTemplate = async (shape: string[], product: Product): Promise<string> => {
  const flavour = flavourOf(product);
  const server = findProgram(flavour === 'mysql' ? 'mysqld' : 'mariadbd', product);
  const { stdout: version } = await run(server, ['--no-defaults', '-V']);
  const identity = JSON.stringify([version, shape]);
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const kept = resolve('.cache', 'datadirs');
  const template = join(kept, key);
  if (await exists(template)) return template;
  const made = join(scratchDir('bootstrap'), 'data');
  await bootstrap[flavour](made, shape, product);
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
  product: Product,
): Promise<void> {
  const flavour = flavourOf(product);
  const shape = pickShape(options, flavour);
  // Key files and folders of one test do not serve the next.
  const own = shape.some((option) => option.includes(tmpdir()));
  if (own) await bootstrap[flavour](datadir, shape, product);
  else await cp(await findTemplate(shape, product), datadir, { recursive: true });
}
