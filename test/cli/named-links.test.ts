import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { archiveOf, beginOf, page0 } from '../chain/support.ts';
import { fakeServer } from '../restore/prepare-support.ts';
import { scratchDir } from '../support/scratch.ts';
import { runTool, startTool, toolEnd } from '../support/tool.ts';
import { text } from 'node:stream/consumers';

/** `--from` of a full backup and an increment on it, both archives by themselves. */
function chain(): string[] {
  const place = scratchDir('links');
  const path = 'db/t.ibd';
  const delta = { fileSize: 1024, pages: new Map([[0, page0(5, 'b')]]) };
  const links = [
    { files: [{ path, spaceId: 5, bytes: page0(5, 'a') }] },
    { files: [{ path, spaceId: 5, delta }] },
  ];
  return links.map((link, ordinal) => {
    const file = join(place, `link${ordinal}.xbs`);
    writeFileSync(file, archiveOf(link, beginOf(ordinal)));
    return `--from=${file}`;
  });
}

describe('a chain', () => {
  it('is named link by link in the preview of its restore', async () => {
    const datadir = join(scratchDir('restored'), 'data');
    const server = fakeServer('exit 1').path;
    const args = ['restore', '--no-defaults', '--preview', `--server-binary=${server}`];
    const child = startTool([...args, `--datadir=${datadir}`, ...chain()], { stdout: 'pipe' });
    const [{ status, stderr }, shown] = await Promise.all([
      toolEnd(child),
      text(child.stdout ?? assert.fail()),
    ]);
    assert.equal(status, 0, stderr);
    assert.match(shown, /link 1 .*link0\.xbs: id-0, LSN 46000/u);
    assert.match(shown, /link 2 .*link1\.xbs: id-1, LSN 47000/u);
  });

  it('is named link by link when it is restored', async () => {
    const datadir = join(scratchDir('restored'), 'data');
    const server = fakeServer('exit 1').path;
    const args = ['restore', '--no-defaults', `--server-binary=${server}`, ...chain()];
    const { stderr } = await runTool([...args, `--datadir=${datadir}`]);
    assert.match(stderr, /link0\.xbs \(id-0\): \d+ bytes are read\n.*link1\.xbs \(id-1\)/u);
  });

  it('is not laid together for a merge that has nowhere to go', async () => {
    const [target, tmpdir] = [scratchDir('target'), scratchDir('laid')];
    mkdirSync(join(target, 'something'));
    const args = ['merge', '--no-defaults', `--to=${target}`, `--tmpdir=${tmpdir}`, ...chain()];
    const { status, stderr } = await runTool(args);
    assert.equal(status, 20, stderr);
    assert.match(stderr, /is not empty/u);
    assert.deepEqual(readdirSync(tmpdir), []);
  });
});
