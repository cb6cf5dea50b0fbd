import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { decodeLogHeader } from '../../formats/mariadb-redo/index.ts';
import type { StoredLink } from '../../src/chain/link.ts';
import { openLink } from '../../src/chain/open-link.ts';
import { restoreChain } from '../../src/chain/restore-chain.ts';
import { ArchiveObjects } from '../../src/source/archive-objects.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { copyOf } from '../restore/prepare-support.ts';
import { findProgram, leftOut, products } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell, runTool } from '../support/tool.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import { accessArgs, innodbBytes, startHeldBackup } from './held-backup.ts';
import { settle } from './increment-support.ts';
import { startOnSystemFiles } from './several-system-files.ts';
import { proveSame, serverOf } from './ways-back.ts';

const product = 'mariadb-10.11';

async function untilCommits(load: { statements(): number }, more: number): Promise<void> {
  const target = load.statements() + more;
  while (load.statements() < target) await sleep(20);
}

/** A backup by mariadb-backup as plain files. */
async function stockBackup(server: TestServer, ...options: string[]): Promise<string> {
  const directory = join(scratchDir('stock'), 'files');
  const tool = findProgram('mariadb-backup', product);
  const place = [`--socket=${server.socket}`, '--user=root', `--target-dir=${directory}`];
  const args = ['--no-defaults', '--backup', ...place, ...options];
  assertDone(await runShell('"$@"', tool, ...args));
  return directory;
}

/** Has the server make one checkpoint after the other until `work` is done. */
async function withCheckpoints<T>(server: TestServer, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const done = work.finally(() => {
    over.abort();
  });
  done.catch(() => undefined);
  while (!over.signal.aborted) await server.query('SET GLOBAL innodb_log_checkpoint_now = ON');
  return await done;
}

/** Where the redo of a backup by mariadb-backup starts. */
function redoStartOf(directory: string): string {
  const header = decodeLogHeader(readFileSync(join(directory, 'ib_logfile0')));
  return String(header.firstLsn);
}

describe('increments by mariadb-backup', { skip: leftOut(product) }, () => {
  it('are prepared by us when they begin where the redo of their parent does', async () => {
    // That tool gives up at times where the log wraps.
    const options = ['--innodb-log-file-size=192M'];
    const source = await startServer({ name: 'source', product, options });
    const load = await startLoad(source, await createSchema(source, { megabytes: 2 }));
    await untilCommits(load, 50);
    const full = await stockBackup(source);
    await untilCommits(load, 100);
    // Its end is a later checkpoint than its start.
    const first = await withCheckpoints(
      source,
      stockBackup(source, `--incremental-lsn=${redoStartOf(full)}`),
    );
    await untilCommits(load, 100);
    const second = await stockBackup(source, `--incremental-lsn=${redoStartOf(first)}`);
    const usual = await stockBackup(source, `--incremental-basedir=${first}`);
    await load.stop();
    const prepare = ['prepare', '--no-defaults', full, '--server-binary', serverOf(product)];
    const increments = (...dirs: string[]): string[] =>
      dirs.map((dir) => `--incremental-dir=${dir}`);

    const refused = await runTool([...prepare, ...increments(first, usual)]);
    assert.equal(refused.status, 40, refused.stderr);
    assert.match(refused.stderr, /pages that changed from LSN \d+ to \d+ are missing/u);
    assert.match(refused.stderr, new RegExp(`--incremental-lsn=${redoStartOf(first)}`, 'u'));
    const files = readdirSync(full, { recursive: true }).length;
    for (const [message, harm] of [
      ['ibdata1 of the backup is missing', 'rm "$1"/ibdata1.delta "$1"/ibdata1.meta'],
      ['delta is missing', 'rm "$1"/mysql/gtid_slave_pos.ibd.delta'],
      ['is still encoded', 'gzip -S .qp "$1"/mysql/gtid_slave_pos.ibd.delta'],
    ] as const) {
      const harmed = copyOf(second);
      assertDone(await runShell(harm, harmed));
      const half = await runTool([...prepare, ...increments(first, harmed)]);
      assert.ok(half.status === 30 || half.status === 31, half.stderr);
      assert.match(half.stderr, new RegExp(message, 'u'));
      assert.equal(readdirSync(full, { recursive: true }).length, files);
    }
    assertDone(await runTool([...prepare, ...increments(first, second)]));
    await proveSame(source, full, { replay: true });
  });
});

describe('the negative control of a chain', { skip: leftOut(product) }, () => {
  it('does not come back when its increment is taken from to_lsn', async (t) => {
    const source = await startServer({ name: 'source', product });
    await source.query('CREATE DATABASE control');
    await source.query(
      'CREATE TABLE control.t (id INT PRIMARY KEY, n INT, s VARCHAR(500)) ENGINE=InnoDB',
    );
    await source.query(
      "INSERT INTO control.t SELECT seq, 0, REPEAT('x', 500) FROM control.seq_1_to_20000",
    );
    await source.query('SET GLOBAL innodb_max_dirty_pages_pct = 0');
    await settle(source);
    const held = await startHeldBackup(t, source, await innodbBytes(source, 500_000));
    // The table is copied. What changes now is in its file before the copy ends.
    await source.query('UPDATE control.t SET n = 1 WHERE id % 50 = 0');
    await settle(source);
    assertDone(await held.finish());
    await source.query('UPDATE control.t SET n = n + 1 WHERE id % 70 = 0');
    const dir = scratchDir('control');
    const taken = async (name: string, lsn: number): Promise<string> => {
      const to = join(dir, name);
      const args = ['backup', ...accessArgs(source), `--to=${to}`, `--incremental-lsn=${lsn}`];
      assertDone(await runTool(args));
      return join(to, 'archive.xbs');
    };
    const full = await opened(held.archive);
    const toLsn = Number(/to_lsn = (\d+)/u.exec(await checkpointsOf(held.archive))?.[1]);
    assert.ok(toLsn > full.begin.redoStart);
    const right = await opened(await taken('right', full.begin.redoStart));
    const wrong = await opened(await taken('wrong', toLsn));

    assert.equal(await comesBack(source, [full, right]), 'same');
    await assert.rejects(comesBack(source, [full, wrong]), { code: 'chain' });
    const forged = { ...wrong, begin: { ...wrong.begin, sinceLsn: full.begin.redoStart } };
    assert.equal(await comesBack(source, [full, forged]), 'not the same');
  });
});

async function opened(archive: string): Promise<StoredLink> {
  const store = new FileStore('/');
  const objects = await ArchiveObjects.open(store, [{ key: archive.slice(1) }]);
  return await openLink({ archive: objects }, undefined);
}

async function checkpointsOf(archive: string): Promise<string> {
  const directory = join(scratchDir('checkpoints'), 'files');
  const only = '--include=*_checkpoints';
  assertDone(
    await runTool(['extract', '--no-defaults', `--from=${archive}`, only, '-C', directory]),
  );
  return readFileSync(join(directory, 'xtrabackup_checkpoints'), 'utf8');
}

/** Whether a chain becomes the source; a chain that is refused rejects. */
async function comesBack(
  source: TestServer,
  links: StoredLink[],
): Promise<'same' | 'not the same'> {
  const datadir = join(scratchDir('control'), 'data');
  const reporter = { info: () => undefined, warn: () => undefined, progress: () => undefined };
  const options = { datadir, key: undefined, serverBinary: serverOf(product), serverArguments: [] };
  try {
    await restoreChain(links, options, reporter, new AbortController().signal);
    await proveSame(source, datadir, { replay: false });
    return 'same';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'chain') throw error;
    return 'not the same';
  }
}

for (const one of products) {
  describe(`a secret chain of ${one} on several system files`, { skip: leftOut(one) }, () => {
    it('is restored, merged and verified with its key, and not without', async () => {
      const files = ['ibdata1:12M', 'ibdata2:1M:autoextend'];
      const { source, options } = await startOnSystemFiles(one, files);
      const proof = { replay: false, serverOptions: options };
      const dir = scratchDir('secret');
      const keyFile = join(dir, 'key');
      writeFileSync(keyFile, randomBytes(32));
      const secret = ['--compress', '--encrypt=AES256', `--encrypt-key-file=${keyFile}`];
      const links = ['full', 'first', 'second'].map((name) => join(dir, name));
      const newest = links.at(-1) ?? '';
      let parent: string[] = [];
      for (const link of links) {
        await source.query("INSERT INTO shared.t (b) VALUES (REPEAT('y', 2000000))");
        await source.query("UPDATE shared.t SET b = REPEAT('z', 1000) WHERE id % 3 = 0");
        const args = ['backup', ...accessArgs(source), `--to=${link}`, ...secret, ...parent];
        assertDone(await runTool(args));
        parent = [`--incremental-base=${link}`];
      }
      const from = ['--no-defaults', `--from=${newest}`];
      const key = `--encrypt-key-file=${keyFile}`;
      const datadir = join(dir, 'data');
      const restore = [
        'restore',
        ...from,
        `--datadir=${datadir}`,
        '--server-binary',
        serverOf(one),
      ];
      assert.equal((await runTool(restore)).status, 2);
      const preview = await runShell('xbpipe "$@" >&2', ...restore, key, '--preview');
      assert.equal(preview.status, 0, preview.stderr);
      assert.match(preview.stderr, /link 3 /u);
      assertDone(await runTool(['verify', ...from, key]));
      assertDone(await runTool([...restore, key]));
      await proveSame(source, datadir, proof);

      const merged = join(dir, 'merged');
      assertDone(await runTool(['merge', ...from, `--to=${merged}`, ...secret]));
      const again = join(dir, 'again');
      const back = ['restore', '--no-defaults', `--from=${merged}`, `--datadir=${again}`, key];
      assertDone(await runTool([...back, '--server-binary', serverOf(one)]));
      await proveSame(source, again, proof);
    });
  });
}
