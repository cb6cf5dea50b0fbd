import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./socket-main.js', import.meta.url));

interface Run {
  child: ChildProcess & {
    stdin: NodeJS.WritableStream;
    stdout: NodeJS.ReadableStream & { destroy(): void };
  };
  /** What it said, and its exit status. */
  end: Promise<{ says: string; status: unknown }>;
}

/** Node gives a child sockets for pipes. */
function start(scenario: string): Run {
  const child = spawn(process.execPath, [main, scenario], { stdio: 'pipe' });
  const end = Promise.all([text(child.stderr), once(child, 'exit')]);
  return { child, end: end.then(([says, [status]]) => ({ says, status: status as unknown })) };
}

describe('SocketSink', () => {
  it('writes everything in order to a reader that takes its time', async () => {
    const { child, end } = start('copy');
    const bytes = await buffer(child.stdout);
    assert.deepEqual(await end, { says: '', status: 0 });
    assert.equal(bytes.length, 50 * 100_001);
    for (let i = 0; i < 50; i += 1) {
      const at = i * 100_001;
      assert.deepEqual([bytes[at], bytes[at + 99_999], bytes[at + 100_000]], [i, i, 255]);
    }
  });

  it('fails when the reader is gone: that write, each one after it, and the close', async () => {
    const { child, end } = start('gone');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stdin.write('go on\n');
    const { says, status } = await end;
    const line = 'standard output: the reader of the pipe is gone (EPIPE in write)\n';
    assert.deepEqual({ says, status }, { says: line.repeat(3), status: 0 });
  });

  it('can be given up while its reader stalls, and the process ends', async () => {
    const { child, end } = start('stalled');
    await once(child.stdout, 'readable');
    child.stdin.write('give up\n');
    const { says, status } = await end;
    assert.deepEqual({ says, status }, { says: 'given up\n', status: 0 });
    child.stdout.destroy();
  });

  it('gives a reader that takes its time a last word when it is given up', async () => {
    const { child, end } = start('lastWord');
    const bytes = await buffer(child.stdout);
    assert.deepEqual(await end, { says: '', status: 0 });
    assert.equal(bytes.length, 1_000_007);
    assert.equal(bytes.subarray(-7).toString(), 'the end');
  });
});
