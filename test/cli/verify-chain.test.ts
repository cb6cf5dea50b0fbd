import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeManifest } from '../../formats/archive-record/index.ts';
import { encodeCheckpoints } from '../../formats/metadata/index.ts';
import { archiveOf, beginOf } from '../chain/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { runTool, type ToolResult } from '../support/tool.ts';

/** A backup with a manifest in a place of its own: a full one, or an increment on the one before. */
function backup(ordinal: number): string {
  const begin = beginOf(ordinal);
  const [toLsn, lastLsn] = [begin.redoStart + 100, begin.redoStart + 200];
  const checkpoints = encodeCheckpoints({
    backupType: ordinal === 0 ? 'full-backuped' : 'incremental',
    fromLsn: BigInt(begin.sinceLsn ?? 0),
    toLsn: BigInt(toLsn),
    lastLsn: BigInt(lastLsn),
    others: [],
  });
  const archive = archiveOf(
    { files: [{ path: 'xtrabackup_checkpoints', bytes: checkpoints }] },
    begin,
  );
  const directory = join(scratchDir(`place${ordinal}`), 'backup');
  mkdirSync(directory);
  writeFileSync(join(directory, 'archive.xbs'), archive);
  const manifest = encodeManifest({
    ...begin,
    toLsn,
    lastLsn,
    finishedAt: begin.startedAt,
    members: 1,
    plainBytes: checkpoints.length,
    objects: [{ name: 'archive.xbs', size: archive.length }],
  });
  writeFileSync(join(directory, 'manifest.json'), manifest);
  return directory;
}

const verify = async (...from: string[]): Promise<ToolResult> =>
  await runTool(['verify', '--no-defaults', ...from.map((one) => `--from=${one}`)]);

describe('verify', () => {
  it('reads the links that are named, wherever they are, once it knows them to fit', async () => {
    const [full, increment] = [backup(0), backup(1)];
    const { status, stderr } = await verify(full, increment);
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      /its chain is there(.*\n)+.*the archive is whole(.*\n)+.*archive is whole/u,
    );
    assert.doesNotMatch(stderr, /warning/iu);
    const other = await verify(increment, full);
    assert.equal(other.status, 40, other.stderr);
    assert.doesNotMatch(other.stderr, /the archive is whole/u);
  });

  it('says of an increment by itself that it is no backup', async () => {
    const increment = backup(1);
    const { status, stderr } = await verify(join(increment, 'archive.xbs'));
    assert.equal(status, 0, stderr);
    assert.match(stderr, /this is an increment on id-0: alone it is no backup/u);
    const full = await verify(join(backup(0), 'archive.xbs'));
    assert.doesNotMatch(full.stderr, /increment/u);
  });

  it('refuses an increment whose manifest names a backup that is not there, unread', async () => {
    const { status, stderr } = await verify(backup(1));
    assert.equal(status, 40, stderr);
    assert.doesNotMatch(stderr, /the archive is whole/u);
  });
});
