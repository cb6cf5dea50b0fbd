// An increment by MySQL's page tracking, side by side with the full backup that it spares: a
// hundredth of the pages changed, both into directories.

import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { dialectOf } from '../support/dialect.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { compare } from './measure.ts';
import { shell } from './shell.ts';
import { sourceOf } from './source.ts';

const tables = 12;
/** Doubled three times. */
const rowsAtFirst = 112_500;
/** A page has some 55 rows. */
const rowsPerChange = 5600;

const names = Array.from({ length: tables }, (_, i) => `bench.t${i + 1}`);

async function fill(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE bench');
  for (const [i, name] of names.entries()) {
    await server.query(
      `CREATE TABLE ${name} (id BIGINT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(255), c CHAR(100), KEY (a))`,
    );
    if (i > 0) {
      await server.query(`INSERT INTO ${name} SELECT * FROM bench.t1`);
      continue;
    }
    const numbers = dialectOf(server).numbers(rowsAtFirst, 'bench');
    await server.query(
      `INSERT INTO ${name} (a, b, c) SELECT seq * 7919 % 1000003, SHA2(seq, 512), LEFT(SHA2(seq, 224), 32) FROM ${numbers}`,
    );
    for (let doubled = 0; doubled < 3; doubled += 1) {
      await server.query(`INSERT INTO ${name} (a, b, c) SELECT a, b, c FROM ${name}`);
    }
  }
}

export async function benchTracking(): Promise<void> {
  const server = await startServer({
    name: 'tracking',
    product: 'mysql-9.7',
    options: ['--innodb-redo-log-capacity=512M', '--innodb-buffer-pool-size=1G', '--skip-log-bin'],
  });
  await server.query('INSTALL COMPONENT "file://component_mysqlbackup"');
  await fill(server);
  const { ours, warm } = sourceOf(server);
  const place = scratchDir('tracking');
  const [full, next] = ['full', 'next'].map((name) => join(place, name)) as [string, string];
  await server.query('SELECT innodb_redo_log_sharp_checkpoint()');
  await shell(`${ours} --page-tracking --to=${full}`);
  for (const name of names) {
    await server.query(`UPDATE ${name} SET c = REVERSE(c) WHERE id % ${rowsPerChange} = 0`);
  }
  await server.query('SELECT innodb_redo_log_sharp_checkpoint()');
  await compare({
    title: 'an increment of 1 % by page tracking, against a full backup, to a disk',
    ours: `${ours} --page-tracking --to=${next} --incremental-base=${full}`,
    theirs: `${ours} --to=${next}`,
    peer: 'a full backup',
    goal: 0.15,
    before: async () => {
      rmSync(next, { recursive: true, force: true });
      await warm();
    },
    note: () =>
      Promise.resolve(
        `, ${(statSync(join(next, 'archive.xbs')).size / 1e6).toFixed(0)} MB archive`,
      ),
  });
  await server.stop();
}
