// The ways from an archive to a running server, and the proof that it is the source again.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { findProgram } from '../support/programs.ts';
import { assertSame, checkTables, readBinlogInfo, replayBinlog } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runShell } from '../support/tool.ts';

/** Shell commands that bring the archive `$1` back as the data directory `$2`; `$3...`: the stock programs. */
const scripts = {
  'mbstream and mariadb-backup --prepare': `
    mkdir "$2"
    "$4" -x -C "$2" <"$1" && "$5" --no-defaults --prepare --target-dir="$2"`,
  'xbpipe extract and xbpipe prepare': `
    xbpipe extract -C "$2" <"$1" && xbpipe prepare --server-binary "$3" "$2"`,
  'xbpipe restore': `xbpipe restore --server-binary "$3" --datadir "$2" <"$1"`,
} as const;

export type WayBack = keyof typeof scripts;

export const waysBack = Object.keys(scripts) as WayBack[];

/** Makes a data directory of an archive, or says why it cannot. */
export async function bringBack(archive: string, way: WayBack): Promise<string> {
  const datadir = join(scratchDir('back'), 'data');
  const programs = (['mariadbd', 'mbstream', 'mariadb-backup'] as const).map((name) =>
    findProgram(name),
  );
  const { status, stderr } = await runShell(scripts[way], archive, datadir, ...programs);
  assert.equal(status, 0, `${way}: ${stderr.slice(-5000)}`);
  return datadir;
}

/** Starts a server on a restored data directory and holds it against its source, which must be quiet. */
export async function proveSame(
  source: TestServer,
  datadir: string,
  options: { replay: boolean; serverOptions?: readonly string[] },
  more: (target: TestServer) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const target = await startServer({
    name: 'back',
    datadir,
    options: options.serverOptions ?? [],
  });
  assert.deepEqual(await checkTables(target), []);
  if (options.replay) {
    // What follows proves nothing unless there is something to replay.
    await assert.rejects(assertSame(source, target), /differ in/u);
    await replayBinlog(source, target, await readBinlogInfo(datadir));
  }
  await assertSame(source, target);
  await more(target);
  await target.stop();
}

/** Proves every way back from one archive, one after the other. */
export async function proveWaysBack(
  t: TestContext,
  source: TestServer,
  archive: string,
  options: {
    replay: boolean;
    ways?: readonly WayBack[];
    serverOptions?: readonly string[];
    more?: (target: TestServer) => Promise<void>;
  },
): Promise<void> {
  for (const way of options.ways ?? waysBack) {
    await t.test(way, async () => {
      const datadir = await bringBack(archive, way);
      await proveSame(source, datadir, options, options.more);
    });
  }
}
