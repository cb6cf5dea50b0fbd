// What an increment costs: it is as large as what changed, however large the server is.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { type MemberEntry, decodePageRuns } from '../../formats/archive-record/index.ts';
import { readArchiveIndex } from '../../src/archive/archive-index.ts';
import { ArchiveObjects } from '../../src/source/archive-objects.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { dialectOf } from '../support/dialect.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { backUp, pagesOf, settle } from './increment-support.ts';
import { backupArgs } from './faults-support.ts';

const rows = 64_000;
const rowBytes = 1800;

/** A table of about 130 MB. */
async function makeTable(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE big');
  await server.query('CREATE TABLE big.t (id INT PRIMARY KEY, n INT, pad VARCHAR(2000))');
  const numbers = dialectOf(server).numbers(rows, 'big');
  await server.query(`INSERT INTO big.t SELECT seq, 0, REPEAT('x', ${rowBytes}) FROM ${numbers}`);
}

async function membersOf(backup: string): Promise<readonly MemberEntry[]> {
  const archive = await ArchiveObjects.open(new FileStore(backup), [{ key: 'archive.xbs' }]);
  return (await readArchiveIndex(archive, { key: undefined }))?.members ?? assert.fail();
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const) {
  describe(`an increment of ${product}`, { skip: leftOut(product) }, () => {
    it('is less than 3 % of the full backup when 1 % of the pages changed', async () => {
      const source = await startServer({
        name: 'source',
        product,
        options: product === 'mysql-9.7' ? [] : ['--innodb-log-file-size=200M'],
      });
      await makeTable(source);
      // Two megabytes that are not InnoDB's, and so are in every backup.
      if (product !== 'mysql-9.7') await source.query('TRUNCATE mysql.help_topic');
      await settle(source);
      const full = await backUp(source);
      // Every page has eight rows: one of a hundred pages, all over the table.
      await source.query('UPDATE big.t SET n = n + 1 WHERE id % 800 = 0');
      await settle(source);
      const path = join(scratchDir('increment'), 'new');
      const args = backupArgs(source, '--to', path, '--incremental-base', full);
      const { read, taken } = pagesOf(assertDone(await runTool(args)));
      const [whole, part] = [full, path].map((dir) => statSync(join(dir, 'archive.xbs')).size);
      assert.ok((part ?? 0) < (whole ?? 0) * 0.03, `${part} of ${whole} bytes`);
      assert.ok(taken >= rows / 800 && taken < read * 0.03, `${taken} of ${read} pages`);
      const members = await membersOf(path);
      const table = members.find((one) => one.path === 'big/t.ibd.delta') ?? assert.fail();
      const pages = [...decodePageRuns(table.delta?.pages ?? '', 'pages')];
      const count = pages.reduce((sum, run) => sum + run.count, 0);
      assert.ok(count >= rows / 800 && count < (rows / 800) * 1.2, `${count} pages`);
      assert.equal(table.delta?.fileSize, statSync(join(source.datadir, 'big/t.ibd')).size);
    });
  });
}
