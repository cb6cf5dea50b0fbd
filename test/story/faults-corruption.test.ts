import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync, readSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { crc32c } from '../../formats/crc.ts';
import { assertSame, checkTables } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, startTool, toolEnd } from '../support/tool.ts';
import { assertFailed, assertServerFree, backupArgs, namesIn } from './faults-support.ts';

const pageSize = 16_384;
/** The root of a small table's only index: header, rows, and free space up to the directory. */
const rootPage = 3;
const rootAt = rootPage * pageSize;

/** A server with a small table whose pages are all in its file. */
async function serverWithTable(): Promise<{ server: TestServer; file: string }> {
  const server = await startServer({ name: 'source' });
  await server.query('CREATE DATABASE d');
  await server.query('CREATE TABLE d.t (a INT PRIMARY KEY, b CHAR(20)) ENGINE=InnoDB');
  await server.query("INSERT INTO d.t VALUES (1, 'one'), (2, 'two'), (3, 'three')");
  // On a connection of its own: the lock must go.
  const session = await server.connect();
  await session.query('FLUSH TABLES d.t FOR EXPORT');
  await session.query('UNLOCK TABLES');
  await session.end();
  return { server, file: join(server.datadir, 'd', 't.ibd') };
}

function readRoot(file: string): Buffer {
  const fd = openSync(file, 'r');
  const page = Buffer.alloc(pageSize);
  assert.equal(readSync(fd, page, 0, pageSize, rootAt), pageSize);
  closeSync(fd);
  return page;
}

function writeRoot(file: string, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, rootAt);
  closeSync(fd);
}

/** The page with other bytes where no row is, and the checksum that belongs to them. */
function otherVersion(page: Buffer): Buffer {
  const heapTop = page.readUInt16BE(40);
  assert.ok(heapTop < 1000, 'there is no free space on the page');
  const other = Buffer.from(page);
  other.fill(0x5a, 1000, 1100);
  other.writeUInt32BE(crc32c(other.subarray(0, pageSize - 4)), pageSize - 4);
  return other;
}

describe('a page of the source that is damaged', () => {
  it('ends the backup with status 13, page, place and both checksums, and no backup', async () => {
    const { server, file } = await serverWithTable();
    const page = readRoot(file);
    const bad = Buffer.from(page);
    bad.fill(0xdb, 1000, 1016);
    writeRoot(file, bad);
    const stored = page.readUInt32BE(pageSize - 4);
    const computed = crc32c(bad.subarray(0, pageSize - 4));
    const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
    const spool = scratchDir('tmp');
    for (const target of ['--target-dir', '--to']) {
      const directory = join(scratchDir('target'), 'new');
      const result = await runTool(
        backupArgs(server, `${target}=${directory}`, `--tmpdir=${spool}`),
      );
      const { message, where, hint } = assertFailed(result, 13, 'corrupt-page');
      assert.equal(
        message,
        `${file}: page 3 at byte ${rootAt} is corrupt: checksum ${hex(stored)}, ` +
          `expected ${hex(computed)} (read 11 times)`,
      );
      assert.deepEqual(where, { path: file, offset: rootAt });
      assert.match(hint ?? '', /Keep your older backups/);
      assert.deepEqual(namesIn(directory), []);
    }
    assert.deepEqual(namesIn(spool), []);
    await assertServerFree(server);
    // The source was read and not changed.
    assert.deepEqual(readRoot(file), bad);
    writeRoot(file, page);
    assertDone(await runTool(backupArgs(server, `--to=${scratchDir('good')}`)));
    await server.stop();
  });

  it('is waited for when it is torn and becomes whole again, and comes whole into the backup', async () => {
    const { server, file } = await serverWithTable();
    const page = readRoot(file);
    const other = otherVersion(page);
    const writer = spawn(process.execPath, ['-e', tearing, file, String(rootAt)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    writer.stdin.write(Buffer.concat([page, other]));
    await once(writer.stdout, 'data');
    const directory = join(scratchDir('target'), 'new');
    const child = startTool(backupArgs(server, `--target-dir=${directory}`, '--parallel=1'));
    const ended = toolEnd(child);
    // The tool is at the file, whose page is torn whenever it looks.
    while (!isOpen(child.pid ?? 0, file) && child.exitCode === null) await sleep(1);
    await sleep(150);
    writer.stdin.end();
    assert.deepEqual(await once(writer, 'exit'), [0, null]);
    const { status, stderr } = await ended;
    assert.equal(status, 0, stderr);
    assertDone(await runTool(['prepare', '--no-defaults', directory]));
    const restored = await startServer({ name: 'restored', datadir: directory });
    assert.deepEqual(await checkTables(restored), []);
    await assertSame(server, restored);
    await Promise.all([server.stop(), restored.stop()]);
  });
});

/** Whether the process has the file open. */
function isOpen(pid: number, file: string): boolean {
  try {
    const fds = `/proc/${pid}/fd`;
    return readdirSync(fds).some((fd) => readlinkSync(join(fds, fd)) === file);
  } catch {
    // The descriptor, or the process, is gone.
    return false;
  }
}

/**
 * Writes first halves and second halves of two versions by turns, so that the page is never
 * whole; when its input ends, the newer version is left as a whole.
 */
const tearing = `
const fs = require('fs');
const [path, offset] = process.argv.slice(1);
const [fd, at, half] = [fs.openSync(path, 'r+'), Number(offset), ${pageSize / 2}];
let input = Buffer.alloc(0);
let turn = 0;
process.stdin.on('data', (bytes) => {
  input = Buffer.concat([input, bytes]);
  if (input.length < ${2 * pageSize}) return;
  const [one, two] = [input.subarray(0, ${pageSize}), input.subarray(${pageSize})];
  const torn = [[one, two], [two, one]].map(([a, b]) => Buffer.concat([a.subarray(0, half), b.subarray(half)]));
  const tear = () => fs.writeSync(fd, torn[turn++ % 2], 0, 2 * half, at);
  tear();
  setInterval(tear, 1);
  process.stdout.write('torn');
  process.stdin.on('end', () => {
    fs.writeSync(fd, two, 0, 2 * half, at);
    process.exit(0);
  });
});
`;
