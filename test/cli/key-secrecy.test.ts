import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runTool, startTool } from '../support/tool.ts';

const key = 'never-to-be-seen-by-anybody-else';

describe('a key on the command line', () => {
  it('is not in the arguments that a listing of processes shows, nor in what is said', async () => {
    for (const args of [
      [`--encrypt-key=${key}`],
      ['--encrypt-key', key],
      [`--encrypt_key=${key}`],
    ]) {
      const target = scratchDir('out');
      const tool = startTool(['extract', '-v', '-C', target, '--decrypt', ...args], {
        stdin: 'pipe',
      });
      assert.ok(tool.stderr && tool.stdin && tool.pid !== undefined);
      let said = '';
      tool.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
      // It has read its arguments when it warns, and then waits for the archive.
      const exit = once(tool, 'exit') as Promise<[number]>;
      const ended = exit.then(() => 'ended');
      while (!said.includes('others can see a key')) {
        const next = await Promise.race([once(tool.stderr, 'data'), ended]);
        assert.notEqual(next, 'ended', said);
      }
      const cmdline = readFileSync(`/proc/${tool.pid}/cmdline`, 'latin1');
      assert.ok(!cmdline.includes(key) && cmdline.startsWith('xbpipe'), cmdline);
      for (const task of readdirSync(`/proc/${tool.pid}/task`)) {
        const own = readFileSync(`/proc/${tool.pid}/task/${task}/cmdline`, 'latin1');
        assert.ok(!own.includes(key));
      }
      tool.stdin.end();
      const [status] = await exit;
      assert.equal(status, 30, said);
      assert.ok(!said.includes(key), said);
    }
  });

  it('is in no message when the command is refused, as text or as JSON', async () => {
    for (const args of [
      [`--encrypt-key=${key}`, '--stream'],
      [`--encrypt-key=${key}x`, '--encrypt=AES256'],
      [`--encrypt-key=${key}`, '--encrypt=AES256', `--encrypt-key-file=${key}`],
    ]) {
      for (const more of [[], ['--json']]) {
        const { status, stderr } = await runTool(['backup', '--no-defaults', ...more, ...args]);
        assert.equal(status, 2, stderr);
        assert.ok(!stderr.replaceAll(`--encrypt-key-file=${key}`, '').includes(key), stderr);
      }
    }
  });

  it('is nowhere in the backup that it encrypts, nor in the metadata beside it', async () => {
    const server = await startServer({ name: 'secret' });
    await server.query('CREATE DATABASE v');
    await server.query('CREATE TABLE v.t (k INT) ENGINE=InnoDB');
    const folder = scratchDir('secret-backup');
    const [to, extra, out] = ['to', 'extra', 'out'].map((name) => join(folder, name));
    assert.ok(to && extra && out);
    const { stderr } = assertDone(
      await runTool([
        'backup',
        '--no-defaults',
        '--user=root',
        `--socket=${server.socket}`,
        '--compress',
        '--encrypt=AES256',
        `--encrypt-key=${key}`,
        `--to=${to}`,
        `--extra-lsndir=${extra}`,
      ]),
    );
    assert.ok(!stderr.includes(key), stderr);
    const keyPath = join(folder, 'key');
    writeFileSync(keyPath, key);
    const env = { ...process.env, XBPIPE_ENCRYPT_KEY_FILE: keyPath };
    const extracted = assertDone(
      await runTool(['extract', `--from=${to}`, '-C', out, '--decompress', '--decrypt'], { env }),
    );
    assert.match(extracted.stderr, /written by somebody who has the key/);
    for (const tree of [treeOf(to), treeOf(extra), treeOf(out)]) {
      for (const [path, content] of Object.entries(tree)) assert.ok(!content.includes(key), path);
    }
    const info = Object.entries(treeOf(extra)).find(([path]) => path.endsWith('backup_info'))?.[1];
    assert.match(info ?? '', /--encrypt-key=\.\.\. /);
    await server.stop();
  });
});
