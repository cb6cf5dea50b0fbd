import assert from 'node:assert/strict';
import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { keyring, serverWithKeyring } from './keyring.ts';
import { leftOut } from './programs.ts';
import { scratchDir } from './scratch.ts';
import { startServer, type TestServer } from './server.ts';

const product = 'mysql-9.7';

const readSecret = async (server: TestServer): Promise<unknown> => {
  const [row] = await server.query('SELECT a FROM d.t');
  return row?.['a'];
};

/** A stopped server that has an encrypted table. */
const makeSecret = async (file: string): Promise<TestServer> => {
  const program = await serverWithKeyring(product, file);
  const server = await startServer({ name: 'secret', product, program });
  await server.query('CREATE DATABASE d');
  await server.query("CREATE TABLE d.t (a INT) ENCRYPTION='Y'");
  await server.query('INSERT INTO d.t VALUES (7)');
  assert.equal(await readSecret(server), 7);
  await server.stop();
  return server;
};

describe('a MySQL server with a keyring', { skip: leftOut(product) }, () => {
  it('keeps its keys in the file that was named, and needs them', async () => {
    const file = join(scratchDir('keys'), 'keyring');
    const { datadir } = await makeSecret(file);
    assert.ok((await stat(file)).size > 0);
    const without = await startServer({ name: 'without', product, datadir });
    await assert.rejects(readSecret(without), { code: 'ER_CANNOT_FIND_KEY_IN_KEYRING' });
    await without.stop();
    const other = await serverWithKeyring(product, file);
    const again = await startServer({ name: 'again', product, datadir, program: other });
    assert.equal(await readSecret(again), 7);
    await again.stop();
  });

  it('finds its keys by what is written into the data directory', async () => {
    const first = join(scratchDir('keys'), 'keyring');
    const { datadir } = await makeSecret(first);
    const file = await keyring(datadir);
    assert.equal(file, `${datadir}-keyring`);
    await copyFile(first, file);
    const server = await startServer({ name: 'local', product, datadir });
    assert.equal(await readSecret(server), 7);
    await server.stop();
  });
});
