import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupLogCheck } from '../../formats/mariadb-redo/index.ts';
import { checkTables } from '../support/proof.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, startTool, toolEnd } from '../support/tool.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import {
  copyOf,
  fakeServer,
  lightCopyOf,
  pidOf,
  serverThatSays,
  takeBackup,
  tryPrepare,
} from './prepare-support.ts';

let archive: string;
let directory: string;

before(async () => {
  const source = await startServer({ name: 'source', options: ['--innodb-undo-tablespaces=3'] });
  const tables = await createSchema(source, { megabytes: 3 });
  const load = await startLoad(source, tables, { pauseMs: 100 });
  ({ archive, directory } = await takeBackup(source));
  await load.stop();
  await source.kill();
});

const prepare = ['prepare', '--no-defaults'];

async function checkpointAge(server: TestServer): Promise<number> {
  const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Innodb_checkpoint_age'");
  return Number(row?.['Value']);
}

/** A backup with nothing in its redo: what the server's threads still write is waited out. */
async function takeIdleBackup(server: TestServer): Promise<string> {
  for (let tries = 0; tries < 5; tries += 1) {
    while ((await checkpointAge(server)) > 100) await sleep(20);
    const backup = await takeBackup(server);
    const check = new BackupLogCheck();
    check.push(readFileSync(join(backup.directory, 'ib_logfile0')));
    if (!check.end().anyChangesBeyondCheckpoint) return backup.directory;
  }
  throw new Error('the server is never idle');
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

describe('recovery by the server itself', () => {
  it('makes a data directory that a server starts on without any recovery', async () => {
    const files = copyOf(directory);
    const first = assertDone(await runTool([...prepare, files]));
    assert.match(first.stderr, /the server recovered to LSN \d+ and shut down cleanly/u);
    const again = assertDone(await runTool([...prepare, files]));
    assert.match(again.stderr, /is prepared already/u);
    const server = await startServer({
      name: 'restored',
      datadir: files,
      options: ['--innodb-undo-tablespaces=3'],
    });
    assert.deepEqual(await checkTables(server), []);
    assert.doesNotMatch(await server.errorLog(), /crash recovery/u);
    await server.stop();
  });

  it('works on the backup of a server that had nothing to do', async () => {
    const idle = await startServer({
      name: 'idle',
      options: ['--innodb-stats-auto-recalc=OFF'],
    });
    await createSchema(idle, { megabytes: 1 });
    // Everything into the files, and a checkpoint at the end of the log.
    await idle.query('SET GLOBAL innodb_max_dirty_pages_pct = 0');
    const files = await takeIdleBackup(idle);
    const { failure, said } = await tryPrepare(files);
    assert.equal(failure, undefined, said);
    const restored = await startServer({ name: 'restored', datadir: files });
    assert.deepEqual(await checkTables(restored), []);
    await restored.stop();
    await idle.stop();
  });

  it('passes on the arguments that the server needs besides', async () => {
    const server = fakeServer('echo "[ERROR] InnoDB: told $*" >&2; exit 1');
    const { status, stderr } = await runTool([
      ...prepare,
      `--server-binary=${server.path}`,
      '--server-arg=--plugin-load-add=file_key_management',
      '--server-arg=--file-key-management-filename=/keys',
      lightCopyOf(directory),
    ]);
    assert.equal(status, 50);
    assert.match(stderr, /told --no-defaults .*--skip-networking .*--skip-grant-tables/u);
    assert.match(stderr, /--innodb-undo-tablespaces=3/u);
    assert.match(
      stderr,
      /--plugin-load-add=file_key_management --file-key-management-filename=\/keys/u,
    );
  });

  it('has no more to say of the server than its last words, however much it says', async () => {
    const server = fakeServer('seq 1 2000 >&2; echo "[ERROR] InnoDB: enough" >&2; exit 1');
    const { failure } = await tryPrepare(lightCopyOf(directory), server.path);
    assert.match(failure?.message ?? '', /did not recover: .*enough\nThe server's last words:\n/u);
    assert.ok((failure?.message.split('\n').length ?? 0) < 20);
  });
});

describe('a server that misses the word to shut down', () => {
  it('is told again', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const missed = join(scratchDir('missed'), 'once');
    const server = fakeServer(
      serverThatSays('mariadbd: ready for connections.').replace(
        "trap 'exit 0' TERM",
        `trap 'if [ -e ${missed} ]; then exit 0; else echo > ${missed}; fi' TERM`,
      ),
    );
    const prepared = tryPrepare(lightCopyOf(directory), server.path);
    while (!existsSync(missed)) await sleep(10);
    t.mock.timers.tick(60_000);
    const { failure } = await prepared;
    // It ended by itself; that it recovered nothing is another matter.
    assert.equal(failure?.code, 'recovery');
    assert.doesNotMatch(failure.message, /SIGKILL|never became ready/u);
    assert.equal(isAlive(pidOf(server)), false);
  });
});

describe('an interrupted recovery', () => {
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const) {
    it(`by ${signal} leaves no server behind and no backup that looks prepared`, async () => {
      const files = lightCopyOf(directory);
      const server = fakeServer(`trap '' TERM INT\n${endless}`);
      const tool = startTool([...prepare, `--server-binary=${server.path}`, files]);
      const end = toolEnd(tool);
      while (!server.wasStarted()) await sleep(10);
      tool.kill(signal);
      assert.equal((await end).status, status);
      // After SIGKILL nobody waits for the server's end: it comes when its watcher sees the tool gone.
      while (isAlive(pidOf(server))) await sleep(10);
      const checkpoints = readFileSync(join(files, 'xtrabackup_checkpoints'), 'utf8');
      assert.match(checkpoints, /^backup_type = full-backuped$/mu);
    });
  }

  it('of a restore leaves a directory in which nothing can be taken for data', async () => {
    const datadir = join(scratchDir('restore'), 'data');
    const server = fakeServer(endless);
    const args = ['restore', '--no-defaults', `--from=${archive}`, `--datadir=${datadir}`];
    const tool = startTool([...args, `--server-binary=${server.path}`]);
    const end = toolEnd(tool);
    while (!server.wasStarted()) await sleep(10);
    tool.kill('SIGTERM');
    assert.equal((await end).status, 143);
    assert.equal(isAlive(pidOf(server)), false);
    assert.deepEqual(readdirSync(datadir), ['xbpipe-partial']);
    const again = await runTool(args);
    assert.equal(again.status, 20);
    assert.match(again.stderr, /xbpipe-partial is there from an unfinished run/u);
  });
});

/** A server that recovers for ever. */
const endless = serverThatSays('InnoDB: Starting crash recovery from checkpoint LSN=1').replace(
  /^trap.*\n/u,
  '',
);

describe('restore', () => {
  it('recovers with the server that is named, and hands over a whole data directory', async () => {
    const datadir = join(scratchDir('restore'), 'data');
    assertDone(
      await runTool([
        'restore',
        '--no-defaults',
        `--from=${archive}`,
        `--datadir=${datadir}`,
        `--server-binary=${findProgram('mariadbd')}`,
      ]),
    );
    assert.equal(existsSync(join(datadir, 'xbpipe-partial')), false);
    const server = await startServer({
      name: 'restored',
      datadir,
      options: ['--innodb-undo-tablespaces=3'],
    });
    assert.deepEqual(await checkTables(server), []);
    await server.stop();
  });

  it('refuses a directory that is not empty, and touches nothing in it', async () => {
    const datadir = scratchDir('full');
    mkdirSync(join(datadir, 'mysql'));
    writeFileSync(join(datadir, 'mysql', 'user.frm'), 'mine');
    const server = fakeServer('exit 1');
    const { status, stderr } = await runTool([
      'restore',
      '--no-defaults',
      `--from=${archive}`,
      `--datadir=${datadir}`,
      `--server-binary=${server.path}`,
    ]);
    assert.equal(status, 20);
    assert.match(stderr, /is not empty \(it holds mysql\)/u);
    assert.equal(server.wasStarted(), false);
    assert.deepEqual(readdirSync(datadir, { recursive: true }), ['mysql', 'mysql/user.frm']);
    assert.equal(readFileSync(join(datadir, 'mysql', 'user.frm'), 'utf8'), 'mine');
  });

  it('fails with status 50 when the server does not recover, and leaves nothing under a name', async () => {
    const datadir = join(scratchDir('restore'), 'data');
    const server = fakeServer('echo "[ERROR] InnoDB: no" >&2; exit 1');
    const { status, stderr } = await runTool([
      'restore',
      '--no-defaults',
      `--from=${archive}`,
      `--datadir=${datadir}`,
      `--server-binary=${server.path}`,
    ]);
    assert.equal(status, 50);
    assert.match(stderr, /FAILED: the server did not recover: \[ERROR\] InnoDB: no/u);
    assert.deepEqual(readdirSync(datadir), ['xbpipe-partial']);
  });
});
