// The system tablespace: of several files only the first has a page 0, and the last one grows.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runShell } from '../support/tool.ts';
import { innodbBytes, startHeldBackup } from './held-backup.ts';
import { startOnSystemFiles } from './several-system-files.ts';
import { bringBack, proveSame, serverOf } from './ways-back.ts';

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const satisfies Product[]) {
  describe(`a system tablespace of three files on ${product}`, { skip: leftOut(product) }, () => {
    it('is copied, checked and restored with all of its pages', async () => {
      const { source, options } = await startOnSystemFiles(product, [
        'ibdata1:12M',
        'ibdata2:8M',
        'ibdata3:4M:autoextend',
      ]);
      const datadir = join(scratchDir('back'), 'data');
      const script =
        'xbpipe backup --no-defaults -u root -S "$1" | xbpipe restore --server-binary "$2" --datadir "$3"';
      assertDone(await runShell(script, source.socket, serverOf(product), datadir));
      await proveSame(source, datadir, { replay: false, serverOptions: options });
    });
  });
}

for (const product of ['mariadb-10.11', 'mariadb-11.8', 'mysql-9.7'] as const) {
  describe(`the system tablespace of ${product}`, { skip: leftOut(product) }, () => {
    it('may grow behind what was copied of it', async (t) => {
      // Larger than any other file: it is copied first.
      const options = [
        ...(product === 'mysql-9.7' ? [] : ['--innodb-log-file-size=200M']),
        '--innodb-data-file-path=ibdata1:40M:autoextend',
        '--innodb-file-per-table=OFF',
      ];
      const source = await startServer({ name: 'source', product, options });
      await source.query('CREATE DATABASE shared');
      await source.query('CREATE TABLE shared.t (id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)');
      await source.query("INSERT INTO shared.t (b) VALUES ('first')");
      const bytes = (await innodbBytes(source, 30_000_000)) + 1_000_000;
      const backup = await startHeldBackup(t, source, bytes, ['--parallel=1']);
      assert.equal(backup.members().get('ibdata1'), 'complete');
      const size = (): number => statSync(join(source.datadir, 'ibdata1')).size;
      const grow = "INSERT INTO shared.t (b) VALUES (REPEAT('x', 1000000))";
      for (const before = size(); size() === before;) await source.query(grow);
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      for (const way of ['xbpipe restore', 'mbstream and xbpipe prepare'] as const) {
        const datadir = await bringBack(backup.archive, way, product);
        await proveSame(source, datadir, { replay: false, serverOptions: options });
      }
    });
  });
}
