// A chain of which one link was altered where it lies.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { numbersPerChunk } from '../../formats/archive-record/index.ts';
import { openLink } from '../../src/chain/open-link.ts';
import { ArchiveObjects } from '../../src/source/archive-objects.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { assertFailed, backupArgs } from './faults-support.ts';
import { settle } from './increment-support.ts';
import { proveSame, serverOf } from './ways-back.ts';

const product = 'mariadb-10.11';

/** Where the middle of the payload of this member's last chunk lies in the archive. */
async function insideOf(archive: string, member: string): Promise<number> {
  const objects = await ArchiveObjects.open(new FileStore('/'), [{ key: archive.slice(1) }]);
  const { members } = await openLink({ archive: objects }, undefined);
  const { chunks = [] } = members.find(({ path }) => path === member) ?? {};
  const [offset = 0, length = 0] = chunks.slice(-numbersPerChunk);
  assert.ok(length > 0);
  // The header of the chunk is far shorter than what a page has before its middle.
  return offset + Math.floor(length / 2);
}

describe('a chain with an altered link', { skip: leftOut(product) }, () => {
  it('is not restored, and is once the link is mended', async () => {
    const source = await startServer({ name: 'source', product });
    await source.query('CREATE DATABASE d');
    await source.query('CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(500)) ENGINE=InnoDB');
    const rows = "SELECT seq, REPEAT('x', 400) FROM d.seq";
    await source.query(`INSERT INTO d.t ${rows}_1_to_5000`);
    const place = scratchDir('links');
    const take = async (name: string, ...parent: string[]): Promise<string> => {
      const to = join(place, name);
      await settle(source);
      assertDone(await runTool(backupArgs(source, `--to=${to}`, ...parent)));
      return to;
    };
    const full = await take('full');
    await source.query("UPDATE d.t SET s = REPEAT('y', 400) WHERE id % 100 = 0");
    const first = await take('first', `--incremental-base=${full}`);
    await source.query("UPDATE d.t SET s = REPEAT('z', 400) WHERE id = 1");
    const second = await take('second', `--incremental-base=${first}`);

    const archive = join(first, 'archive.xbs');
    const bytes = readFileSync(archive);
    const at = await insideOf(archive, 'd/t.ibd.delta');
    const flip = (): void => {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(archive, bytes);
    };
    const datadir = join(scratchDir('restored'), 'data');
    const restore = ['restore', '--no-defaults', '--server-binary', serverOf(product)];
    const args = [...restore, `--from=${second}`, `--datadir=${datadir}`];

    flip();
    const told = assertFailed(await runTool([...args, '--json']), 31, 'corrupt');
    assert.match(told.message ?? '', /d\/t\.ibd\.delta/u);
    assert.deepEqual(readdirSync(datadir), ['xbpipe-partial']);

    flip();
    const again = assertFailed(await runTool([...args, '--json']), 20, 'storage');
    assert.match(again.hint ?? '', /remove it, then try again/u);
    rmSync(join(datadir, 'xbpipe-partial'), { recursive: true });
    assertDone(await runTool(args));
    await proveSame(source, datadir, { replay: false });
  });
});
