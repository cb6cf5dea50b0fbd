import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { decodeBegin } from '../../formats/archive-record/index.ts';
import { DeltaDecoder } from '../../formats/delta/index.ts';
import { decodeDeltaMeta } from '../../formats/metadata/index.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { backupArgs } from './faults-support.ts';
import { product } from './mysql-source.ts';

const install = 'INSTALL COMPONENT "file://component_mysqlbackup"';

/** A small buffer pool: pages are written by the server all the time. */
async function startTracked(): Promise<TestServer> {
  const options = ['--innodb-buffer-pool-size=8M', '--innodb-redo-log-capacity=64M'];
  const server = await startServer({ name: 'tracked', product, options });
  await server.query(install);
  await server.query('CREATE DATABASE d');
  return server;
}

/** Waits until the server has written all that changed. */
async function untilWritten(server: TestServer): Promise<void> {
  const sql =
    "SELECT storage_engines->>'$.InnoDB.LSN' = storage_engines->>'$.InnoDB.LSN_checkpoint' AS same " +
    'FROM performance_schema.log_status';
  for (;;) {
    const [row] = await server.query<{ same: number }>(sql);
    if (row?.same === 1) return;
    await sleep(50);
  }
}

/** Backs up into a new directory; what was said on the way comes with it. */
async function take(
  server: TestServer,
  ...args: string[]
): Promise<{ directory: string; said: string }> {
  const directory = join(scratchDir('target'), 'new');
  const { stderr } = assertDone(
    await runTool(backupArgs(server, `--target-dir=${directory}`, ...args)),
  );
  return { directory, said: stderr };
}

const onParent = (directory: string): string => `--incremental-basedir=${directory}`;

/** Every page of an increment, by its file and number. */
function pagesOf(directory: string): Map<string, Uint8Array> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const pages = new Map<string, Uint8Array>();
  for (const name of names.filter((one) => one.endsWith('.delta'))) {
    const meta = readFileSync(join(directory, name.replace(/delta$/u, 'meta')));
    const { pageSize } = decodeDeltaMeta(meta);
    const decoder = new DeltaDecoder(pageSize);
    decoder.push(readFileSync(join(directory, name)));
    for (let page = decoder.next(); page; page = decoder.next()) {
      pages.set(`${name} ${page.pageNumber}`, page.bytes);
    }
    decoder.end();
  }
  return pages;
}

type Pages = ReturnType<typeof pagesOf>;

const missingIn = (pages: Pages, wanted: Pages): string[] =>
  [...wanted.keys()].filter((page) => !pages.has(page));

/** Whether a full backup has these very bytes there. */
function isInParent(directory: string, page: string, bytes: Uint8Array = Buffer.alloc(0)): boolean {
  const [delta = '', number = ''] = page.split(' ');
  const file = readFileSync(join(directory, delta.replace(/\.delta$/u, '')));
  const at = Number(number) * bytes.length;
  return Buffer.compare(file.subarray(at, at + bytes.length), bytes) === 0;
}

/** Rows in every page of a table, with an index that is updated all over. */
async function createTable(
  server: TestServer,
  name: string,
  rows: number,
  more = '',
): Promise<void> {
  await server.query(
    `CREATE TABLE d.${name} (a INT PRIMARY KEY, b BIGINT, c VARCHAR(300), KEY (b)) ${more}`,
  );
  await insertRows(server, name, 0, rows);
}

async function insertRows(
  server: TestServer,
  name: string,
  from: number,
  rows: number,
): Promise<void> {
  await server.query(
    `INSERT INTO d.${name} SELECT ${from} + seq, CRC32(seq), REPEAT('x', 200 + seq % 100) FROM ` +
      `JSON_TABLE(CONCAT('[0', REPEAT(',0', ${rows - 1}), ']'), '$[*]' ` +
      'COLUMNS (seq FOR ORDINALITY)) AS numbers',
  );
}

describe('an increment of MySQL with page tracking', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await startTracked();
    await createTable(server, 't', 30_000);
    await createTable(server, 'zip', 10_000, 'ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8');
    await createTable(server, 'still', 20_000);
  });

  /** Takes a parent, changes something, and takes increments with and without tracking. */
  const compare = async (change: () => Promise<void>): Promise<string> => {
    await untilWritten(server);
    const full = (await take(server, '--page-tracking')).directory;
    const parent = onParent(full);
    await change();
    await untilWritten(server);
    const before = pagesOf((await take(server, parent)).directory);
    const tracked = await take(server, parent, '--page-tracking');
    const after = pagesOf((await take(server, parent)).directory);
    const pages = pagesOf(tracked.directory);
    // The server never is quite still: what it changes between two increments is in the later one.
    // What it wrote before tracking began is in the parent already.
    const missing = missingIn(pages, before).filter(
      (page) => !isInParent(full, page, before.get(page)),
    );
    assert.deepEqual(missing, []);
    assert.deepEqual(missingIn(after, pages), []);
    assert.match(tracked.said, /page tracking: the server wrote \d+ pages/u);
    assert.doesNotMatch(tracked.said, /"type":"warning"/u);
    return tracked.said;
  };

  it('has the pages that a look at every page finds, after inserts, updates and deletes', async () => {
    const said = await compare(async () => {
      await insertRows(server, 't', 100_000, 10_000);
      await server.query('UPDATE d.zip SET b = b + 1 WHERE a % 50 = 0');
      await server.query('DELETE FROM d.t WHERE a BETWEEN 5000 AND 6000');
    });
    assert.doesNotMatch(said, /read whole/u);
  });

  it('has them when indexes were built in place, which the server need not track', async () => {
    const said = await compare(async () => {
      await server.query('ALTER TABLE d.t ADD KEY more (c, b), ALGORITHM=INPLACE, LOCK=NONE');
      await server.query('ALTER TABLE d.zip ADD KEY more (c), ALGORITHM=INPLACE');
      await server.query('ALTER TABLE d.t ADD FULLTEXT (c)');
    });
    assert.match(said, /; \d+ with newer tables or indexes are read whole/u);
  });

  it('reads little where little has changed', async () => {
    await untilWritten(server);
    const { directory } = await take(server, '--page-tracking');
    await server.query('UPDATE d.t SET b = b + 1 WHERE a < 50');
    await untilWritten(server);
    const { said } = await take(server, onParent(directory), '--page-tracking');
    const [, read = ''] = /(\d+) pages? read/u.exec(said) ?? assert.fail(said);
    assert.ok(Number(read) < 1000, said);
  });
});

describe('page tracking that cannot be used', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ name: 'untracked', product });
    await server.query('CREATE DATABASE d');
    await createTable(server, 't', 2000);
  });

  /** The increment was taken by its LSNs, and the reason was said once. */
  const assertScanned = async (parent: string, why: RegExp): Promise<void> => {
    const { said } = await take(server, onParent(parent), '--page-tracking');
    const warnings = said
      .split('\n')
      .filter((line) => line.includes('"type":"warning"'))
      .map((line) => (JSON.parse(line) as { message: string }).message)
      .filter((message) => message.endsWith(': every page is read'));
    assert.equal(warnings.length, 1, said);
    assert.match(warnings[0] ?? '', why);
  };

  it('is said, with what helps, where the component is not there', async () => {
    const { directory, said } = await take(server, '--page-tracking');
    assert.match(said, /INSTALL COMPONENT .*: the next increment will read every page/u);
    assert.equal(
      decodeBegin(readFileSync(join(directory, 'xbpipe_begin.json'))).pageTracking,
      undefined,
    );
    await assertScanned(directory, /^the parent was taken without/u);
    await server.query(install);
  });

  it('is said where the parent was taken without it', async () => {
    await assertScanned((await take(server)).directory, /^the parent was taken without/u);
  });

  it('is said where it was switched off since the parent was taken', async () => {
    const { directory } = await take(server, '--page-tracking');
    await server.query('SELECT mysqlbackup_page_track_set(0)');
    await insertRows(server, 't', 10_000, 2000);
    await assertScanned(directory, /^page tracking was off since the parent was taken/u);
  });

  it('is said where the server was restarted since the parent was taken', async () => {
    const { directory } = await take(server, '--page-tracking');
    await server.stop();
    server = await startServer({ name: 'again', product, datadir: server.datadir });
    await assertScanned(directory, /^the server was restarted since the parent was taken/u);
  });
});
