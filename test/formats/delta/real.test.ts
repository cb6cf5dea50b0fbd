import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { DeltaDecoder, type DeltaPage } from '../../../formats/delta/index.ts';
import { pageLsn } from '../../../formats/innodb/index.ts';
import { decodeLogHeader } from '../../../formats/mariadb-redo/index.ts';
import { decodeDeltaMeta, encodeDeltaMeta } from '../../../formats/metadata/index.ts';
import { findProgram, leftOut, type Product } from '../../support/programs.ts';
import { scratchDir } from '../../support/scratch.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { encodeAll } from './support.ts';

const run = promisify(execFile);

const columns = '(id INT PRIMARY KEY, n INT, s VARCHAR(200), KEY (s)) ENGINE=InnoDB CHARSET=latin1';
const kinds = {
  still: '',
  plain: '',
  grown: '',
  redundant: 'ROW_FORMAT=REDUNDANT',
  packed: 'PAGE_COMPRESSED=1',
  zip1: 'ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1',
  zip8: 'ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8',
} as const;
const tables = Object.keys(kinds);
const zipBytes: Readonly<Record<string, number>> = { zip1: 1024, zip8: 8192 };

/** What changes, but for `still`: rows here and there, new ones, and a table that grows much. */
const changes = (from: number): string[] => [
  ...tables
    .filter((table) => table !== 'still')
    .flatMap((table) => [
      `UPDATE d.${table} SET n = n + 1 WHERE id % 400 = 7`,
      `INSERT INTO d.${table} SELECT seq, seq, SHA2(seq, 256) FROM seq_${from}_to_${from + 99}`,
    ]),
  `INSERT INTO d.grown SELECT seq, 0, REPEAT(seq, 20) FROM seq_${from + 100}_to_${from + 2100}`,
];

async function fill(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE d');
  await server.query('USE d');
  for (const [table, kind] of Object.entries(kinds)) {
    await server.query(`CREATE TABLE d.${table} ${columns} ${kind}`);
    const rows = 'SELECT seq, seq, CONCAT(SHA2(seq, 256), seq) FROM seq_1_to_3000';
    await server.query(`INSERT INTO d.${table} ${rows}`);
  }
  // A file whose first page is not written yet is left to the log by the tool.
  await server.query('SET GLOBAL innodb_log_checkpoint_now = 1');
}

async function backUp(server: TestServer, dir: string, ...options: string[]): Promise<void> {
  const tool = findProgram('mariadb-backup', server.product);
  const place = [`--socket=${server.socket}`, '--user=root', `--target-dir=${dir}`];
  await run(tool, ['--no-defaults', '--backup', ...place, ...options]);
}

/** A full backup while the tables change. */
async function backUpInMotion(server: TestServer, dir: string): Promise<void> {
  const stop = new AbortController();
  const load = (async () => {
    for (let from = 10_000; !stop.signal.aborted; from += 3000) {
      for (const change of changes(from)) await server.query(change);
    }
  })();
  try {
    await backUp(server, dir);
  } finally {
    stop.abort();
    await load;
  }
}

interface Chain {
  readonly full: string;
  readonly incremental: string;
  /** Where the redo of the full backup begins: what is older is in its pages. */
  readonly fromLsn: bigint;
  readonly datadir: string;
}

/** An incremental of files that rest, so that it can be compared with them. */
async function makeChain(product: Product): Promise<Chain> {
  // A log that the load does not go round while the tool copies it.
  const options = ['--innodb-fast-shutdown=0', '--innodb-log-file-size=256M'];
  const changing = await startServer({ name: 'changing', product, options });
  await fill(changing);
  const full = scratchDir('full');
  await backUpInMotion(changing, full);
  for (const change of changes(10_000_000)) await changing.query(change);
  await changing.stop();
  const log = readFileSync(join(full, 'ib_logfile0')).subarray(0, 512);
  const fromLsn = decodeLogHeader(log).firstLsn;
  const resting = await startServer({ name: 'resting', product, datadir: changing.datadir });
  const incremental = scratchDir('incremental');
  await backUp(resting, incremental, `--incremental-lsn=${fromLsn}`);
  await resting.stop();
  return { full, incremental, fromLsn, datadir: changing.datadir };
}

async function pagesOf(path: string, pageSize: number): Promise<DeltaPage[]> {
  const decoder = new DeltaDecoder(pageSize);
  const pages: DeltaPage[] = [];
  for await (const piece of createReadStream(path, { highWaterMark: 50_000 })) {
    decoder.push(piece as Buffer);
    for (let page = decoder.next(); page !== undefined; page = decoder.next()) pages.push(page);
  }
  decoder.end();
  return pages;
}

/** The file with the pages in their places, as long as it has to be for them. */
function overlaid(base: Uint8Array, pages: readonly DeltaPage[], pageSize: number): Buffer {
  const newest = pages.at(-1)?.pageNumber ?? -1;
  const file = Buffer.alloc(Math.max(base.length, (newest + 1) * pageSize));
  file.set(base);
  for (const { pageNumber, bytes } of pages) file.set(bytes, pageNumber * pageSize);
  return file;
}

const metaOf = (dir: string, path: string): ReturnType<typeof decodeDeltaMeta> =>
  decodeDeltaMeta(readFileSync(join(dir, `${path}.meta`)));

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`the incremental backups of ${product}`, { skip: leftOut(product) }, () => {
    let chain: Chain = { full: '', incremental: '', fromLsn: 0n, datadir: '' };
    before(async () => {
      chain = await makeChain(product);
    });

    it('give the files of the server when they are laid over the full backup', async () => {
      for (const table of tables) {
        const path = `d/${table}.ibd`;
        const { pageSize } = metaOf(chain.incremental, path);
        const pages = await pagesOf(join(chain.incremental, `${path}.delta`), pageSize);
        const base = readFileSync(join(chain.full, path));
        const live = readFileSync(join(chain.datadir, path));
        const file = overlaid(base, pages, pageSize);
        // The server makes files longer than their pages reach.
        assert.ok(file.length <= live.length, table);
        assert.ok(
          live.subarray(file.length).every((byte) => byte === 0),
          table,
        );
        assert.ok(file.equals(live.subarray(0, file.length)), `${table} differs`);
        // The comparison would tell of a delta that is left out.
        assert.equal(base.equals(live), table === 'still', table);
      }
    });

    it('hold exactly the pages that the server has written since', async () => {
      for (const table of tables) {
        const path = `d/${table}.ibd`;
        const { pageSize } = metaOf(chain.incremental, path);
        const live = readFileSync(join(chain.datadir, path));
        const changed = Array.from({ length: live.length / pageSize }, (_, at) => at).filter(
          (at) => pageLsn(live.subarray(at * pageSize, (at + 1) * pageSize)) > chain.fromLsn,
        );
        const pages = await pagesOf(join(chain.incremental, `${path}.delta`), pageSize);
        assert.deepEqual(
          pages.map(({ pageNumber }) => pageNumber),
          changed,
          table,
        );
        assert.equal(changed.length === 0, table === 'still', table);
      }
    });

    it('are written again byte for byte, with what describes them', async () => {
      const paths = readdirSync(chain.incremental, { recursive: true })
        .map(String)
        .filter((path) => path.endsWith('.delta'));
      assert.ok(paths.length > tables.length);
      for (const path of paths) {
        const name = path.slice(0, -'.delta'.length);
        const meta = metaOf(chain.incremental, name);
        const delta = readFileSync(join(chain.incremental, path));
        const pages = await pagesOf(join(chain.incremental, path), meta.pageSize);
        assert.equal(Buffer.compare(encodeAll(pages, meta.pageSize), delta), 0, path);
        const text = readFileSync(join(chain.incremental, `${name}.meta`));
        assert.deepEqual(Buffer.from(encodeDeltaMeta(meta)), text);
        const table = /^d\/(\w+)\.ibd$/u.exec(name)?.[1] ?? '';
        assert.equal(meta.zipSize, zipBytes[table] ?? 0, path);
        assert.equal(meta.pageSize, zipBytes[table] ?? 16_384, path);
      }
    });
  });
}
