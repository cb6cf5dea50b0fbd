// ALTER TABLE ... IMPORT TABLESPACE puts pages of another table into a file: they change past the redo
// log, maybe past page tracking, and MariaDB leaves them without an LSN.

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { dialectOf } from '../support/dialect.ts';
import { leftOut, products } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { accessArgs } from './held-backup.ts';
import { restored } from './increment-support.ts';
import { product as mysql, untilTracked } from './mysql-source.ts';
import { proveSame } from './ways-back.ts';

const rows = 5000;

/** Two tables of one shape with other rows. */
async function makeTables(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE d');
  const numbers = dialectOf(server).numbers(rows, 'd');
  for (const [name, text] of [
    ['t', 'old'],
    ['other', 'new'],
  ]) {
    await server.query(`CREATE TABLE d.${name} (a INT PRIMARY KEY, b VARCHAR(200), KEY (b))`);
    await server.query(
      `INSERT INTO d.${name} SELECT seq, CONCAT('${text}', seq, REPEAT('.', 150)) FROM ${numbers}`,
    );
  }
}

/** Exports `d.other` and takes away the file of `d.t`; what it returns puts the export in its place. */
async function discard(server: TestServer): Promise<() => Promise<void>> {
  const copies = scratchDir('export');
  const move = (from: string, to: string, at: [string, string]): void => {
    for (const end of ['ibd', 'cfg'])
      copyFileSync(join(from, `${at[0]}.${end}`), join(to, `${at[1]}.${end}`));
  };
  await server.query('FLUSH TABLES d.other FOR EXPORT');
  move(join(server.datadir, 'd'), copies, ['other', 't']);
  await server.query('UNLOCK TABLES');
  await server.query('ALTER TABLE d.t DISCARD TABLESPACE');
  return async () => {
    move(copies, join(server.datadir, 'd'), ['t', 't']);
    await server.query('ALTER TABLE d.t IMPORT TABLESPACE');
    const [row] = await server.query<{ n: number }>(
      "SELECT COUNT(*) AS n FROM d.t WHERE b LIKE 'new%'",
    );
    assert.equal(row?.n, rows);
  };
}

async function backUp(server: TestServer, to: string, ...args: string[]): Promise<string> {
  return assertDone(await runTool(['backup', ...accessArgs(server), `--to=${to}`, ...args])).stderr;
}

async function proveRestored(server: TestServer, from: string): Promise<void> {
  await proveSame(server, await restored(server.product, from), { replay: false });
}

for (const product of products) {
  describe(`a tablespace that ${product} imported`, { skip: leftOut(product) }, () => {
    it('is in the next increment, whether the parent says what it had or not', async (t) => {
      const source = await startServer({ name: 'source', product });
      await makeTables(source);
      const place = scratchDir('chain');
      const [full, known, unknown] = ['full', 'known', 'unknown'].map((name) => join(place, name));
      const lsns = scratchDir('lsns');
      await backUp(source, full ?? '', `--extra-lsndir=${lsns}`);
      const importCopy = await discard(source);
      await importCopy();
      await backUp(source, known ?? '', `--incremental-base=${full}`);
      await backUp(source, unknown ?? '', `--incremental-basedir=${lsns}`);
      // The story below has such a parent of MySQL.
      for (const increment of product === mysql ? [known] : [known, unknown]) {
        await t.test(`restored from ${increment?.slice(place.length + 1)}`, async () => {
          await proveRestored(source, increment ?? '');
        });
      }
    });
  });
}

describe(
  `a tablespace that ${mysql} imported past its page tracking`,
  { skip: leftOut(mysql) },
  () => {
    it('is in the next increment, even if it was discarded before the parent', async () => {
      const source = await startServer({ name: 'source', product: mysql });
      await source.query('INSTALL COMPONENT "file://component_mysqlbackup"');
      await makeTables(source);
      const importCopy = await discard(source);
      const place = scratchDir('chain');
      const [full, increment] = [join(place, 'full'), join(place, 'increment')];
      const lsns = scratchDir('lsns');
      await backUp(source, full, '--page-tracking', `--extra-lsndir=${lsns}`);
      await importCopy();
      await untilTracked(source, lsns);
      const base = `--incremental-basedir=${lsns}`;
      const said = await backUp(source, increment, '--page-tracking', base);
      assert.match(said, /page tracking: the server wrote \d+ pages/u);
      await proveRestored(source, increment);
    });
  },
);
