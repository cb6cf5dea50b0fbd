import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell, runTool, type ToolResult } from '../support/tool.ts';
import { createSchema, type LoadTable, startLoad } from '../support/workload.ts';
import {
  assertFailed,
  assertServerFree,
  backupArgs,
  namesIn,
  type Told,
} from './faults-support.ts';
import { proveSame, serverOf } from './ways-back.ts';

const run = promisify(execFile);

/** How to get a file system that is full soon: a tmpfs in a mount namespace of its own. */
async function findNamespace(): Promise<string[] | undefined> {
  for (const command of [
    ['unshare', '--mount'],
    ['unshare', '--map-root-user', '--mount'],
  ]) {
    const [program = '', ...args] = command;
    const mount = [...args, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', scratchDir('probe')];
    if (await run(program, mount).catch(() => undefined)) return command;
  }
  return undefined;
}

/**
 * Runs the tool with `$DISK` small and, at the end, what is on it as the last lines of standard
 * error. Where mounting is not allowed, no file may grow large instead, and that looks alike.
 */
async function runOnSmallDisk(
  kilobytes: number,
  script: string,
  args: string[],
): Promise<{ result: ToolResult; left: string[] }> {
  const namespace = await findNamespace();
  const disk = scratchDir('disk');
  const prepare = namespace
    ? `mount -t tmpfs -o size=${kilobytes}k none "$1"`
    : `ulimit -f ${kilobytes}`;
  const inside = `${prepare} || exit 99; DISK=$1; shift; xbpipe() { "$XBPIPE_NODE" "$XBPIPE_MAIN" "$@"; }
    ${script}
    status=$?; echo "LEFT:" >&2; (cd "$DISK" && find . -mindepth 1) >&2; exit $status`;
  const shell = [...(namespace ?? []), 'bash', '-c', '"$script"', 'bash', '"$@"'].join(' ');
  const result = await runShell(
    `script=$1; shift; export XBPIPE_NODE XBPIPE_MAIN; ${shell}`,
    inside,
    disk,
    ...args,
  );
  const [told = '', left = ''] = result.stderr.split('LEFT:\n');
  return { result: { ...result, stderr: told }, left: left.split('\n').filter(Boolean) };
}

/** ENOSPC, or what a limit for files gives. */
const full = /no space left on the device \(ENOSPC in \w+\)|EFBIG/;

function assertFull(result: ToolResult, subject: RegExp): Told {
  const error = assertFailed(result, 20, 'storage');
  assert.match(error.message ?? '', full);
  assert.match(error.message ?? '', subject);
  return error;
}

let server: TestServer;
let tables: LoadTable[];
before(async () => {
  server = await startServer({ name: 'source', options: ['--innodb-log-file-size=96M'] });
  tables = await createSchema(server, { megabytes: 6 });
});

describe('a full disk', () => {
  for (const [target, subject] of [
    ['--target-dir', /^[\w./@-]+: no space|EFBIG/],
    ['--to', /archive\.xbs: no space|EFBIG/],
  ] as const) {
    it(`under ${target} ends the backup with status 20 and leaves nothing of it`, async () => {
      const { result, left } = await runOnSmallDisk(
        4000,
        `xbpipe "$@" "${target}=$DISK/new"`,
        backupArgs(server),
      );
      assertFull(result, subject);
      assert.deepEqual(left, ['./new']);
      await assertServerFree(server);
    });
  }

  it('under a redirected standard output leaves an archive that nobody takes for whole', async () => {
    const extracted = scratchDir('extracted');
    const { result, left } = await runOnSmallDisk(
      4000,
      `out=$1; shift
       xbpipe "$@" >"$DISK/archive.xbs"
       failed=$?
       xbpipe extract --from "$DISK/archive.xbs" -C "$out" 2>/dev/null
       [ $? = 30 ] || exit 98
       (exit $failed)`,
      [extracted, ...backupArgs(server)],
    );
    assertFull(result, /^standard output: /);
    assert.deepEqual(left, ['./archive.xbs']);
    assert.deepEqual(namesIn(extracted), ['xbpipe-partial']);
    await assertServerFree(server);
  });

  it('is met at once where every write fails', async () => {
    const result = await runTool(backupArgs(server), { stdout: openSync('/dev/full', 'w') });
    const { message } = assertFailed(result, 20, 'storage');
    assert.equal(message, 'standard output: no space left on the device (ENOSPC in write)');
    await assertServerFree(server);
  });

  it('under the redo spool ends a backup whose reader stalls, and names the spool', async () => {
    const load = await startLoad(server, tables);
    const { result, left } = await runOnSmallDisk(
      1000,
      // The reader takes a little and then nothing until the tool is gone.
      `mkfifo "$DISK/pipe" "$DISK/wait"
       { head -c 1000 >/dev/null; read -r _ <"$DISK/wait"; } <"$DISK/pipe" &
       xbpipe "$@" "--tmpdir=$DISK" >"$DISK/pipe"
       failed=$?
       echo done >"$DISK/wait"
       wait
       rm "$DISK/pipe" "$DISK/wait"
       (exit $failed)`,
      backupArgs(server),
    );
    await load.stop();
    assertFull(result, /\/\d+-disk \(redo spool\): /);
    assert.deepEqual(left, []);
    await assertServerFree(server);
  });

  it('or any other reason why a target cannot be made ends the backup the same way', async () => {
    const directory = join('/dev/null', 'backup');
    const result = await runTool(backupArgs(server, `--target-dir=${directory}`));
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(message ?? '', /\/dev\/null\/backup/);
    assert.deepEqual(namesIn(directory), []);
    await assertServerFree(server);
  });
});

describe('a full disk under an increment', () => {
  let parent: string;
  before(async () => {
    // The redo of the parent is thrown away, which would make room.
    await server.query('SET GLOBAL innodb_log_checkpoint_now = ON');
    parent = join(scratchDir('parent'), 'full');
    assertDone(await runTool(backupArgs(server, `--to=${parent}`)));
    await server.query('CREATE TABLE load_main.more (id INT PRIMARY KEY, s VARCHAR(1000))');
    await server.query(
      "INSERT INTO load_main.more SELECT seq, REPEAT('x', 1000) FROM load_main.seq_1_to_8000",
    );
    await server.query('SET GLOBAL innodb_log_checkpoint_now = ON');
  });

  it('ends it with status 20 and leaves nothing of it, and its parent as good', async () => {
    const args = backupArgs(server, `--incremental-base=${parent}`);
    const { result, left } = await runOnSmallDisk(4000, 'xbpipe "$@" "--to=$DISK/new"', args);
    assertFull(result, /archive\.xbs: no space|EFBIG/);
    assert.deepEqual(left, ['./new']);
    await assertServerFree(server);
    assertDone(await runTool(['verify', '--no-defaults', `--from=${parent}`]));
  });

  it('that is being laid over its parent ends that, and with more room it goes on', async (t) => {
    if (!(await findNamespace())) {
      t.skip('needs a file system of its own');
      return;
    }
    const increment = join(scratchDir('increment'), 'new');
    const args = [`--to=${increment}`, `--incremental-base=${parent}`];
    assertDone(await runTool(backupArgs(server, ...args)));
    const [base, changes, out] = [scratchDir('base'), scratchDir('changes'), scratchDir('out')];
    for (const [from, into] of [
      [parent, base],
      [increment, changes],
    ] as const) {
      assertDone(await runTool(['extract', '--no-defaults', `--from=${from}`, '-C', into]));
    }
    const { stdout: used } = await run('du', ['-sk', base]);
    const { result } = await runOnSmallDisk(
      Number.parseInt(used, 10) + 2000,
      `base=$1; out=$2; shift 2
       cp -a "$base" "$DISK/data" || exit 97
       xbpipe "$@" "$DISK/data"
       failed=$?
       mount -o remount,size=1g "$DISK"
       xbpipe "$@" "$DISK/data" 2>"$out/said" && cp -a "$DISK/data" "$out" || { cat "$out/said" >&2; exit 98; }
       (exit $failed)`,
      [
        base,
        out,
        'prepare',
        '--no-defaults',
        '--json',
        `--incremental-dir=${changes}`,
        '--server-binary',
        serverOf(server.product),
      ],
    );
    assertFull(result, /: no space/);
    await proveSame(server, join(out, 'data'), { replay: false });
  });
});

describe('a target that holds something', () => {
  it('is refused and left as it is', async () => {
    const directory = scratchDir('target');
    const kept = join(directory, 'kept');
    await run('cp', ['/etc/hostname', kept]);
    for (const target of ['--target-dir', '--to']) {
      const result = await runTool(backupArgs(server, `${target}=${directory}`));
      const { message } = assertFailed(result, 20, 'storage');
      assert.match(message ?? '', /is not empty \(it holds kept\)/);
      assert.deepEqual(namesIn(directory), ['kept']);
    }
    await assertServerFree(server);
  });
});
