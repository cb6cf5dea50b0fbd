import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runShell } from '../support/tool.ts';
import { assertFailed, assertServerFree, namesIn } from './faults-support.ts';
import { interruptions } from './interruptions.ts';
import { accountArgs, product } from './mysql-faults-support.ts';

describe('a backup of MySQL whose reader stalls', { skip: leftOut(product) }, () => {
  it('ends when the redo that waits for the reader finds no room', async () => {
    const server = await interruptions[product].start();
    const spool = scratchDir('spool');
    const load = startWriting(server);
    // The reader takes a little and then nothing until the tool is gone; no file may grow to 1 MB.
    const script = `
      dir=$1; shift; mkfifo "$dir/wait"
      { (ulimit -f 1000; xbpipe "$@" "--tmpdir=$dir"); failed=$?; echo >"$dir/wait"; exit $failed; } |
        { head -c 1000 >/dev/null; read -r _ <"$dir/wait"; rm "$dir/wait"; }`;
    const result = await runShell(script, spool, ...accountArgs(server));
    await load.stop();
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(message ?? '', /\(redo spool\): .*EFBIG/u);
    assert.deepEqual(namesIn(spool), []);
    await assertServerFree(server);
  });
});

/** A session that writes redo until it is stopped. */
function startWriting(server: TestServer): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    const session = await server.connect();
    for (let n = 0; !stopping.signal.aborted; n++) {
      await session.query('UPDATE d.big_InnoDB SET b = ? WHERE a < 500', [`b${n}`]);
    }
    await session.end();
  };
  const end = run();
  return {
    stop: async () => {
      stopping.abort();
      await end;
    },
  };
}
