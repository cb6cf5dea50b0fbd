// A MySQL server that can encrypt: component_keyring_file, which keeps the keys in one file.
//
// mysqld finds it by its manifest `mysqld.my`, beside the program or, when that one says so, in
// the data directory; the component's settings are beside its library or, likewise, in the data
// directory. `scripts/servers.sh` has both of the unpacked server point to the data directory.

import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Product, productDir } from './programs.ts';
import { scratchDir } from './scratch.ts';

const component = 'component_keyring_file';
const manifest = JSON.stringify({ components: `file://${component}` });
const settings = (file: string): string => JSON.stringify({ path: file, read_only: false });

/**
 * Has the server on this data directory (fresh or restored, not running) keep its keys in `file`,
 * which is beside the directory unless given and need not exist. Returns the file.
 *
 * Two servers must not use one file at a time: a restored one wants a copy.
 */
export async function keyring(datadir: string, file = `${datadir}-keyring`): Promise<string> {
  await writeFile(join(datadir, 'mysqld.my'), manifest);
  await writeFile(join(datadir, `${component}.cnf`), settings(file));
  return file;
}

/**
 * A program that is the product's mysqld with a keyring, whatever data directory it runs on: as
 * in an installed server, manifest and settings are beside the program and nothing of them is in
 * the data directory. Fit for `startServer({ program })` and for `--server-binary`.
 */
export async function serverWithKeyring(product: Product, file: string): Promise<string> {
  const made = scratchDir('keyring-server');
  const tree = productDir(product);
  // The wrapper starts what lies in the tree around it, and mysqld takes its name for its place.
  await mkdir(join(made, 'bin'));
  await copyFile(join(tree, 'bin', 'mysqld'), join(made, 'bin', 'mysqld'));
  await mkdir(join(made, 'root', 'usr', 'sbin'), { recursive: true });
  await mkdir(join(made, 'plugin'));
  const usr = join('root', 'usr');
  const shared = (await readdir(join(tree, usr))).filter((name) => name !== 'sbin');
  for (const name of shared) await symlink(join(tree, usr, name), join(made, usr, name));
  await symlink(join(tree, usr, 'sbin', 'mysqld'), join(made, usr, 'sbin', 'mysqld'));
  for (const name of await readdir(join(tree, 'plugin'))) {
    if (!name.endsWith('.cnf')) {
      await symlink(join(tree, 'plugin', name), join(made, 'plugin', name));
    }
  }
  await writeFile(join(made, usr, 'sbin', 'mysqld.my'), manifest);
  await writeFile(join(made, 'plugin', `${component}.cnf`), settings(file));
  return join(made, 'bin', 'mysqld');
}
