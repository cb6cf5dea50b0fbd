import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { checkTables } from '../support/proof.ts';
import { findProgram } from '../support/programs.ts';
import { startServer } from '../support/server.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import { copyOf, fakeServer, takeBackup, tryPrepare } from './prepare-support.ts';

let directory: string;

before(async () => {
  const source = await startServer({ name: 'source' });
  const load = await startLoad(source, await createSchema(source, { megabytes: 1 }), {
    pauseMs: 100,
  });
  ({ directory } = await takeBackup(source));
  await load.stop();
  await source.stop();
});

/** The real server, which dies instead of shutting down as often as it is told here. */
const crashing = (times: number): string => `
count=$(($(cat "$0.count" 2>/dev/null || echo 0) + 1))
echo $count >"$0.count"
if [ $count -gt ${times} ]; then exec ${findProgram('mariadbd')} "$@"; fi
trap 'kill -SEGV $server' TERM
${findProgram('mariadbd')} "$@" &
server=$!
wait $server
wait $server`;

describe('a server that crashes in its shutdown after the recovery', () => {
  it('is started once more, and the backup is whole', async () => {
    const files = copyOf(directory);
    const { failure, said } = await tryPrepare(files, fakeServer(crashing(1)).path);
    assert.equal(failure, undefined, said);
    assert.match(said, /crashed in its shutdown \(SIGSEGV\); it was started once more/u);
    const restored = await startServer({ name: 'restored', datadir: files });
    assert.deepEqual(await checkTables(restored), []);
    assert.doesNotMatch(await restored.errorLog(), /crash recovery/u);
    await restored.stop();
  });

  it('fails the restore when it does so again', async () => {
    const { failure } = await tryPrepare(copyOf(directory), fakeServer(crashing(2)).path);
    assert.equal(failure?.code, 'recovery');
    assert.match(failure.message, /crashed in its shutdown \(SIGSEGV\)\n/u);
  });
});
