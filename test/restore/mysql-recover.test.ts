import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseRedoFileName } from '../../formats/mysql-redo/index.ts';
import { readBackupDirectory } from '../../src/restore/backup-directory.ts';
import { layDownRedo } from '../../src/restore/mysql/lay-down-redo.ts';
import { mysqlRestore } from '../../src/restore/mysql/mysql-restore.ts';
import { recover } from '../../src/restore/recover.ts';
import { findServerBinary } from '../../src/restore/server-binary.ts';
import { leftOut } from '../support/programs.ts';
import { checksums, checkTables } from '../support/proof.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runTool, startTool, toolEnd, type ToolResult } from '../support/tool.ts';
import {
  type Backups,
  fullCopyOf,
  linkedCopyOf,
  mysqld,
  product,
  redoOf,
  startOn,
  takeBackups,
} from './mysql-support.ts';
import { tryPrepare } from './prepare-support.ts';

const { signal } = new AbortController();

let backups: Backups;
/** Checksums of the tables as the first backup has them. */
let expected: Map<string, string>;

const prepareArgs = (directory: string): string[] => [
  'prepare',
  '--no-defaults',
  `--server-binary=${mysqld()}`,
  directory,
];

/** What only the recovery needed: the end of the source's binlog and the server's identity. */
const leftovers = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^(bin\.|auto\.cnf$|xbpipe_prepare)/u.test(name));

/** Starts a server, finds all tables whole, and returns what is in them and its GTIDs. */
async function contents(
  directory: string,
): Promise<{ sums: Map<string, string>; gtids: string; uuid: string; log: string }> {
  const server = await startOn(directory);
  assert.deepEqual(await checkTables(server), []);
  const [row] = await server.query('SELECT @@gtid_executed AS gtids, @@server_uuid AS uuid');
  const sums = await checksums(server);
  const log = await server.errorLog();
  await server.stop();
  return { sums, gtids: String(row?.['gtids']), uuid: String(row?.['uuid']), log };
}

const redoFilesIn = (directory: string): string[] =>
  readdirSync(join(directory, '#innodb_redo')).sort(
    (a, b) => (parseRedoFileName(a) ?? 0) - (parseRedoFileName(b) ?? 0),
  );

/** The servers that run on a directory. */
function serversOn(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return line.includes(`--datadir=${directory}\0`) && line.includes('--skip-grant-tables');
    } catch {
      return false;
    }
  });
}

const isPrepared = (directory: string): boolean =>
  !/^backup_type = full-backuped$/mu.test(
    readFileSync(join(directory, 'xtrabackup_checkpoints'), 'utf8'),
  );

/** A copy whose prepare was killed at a moment; one that was done before the kill does not count. */
async function killedWhen(isThere: (directory: string) => boolean): Promise<string> {
  for (let tries = 0; tries < 5; tries += 1) {
    const copy = fullCopyOf(backups.extracted);
    const tool = startTool(prepareArgs(copy));
    const end = toolEnd(tool);
    while (tool.exitCode === null && !isThere(copy)) await sleep(1);
    tool.kill('SIGKILL');
    const result = await end;
    if (result.signal === null) assertDone(result);
    while (serversOn(copy).length > 0) await sleep(5);
    if (!isPrepared(copy)) return copy;
  }
  throw new Error('no prepare was killed before its copy was marked as prepared');
}

describe('recovery of a backup by MySQL', { skip: leftOut(product) }, () => {
  let first: { sums: Map<string, string>; gtids: string; uuid: string; log: string };
  let prepared: string;
  before(async () => {
    const source = await startServer({ name: 'source', product });
    backups = await takeBackups(source);
    await source.kill();
    prepared = fullCopyOf(backups.extracted);
    const result = assertDone(await runTool(prepareArgs(prepared)));
    assert.match(result.stderr, /the server recovered to LSN \d+ and shut down cleanly/u);
    assert.deepEqual(leftovers(prepared), []);
    first = await contents(prepared);
    expected = first.sums;
  });

  it('leaves neither the identity of a server nor the source’s binlog, and the GTIDs in the tables', () => {
    assert.equal(first.gtids.replaceAll('\n', ''), backups.gtids);
    assert.ok(expected.size > 20);
    // Recovery was done before: the server that starts on it had none to do.
    assert.doesNotMatch(first.log, /Starting crash recovery|is in the future/u);
  });

  it('is not done twice', async () => {
    const again = assertDone(await runTool(prepareArgs(prepared)));
    assert.match(again.stderr, /is prepared already/u);
  });

  it('gives two copies two servers, which one source of replicas would tell apart', async () => {
    const copy = fullCopyOf(backups.extracted);
    const { failure, said } = await tryPrepare(copy, mysqld());
    assert.equal(failure, undefined, said);
    const { uuid, sums } = await contents(copy);
    assert.notEqual(uuid, first.uuid);
    assert.deepEqual(sums, expected);
  });

  it('reads a log that is split over many files as it reads one', async () => {
    const copy = fullCopyOf(backups.extracted);
    const backup = readBackupDirectory(copy);
    const redo = await mysqlRestore.checkRedo(backup, signal);
    const fileBytesMax = 256 * 1024;
    layDownRedo(backup, redo, fileBytesMax);
    const files = redoFilesIn(copy);
    assert.ok(files.length > 5, files.join(' '));
    assert.deepEqual(
      files,
      files.map((_, i) => `#ib_redo${i}`),
    );
    for (const name of files) {
      assert.ok(statSync(join(copy, '#innodb_redo', name)).size <= fileBytesMax);
    }
    assert.equal(existsSync(redoOf(copy)), false);
    const server = await findServerBinary(mysqld(), backup, mysqlRestore);
    await recover(backup, redo, mysqlRestore, server, { serverArguments: [], signal });
    mysqlRestore.tidy(backup);
    assert.deepEqual(leftovers(copy), []);
    const { sums, gtids } = await contents(copy);
    assert.deepEqual(sums, expected);
    assert.equal(gtids.replaceAll('\n', ''), backups.gtids);
  });

  it('needs no room for its log twice: what was moved to another file is cut off', async () => {
    const copy = linkedCopyOf(backups.extracted);
    const backup = readBackupDirectory(copy);
    const redo = await mysqlRestore.checkRedo(backup, signal);
    const before = statSync(redoOf(copy)).size;
    // The fifth file cannot be made; the last ones come first.
    mkdirSync(join(copy, '#innodb_redo', '#ib_redo4'), { recursive: true });
    const fileBytesMax = 256 * 1024;
    assert.throws(() => {
      layDownRedo(backup, redo, fileBytesMax);
    }, /EISDIR/u);
    const sizes = redoFilesIn(copy)
      .filter((name) => name !== '#ib_redo4')
      .map((name) => statSync(join(copy, '#innodb_redo', name)).size);
    assert.ok(sizes.length > 3);
    // Headers and padding of the new files.
    const sum = sizes.reduce((total, size) => total + size, 0);
    assert.ok(sum < before + sizes.length * 2048 + fileBytesMax / 4, `${sum} of ${before}`);
    assert.ok((sizes[0] ?? 0) <= 5 * fileBytesMax);
  });

  const moments: [string, (directory: string) => boolean][] = [
    ['before it has seen the log', (dir) => existsSync(join(dir, 'auto.cnf'))],
    ['when it writes pages', (dir) => existsSync(join(dir, '#ib_16384_0.dblwr'))],
    ['when it has recovered', (dir) => existsSync(join(dir, '#innodb_temp', 'temp_1.ibt'))],
  ];
  for (const [moment, isThere] of moments) {
    it(`that is killed ${moment} leaves no server, and is made good or refused the second time`, async (t) => {
      const copy = await killedWhen(isThere);
      const again = await runTool(prepareArgs(copy));
      t.diagnostic(`the second time: ${again.status}`);
      if (again.status === 0) {
        assert.deepEqual(leftovers(copy), []);
        assert.deepEqual((await contents(copy)).sums, expected);
      } else assertAsksToExtract(again);
    });
  }
});

function assertAsksToExtract({ status, stderr }: ToolResult): void {
  assert.ok(status === 31 || status === 50, stderr);
  assert.match(stderr, /extract the backup again/u);
}
